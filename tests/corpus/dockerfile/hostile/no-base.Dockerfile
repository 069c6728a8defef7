RUN true
FROM node:20-alpine
