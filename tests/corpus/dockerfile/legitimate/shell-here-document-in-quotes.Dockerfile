FROM python:3.13-slim
RUN bash -c "cat <<EOF"
RUN wc <<< "x" || true
CMD ["python"]
