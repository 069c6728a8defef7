FROM python:3.13-slim
COPY --chmod=755 wait-for-it.sh /usr/local/bin/wait-for-it
COPY app.py /
ENTRYPOINT ["wait-for-it", "rabbitmq:5672", "--", "python", "/app.py"]
