"""The public registries: the one list of hosts that an image may come from.

A host is here if its name leads to public addresses, and a vendor, foundation or large project runs it so that anybody
on the internet can pull from it. What lies elsewhere may be a machine of anybody's, or of the instructor's own network.
Docker Hub, official images and named ones, is what a name without a host means. Images of submissions are pulled
without anybody's login, so what needs an account on one of these hosts is not there.
"""

from __future__ import annotations

import re
from typing import Final

DOCKER_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
# Images that languages, their build tools and their frameworks publish themselves: .NET and PowerShell (Microsoft), uv,
# Bun, Deno, Swift and most newer ones (GitHub), distroless and Bazel (Google), Quarkus, GraalVM (Red Hat, Oracle), Perl
# and copies of Docker Hub's official images (Amazon), minimal bases (Chainguard).
_LANGUAGES = frozenset({
    "asia-docker.pkg.dev", "cgr.dev", "container-registry.oracle.com", "eu.gcr.io", "europe-docker.pkg.dev", "gcr.io",
    "ghcr.io", "icr.io", "lscr.io", "mcr.microsoft.com", "mirror.gcr.io", "nvcr.io", "public.ecr.aws", "quay.io",
    "us-docker.pkg.dev", "us.gcr.io",
})  # fmt: skip
# Forges, on which projects of any language publish.
_FORGES = frozenset(
    {"code.forgejo.org", "codeberg.org", "docker.gitea.com", "docker.pkg.github.com", "registry.gitlab.com"}
)
# Distributions, as bases.
_DISTRIBUTIONS = frozenset({
    "registry.access.redhat.com", "registry.connect.redhat.com", "registry.fedoraproject.org", "registry.opensuse.org",
    "registry.redhat.io", "registry.suse.com",
})  # fmt: skip
# What students put beside their brokers: their makers' own hosts.
_PRODUCTS = frozenset({
    "cr.fluentbit.io", "cr.weaviate.io", "docker.dragonflydb.io", "docker.elastic.co", "docker.n8n.io",
    "docker.redpanda.com", "docker.vectorized.io", "k8s.gcr.io", "registry.developers.crunchydata.com",
    "registry.k8s.io",
})  # fmt: skip
_PUBLIC = _LANGUAGES | _FORGES | _DISTRIBUTIONS | _PRODUCTS
# The same registries by region.
_REGIONAL = re.compile(
    r"[a-z]+-[a-z]+[0-9]-docker\.pkg\.dev|registry\.[a-z]+-[a-z]+(?:-[0-9])?\.aliyuncs\.com|[a-z]+\.ocir\.io"
)


def public(host: str) -> bool:
    """Say whether a host, in lower case and without a port, is one of the public registries ("" is Docker Hub)."""
    return not host or host in DOCKER_HUB or host in _PUBLIC or _REGIONAL.fullmatch(host) is not None
