"""A kit holds what students need and nothing of what they may not have, whatever name it goes by."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from grader import assignments, kit
from grader._version import __version__
from grader.cli import command
from grader.cli.kitting import kit as kit_command
from grader.errors import UsageError

ID = "greetings"
RUBRIC = """
title: {es: "Saludos", en: "Greetings"}
version: "1"
services: [{name: api, role: http, port: 3000}]
checks:
  - {id: hello.says, title: {es: "Saluda", en: "It greets"}, points: 40, level: core, visibility: public}
  - {id: hello.kept, title: {es: "Saludo", en: "Kept"}, points: 60, level: core, visibility: hidden}
"""
PUBLIC = '''
from grader import check, fail, msg

@check("hello.says")
def test_it_greets(environment):
    """GET / responde.

    GET / answers.
    """
    if not environment.http("api"):
        fail("no-answer", expected=msg("GET / answers hola"))
'''
HIDDEN = '''
from grader import check, fail, msg

@check("hello.kept")
def test_greeting_is_kept_in_the_drawer(environment):
    """El saludo se guarda en el cajón.

    The greeting is kept in the drawer of greetings.
    """
    drawer = environment.drawer("of the greetings")
    before = drawer.count("greetings", of="everyone")
    environment.http("api").post("/greetings", body=b"hola")
    after = drawer.count("greetings", of="everyone")
    if after != before + 1:
        fail("message-lost", expected=msg("the drawer holds one greeting more than before"))
'''
SOLUTION = """
const drawer = openTheDrawer('/greetings');
server.on('request', (request, response) => {
  drawer.put(request.body, { durable: true });
  drawer.waitUntilWritten().then(() => response.end());
});
server.listen(3000, () => console.log('listening'));
"""
STARTER = "const server = http.createServer();\nserver.listen(3000, () => console.log('listening'));\n"
DOCKERFILE = 'FROM node:22-slim\nCOPY server.js /app/server.js\nCMD ["node", "/app/server.js"]\n'
COMPOSE = "services:\n  api:\n    build: .\n    ports: ['3000:3000']\n    restart: unless-stopped\n"
MUTANTS = """
forgets:
  base: node
  mistake: {es: "Olvida", en: "It forgets"}
  edits:
    server.js: [{old: "durable: true", new: "durable: false"}]
    compose.yaml: [{old: unless-stopped, new: "no"}]
  kills: {hello.kept: message-lost}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """The assignments' folder of a whole instructor's pack."""
    root = tmp_path / "pack"
    files = {
        f"assignments/{ID}/assignment.yaml": RUBRIC,
        f"assignments/{ID}/README.md": "# Saludos\n\nEl saludo se guarda en el cajón.\n",
        f"assignments/{ID}/conftest.py": '"""Shared by the checks."""\n',
        f"assignments/{ID}/public/test_public.py": PUBLIC,
        f"assignments/{ID}/hidden/test_hidden.py": HIDDEN,
        f"assignments/{ID}/starter/compose.yaml": COMPOSE,
        f"assignments/{ID}/starter/Dockerfile": DOCKERFILE,
        f"assignments/{ID}/starter/server.js": STARTER,
        f"reference_solutions/{ID}/node/Dockerfile": DOCKERFILE,
        f"reference_solutions/{ID}/node/compose.yaml": COMPOSE,
        f"reference_solutions/{ID}/node/server.js": SOLUTION,
        f"fixtures/submissions/{ID}/mutants.yaml": MUTANTS,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root / "assignments"


def run(*argv: str) -> Result:
    return CliRunner().invoke(command, list(argv), catch_exceptions=False)


def write(pack: Path, folder: Path) -> kit.Kit:
    return kit.write(assignments.load(ID, pack), folder)


def said(error: kit.LeakError) -> str:
    return "\n".join(t.msgid % t.params for t in error.leaks)


def test_it_holds_what_students_need(pack: Path, tmp_path: Path) -> None:
    """Handout, starter, rubric, public checks, the version from its one place; the scaffolding is no secret."""
    folder = tmp_path / "new" / "kit"
    written = write(pack, folder)
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert there == set(written.files)
    assert there >= {
        "README.md", "requirements.txt", f"{ID}/assignment.yaml", f"{ID}/README.md", f"{ID}/public/test_public.py",
        f"{ID}/starter/server.js", "repository/server.js", "repository/grader.yaml", "repository/README.md",
    }  # fmt: skip
    assert (folder / "requirements.txt").read_text() == f"broker-grader=={__version__}\n"
    assert written.compared == 7
    assert not written.unproven
    assert not list(tmp_path.glob(".kit*"))


@pytest.mark.parametrize("name", assignments.names())
def test_every_assignment_has_a_kit_that_can_be_used(name: str, tmp_path: Path) -> None:
    """Its public checks are found in it, the rubric is whole, and its starter is what the policy accepts."""
    folder = tmp_path / "kit"
    kit.write(assignments.load(name), folder)
    found = assignments.load(name, folder)
    assert Path(found.directory) == folder / name
    assert {c.id for c in found.checks} == {c.id for c in assignments.load(name).checks}
    (listed,) = [a for a in json.loads(run("list", "--json", "--assignments", str(folder)).output) if a["id"] == name]
    assert any(c["visibility"] == "public" for c in listed["checks"])
    assert run("new", name, str(tmp_path / "mine"), "--assignments", str(folder)).exit_code == 0
    for work in (tmp_path / "mine", folder / "repository"):
        assert run("inspect", str(work), "--assignment", name, "--assignments", str(folder)).exit_code == 0


@pytest.mark.parametrize(
    ("place", "content", "words"),
    [
        ("starter/server.js", SOLUTION, f"same as reference_solutions/{ID}/node/server.js"),
        ("starter/old.txt", SOLUTION.replace("\n", "\n\n  "), "same as"),
        ("starter/worker.js", STARTER + SOLUTION, "lines in a row"),
        ("starter/compose.yaml", COMPOSE.replace("unless-stopped", "no"), "forgets/compose.yaml"),
        ("starter/other/Dockerfile", DOCKERFILE, "node/Dockerfile"),
        ("starter/notes.md", "\n".join(HIDDEN.splitlines()[10:16]), "lines in a row"),
        ("starter/notes.md", "see\ntest_greeting_is_kept_in_the_drawer", "line 2"),
        ("README.md", "Beware of message-lost.", "'message-lost'"),
        ("assignment.yaml", RUBRIC + "# fails with message-lost\n", "'message-lost'"),
        ("locale/es/grader.po", 'msgid "the drawer holds one "\n"greeting more than before"\n', "grader.po"),
        ("public/helpers.py", '"""The greeting is kept in\nthe drawer of greetings."""\n', "The greeting is kept"),
        ("public/test_more.py", HIDDEN.replace("hello.kept", "hello.says"), "public/test_more.py"),
        ("starter/mutants.yaml", "kills: {}", "mutants.yaml"),
        ("starter/hidden/x.txt", "x", "is called hidden"),
    ],
)  # fmt: skip
def test_what_gives_something_away_is_named_and_nothing_is_written(
    pack: Path, tmp_path: Path, place: str, content: str, words: str
) -> None:
    """Copies, rewrapped copies, stretches, words and names: with the file, and what it says."""
    assignment = assignments.load(ID, pack)  # as it was: what is planted need not be a valid check
    target = pack / ID / place
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content, "utf-8")
    with pytest.raises(kit.LeakError) as caught:
        kit.write(assignment, tmp_path / "kit")
    assert words in said(caught.value)
    assert Path(place).name in said(caught.value)
    assert not (tmp_path / "kit").exists()
    assert not list(tmp_path.glob(".kit*"))


