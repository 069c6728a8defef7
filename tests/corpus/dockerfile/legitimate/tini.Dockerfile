FROM node:20-alpine
RUN apk add --no-cache tini
ENTRYPOINT ["/sbin/tini", "--"]
STOPSIGNAL SIGTERM
CMD ["node", "a.js"]
