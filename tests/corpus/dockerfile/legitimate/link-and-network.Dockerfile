FROM node:20-alpine
COPY --link . /app
RUN --network=none node --check /app/a.js
CMD ["node","/app/a.js"]
