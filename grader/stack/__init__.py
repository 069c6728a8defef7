"""A submission's stack in Docker: networks, gateway, Compose, containers, readiness, teardown; not assignments."""
