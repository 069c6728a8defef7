FROM golang:1.22-alpine
WORKDIR /src
RUN --mount=type=cache,target=/go/pkg/mod/ --mount=type=bind,target=. go build -o /bin/server .
COPY --chmod=+x run.sh /run.sh
EXPOSE 80/tcp 8000-8005
