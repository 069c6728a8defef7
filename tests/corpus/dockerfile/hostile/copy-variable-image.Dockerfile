FROM node:20-alpine
ARG I=evil/x
COPY --from=$I / /
