FROM node:20-alpine
RUN echo '<<EOF'
ADD http://127.0.0.1/ /x
EOF
