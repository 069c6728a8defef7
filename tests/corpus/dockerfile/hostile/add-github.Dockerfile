FROM node:20-alpine
ADD github.com/x/y /x
