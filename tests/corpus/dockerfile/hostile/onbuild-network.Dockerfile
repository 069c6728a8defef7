FROM node:20-alpine
ONBUILD RUN --network=host true
