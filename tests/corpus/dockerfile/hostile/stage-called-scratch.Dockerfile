FROM node:20-alpine AS scratch
FROM scratch
