FROM node:22 AS build
WORKDIR /src
COPY package.json tsconfig.json ./
COPY src ./src
RUN npm i && npm run build

FROM node:22-slim
COPY --from=build --chown=node:node /src/dist /app
USER node
ENTRYPOINT ["node"]
CMD ["/app/main.js"]
