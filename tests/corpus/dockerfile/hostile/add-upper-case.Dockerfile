FROM node:20-alpine
ADD HTTP://127.0.0.1/ /x
