"""The engine is looked for where the Docker CLI looks for it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from grader.errors import DockerUnavailableError
from grader.images import endpoint

if TYPE_CHECKING:
    from pathlib import Path


def _context(config: Path, name: str, host: str) -> None:
    folder = config / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}), "utf-8")


def test_without_anything_it_is_the_default_socket(tmp_path: Path):
    """No variable, no configuration: the socket that every Linux engine has."""
    assert endpoint.current_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == "unix:///var/run/docker.sock"


def test_docker_host_comes_first(tmp_path: Path):
    """DOCKER_HOST beats the current context."""
    _context(tmp_path, "other", "unix:///other.sock")
    environ = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "other", "DOCKER_HOST": "tcp://127.0.0.1:1"}
    assert endpoint.current_endpoint(environ) == "tcp://127.0.0.1:1"


def test_current_context_of_the_configuration(tmp_path: Path):
    """The context that `docker context use` chose is followed."""
    _context(tmp_path, "desktop-linux", "unix:///home/x/.docker/desktop/docker.sock")
    (tmp_path / "config.json").write_text('{"currentContext": "desktop-linux"}', "utf-8")
    found = endpoint.current_endpoint({"DOCKER_CONFIG": str(tmp_path)})
    assert found == "unix:///home/x/.docker/desktop/docker.sock"


def test_docker_context_beats_the_configuration(tmp_path: Path):
    """The variable chooses another context than the configuration, also the default one."""
    _context(tmp_path, "a", "unix:///a.sock")
    _context(tmp_path, "b", "unix:///b.sock")
    (tmp_path / "config.json").write_text('{"currentContext": "a"}', "utf-8")
    assert endpoint.current_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "b"}) == "unix:///b.sock"
    default = endpoint.current_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "default"})
    assert default == endpoint.DEFAULT_SOCKET


def test_a_context_that_is_not_there_is_named(tmp_path: Path):
    """A context without a file is an error that names it, not a silent default."""
    with pytest.raises(DockerUnavailableError) as caught:
        endpoint.current_endpoint({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "gone"})
    assert caught.value.message.params == {"name": "gone"}
    assert caught.value.remedy is not None


def test_a_broken_configuration_is_no_configuration(tmp_path: Path):
    """The CLI ignores an unreadable file, and so do we."""
    (tmp_path / "config.json").write_text("{", "utf-8")
    assert endpoint.current_endpoint({"DOCKER_CONFIG": str(tmp_path)}) == endpoint.DEFAULT_SOCKET


def test_an_engine_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, socket_enabled: None):
    """Connecting to a dead socket says where, why and what to do."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(DockerUnavailableError) as caught:
        endpoint.connect(timeout_s=2)
    assert caught.value.message.params["endpoint"] == f"unix://{tmp_path}/none.sock"
    assert "No such file" in str(caught.value.message.params["reason"])
    assert caught.value.remedy is not None


@pytest.mark.parametrize(("system", "word"), [("Darwin", "Docker Desktop"), ("Windows", "WSL"), ("Linux", "systemctl")])
def test_the_remedy_is_the_platforms(system: str, word: str, monkeypatch: pytest.MonkeyPatch):
    """Each platform is told its own way."""
    monkeypatch.setattr(endpoint.platform, "release", lambda: "6.1.0")
    assert word in endpoint.remedy(system=system).msgid


def test_the_remedy_for_a_refused_user():
    """An engine that refuses the user needs a group, not a start."""
    assert "usermod" in endpoint.remedy(denied=True, system="Linux").msgid
