FROM node:20-alpine
RUN --device=vendor/class=all true
