"""Debian bases from the distribution's packages, by mmdebstrap: nothing else is needed to start from."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import TYPE_CHECKING

from grader import paths, process, scratch
from grader.errors import ImageMissingError
from grader.images import packages
from grader.images.certificates import host_extras
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import docker

BOOTSTRAP_S = 600.0
_PROGRAM = "mmdebstrap"
# As in the images that it stands for: no documentation but licences, no manuals, no translations.
_SLIM = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
)


def debian(engine: docker.DockerClient, suite: str, *, on_progress: Callable[[Text], None]) -> str:
    """Bootstrap a Debian release ("trixie"), import it, and return the image's id.

    The host's additional certificates are in its collection. Raises ImageMissingError with the tool's last lines.
    """
    program = have_program(on_progress)
    scratch.sweep()
    on_progress(msg("Bootstrapping Debian %(suite)s from packages (about half a minute)", suite=suite))
    with scratch.folder("bootstrap", paths.cache()) as folder:
        certificates = folder / "certificates"
        certificates.mkdir()
        for number, text in enumerate(host_extras()):
            (certificates / f"host-{number}.crt").write_text(text, "ascii")
        archive = folder / "root.tar"
        # What it unpacks lies in our folder too, and it ends when we do: a later run finds all that a killed one left.
        (temporary := folder / "tmp").mkdir()
        done = process.spawn(
            [
                program,
                "--quiet",
                "--variant=minbase",
                "--include=ca-certificates",
                *(f"--dpkgopt={option}" for option in _SLIM),
                '--customize-hook=mkdir -p "$1/usr/local/share/ca-certificates"',
                f"--customize-hook=sync-in {shlex.quote(str(certificates))} /usr/local/share/ca-certificates",
                '--customize-hook=chroot "$1" update-ca-certificates',
                suite,
                str(archive),
            ],
            env={**_environment(), "TMPDIR": str(temporary)},
            die_with_parent=True,
        ).wait(BOOTSTRAP_S)
        if done.returncode != 0:
            raise ImageMissingError(
                msg(
                    "Debian %(suite)s could not be bootstrapped: %(log)s",
                    suite=suite,
                    log="\n".join(done.output.splitlines()[-8:]),
                ),
                msg("Look whether the distribution's package mirror can be reached: sudo apt-get update"),
            )
        return _import(engine, archive)


def _import(engine: docker.DockerClient, archive: Path) -> str:
    answer = engine.api.import_image_from_file(str(archive))
    # The engine answers with JSON lines, the last of which carries the image's id.
    marker = "sha256:"
    return marker + str(answer).rsplit(marker, 1)[1][:64]


def have_program(on_progress: Callable[[Text], None]) -> str:
    """Return mmdebstrap's path; it is installed where that can be done. ImageMissingError says what to do elsewhere."""
    if packages.can_install():
        packages.install(_PROGRAM, provides=_PROGRAM, on_progress=on_progress)
    found = shutil.which(_PROGRAM)
    if found is None:
        raise ImageMissingError(
            msg("No image registry answers, and the program mmdebstrap, which builds base images, is not installed."),
            msg("On Debian or Ubuntu: sudo apt-get install mmdebstrap. Elsewhere: make the registry reachable."),
        )
    return found


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "http_proxy", "https_proxy", "no_proxy")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}
