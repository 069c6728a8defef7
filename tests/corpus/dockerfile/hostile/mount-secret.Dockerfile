FROM node:20-alpine
RUN --mount=type=secret,id=aws cat /run/secrets/aws
