FROM node:20-alpine
RUN <<EOF
true
