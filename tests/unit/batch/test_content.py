"""A submission by its content, and which contents are nearly the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from grader.batch import content, similarity

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
async function handle(message) {
  const task = JSON.parse(message.content.toString());
  await store(task.id, task.payload, { retries: 3 });
  channel.ack(message);
  console.log('stored', task.id, 'after', Date.now() - task.at, 'ms');
}
"""


def laid(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_same_files_have_the_same_content_whenever_and_wherever_they_were_written(tmp_path: Path) -> None:
    """Times and order of writing do not count, the executable bit does."""
    one = laid(tmp_path / "one", {"a/b.js": "x", "c.js": "y"})
    other = laid(tmp_path / "other", {"c.js": "y", "a/b.js": "x"})
    os.utime(other / "c.js", (1, 1))
    assert content.pack(one) == content.pack(other)
    (other / "c.js").chmod(0o755)
    assert content.digest(content.pack(one)) != content.digest(content.pack(other))


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    """Names, modes, links and empty folders."""
    folder = laid(tmp_path / "one", {"a/b.js": "ñ", "run.sh": "#!/bin/sh\n"})
    (folder / "run.sh").chmod(0o755)
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("a/b.js")
    content.unpack(content.pack(folder), tmp_path / "two")
    two = tmp_path / "two"
    assert (two / "link").read_text() == "ñ"
    assert os.access(two / "run.sh", os.X_OK)
    assert (two / "empty").is_dir()
    assert content.pack(two) == content.pack(folder)


def test_renamed_variables_are_alike_and_own_work_is_not(tmp_path: Path) -> None:
    """A few other words in long runs are not another work."""
    many = "\n".join(CODE.replace("task", f"task{n}") for n in range(12))
    works = {
        "ana": many,
        "luis": many.replace("task3", "job"),
        "eva": "\n".join(f"def step_{n}(x):\n    return x ** {n} + other[{n} * {n}]\n" for n in range(60)),
    }
    sketches = [(name, similarity.sketch(laid(tmp_path / name, {"w.js": text}), set())) for name, text in works.items()]
    found = similarity.pairs({name: [name] for name in works}, sketches)
    assert [a.students for a in found] == [("ana", "luis")]
    assert similarity.SHARE <= found[0].share < 1


def test_what_the_starter_gave_makes_nobody_alike(tmp_path: Path) -> None:
    """Everybody has it."""
    starter = laid(tmp_path / "starter", {"w.js": CODE * 5})
    given = similarity.runs(starter)
    assert similarity.sketch(laid(tmp_path / "ana", {"w.js": CODE * 5}), given) == b""
