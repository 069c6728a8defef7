FROM node:20-alpine
HEALTHCHECK --privileged CMD x
