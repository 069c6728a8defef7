FROM node:20-alpine
RUN apk add --no-cache curl
COPY . /app
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=5 CMD curl -f http://localhost:3000/health || exit 1
CMD ["node","/app"]
