"""What an image brings along that nobody has judged: its configuration, as whoever made it has written it."""

from __future__ import annotations

import msgspec


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """A health check of an image; seconds, 0 where it says nothing."""

    interval: float = 0.0
    timeout: float = 0.0


class PulledImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that was pulled from outside of the catalogue.

    size: bytes, unpacked. env: NAME=value. ports: "8080/tcp". folder: where its programs start. shell: what its
    Dockerfile's commands are run by. triggers: instructions that it adds to whatever is built on it (ONBUILD).
    health: None where it has no check.
    """

    name: str
    size: int = 0
    env: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    user: str = ""
    folder: str = ""
    shell: tuple[str, ...] = ()
    stop_signal: str = ""
    labels: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    health: Health | None = None
