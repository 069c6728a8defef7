"""Which Docker engine the user means, found as the Docker CLI finds it, and a client of it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import requests.exceptions
from docker.tls import TLSConfig

from grader.errors import DockerUnavailableError
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SOCKET = "unix:///var/run/docker.sock"


def current_endpoint(environ: Mapping[str, str] | None = None) -> str:
    """Return the engine's address: DOCKER_HOST, else that of the current Docker context, else the default socket.

    A context is DOCKER_CONTEXT or `currentContext` of the Docker configuration. Raises DockerUnavailableError when
    the context named does not exist.
    """
    return _lookup(os.environ if environ is None else environ)[0]


def connect(*, timeout_s: int = 60) -> docker.DockerClient:
    """Return a client of the user's engine that has answered a ping.

    timeout_s: for each call. Raises DockerUnavailableError with a remedy for this platform.
    """
    address, tls = _lookup(os.environ)
    try:
        _knock(address, timeout_s)
        client = docker.DockerClient(base_url=address, timeout=timeout_s, tls=tls or False, max_pool_size=32)
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
        raise DockerUnavailableError(
            msg("No Docker engine answers at %(endpoint)s: %(reason)s", endpoint=address, reason=_short(error)),
            remedy(denied="ermission denied" in str(error)),
        ) from error
    return client


def _knock(address: str, timeout_s: float) -> None:
    """Raise OSError when nobody listens on a local socket; the library would leave its own one unclosed then."""
    scheme, _, path = address.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(timeout_s)
            probe.connect(path)


def remedy(*, denied: bool = False, system: str | None = None) -> Text:
    """Return what a user of this platform does to get an engine; `denied`: one is there but refuses the user."""
    name = system or platform.system()
    if denied:
        return msg("Add your user to the group docker (sudo usermod -aG docker $USER) and log in again.")
    if name == "Darwin":
        return msg("Start Docker Desktop (or colima start) and wait until it says that it is running.")
    if name == "Windows" or (name == "Linux" and "microsoft" in platform.release().lower()):
        return msg("Start Docker Desktop and switch on its WSL integration for this distribution.")
    return msg(
        "Start the engine (sudo systemctl start docker); if there is none, run make setup as root on Debian or Ubuntu, "
        "or install Docker with your distribution's packages."
    )


def _short(error: Exception) -> str:
    """Return the innermost reason: "Connection refused" says more than three wrapped class names."""
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    words = getattr(inner, "strerror", None) or str(inner) or type(inner).__name__
    return str(words).splitlines()[0][:200]


def _lookup(environ: Mapping[str, str]) -> tuple[str, TLSConfig | None]:
    config_dir = Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if host := environ.get("DOCKER_HOST"):
        return host, _tls_of_environment(environ, config_dir)
    name = environ.get("DOCKER_CONTEXT") or _read_json(config_dir / "config.json").get("currentContext") or "default"
    if name == "default":
        return _default_socket(), None
    # The CLI files a context under the hash of its name.
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = _read_json(config_dir / "contexts" / "meta" / key / "meta.json")
    endpoint = (meta.get("Endpoints") or {}).get("docker") or {}
    if not endpoint.get("Host"):
        raise DockerUnavailableError(
            msg("The Docker context %(name)s does not exist.", name=name),
            msg("List the contexts (docker context ls) and choose one of them (docker context use NAME)."),
        )
    files = config_dir / "contexts" / "tls" / key / "docker"
    tls = _tls(files, verify=not endpoint.get("SkipTLSVerify")) if files.is_dir() else None
    return str(endpoint["Host"]), tls


def _default_socket() -> str:
    return "npipe:////./pipe/docker_engine" if sys.platform == "win32" else DEFAULT_SOCKET


def _tls_of_environment(environ: Mapping[str, str], config_dir: Path) -> TLSConfig | None:
    if "DOCKER_TLS_VERIFY" not in environ and "DOCKER_CERT_PATH" not in environ:
        return None
    return _tls(Path(environ.get("DOCKER_CERT_PATH") or config_dir), verify=bool(environ.get("DOCKER_TLS_VERIFY")))


def _tls(files: Path, *, verify: bool) -> TLSConfig:
    certificate, key, authority = files / "cert.pem", files / "key.pem", files / "ca.pem"
    pair = (str(certificate), str(key)) if certificate.is_file() and key.is_file() else None
    return TLSConfig(client_cert=pair, ca_cert=str(authority) if authority.is_file() else None, verify=verify)


def _read_json(path: Path) -> dict[str, Any]:
    """Return the file's object; a missing or unreadable file is an empty one, as the CLI treats it."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
