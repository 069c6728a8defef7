"""The journal holds whole results only, whatever happens to the process that writes them."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from grader.batch.journal import Journal, Key
from grader.batch.run import summary_of
from grader.errors import UsageError
from tests.unit.batch.results import entry, result

KEY = Key("content", "rubric", "grader")
WRITER = """
import sys
from pathlib import Path
from grader.batch.journal import Journal, Key
from tests.unit.batch.results import result, summary
with Journal(Path(sys.argv[1])) as journal:
    for n in range(1_000_000):
        journal.write(Key(f"c{n}", "r", "g"), summary(n % 5), {"n": n}, result(n % 5))
        print(n, flush=True)
"""


def written(journal: Journal, key: Key, passed: int) -> None:
    found = result(passed)
    journal.write(key, summary_of(found, seconds=1.0, host="h", tries=1), {"seed": 1}, found)


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    """Also to a later process."""
    with Journal(tmp_path / "j") as journal:
        written(journal, KEY, 3)
    with Journal(tmp_path / "j") as journal:
        assert journal.result("content") == result(3)
        known = journal.known(KEY)
        assert known is not None
        assert (known.status, known.score) == ("final", 75)


@pytest.mark.parametrize(
    "other", [Key("x", "rubric", "grader"), Key("content", "x", "grader"), Key("content", "rubric", "x")]
)
def test_another_content_assignment_or_grader_is_another_grading(tmp_path: Path, other: Key) -> None:
    """Nothing is taken for known that was found under other conditions."""
    with Journal(tmp_path / "j") as journal:
        written(journal, KEY, 3)
        assert journal.known(other) is None


def test_the_newest_result_of_a_content_is_the_one_reported(tmp_path: Path) -> None:
    """A later grading replaces what an earlier one found."""
    with Journal(tmp_path / "j") as journal:
        written(journal, KEY, 1)
        written(journal, Key("content", "rubric", "newer grader"), 4)
        assert journal.summaries()["content"].score == 100
        written(journal, KEY, 2)  # graded again by force
        assert journal.summaries()["content"].score == 50
        assert len(list(journal.audits())) == 2


def test_a_text_without_an_encoding_is_kept(tmp_path: Path) -> None:
    """With a sign in the place of what cannot be written."""
    with Journal(tmp_path / "j") as journal:
        journal.place([entry("ana", name="\ud800")])
        assert next(journal.attempts()).entry.name == "?"


def test_a_class_read_anew_keeps_what_is_known_of_those_who_are_still_there(tmp_path: Path) -> None:
    """Whoever left it is gone."""
    with Journal(tmp_path / "j") as journal:
        journal.place([entry("ana"), entry("luis")])
        journal.read(entry("ana"), "c1")
        journal.wrote_pages(entry("ana"), "p")
        journal.place([entry("eva"), entry("ana"), entry("ana", 2)])
        found = [(a.entry.student, a.entry.attempt, a.content, a.pages) for a in journal.attempts()]
    assert found == [("eva", 1, "", ""), ("ana", 1, "c1", "p"), ("ana", 2, "", "")]


def test_killed_while_writing_it_holds_every_result_that_was_reported_and_none_half(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing, three times over the same file."""
    reported = -1
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "j")],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        assert child.stdout
        for line in child.stdout:
            reported = max(reported, int(line))
            if int(line) % 40 == 39:
                child.send_signal(signal.SIGKILL)
                break
        child.wait()
        child.stdout.close()
        with Journal(tmp_path / "j") as journal:
            audits = dict(journal.audits())
            assert {f"c{n}" for n in range(reported + 1)} <= audits.keys()
            for content, audit in audits.items():
                assert journal.result(content) == result(audit["n"] % 5)


def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    """The file may be somebody's only copy."""
    (tmp_path / "j").write_bytes(b"my thesis" * 1000)
    with pytest.raises(UsageError) as refused:
        Journal(tmp_path / "j")
    assert refused.value.message.params["file"] == str(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == b"my thesis" * 1000


def test_the_journal_of_a_newer_grader_is_refused(tmp_path: Path) -> None:
    """This one might not understand all of it."""
    with contextlib.closing(sqlite3.connect(tmp_path / "j")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError):
        Journal(tmp_path / "j")


def test_settings_come_back(tmp_path: Path) -> None:
    """The last one that was remembered."""

    class Kept(msgspec.Struct):
        words: tuple[str, ...]

    with Journal(tmp_path / "j") as journal:
        assert journal.setting("kept", Kept) is None
        journal.remember(kept=Kept(("a",)))
        journal.remember(kept=Kept(("a", "b")))
        assert journal.setting("kept", Kept) == Kept(("a", "b"))
