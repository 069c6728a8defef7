"""A repository at an https address, cloned for real from a server on this machine.

By design a private or loopback address is refused; to reach the server all the same, only the judgement of the address
is replaced here, never how git is called. Port 443 is the only one used, so the tests are skipped where it is not free.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.errors import GraderError, SubmissionRefusedError
from grader.intake import git, git_address, take
from tests.unit.intake.archives import COMPOSE, contents

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST, ADDRESS, UNUSED = "git.grader.example", "127.84.3.19", "127.84.3.20"
SERVER = Path(__file__).with_name("https_git.py")


def run(*argv: str, cwd: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(argv, cwd=cwd, env=env, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server of one repository; yields the folder with its certificate, its key and what it was asked (`log`)."""
    for program in ("git", "openssl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed on this machine")
    folder = tmp_path_factory.mktemp("https")
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "key.pem",
        "-out", "certificate.pem", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", cwd=folder,
    )  # fmt: skip
    work = folder / "work"
    (work / "app").mkdir(parents=True)
    (work / "compose.yaml").write_bytes(COMPOSE)
    (work / "app" / "año.sh").write_bytes(b"#!/bin/sh\n")
    (work / "app" / "año.sh").chmod(0o755)
    (work / "link").symlink_to("app")
    run("git", "init", "-q", cwd=work)
    run("git", "-c", "core.autocrlf=false", "add", "-A", cwd=work)
    run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "x", cwd=work)
    run("git", "clone", "-q", "--bare", "work", "repositories/practica.git", cwd=folder)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, str(SERVER), "certificate.pem", "key.pem", "repositories", ADDRESS],
            cwd=folder, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        assert server.stdout
        if server.stdout.readline() != b"ready\n":
            server.wait(60)
            pytest.skip(f"no server on port 443: {(folder / 'log').read_text().splitlines()[-1]}")
        yield folder
        server.kill()
        server.communicate()


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server's address pass for a public one."""
    monkeypatch.setattr(git_address, "resolve", lambda _: [ADDRESS])
    monkeypatch.setattr(git_address, "_public", lambda _: True)


@pytest.fixture
def trusted(served: Path, reachable: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git know the server's certificate, as it knows those of public servers."""
    monkeypatch.setattr(git, "_CONFIG", (*git._CONFIG, f"http.sslCAInfo={served / 'certificate.pem'}"))


def refusal(url: str, into: Path) -> tuple[str, str]:
    with pytest.raises(SubmissionRefusedError) as error:
        take(url, into)
    assert not into.exists()
    [finding] = error.value.findings
    return finding.code, finding.message.msgid % finding.message.params


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("path", ["practica.git", "practica.git/", "practica"])
def test_a_repository_is_cloned_over_https(tmp_path: Path, path: str) -> None:
    """Files, modes and links as they were committed."""
    workspace = take(f"https://{HOST}/{path}", tmp_path / "copy")
    assert workspace.findings == ()
    assert contents(Path(workspace.root)) == {
        "compose.yaml": ("file", COMPOSE, 0o644),
        "app": ("folder",),
        "app/año.sh": ("file", b"#!/bin/sh\n", 0o755),
        "link": ("link", "app"),
    }
    assert workspace.name == "practica"


@pytest.mark.usefixtures("served")
def test_the_address_of_this_machine_is_refused_before_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sees no connection."""
    monkeypatch.setattr(git_address, "resolve", lambda _: [ADDRESS])
    assert refusal(f"https://{HOST}/practica.git", tmp_path / "copy")[0] == "git-address"


@pytest.mark.usefixtures("served", "reachable")
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Nobody can pretend to be the repository's host."""
    code, why = refusal(f"https://{HOST}/practica.git", tmp_path / "copy")
    assert code == "git-failed"
    assert "certificate" in why


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    """The name has to be the one that was asked for."""
    code, why = refusal("https://other.grader.example/practica.git", tmp_path / "copy")
    assert code == "git-failed"
    assert "certificate" in why


@pytest.mark.usefixtures("trusted")
def test_a_repository_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """In git's own words."""
    code, why = refusal(f"https://{HOST}/nada.git", tmp_path / "copy")
    assert code == "git-failed"
    assert "not found" in why


@pytest.mark.usefixtures("trusted")
def test_a_redirection_is_not_followed(tmp_path: Path, served: Path) -> None:
    """It could lead to an address that was not judged."""
    before = len((served / "log").read_text())
    assert refusal(f"https://{HOST}/moved/practica.git", tmp_path / "copy")[0] == "git-failed"
    asked = (served / "log").read_text()[before:].splitlines()
    assert asked == ["/moved/practica.git/info/refs?service=git-upload-pack"]


@pytest.mark.usefixtures("trusted")
def test_a_host_that_does_not_answer_is_not_the_submissions_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error of ours, and nothing is left."""
    monkeypatch.setattr(git_address, "resolve", lambda _: [UNUSED])
    with pytest.raises(GraderError) as error:
        take(f"https://{HOST}/practica.git", tmp_path / "copy")
    assert error.value.message.msgid.startswith("git-unreachable")
    assert not (tmp_path / "copy").exists()
