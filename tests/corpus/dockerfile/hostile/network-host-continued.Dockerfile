FROM node:20-alpine
RUN \
# why not

  --network=host true
