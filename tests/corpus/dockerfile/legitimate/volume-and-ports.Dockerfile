FROM python:3.13-slim
VOLUME /data
VOLUME ["/var/log", "/cache"]
EXPOSE 8000 9000/udp
CMD ["python"]
