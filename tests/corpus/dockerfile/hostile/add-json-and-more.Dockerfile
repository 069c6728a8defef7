FROM node:20-alpine
ADD ["http://127.0.0.1/", "/x"] x
