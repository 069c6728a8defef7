FROM node:20-alpine
RUN --"network"=host true
