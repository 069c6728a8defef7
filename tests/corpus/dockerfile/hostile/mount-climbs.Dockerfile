FROM node:20-alpine
RUN --mount=type=bind,source=../../etc,target=/x true
