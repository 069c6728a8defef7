# syntax=docker/dockerfile:1.4
FROM python:3.13-slim
RUN <<EOF
set -e
pip install pika
EOF
COPY <<'EOF' /app/start.sh
#!/bin/sh
exec python "$@"
EOF
CMD ["sh", "/app/start.sh"]
