FROM node:20-alpine
ADD git@github.com:x/y.git /x
