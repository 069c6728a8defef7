FROM node:20-alpine
RUN --mount=type=ssh git clone git@example.org:x
