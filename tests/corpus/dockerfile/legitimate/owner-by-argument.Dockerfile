FROM node:20-alpine
ARG UID=1000
ARG GID=1000
COPY --chown=$UID:$GID . /app
WORKDIR /app
USER ${UID}:${GID}
CMD ["node", "."]
