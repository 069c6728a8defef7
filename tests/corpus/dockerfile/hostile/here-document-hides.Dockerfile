FROM node:20-alpine
RUN cat <<EOF
x
EOF 
ADD http://127.0.0.1/ /x
