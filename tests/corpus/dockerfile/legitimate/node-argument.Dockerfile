ARG NODE_VERSION=20
FROM node:${NODE_VERSION}-alpine
ARG NODE_ENV=production
ENV NODE_ENV=$NODE_ENV
WORKDIR /usr/src/app
COPY . .
CMD npm start
