FROM node:20-alpine AS a
WORKDIR /
FROM a
WORKDIR proc/self
