"""Names of images: one normal form, and which of them lead to a registry that anybody can look at."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.policy.image import parse
from grader.policy.image_names import forbidden

D = "sha256:" + "a" * 64
SAME = [
    ("redis", "redis:latest"), ("docker.io/library/redis:7", "redis:7"), ("docker.io/redis:7", "redis:7"),
    ("index.docker.io/library/redis:7", "redis:7"), ("registry-1.docker.io/bitnami/kafka:3", "bitnami/kafka:3"),
    ("Docker.IO/redis:7", "redis:7"), ("GHCR.io/a/b:1", "ghcr.io/a/b:1"), (f"redis@{D}", f"redis@{D}"),
    (f"redis:7@{D}", f"redis:7@{D}"), ("quay.io/a/b", "quay.io/a/b:latest"), ("confluentinc/cp-kafka:7.6.0",) * 2,
    ("mcr.microsoft.com/dotnet/sdk:8.0",) * 2, ("public.ecr.aws/docker/library/node:20",) * 2,
    ("docker.redpanda.com/redpandadata/redpanda:v24.1.1",) * 2,
]  # fmt: skip
NOT = [
    "127.0.0.1/x", "127.1/x.y", "2130706433.1/x", "0x7f.1/x", "0177.0.0.1/x", "[::1]/x", "[::1]:5000/x", "localhost/x",
    "LOCALHOST/x", "localhost:5000/x", "ghcr.io:443/a/b", "docker.io:443/x", "docker.io./x", "ghcr.io./a/b",
    "evil.com/x",
    "ghcr.io.evil.com/a/b", "evil-ghcr.io/x", "xn--ghcr-9za.io/x", "user@ghcr.io/x", "u:p@ghcr.io/x", "ghcr.io:x/y",
    "grader.local/build/x:run", "metadata.google.internal/x", "sha256:" + "a" * 64, "sha256", "a" * 64, "deadbeef",
    f"redis@{D[:-1]}", "redis@md5:" + "a" * 32, "redis:$TAG", "redis:", "Redis", "a" * 301, "redis:٣", "ghcr.io:٣/x",
    "\u017fedis", "http://x/y", "../x", "/x", "x/", "", " redis", "redis\n", "redis:7 x", "a//b", "grader/api",
    "grader-1-2-api",
    "docker.io/grader/x", "host.docker.internal/x", "registry/x:1@", "-x", "x:-y",
]  # fmt: skip


@pytest.mark.parametrize(("written", "normal"), SAME)
def test_a_name_has_one_form(written: str, normal: str) -> None:
    """Whatever way it is written, and read again it stays."""
    image = parse(written)
    assert image
    assert image.name == normal
    assert forbidden(image, written) is None
    assert parse(image.name) == image


@pytest.mark.parametrize("written", NOT)
def test_a_name_that_leads_elsewhere_is_not_taken(written: str) -> None:
    """To this machine, to an address, or to an image by its id."""
    image = parse(written)
    assert image is None or forbidden(image, written) is not None


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab.:/@-_019X[]", max_size=320))
def test_any_name_is_read_or_not(written: str) -> None:
    """What is read is in its normal form."""
    image = parse(written)
    if image:
        assert parse(image.name) == image
