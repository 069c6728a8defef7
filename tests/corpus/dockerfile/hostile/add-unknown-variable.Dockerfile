FROM node:20-alpine
ADD $SOMETHING /x
