# The grader as an image. It starts submissions on the engine that it is given (a mounted socket, or DOCKER_HOST), never
# inside of its own container. How it is run, and why it needs the host's network: docs/administrator.md
ARG BASE=python:3.13-slim

FROM ${BASE}
# git reads submissions by address and git bundles; an empty PACKAGES leaves these out.
ARG PACKAGES="ca-certificates git"
RUN if [ -n "${PACKAGES}" ]; then \
      apt-get update && apt-get install -y --no-install-recommends ${PACKAGES} && rm -rf /var/lib/apt/lists/*; \
    fi
# Whoever it is run as (--user) may write the cache; the user of its own has no rights on the host.
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent grader \
 && mkdir -p /work /var/cache/grader && chmod 1777 /work /var/cache/grader \
 && python -m venv --without-pip /opt/grader
WORKDIR /opt/grader/src
COPY requirements/run.lock requirements/compose.lock requirements/
RUN python -m pip --python /opt/grader install --no-cache-dir --require-hashes -r requirements/run.lock \
 && python -m pip --python /opt/grader install --no-cache-dir --require-hashes --no-deps -r requirements/compose.lock
COPY . .
RUN python -m pip --python /opt/grader install --no-cache-dir --no-deps .
ENV PATH=/opt/grader/bin:$PATH GRADER_CACHE=/var/cache/grader HOME=/var/cache/grader PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["grader"]
CMD ["--help"]
