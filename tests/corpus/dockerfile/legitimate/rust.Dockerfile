FROM rust:1.80 AS b
WORKDIR /s
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked cargo build --release
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 # the lists are of no use
 && rm -rf /var/lib/apt/lists/*
COPY --from=b /s/target/release/worker /usr/local/bin/
CMD ["worker"]
