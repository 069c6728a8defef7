"""The process that reads a large archive: what memory it takes, and what it leaves when it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.polling import Deadline
from grader.zstd import zstd
from tests.unit.intake.archives import zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1024 * 1024
COMPOSE = b"services:\n  cache:\n    image: redis:7\n"
FILES = (("one", 40), ("two", 40), ("three", 20))  # name, MiB
# A process of its own, since a child's peak is never below its parent's.
MEASURE = (
    "import resource, subprocess, sys\n"
    "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
    "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A submission of 100 MiB that does not compress, as a zip and as a tar.zst."""
    folder = tmp_path_factory.mktemp("large")
    made = {"zip": folder / "a.zip", "zst": folder / "a.tar.zst"}
    (folder / "compose.yaml").write_bytes(COMPOSE)
    for name, size in FILES:
        with (folder / name).open("wb") as file:
            for _ in range(size):
                file.write(os.urandom(MIB))
    names = ("compose.yaml", *(name for name, _ in FILES))
    with zipfile.ZipFile(made["zip"], "w", 8, compresslevel=1) as archive:
        for name in names:
            archive.write(folder / name, name)
    with zstd.open(made["zst"], "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as stream:
        for name in names:
            stream.add(folder / name, name)
    for name in names:
        (folder / name).unlink()
    yield made
    for path in made.values():
        path.unlink()


def peak(source: Path) -> int:
    """Return the bytes of memory that `inspect` of an accepted submission takes at most."""
    command = [sys.executable, "-c", MEASURE, sys.executable, "-m", "grader", "inspect", str(source)]
    code, kib = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.split()
    assert code == "0"
    return int(kib) * 1024


@pytest.mark.parametrize("kind", ["zip", "zst"])
def test_a_large_archive_takes_hardly_more_memory_than_a_small_one(
    large: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    """Measured in a process of its own."""
    small = tmp_path / "small.zip"
    small.write_bytes(zipped(("compose.yaml", COMPOSE)))
    assert peak(large[kind]) - peak(small) < 24 * MIB  # less than one of the files


class Interrupted:
    """An `inspect` that was sent a signal while it wrote the copy of a large archive."""

    def __init__(self, source: Path, temporary: Path, sent: signal.Signals, *options: str) -> None:
        self.completed = True
        deadline = Deadline(60)
        while self.completed and not deadline.passed():  # a fast machine may have finished before the signal came
            self._run(source, temporary, sent, options)

    def _run(self, source: Path, temporary: Path, sent: signal.Signals, options: tuple[str, ...]) -> None:
        child = subprocess.Popen(
            [sys.executable, "-m", "grader", "inspect", str(source), "--lang", "en", *options],
            env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while child.poll() is None:
            copies = [Path(options[-1])] if options else [folder / "workspace" for folder in temporary.iterdir()]
            if any((copy / "one").exists() for copy in copies):
                child.send_signal(sent)
                break
        self.output = child.communicate(timeout=60)[1]
        self.code = child.returncode
        self.completed = self.code == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_inspect_says_so_and_leaves_nothing(
    large: dict[str, Path], tmp_path: Path, sent: signal.Signals
) -> None:
    """By Ctrl-C or by SIGTERM."""
    found = Interrupted(large["zst"], tmp_path, sent)
    assert found.code == 130
    assert found.output.startswith("grader: Interrupted")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("sent", "there"), [(signal.SIGINT, True), (signal.SIGTERM, False)], ids=["empty", "new"])
def test_an_interrupted_inspect_leaves_the_folder_to_unpack_into_as_it_was(
    large: dict[str, Path], tmp_path: Path, sent: signal.Signals, there: bool
) -> None:
    """Empty, or not there."""
    temporary, kept = tmp_path / "tmp", tmp_path / "kept"
    for folder in (temporary, kept):
        folder.mkdir()
    into = kept if there else kept / "new" / "copy"
    found = Interrupted(large["zip"], temporary, sent, "--unpack", str(into))
    assert found.code == 130
    assert sorted(tmp_path.rglob("*")) == [kept, temporary]