def test_what_cannot_be_looked_into_is_refused(pack: Path, tmp_path: Path) -> None:
    """An archive could hold anything, and a link could lead anywhere."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("server.js", SOLUTION)
    (pack / ID / "starter" / "data.bin").write_bytes(buffer.getvalue())
    with pytest.raises(kit.LeakError, match="No kit is written") as caught:
        write(pack, tmp_path / "kit")
    assert "packed" in said(caught.value)
    (pack / ID / "starter" / "data.bin").unlink()
    (pack / ID / "starter" / "data.bin").symlink_to(pack / ID / "hidden" / "test_hidden.py")
    result = run("kit", ID, "--out", str(tmp_path / "kit"), "--assignments", str(pack))
    assert result.exit_code == 2
    assert "data.bin" in result.output


def test_a_hidden_module_that_is_no_python_is_named(pack: Path, tmp_path: Path) -> None:
    """Its words could not be looked for: file and line instead of a kit that is only half proven."""
    assignment = assignments.load(ID, pack)
    (pack / ID / "hidden" / "helpers.py").write_text("a = 1\ndef broken(:\n", "utf-8")
    with pytest.raises(UsageError) as caught:
        kit.write(assignment, tmp_path / "kit")
    text = caught.value.message
    assert "helpers.py, line 2" in text.msgid % text.params
    assert not (tmp_path / "kit").exists()


def test_the_workflow_is_in_it_where_there_is_one(pack: Path, tmp_path: Path) -> None:
    """As the repository's CI reads it."""
    workflow = tmp_path / "workflow.yml"
    workflow.write_text("on: push\n", "utf-8")
    written = kit.write(assignments.load(ID, pack), tmp_path / "kit", workflow)
    assert written.workflow
    assert (tmp_path / "kit" / "repository" / ".github" / "workflows" / "grader.yml").read_text() == "on: push\n"


def test_without_hidden_checks_it_says_that_nothing_was_compared(pack: Path, tmp_path: Path) -> None:
    """A kit made from a kit is the same kit, and says that it was compared with nothing."""
    write(pack, tmp_path / "kit")
    again = write(tmp_path / "kit", tmp_path / "again")
    assert again.unproven
    for name in again.files:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "kit" / name).read_bytes()


def test_the_command_says_what_it_wrote(pack: Path, tmp_path: Path) -> None:
    """For people and programs; a folder with something in it is refused, an empty one is not."""
    (tmp_path / "kit").mkdir()
    argv = [ID, "--out", str(tmp_path / "kit"), "--assignments", str(pack), "--lang", "en"]
    result = CliRunner().invoke(kit_command, [*argv, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["compared"] == 7
    again = CliRunner().invoke(kit_command, argv, catch_exceptions=False)
    assert again.exit_code == 2
    assert "not empty" in again.output
    (pack / ID / "starter" / "hint.txt").write_text("message-lost", "utf-8")
    leaking = CliRunner().invoke(kit_command, [*argv[:2], str(tmp_path / "b"), *argv[3:]], catch_exceptions=False)
    assert leaking.exit_code == 2
    assert "starter/hint.txt, line 1" in leaking.output
