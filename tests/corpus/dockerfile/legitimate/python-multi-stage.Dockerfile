FROM python:3.12-slim AS base
FROM base AS builder
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt ./
RUN pip install -r requirements.txt
FROM base AS runtime
COPY --from=builder /venv /venv
ENV PATH="/venv/bin:${PATH}"
WORKDIR /app
COPY . .
CMD ["python","app.py"]
