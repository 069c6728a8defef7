"""What `mutants.yaml` may say, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import assignments
from grader.errors import UsageError
from grader.model.assignment import Assignment, CheckSpec
from grader.model.text import Bilingual
from grader.verify.subjects import subject, subjects

if TYPE_CHECKING:
    from pathlib import Path

TEXT = Bilingual(es="x", en="x")
WORKER = "take()\nif (good) {\n    work()\n    ack()\n}\n"
RIGHT = 'm:\n  base: node\n  right: {es: "x", en: "x"}\n'
HEAD = "m:\n  base: node\n  mistake: {es: x, en: x}\n  kills: {a: message-lost}\n"
EDIT = '  edits: {app/worker.js: [{old: "    ack()\\n", new: ""}]}\n'
MUTANT = HEAD + EDIT


def assignment(root: Path, declared: str) -> Assignment:
    """An assignment `w` with one reference, and `mutants.yaml` as it is declared."""
    app = root / "reference_solutions" / "w" / "node" / "app"
    app.mkdir(parents=True)
    (app / "worker.js").write_text(WORKER, "utf-8")
    (app / "logo.png").write_bytes(b"\x89PNG\xff")
    file = mutants(root)
    file.parent.mkdir(parents=True)
    file.write_text(declared, "utf-8")
    checks = tuple(
        CheckSpec(id=i, title=TEXT, requirement=TEXT, points=50, level="core", visibility="public") for i in "ab"
    )
    return Assignment(
        id="w", title=TEXT, services=(), checks=checks, version="1", directory=str(root / "assignments" / "w")
    )


def mutants(root: Path) -> Path:
    return root / "fixtures" / "submissions" / "w" / "mutants.yaml"


def put(root: Path, name: str, content: str = "x", mode: int = 0o644) -> None:
    """Put a whole file beside `mutants.yaml`, into the folder that an entry has."""
    file = mutants(root).parent / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, "utf-8")
    file.chmod(mode)


def refusal(root: Path, declared: str) -> str:
    """What is said of such a `mutants.yaml`, without the folder that it lies in."""
    with pytest.raises(UsageError) as caught:
        subjects(assignment(root, declared))
    message = caught.value.message
    return (message.msgid % message.params).replace(str(mutants(root).parent) + "/", "")


def laid(root: Path, wanted: Assignment) -> dict[str, str]:
    into = root / "laid"
    subject(wanted, "m").lay(into)
    files = sorted(p for p in into.rglob("*") if p.is_file() and p.suffix != ".png")
    return {p.relative_to(into).as_posix(): p.read_text("utf-8") for p in files}


@pytest.mark.parametrize(
    ("allowed", "read"),
    [
        ("", {}),
        ("  allowed: {b: b sees nothing else than what a sees}", {"b": "b sees nothing else than what a sees"}),
        ("  allowed: [b]", {"b": ""}),
    ],
)
def test_what_may_fail_says_why(allowed: str, read: dict[str, str], tmp_path: Path) -> None:
    """Each further check has its reason; a list is read as long as assignments have one."""
    found = subject(assignment(tmp_path, MUTANT + allowed), "m")
    assert found.allowed == read
    assert found.kills == {"a": ("message-lost",)}
    assert found.mutant


@pytest.mark.parametrize(
    ("declared", "at", "words"),
    [
        (HEAD.replace("base: node", "base: go") + EDIT, "2: m", "no reference go; there are: node"),
        (HEAD.replace("es: x", "fr: x") + EDIT, "3: m", "fr is none of the keys that may stand here: es, en"),
        (HEAD.replace("en: x", "en: ''") + EDIT, "3: m", "mistake.en is missing"),
        (HEAD.replace(", en: x", "") + EDIT, "3: m", "mistake.en is missing"),
        (HEAD.replace("{a: message-lost}", "{}") + EDIT, "4: m", "kills names each check"),
        (HEAD.replace("{a: message-lost}", "") + EDIT, "4: m", "kills is missing"),
        (HEAD.replace("a: message-lost", "ab: message-lost") + EDIT, "4: m", "no check ab"),
        (HEAD.replace("message-lost", "message-lots") + EDIT, "4: m", "code message-lots (nearest: message-lost"),
        (HEAD.replace("message-lost", "[message-lost, no]") + EDIT, "4: m", "no reason code no "),
        (HEAD.replace("message-lost", "[]") + EDIT, "4: m", "the codes it may fail for"),
        (HEAD.replace("  base: node\n", "") + EDIT, "1: m", "base is missing"),
        (HEAD + "  kill: {a: message-lost}\n" + EDIT, "5: m", "kill is none of the keys"),
        (HEAD + "  right: {es: x, en: x}\n" + EDIT, "3: m", "what is right has no mistake"),
        (MUTANT + "  allowed: {b: }", "6: m", "say why b may fail too"),
        (MUTANT + "  allowed: {b: short}", "6: m", "say why b may fail too"),
        (MUTANT + "  allowed: {c: there is no such check}", "6: m", "no check c"),
        (MUTANT + "  allowed: [c]", "6: m", "no check c"),
        (MUTANT + "  removed: [app/gone.js]", "6: m", "node has no file app/gone.js"),
        (MUTANT + "  removed: app/worker.js", "6: m", "a list is expected"),
        (MUTANT + "  removed:\n    - app/worker.js", "5: m", "removed or in the folder"),
        (HEAD + "  edits: {app/work.js: [{old: a, new: b}]}", "5: m", "no file app/work.js (nearest: app/worker.js)"),
        (HEAD + "  edits: {app/logo.png: [{old: a, new: b}]}", "5: m", "no text in UTF-8"),
        (HEAD + "  edits: {app/worker.js: []}", "5: m", "a list of edits"),
        (HEAD + "  edits: {app/worker.js: [{old: ack}]}", "5: m", "new is missing"),
        (HEAD + "  edits: {app/worker.js: [{old: 1, new: b}]}", "5: m", "text is expected, in quotes"),
        (HEAD + "  edits: {app/worker.js: [{old: ack, new: ack}]}", "5: m", "new is something else"),
        (HEAD + "  edits: {app/worker.js: [{old: '', new: b}]}", "5: m", "old is what stands in the file"),
        (
            HEAD + "  edits:\n    app/worker.js:\n      - old: |\n          ack(1)\n        new: x",
            "7: m",
            "old is not in app/worker.js of node (0 times instead of once): copy it anew from there",
        ),
        (
            HEAD + "  edits:\n    app/worker.js:\n      - old: take\n        new: get\n      - old: ()\n        new: x",
            "9: m",
            "old is in app/worker.js of node 3 times instead of once: take more of the lines around it",
        ),
        (
            HEAD + "  edits: {app/worker.js: [{old: ack, new: nack}, {old: ack(), new: end()}]}",
            "5: m",
            "changes the same place of app/worker.js as the edit in line 5",
        ),
        (HEAD, "1: m", "nothing differs from node"),
        (MUTANT.replace("m:", "node:", 1), "1: node", "a reference has this name already"),
        (MUTANT.replace("m:", "../m:", 1), "1: ../m", "a name is made of"),
        ("m: node", "1: m", "names with values below are expected"),
        ("- m", "1", "names with values below are expected"),
        (MUTANT + MUTANT, "6", "second time"),
        ("m: {", "1", "not YAML that can be read"),
    ],
)  # fmt: skip
def test_a_faulty_declaration_names_its_line(declared: str, at: str, words: str, tmp_path: Path) -> None:
    """File, line and entry, what was expected and how to mend it."""
    said = refusal(tmp_path, declared)
    assert said.startswith(f"mutants.yaml:{at}: ")
    assert words in said


def test_a_folder_without_an_entry_is_refused(tmp_path: Path) -> None:
    """What nobody declares would be verified by nobody."""
    wanted = assignment(tmp_path, MUTANT)
    put(tmp_path, "other/app/worker.js")
    with pytest.raises(UsageError, match="no entry for the folder"):
        subjects(wanted)


def test_edits_whole_files_and_removals_make_a_submission(tmp_path: Path) -> None:
    """Each in its place, over a copy of the reference; a program stays one."""
    wanted = assignment(tmp_path, MUTANT + "  removed: [app/logo.png]")
    put(tmp_path, "m/app/start.sh", "exec node", 0o755)
    assert laid(tmp_path, wanted) == {"app/worker.js": WORKER.replace("    ack()\n", ""), "app/start.sh": "exec node"}
    assert not (tmp_path / "laid" / "app" / "logo.png").exists()
    assert (tmp_path / "laid" / "app" / "start.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "reference_solutions" / "w" / "node" / "app" / "worker.js").read_text("utf-8") == WORKER


def test_a_right_alternative_has_no_mistake(tmp_path: Path) -> None:
    """It is judged as a reference is."""
    found = subject(assignment(tmp_path, RIGHT + EDIT), "m")
    assert not found.mutant
    assert not found.kills


def test_what_is_expected_is_no_part_of_what_is_graded(tmp_path: Path) -> None:
    """Another reason needs no new run; a file that is taken away does."""
    wanted = assignment(tmp_path, MUTANT)
    before = subject(wanted, "m").digest()
    mutants(tmp_path).write_text("# said better\n" + MUTANT + "  allowed: {b: b sees what a sees}", "utf-8")
    assert subject(wanted, "m").digest() == before
    mutants(tmp_path).write_text(MUTANT + "  removed: [app/logo.png]", "utf-8")
    assert subject(wanted, "m").digest() != before


def test_however_a_file_is_said_it_is_the_same_submission(tmp_path: Path) -> None:
    """An edit, the same file whole: what was proven of one is proven of the other; another edit is another one."""
    wanted = assignment(tmp_path, MUTANT)
    before = subject(wanted, "m").digest()
    put(tmp_path, "m/app/worker.js", WORKER.replace("    ack()\n", ""))
    mutants(tmp_path).write_text(HEAD, "utf-8")
    assert subject(wanted, "m").digest() == before
    put(tmp_path, "m/app/worker.js", WORKER.replace("    ack()\n", "    nack()\n"))
    assert subject(wanted, "m").digest() != before


@pytest.mark.parametrize("name", assignments.names())
def test_every_mutant_can_be_laid(name: str) -> None:
    """Mending a reference mends its mutants, or says here which edit no longer fits."""
    found = subjects(assignments.load(name))
    assert len(found) > 30
    assert len({each.digest() for each in found}) == len(found)
