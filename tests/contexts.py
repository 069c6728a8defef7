"""A folder to build from and files that say what does not go in, with what BuildKit takes all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    ".env", "top.py", "README.md", "Lib/x", "lib/x", "Scripts/s", "scripts/s", "a b.txt", "ñ.txt", "x[1].txt",
    "d/f", "d/g", "src/.env", "src/app.py", "src/notes.txt", "src/sub/mod.py", "src/sub/mod.txt",
)  # fmt: skip
EVERYTHING = {*FILES, "Lib", "lib", "Scripts", "scripts", "d", "src", "src/sub", "empty", "link"}


def make(root: Path) -> None:
    """Write the folder: files, an empty folder, a link."""
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
        path.chmod(0o644)
    (root / "src" / "app.py").chmod(0o755)
    (root / "empty").mkdir()
    (root / "link").symlink_to("src/app.py")


_PYTHON = {"top.py", "src/app.py", "src/sub/mod.py"}
_BELOW_SRC = {"src/app.py", "src/sub/mod.py", "src", "src/sub"}
# text -> what of the folder is kept
CASES: dict[str, set[str]] = {
    # what an allow-list lets through lies in folders that are ignored
    "*\n!**/*.py\n": _PYTHON | {"src", "src/sub"},
    "**\n!**/*.py\n": _PYTHON | {"src", "src/sub"},
    "*\n!src/**/*.py\n": _BELOW_SRC,
    "**/*\n!src\n!top.py": {name for name in EVERYTHING if name.startswith("src")} | {"top.py"},
    "*\n!src/sub/*": {"src", "src/sub", "src/sub/mod.py", "src/sub/mod.txt"},
    "d\n!d/f": EVERYTHING - {"d/g"},
    # an exception does not bring back what a later line takes away, but one line within a folder is not asked again
    "src\n!src\nsrc/sub": EVERYTHING - {"src/sub", "src/sub/mod.py", "src/sub/mod.txt"},
    "*\n!d/f\nd": {"d", "d/f"},
    "*/f\n!d": EVERYTHING - {"d/f"},
    # letters' case counts
    "Lib\nScripts\n": EVERYTHING - {"Lib", "Lib/x", "Scripts", "Scripts/s"},
    # blanks, comments, marks, ends of lines, strokes
    "\ufefftop.py\r\n  d/ \r\n": EVERYTHING - {"top.py", "d", "d/f", "d/g"},
    "# top.py\n # d\n\n/lib\n./d\nsrc/./sub/../app.py": EVERYTHING - {"lib", "lib/x", "d", "d/f", "d/g", "src/app.py"},
    "a b.txt\n! \t/a b.txt": EVERYTHING,
    ".\n..\n/\n": EVERYTHING,
    # patterns
    "*.txt": EVERYTHING - {"a b.txt", "ñ.txt", "x[1].txt"},
    "**/*.txt": EVERYTHING - {"a b.txt", "ñ.txt", "x[1].txt", "src/notes.txt", "src/sub/mod.txt"},
    "**/.env": EVERYTHING - {".env", "src/.env"},
    "**py": EVERYTHING - _PYTHON,
    "src/**": EVERYTHING - {"src/.env", "src/app.py", "src/notes.txt", "src/sub", "src/sub/mod.py", "src/sub/mod.txt"},
    "src/**/mod.*": EVERYTHING - {"src/sub/mod.py", "src/sub/mod.txt"},
    "s**d.py\ns**mod.py": EVERYTHING - {"src/sub/mod.py"},
    "?.txt\n[a-d]*": EVERYTHING - {"ñ.txt", "a b.txt", "d", "d/f", "d/g"},
    "[^a-zA-Z.ñ]*\n[!l]ib": EVERYTHING - {"lib", "lib/x"},  # a ! negates nothing here
    "x\\[1\\].txt": EVERYTHING - {"x[1].txt"},
    "x[[]1].txt": EVERYTHING - {"x[1].txt"},
    "link\nempty": EVERYTHING - {"link", "empty"},
    "": EVERYTHING,
}  # fmt: skip
REFUSED = {"a\n[": 2, "!": 1, "! ": 1, "!/": 1, "a[]": 1, "a[x": 1, "\n[b-a]": 2, "[-a]": 1}

_PIECES = st.sampled_from(
    ["src", "sub", "app.py", "mod", "d", "f", "Lib", "lib", "x", ".env", "*", "**", "?", "*.py", "[a-m]*", "[^s]*", "."]
)  # fmt: skip
_PATTERNS = st.builds(
    lambda mark, parts, end: mark + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.lists(_PIECES, min_size=1, max_size=3),
    st.sampled_from(["", "", "/", "*"]),
)
IGNORES = st.lists(_PATTERNS, min_size=1, max_size=5).map("\n".join)
