"""Pulled images: found by the digest that the first pull recorded, or pulled by digest, never by a moving tag."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from typing import TYPE_CHECKING, Any

import docker
import docker.auth
import docker.errors
import requests.exceptions

from grader import locks, paths
from grader.images.failures import Failure, understood
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.catalogue import ImageName
    from grader.images.budget import Budget

# A registry that has not said by then what a tag means does not answer here, seconds.
ANSWER_S = 10.0
# A pull of which nothing is heard for so long has stopped, seconds.
STALLED_S = 120.0
_NOBODY: dict[str, str] = {}


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
        self.failures: dict[str, Failure] = {}

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

    def pull(self, name: ImageName, *, login: bool, budget: Budget | None = None) -> str | None:
        """Pull an image and return its reference by digest, or None; `failures` then says why, by name.

        login: with the user's own for that registry, if there is one. What a submission names is pulled without: it
        must not open what is private to whoever grades. budget: how large it may be.
        """
        registry = _registry(name.path)
        if registry in self._silent:
            self.failures.setdefault(str(name), Failure("silent"))
            return None
        auth = None if login else _NOBODY
        digest = name.digest or self._ask(name, registry, auth)
        if digest is None:
            return None
        self._tell(msg("Pulling %(name)s", name=str(name)))
        reference = f"{name.path}@{digest}"
        failure = self._fetch(name.path, digest, auth, budget)
        if failure is None and budget and int(self._inspect(reference).get("Size", 0)) > budget.most:
            with contextlib.suppress(docker.errors.APIError):  # somebody uses it
                self._engine.images.remove(reference)
            failure = Failure("too-large")
        if failure:
            self.failures[str(name)] = failure
            return None
        _record(str(name), reference)
        return reference

    def _fetch(self, path: str, digest: str, auth: dict[str, str] | None, budget: Budget | None) -> Failure | None:
        """Have the engine fetch an image; ended early, it stops fetching. Return what went wrong."""
        api: Any = self._engine.api  # the SDK's own `pull` has no deadline, and leaves the end to the collector
        registry, _ = docker.auth.resolve_repository_name(path)
        header = docker.auth.get_config_header(api, registry) if auth is None else docker.auth.encode_header(auth)
        try:
            with api._post(
                api._url("/images/create"),
                params={"fromImage": path, "tag": digest},
                headers={"X-Registry-Auth": header} if header else {},
                stream=True,
                timeout=STALLED_S,
            ) as response:
                api._raise_for_status(response)
                for line in api._stream_helper(response, decode=True):
                    if "error" in line:
                        return understood(str(line["error"]))
                    if budget and (failure := budget.broken_by(line)):
                        return failure
        except docker.errors.APIError as error:
            return understood(str(error.explanation or error))
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            return Failure("silent", str(error))
        return None

    def _ask(self, name: ImageName, registry: str, auth: dict[str, str] | None) -> str | None:
        """Ask the registry, through the engine, which digest a tag has now; one that does not answer is remembered."""
        answer: dict[str, Any] = {}
        failure = Failure("silent")

        def ask() -> None:
            nonlocal failure
            try:
                answer.update(self._engine.images.get_registry_data(str(name), auth_config=auth).attrs)
            except docker.errors.APIError as error:
                failure = understood(str(error.explanation or error))
            except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
                failure = Failure("silent", str(error))

        # The engine has no deadline of its own for this, and a thread of ours may be left behind.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(ANSWER_S)
        digest = (answer.get("Descriptor") or {}).get("digest")
        if digest:
            return str(digest)
        self.failures[str(name)] = failure
        if failure.kind == "silent":
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
