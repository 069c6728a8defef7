FROM node:20-alpine
RUN true \\
ADD http://127.0.0.1/ /x
