FROM node:20-alpine
WORKDIR /pr${NOTHING}oc/self
