"""`grader new-mutant`: an entry from a working copy, and back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from grader import assignments
from grader.cli import command
from grader.errors import UsageError
from grader.policy.document import yaml_load
from grader.policy.document.nodes import plain
from grader.verify.drafting import draft, written
from grader.verify.edits import Edit
from grader.verify.subjects import subject, subjects
from tests.unit.verify.test_subjects import MUTANT, WORKER, assignment, mutants

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.model.assignment import Assignment

ID = "rabbitmq-task-queue"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def wanted(tmp_path: Path) -> Assignment:
    """An assignment with one mutant, with a remark on it."""
    return assignment(tmp_path, "# kept as it is\n" + MUTANT + "  removed: [app/logo.png]   # too\n")


@pytest.fixture
def copy(wanted: Assignment, tmp_path: Path) -> Path:
    """A working copy of its reference, with a compose file, that a tool has been in."""
    reference = tmp_path / "reference_solutions" / "w" / "node"
    (reference / "compose.yaml").write_text("services: {}\n", "utf-8")
    copied = tmp_path / "copy"
    shutil.copytree(reference, copied)
    (copied / "node_modules" / "x").mkdir(parents=True)
    (copied / "node_modules" / "x" / "index.js").write_text("x", "utf-8")
    return copied


def filled(root: Path) -> None:
    """Say of what was drafted what it is."""
    file = mutants(root)
    text = file.read_text("utf-8").replace('{es: "", en: ""}', "{es: x, en: x}")
    file.write_text(text.replace("kills: {}", "kills: {a: message-lost}"), "utf-8")


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [p for p in folder.rglob("*") if p.is_file() and "node_modules" not in p.parts]
    return {p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mode & 0o111) for p in files}


def rewrite(path: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """What somebody does to a file of a working copy."""

    def doing(copied: Path) -> None:
        file = copied / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(change(file.read_text("utf-8") if file.exists() else ""), "utf-8")

    return doing


@pytest.mark.parametrize(
    ("mistake", "whole"),
    [
        (rewrite("app/worker.js", lambda text: text.replace("    ack()\n", "")), set()),
        (rewrite("app/worker.js", lambda text: "ack()\n" + text), set()),
        (rewrite("app/worker.js", lambda text: text.replace("work()", 'work("ñ: \\"#\\"")')), set()),
        (rewrite("app/worker.js", lambda text: text.replace("work()\n", "work()\r\n")), set()),
        (rewrite("app/worker.js", lambda _: "all()\nof()\nit()\nanew()\n"), {"app/worker.js"}),
        (rewrite("app/worker.js", lambda text: text.rstrip()), {"app/worker.js"}),
        (rewrite("lib/new.js", lambda _: "x\n"), {"lib/new.js"}),
        (lambda copied: (copied / "app" / "worker.js").chmod(0o755), {"app/worker.js"}),
        (lambda copied: (copied / "app" / "logo.png").unlink(), set()),
    ],
)
def test_an_entry_makes_the_working_copy_again(
    mistake: Callable[[Path], None], whole: set[str], wanted: Assignment, copy: Path, tmp_path: Path
) -> None:
    """Edits where they say it in less; files whole where they do not; what was in the file stays to the letter."""
    before = mutants(tmp_path).read_text("utf-8")
    mistake(copy)
    made = draft(wanted, "new-one", copy)
    text = mutants(tmp_path).read_text("utf-8")
    assert text.startswith(before)
    assert text.splitlines()[made.line - 1] == "new-one:"
    assert set(tree(mutants(tmp_path).parent / "new-one")) == whole
    with pytest.raises(UsageError, match="missing"):
        subjects(wanted)
    filled(tmp_path)
    subject(wanted, "new-one").lay(tmp_path / "laid")
    assert tree(tmp_path / "laid") == tree(copy)


def test_the_first_entry_makes_the_file(wanted: Assignment, copy: Path, tmp_path: Path) -> None:
    """An assignment begins without any mutant."""
    shutil.rmtree(mutants(tmp_path).parent)
    rewrite("app/worker.js", str.upper)(copy)
    assert draft(wanted, "loud", copy).line == 1
    filled(tmp_path)
    assert subject(wanted, "loud").contents() == {"app/worker.js": WORKER.upper().encode()}


@pytest.mark.parametrize(
    ("name", "base", "mistake", "words"),
    [
        ("new-one", "node", None, "does not differ"),
        ("new-one", None, None, "does not differ"),
        ("new-one", "go", None, "no reference"),
        ("m", None, None, "already"),
        ("node", None, None, "already"),
        ("New One", None, None, "made of a-z"),
        ("new-one", None, lambda c: (c / "app" / "logo.png").write_bytes(b"\x89PNG\xfe"), "no text"),
    ],
)
def test_what_cannot_be_written_down_is_refused(
    name: str, base: str | None, mistake: Callable[[Path], None] | None, words: str,
    wanted: Assignment, copy: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """No difference, a name that is taken, an unknown base, a binary file; the file stays as it was."""
    before = tree(mutants(tmp_path).parent)
    if mistake:
        mistake(copy)
    with pytest.raises(UsageError, match=words):
        draft(wanted, name, copy, base)
    assert tree(mutants(tmp_path).parent) == before


@pytest.mark.parametrize(
    "text",
    ["x", " x ", "yes", "1", "a: b", "a # b", "'", '"', "'\"", "\\n", "[a", "a, b", "-", "ñ\n", "x\n", "  x\ny\n",
     "\n x\n", "x\n\n", "\tx\n y\n", "a\r\n", "\u2028x", "# x\n", "- x\n", "x\n\n\n  y\n", ""],
)  # fmt: skip
def test_every_text_can_be_written(text: str) -> None:
    """What YAML would read otherwise is in quotes or in a block."""
    lines = written({"app/a: b.js": [Edit(text, text)]})
    read = plain(yaml_load.load("\n".join([*lines, ""]).encode()))
    assert read == {"edits": {"app/a: b.js": [{"old": text, "new": text}]}}


@pytest.mark.parametrize("name", ["auto-ack", "exclusive-queue-per-worker", "ignores-sigterm", "no-volume"])
def test_the_command_says_what_is_next(name: str, tmp_path: Path) -> None:
    """A mutant of this repository, laid out and written down again, is the same; its base is found."""
    original = subject(assignments.load(ID), name)
    original.lay(tmp_path / "work")
    argv = ["new-mutant", ID, "mine", "--from", str(tmp_path / "work"), "--lang", "en"]
    pack = tmp_path / "pack" / "assignments"
    shutil.copytree(ROOT / "assignments" / ID, pack / ID)
    shutil.copytree(ROOT / "reference_solutions" / ID, tmp_path / "pack" / "reference_solutions" / ID)
    done = CliRunner().invoke(command, [*argv, "--assignments", str(pack)], catch_exceptions=False)
    assert done.exit_code == 0
    assert f"mutants.yaml:1: mine is {original.reference.name} with another" in done.output
    assert f"grader verify {ID} --only mine" in done.output
    file = tmp_path / "pack" / "fixtures" / "submissions" / ID / "mutants.yaml"
    text = file.read_text("utf-8").replace('{es: "", en: ""}', "{es: x, en: x}")
    file.write_text(text.replace("kills: {}", "kills: {task.done: task-not-done}"), "utf-8")
    assert subject(assignments.load(ID, pack), "mine").digest() == original.digest()
