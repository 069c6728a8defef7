FROM node:20-alpine
ADD ht\tp://127.0.0.1/ /x
