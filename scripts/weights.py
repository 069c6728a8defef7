"""Says what an assignment weighs: its Python, its texts and its mutants, and where grader/ names brokers by hand.

    python scripts/weights.py

Python is `conftest.py` and `test_*.py` of all checks, public and hidden, counted so that neither comments nor the way
it is wrapped change the number: parsed, written anew, formatted at 120 columns; what is left is counted with its
blank lines and without docstrings, which are the requirements that a student reads. Texts are YAML (the rubric), the
handout, what is translated (`.po`) and those docstrings, as lines that are not blank. Mutants are files and lines
that are stored for them, right alternatives apart. A file of grader/ names a broker by hand if its code does
(comments and docstrings do not count), outside of the broker's own room `grader/brokers/<name>/`.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from grader import assignments, brokers, process, scratch

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 120
RUFF_S = 30.0
BROKERS = tuple(role for role in brokers.rooms() if brokers.is_evidence(role))
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Stored(NamedTuple):
    """So many files, and the lines in them."""

    files: int
    lines: int


class Weight(NamedTuple):
    """What one assignment weighs, in lines where nothing else is said."""

    python: int
    checks: int
    texts: int
    mutants: Stored
    alternatives: Stored

    @property
    def a_check(self) -> float:
        """Lines of Python a check."""
        return self.python / self.checks


def of(name: str) -> Weight:
    """Return what an assignment of this repository weighs."""
    folder = ROOT / "assignments" / name
    sources = [p.read_text("utf-8") for p in sorted(folder.rglob("*.py")) if "starter" not in p.parts]
    code, docstrings = zip(*(_code_and_docstrings(source) for source in sources), strict=True)
    texts = [*folder.glob("*.yaml"), *folder.glob("hidden/*.yaml"), folder / "README.md", *folder.rglob("*.po")]
    written = [line for path in texts for line in path.read_text("utf-8").splitlines() if line.strip()]
    wrong, right = _stored(ROOT / "fixtures" / "submissions" / name)
    return Weight(
        python=sum(len(text.splitlines()) for text in formatted(*code)),
        checks=len(assignments.load(name).checks),
        texts=len(written) + sum(docstrings),
        mutants=wrong,
        alternatives=right,
    )


def _code_and_docstrings(source: str) -> tuple[str, int]:
    """Return the code without docstrings and comments, and how many lines the docstrings have."""
    tree, lines = ast.parse(source), 0
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and (text := ast.get_docstring(node)) is not None:
            lines += sum(1 for line in text.splitlines() if line.strip())
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree) + "\n", lines


def formatted(*sources: str) -> list[str]:
    """Return Python as ruff writes it at so many columns, whatever a project's own settings are."""
    with scratch.folder("weights") as folder:
        files = [folder / f"{number}.py" for number in range(len(sources))]
        for file, source in zip(files, sources, strict=True):
            file.write_text(source, "utf-8")
        argv = [str(Path(sys.executable).with_name("ruff")), "format", "--isolated", f"--line-length={COLUMNS}"]
        process.run([*argv, str(folder)], env=None, deadline_s=RUFF_S, check=True)
        return [file.read_text("utf-8") for file in files]


def _stored(folder: Path) -> tuple[Stored, Stored]:
    """Return what lies there for mutants, and what for right alternatives.

    An entry of mutants.yaml is lines of its own kind; the file itself counts once, for the mutants.
    """
    found = {False: Stored(1, 0), True: Stored(0, 0)}
    for entry in re.split(r"(?m)^(?=[^\s#])", (folder / "mutants.yaml").read_text("utf-8"))[1:]:
        right = bool(re.search(r"(?m)^  right:", entry))
        files = [p for p in (folder / entry.partition(":")[0]).rglob("*") if p.is_file()]
        lines = entry.count("\n") + sum(p.read_bytes().count(b"\n") for p in files)
        found[right] = Stored(found[right].files + len(files), found[right].lines + lines)
    return found[False], found[True]


def naming(broker: str) -> list[str]:
    """Return the files of grader/, by their paths in it, that name a broker by hand."""
    package = ROOT / "grader"
    own = package / "brokers" / broker
    found = []
    for path in sorted(p for p in package.rglob("*") if p.suffix in {".py", ".yaml"} and own not in p.parents):
        text = path.read_text("utf-8")
        code = _code_and_docstrings(text)[0] if path.suffix == ".py" else re.sub(r"(?m)(^|\s)#.*$", "", text)
        if broker in code.lower():
            found.append(path.relative_to(package).as_posix())
    return found


def main() -> None:
    """Print both tables."""
    screen = Console(highlight=False)
    weights = Table(title="What an assignment weighs, in lines", title_justify="left", box=None, padding=(0, 1, 0, 0))
    weights.add_column("\nassignment", no_wrap=True)
    for column in (
        "\nchecks",
        "\nPython",
        "a\ncheck",
        "\ntexts",
        "mutants:\nfiles",
        "\nlines",
        "right:\nfiles",
        "\nlines",
    ):
        weights.add_column(column, justify="right", no_wrap=True)
    for name in assignments.names():
        weight = of(name)
        weights.add_row(
            name, str(weight.checks), str(weight.python), f"{weight.a_check:.0f}", str(weight.texts),
            *(str(number) for stored in (weight.mutants, weight.alternatives) for number in stored),
        )  # fmt: skip
    brokers = Table("broker", box=None, padding=(0, 1, 0, 0))
    brokers.add_column("files", justify="right")
    for broker in BROKERS:
        brokers.add_row(broker, str(len(naming(broker))))
    screen.print(weights, "", "Files of grader/ that name a broker by hand", brokers, sep="\n")


if __name__ == "__main__":
    main()
