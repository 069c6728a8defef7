FROM golang:1.22-alpine AS build
WORKDIR /app
COPY . .
RUN go build -ldflags "-s -w" -o main .
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /app/main /
USER nonroot:nonroot
CMD ["/main"]
