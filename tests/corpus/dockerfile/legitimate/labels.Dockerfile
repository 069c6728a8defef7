FROM node:20-alpine
LABEL maintainer="Ana <ana@example.org>" \
      version="1.0"
MAINTAINER Ana
COPY . .
CMD ["node", "a.js"]
