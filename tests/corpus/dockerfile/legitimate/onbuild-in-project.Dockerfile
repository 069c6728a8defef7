FROM node:20-alpine AS base
ONBUILD COPY . /app
ONBUILD RUN npm ci
FROM base
CMD ["node", "/app"]
