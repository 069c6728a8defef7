"""A room that another distribution brings is known everywhere, and loads whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from grader import digests, installed, paths, process
from grader.brokers import registry
from grader.errors import UsageError
from grader.i18n import render
from tests import echo

if TYPE_CHECKING:
    from pathlib import Path

GRADER = "import sys; from grader.__main__ import main; main()"
# What the rest of the grader knows of it, without any of its files being told.
FACTS = """
import json
from pathlib import Path
from grader import assignments, brokers, catalogue
from grader.brokers.reasons import REASONS
from grader.images import recipes
from grader.model.history import Event
from grader.reports.timeline import rows
from grader.presentation.words import Words
entry = catalogue.load().find("example/echo-line:1")
story = [Event(at=1.0, source="line", kind="said", actor="echo", data={"text": "do x"})]
(row,) = rows(story, 0.0, Words("en"))
print(json.dumps({
    "role": assignments.load("echo-lines", Path(ASSIGNMENTS)).services[0].role,
    "recipe": recipes.folder(entry.equivalent.recipe).parent.name,
    "fingerprint": len(recipes.fingerprint(catalogue.load(), entry.equivalent)),
    "reason": REASONS["line-unanswered"].title.msgid,
    "row": [row.glyph, row.what, row.details],
    "early": brokers.is_evidence("echo"),
    "probe": brokers.client("echo").probe.__name__,
    "by_hand": brokers.rooms()["echo"].broker.by_hand({}, ""),
    "spanish": Words("es")(REASONS["line-unanswered"].title),
}))
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on Python's path, as long as the test runs; what is loaded from it is forgotten."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(installed, "packages", installed.packages.__wrapped__)
    for name in [n for n in sys.modules if n.split(".")[0] == echo.MODULE]:
        monkeypatch.delitem(sys.modules, name)
    yield folder
    for name in [n for n in sys.modules if n.split(".")[0] == echo.MODULE]:
        del sys.modules[name]


def load() -> dict[str, object]:
    """Look for rooms anew."""
    return dict(registry.rooms.__wrapped__())


def refused() -> str:
    """Return why the rooms do not load."""
    with pytest.raises(UsageError) as caught:
        load()
    assert render(caught.value.message, "es") != render(caught.value.message, "en")
    return render(caught.value.message, "en")


