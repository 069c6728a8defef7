"""Pulled images: found by the digest that the first pull recorded, or pulled by digest, never by a moving tag."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests.exceptions

from grader import locks, paths
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.catalogue import ImageName

# A registry that has not said by then what a tag means does not answer here, seconds.
ANSWER_S = 10.0


@functools.cache
def _silent_registries(engine: str) -> set[str]:
    """Return the registries that did not answer the engine at this address, remembered while the process lives."""
    del engine  # it is the key
    return set()


class Puller:
    """Pulls on one engine; a registry that does not answer is asked once."""

    def __init__(self, engine: docker.DockerClient, *, on_progress: Callable[[Text], None]) -> None:
        self._engine = engine
        self._tell = on_progress
        self._silent = _silent_registries(engine.api.base_url)
        self.reasons: dict[str, str] = {}

    def present(self, name: ImageName) -> str | None:
        """Return the reference by digest ("rabbitmq@sha256:…") of an image that is on the engine, else None.

        Looked for are the recorded digest and, when the user has pulled the tag, the digest that it came with; an image
        that was only built or tagged here under an upstream name has none and never counts.
        """
        recorded = f"{name.path}@{name.digest}" if name.digest else _read().get(str(name))
        if recorded and self._inspect(recorded):
            return recorded
        if name.digest:
            return None
        digests = self._inspect(str(name)).get("RepoDigests") or []
        for candidate in digests:
            path, _, digest = str(candidate).partition("@")
            if path == name.path:
                _record(str(name), f"{path}@{digest}")
                return f"{path}@{digest}"
        return None

    def pull(self, name: ImageName) -> str | None:
        """Pull an image and return its reference by digest, or None; `reasons` then says why, by name."""
        registry = _registry(name.path)
        if registry in self._silent:
            self.reasons.setdefault(str(name), "the registry does not answer")
            return None
        digest = name.digest or self._ask(name, registry)
        if digest is None:
            return None
        self._tell(msg("Pulling %(name)s", name=str(name)))
        reference = f"{name.path}@{digest}"
        try:
            for line in self._engine.api.pull(name.path, tag=digest, stream=True, decode=True):
                if "error" in line:
                    self.reasons[str(name)] = str(line["error"])
                    return None
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            self.reasons[str(name)] = str(error)
            return None
        _record(str(name), reference)
        return reference

    def _ask(self, name: ImageName, registry: str) -> str | None:
        """Ask the registry, through the engine, which digest a tag has now; one that does not answer is remembered."""
        answer: dict[str, Any] = {}
        reason = "the registry does not answer"
        refused = False

        def ask() -> None:
            nonlocal reason, refused
            try:
                answer.update(self._engine.images.get_registry_data(str(name)).attrs)
            except docker.errors.APIError as error:
                reason = str(error.explanation or error)
                # The registry itself said no; anything else is the way to it.
                refused = any(word in reason for word in ("denied", "manifest unknown", "not found", "toomanyrequests"))
            except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
                reason = str(error)

        # The engine has no deadline of its own for this, and a thread of ours may be left behind.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(ANSWER_S)
        digest = (answer.get("Descriptor") or {}).get("digest")
        if digest:
            return str(digest)
        self.reasons[str(name)] = reason
        if not refused:
            self._silent.add(registry)
        return None

    def _inspect(self, reference: str) -> dict[str, Any]:
        with contextlib.suppress(docker.errors.ImageNotFound):
            return dict(self._engine.images.get(reference).attrs)
        return {}


def _registry(path: str) -> str:
    host, slash, _ = path.partition("/")
    return host if slash and ("." in host or ":" in host) else ""


def _file() -> Path:
    return paths.cache() / "images.lock.json"


def _read() -> dict[str, str]:
    try:
        data = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _record(name: str, reference: str) -> None:
    with locks.exclusive("images.lock.json"):
        data = _read()
        if data.get(name) == reference:
            return
        data[name] = reference
        new = _file().with_suffix(".new")
        new.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")
        new.replace(_file())
