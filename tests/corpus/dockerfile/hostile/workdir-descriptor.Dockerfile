FROM node:20-alpine
WORKDIR /proc/self/fd/8