def run(site: Path, *argv: str) -> process.Completed:
    """Run Python where the package is installed."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(site), str(paths.PACKAGE.parent)))}
    return process.run([sys.executable, *argv], deadline_s=60, env=env)


def test_a_room_of_another_distribution_is_one_like_ours(site: Path) -> None:
    """By the role that it declares, with the distribution that brought it."""
    before = set(load())
    package = echo.install(site)
    found = load()
    assert set(found) - before == {"echo"}
    assert found["echo"].folder == package
    assert found["echo"].distribution == echo.DISTRIBUTION


def test_everything_knows_it_and_nothing_names_it(site: Path) -> None:
    """Catalogue, recipes, reasons, timeline, readiness and commands; no file of the grader has its name."""
    locale = echo.install(site) / "locale" / "es" / "LC_MESSAGES"
    locale.mkdir(parents=True)
    catalogue = Catalog(locale="es")
    catalogue.add("Nobody answers a line", "Nadie responde a una línea")
    with (locale / "grader.mo").open("wb") as file:
        write_mo(file, catalogue)
    done = run(site, "-c", f"ASSIGNMENTS = {str(echo.ASSIGNMENTS)!r}\n{FACTS}")
    assert json.loads(done.output) == {
        "role": "echo",
        "recipe": "recipes",
        "fingerprint": 16,
        "reason": "Nobody answers a line",
        "row": ["»", "we say to echo:", ["“do x”"]],
        "early": True,
        "probe": "Echo",
        "by_hand": ["python3 /srv/echo/talk.py"],
        "spanish": "Nadie responde a una línea",
    }
    sources = [p for p in paths.PACKAGE.rglob("*") if p.suffix in {".py", ".yaml", ".po", ".j2"}]
    assert [p for p in sources if "echo_line" in (text := p.read_text("utf-8")) or "echo-line" in text] == []


def test_its_rules_hold(site: Path, tmp_path: Path) -> None:
    """Nothing is mounted over its programs, and no other image runs in its place."""
    echo.install(site)
    wrong = tmp_path / "wrong"
    shutil.copytree(echo.SUBMISSIONS / "right", wrong)
    compose = wrong / "compose.yaml"
    compose.write_text(compose.read_text("utf-8").replace(":1\n", ":1\n    volumes: ['./x:/srv/echo']\n"), "utf-8")
    for folder, codes in ((echo.SUBMISSIONS / "right", set()), (wrong, {"witness-covered"})):
        argv = ("inspect", str(folder), "--assignment", "echo-lines", "--assignments", str(echo.ASSIGNMENTS), "--json")
        found = json.loads(run(site, "-c", GRADER, *argv).output)
        assert {f["code"] for f in found["findings"] if f["severity"] == "error"} == codes


def test_results_depend_on_its_code(site: Path) -> None:
    """What was graded with another version of it is graded anew."""
    before = digests.of_grader.__wrapped__()
    package = echo.install(site)
    with_it = digests.of_grader.__wrapped__()
    (package / "client.py").write_text("# another\n" + (package / "client.py").read_text("utf-8"), "utf-8")
    assert len({before, with_it, digests.of_grader.__wrapped__()}) == 3


def edited(package: Path, file: str, old: str, new: str = "") -> None:
    """Take a part of the package away."""
    path = package / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def without(package: Path, begin: str, end: str, file: str = "__init__.py") -> None:
    """Take away what stands from `begin` to before `end`."""
    text = (package / file).read_text("utf-8")
    first = text.index(begin)
    (package / file).write_text(text[:first] + text[text.index(end, first) :], "utf-8")


def test_without_its_image_recipe(site: Path) -> None:
    """The missing folder is named."""
    package = echo.install(site)
    shutil.rmtree(package / "recipes")
    place = package / "recipes" / "echo-line"
    assert refused() == (
        f"echo-line-room: the image recipe echo-line of the room echo is not there. Put its Dockerfile into {place}."
    )


def test_without_what_is_built_where_nothing_can_be_pulled(site: Path) -> None:
    """Images alone do not do in a room without a way out."""
    file = echo.install(site) / "images.yaml"
    images = file.read_text("utf-8").partition("\nequivalents:")[0]
    file.write_text(images.replace(', equivalent: "example/echo-line:1"', ""), "utf-8")
    assert "the room echo has no image recipe. Say under equivalents: in" in refused()


def test_without_its_images(site: Path) -> None:
    """Neither the file nor what is in it may be missing."""
    package = echo.install(site)
    edited(package, "images.yaml", "  example/echo-line:\n", "  example/other:\n")
    assert "the room echo runs example/echo-line, and" in refused()
    (package / "images.yaml").unlink()
    assert refused().startswith("echo-line-room: the room echo has no images (FileNotFoundError")


def test_without_readiness(site: Path) -> None:
    """A service that nobody can ask whether it serves would be checked too early."""
    edited(echo.install(site), "client.py", "    ready=Echo.ready,\n")
    assert refused() == (
        "echo-line-room: the room echo has no readiness. Say what asks a probe whether its service serves: "
        "Client(ready=…)."
    )


def test_without_its_probe(site: Path) -> None:
    """Whether it is not declared, not there, or cannot be imported."""
    package = echo.install(site)
    edited(package, "client.py", "    probe=Echo,\n")
    assert "the room echo has no probe. Say what a check speaks with" in refused()
    sys.modules.pop("echo_line.client")
    (package / "client.py").unlink()
    said = refused()
    assert said.startswith("echo-line-room: the room echo has no client: echo_line.client:CLIENT (ModuleNotFoundError")
    assert said.endswith("Let Broker(client=…) name a value of grader.brokers.Client, as module:NAME.")


def test_without_its_rules(site: Path) -> None:
    """That nothing may be set has to be said."""
    edited(echo.install(site), "__init__.py", '    rules=Rules(programs=r"/srv/echo(/.*)?\\Z", url="echo:7007"),\n')
    assert refused() == (
        "echo-line-room: the room echo has no rules. Say what a submission may set: Broker(rules=Rules(…)), Rules() "
        "where it is nothing."
    )


def test_a_rule_that_is_no_regular_expression(site: Path) -> None:
    """It would end a grading otherwise."""
    edited(echo.install(site), "__init__.py", "/srv/echo(/.*)?", "/srv/echo(/.*")
    assert "a rule of the room echo is no regular expression: /srv/echo(/.*\\Z (missing )" in refused()


def test_images_that_are_no_catalogue(site: Path) -> None:
    """The file is named when an assignment is loaded, and what is wrong there."""
    edited(echo.install(site), "images.yaml", "kind: broker", "kind: pigeon")
    argv = ("list", "--assignments", str(echo.ASSIGNMENTS), "--lang", "en")
    done = run(site, "-c", GRADER, *argv)
    assert done.returncode == 2
    assert "images.yaml is no catalogue of images: Invalid enum value 'pigeon'" in " ".join(done.output.split())


def test_an_image_that_is_built_on_nothing(site: Path) -> None:
    """What an equivalent stands on is somewhere in the catalogue."""
    edited(echo.install(site), "images.yaml", "python:3.13-slim", "python:0-slim")
    done = run(site, "-c", GRADER, "list", "--lang", "en")
    assert done.returncode == 2
    assert "names the equivalent python:0-slim, which nobody describes" in " ".join(done.output.split())


def test_without_its_event_kinds(site: Path) -> None:
    """A timeline would show raw words."""
    without(echo.install(site), "    sources={", "    reasons={")
    assert "the room echo has no event kinds. Say how a timeline draws what its probe records" in refused()


def test_without_its_reason_codes(site: Path) -> None:
    """A failure would have no words."""
    without(echo.install(site), "    reasons={", "    by_hand=")
    assert refused() == (
        "echo-line-room: the room echo has no reason codes. Say why a check fails: Broker(reasons={code: Reason(…)})."
    )


def test_without_a_reason_that_its_client_speaks_of(site: Path) -> None:
    """Each code that the client names has its words."""
    package = echo.install(site)
    edited(package, "client.py", "    errors=(OSError,),\n", '    refuses=Refusal(Echo.ready, "line-refused"),\n')
    edited(package, "client.py", "import Client\n", "import Client, Refusal\n")
    assert "the client of the room echo speaks of line-refused. Describe it in Broker(reasons=…)." in refused()


def test_without_commands_by_hand(site: Path) -> None:
    """A student could not look into it."""
    edited(echo.install(site), "__init__.py", '    by_hand=commands("python3 /srv/echo/talk.py"),\n')
    assert refused() == ('echo-line-room: the room echo has no commands by hand. Write Broker(by_hand=commands("…")).')


def test_an_entry_point_that_names_no_room(site: Path) -> None:
    """What it names is said, and what was found there."""
    package = echo.install(site)
    edited(package, "__init__.py", "BROKER = Broker(", "ROOM = Broker(")
    edited(package, "client.py", "from echo_line import BROKER\n", "from echo_line import ROOM as BROKER\n")
    said = refused()
    assert said.startswith("echo-line-room: its entry point echo in the group grader.brokers names no room: ")
    assert "echo_line:BROKER (AttributeError" in said


def test_a_single_module_is_no_room(site: Path) -> None:
    """What lies beside it belongs to others: neither its images nor its code could be told from theirs."""
    package = echo.install(site)
    shutil.copy(package / "__init__.py", site / "echo_alone.py")
    file = next(site.glob("*.dist-info")) / "entry_points.txt"
    file.write_text("[grader.brokers]\necho = echo_alone:BROKER\n", "utf-8")
    assert "names no room: echo_alone:BROKER (no package). Let it name a value of grader.brokers.Broker" in refused()
    assert digests.of_grader.__wrapped__()


def test_a_package_that_cannot_be_imported(site: Path) -> None:
    """Whatever it raises is said; a reader of other texts is not disturbed by it."""
    package = echo.install(site)
    (package / "__init__.py").write_text("raise RuntimeError('a slip')\n", "utf-8")
    assert "names no room: echo_line:BROKER (RuntimeError: a slip)." in refused()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('role="echo"', 'role="worker"', "takes the name worker (role), which grader has. Choose another one."),
        ('"line": Source', '"amqp": Source', "takes the name amqp (sources), which rabbitmq has."),
        ('"line-unanswered": R', '"no-answer": R', "takes the name no-answer (reasons), which grader has."),
    ],
)
def test_a_name_that_is_taken(site: Path, old: str, new: str, said: str) -> None:
    """Two rooms never share one, so that neither changes what the other means."""
    edited(echo.install(site), "__init__.py", old, new)
    assert said in refused()


def test_a_command_says_it_and_ends_as_a_wrong_call(site: Path) -> None:
    """Exit code 2 and one message, before anything of a submission is looked at."""
    shutil.rmtree(echo.install(site) / "recipes")
    done = run(site, "-c", GRADER, "list", "--lang", "en")
    assert done.returncode == 2
    assert "the image recipe echo-line of the room echo is not there." in done.output
    assert "Traceback" not in done.output
