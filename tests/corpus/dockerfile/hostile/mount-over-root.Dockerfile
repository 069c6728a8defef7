FROM node:20-alpine
RUN --mount=type=bind,source=.,target=/ true
