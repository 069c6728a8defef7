FROM python:3.13-slim
ADD data.tar.gz /data/
ADD . /app
CMD ["python", "/app/a.py"]
