FROM node:20-alpine
WORKDIR /pr\oc/self/fd/8
