FROM node:20-alpine
RUN --mount=type=cache,type=secret,target=/x true
