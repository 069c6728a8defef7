"""The one normal form of an image's name."""

from __future__ import annotations

import re

import msgspec

from grader.policy import registries

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>[A-Za-z0-9.\-]+(?::[0-9]+)?|\[[0-9a-fA-F:.]+\](?::[0-9]+)?)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?\Z"
)


class Image(msgspec.Struct, frozen=True):
    """A parsed name: host ("" for Docker's own), path without "library/", tag, digest."""

    host: str
    path: str
    tag: str
    digest: str

    @property
    def upstream(self) -> str:
        """The name without tag and digest, as the catalogue and contracts write it."""
        return f"{self.host}/{self.path}" if self.host else self.path

    @property
    def name(self) -> str:
        """The normal form: upstream, tag (latest unless said) and digest."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.upstream}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse(name: str) -> Image | None:
    """Return the parsed name, or None if it is no well-formed reference."""
    match = _REFERENCE.match(name) if len(name) <= 300 else None
    if not match:
        return None
    host, path = match["host"] or "", match["path"]
    if host and not ("." in host or ":" in host or host == "localhost"):
        host, path = "", f"{host}/{path}"
        if host != host.lower() or path != path.lower():
            return None
    host = host.lower()
    if host in registries.DOCKER_HUB:  # what a name without a host means
        host = ""
    if not host:
        path = path.removeprefix("library/")
    tag = match["tag"] or ("" if match["digest"] else "latest")
    return Image(host, path, tag, match["digest"] or "")
