FROM python:3.13-slim
COPY ["mi archivo.txt", "/app/"]
CMD ["python"]
