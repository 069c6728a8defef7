FROM node:20-alpine
RUN --network=host curl http://127.0.0.1:2375
