"""The formats in which one grading can be written, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from grader import atomic
from grader.errors import UsageError
from grader.exports import annotations as github_annotations
from grader.exports import (
    autograding,
    classroom50,
    gradescope,
    junit,
    markdown,
    prairielearn,
    sarif,
    single_csv,
)
from grader.model.text import msg
from grader.presentation.audience import Audience, Redacted, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grader.model.grade import Result


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a format may need beside the result.

    prefix: the submission's folder within its repository, "" when it is the repository. environ: the platform's.
    """

    lang: str = "es"
    audience: Audience = "instructor"
    prefix: str = ""
    environ: dict[str, str] = {}


class Format(msgspec.Struct, frozen=True):
    """A format: the name of its file beside the report, and what writes it (None: it has no word for this result).

    audience: who reads it whoever asks for it; None: whom the context names.
    """

    file: str
    text: Callable[[Redacted, Context], bytes | None]
    audience: Audience | None = None

    def of(self, result: Result, context: Context) -> bytes | None:
        """Return what the file says of a result."""
        return self.text(redacted(result, self.audience or context.audience), context)


class Wanted(msgspec.Struct, frozen=True):
    """An export that was asked for. file: None for the format's own name beside the report."""

    name: str
    file: Path | None = None


FORMATS: Final[dict[str, Format]] = {
    "annotations": Format(
        "annotations.txt", lambda r, s: github_annotations.text(r, lang=s.lang, prefix=s.prefix), "student"
    ),
    "autograding": Format("autograding.env", lambda r, s: autograding.text(r, lang=s.lang), "student"),
    "classroom50": Format(
        "classroom50.json",
        lambda r, s: classroom50.text(r, classroom50.submission(s.environ), lang=s.lang),
        "student",
    ),
    "csv": Format("grade.csv", lambda r, s: single_csv.text(r, lang=s.lang)),
    "github-outputs": Format("outputs.env", lambda r, _: autograding.outputs(r), "student"),
    "gradescope": Format("gradescope.json", lambda r, s: gradescope.text(r, lang=s.lang), "student"),
    "junit": Format("junit.xml", lambda r, s: junit.text(r, lang=s.lang)),
    "markdown": Format("summary.md", lambda r, s: markdown.text(r, lang=s.lang)),
    "prairielearn": Format("prairielearn.json", lambda r, s: prairielearn.text(r, lang=s.lang), "student"),
    "sarif": Format("findings.sarif", lambda r, s: sarif.text(r, lang=s.lang, prefix=s.prefix)),
}


def wanted(words: Iterable[str], environ: Mapping[str, str]) -> tuple[Wanted, ...]:
    """Read "FORMAT" or "FORMAT=FILE" of each word, before anything is graded.

    Raises UsageError for an unknown format, a file named twice, and a format whose variables the environment lacks.
    """
    found: list[Wanted] = []
    for word in words:
        name, _, file = word.partition("=")
        if name not in FORMATS:
            raise UsageError(
                msg("There is no format %(name)s; the formats are %(known)s", name=name, known=", ".join(FORMATS))
            )
        if name == "classroom50":
            classroom50.submission(environ)
        one = Wanted(name, Path(file) if file else None)
        if any(other == one or (one.file and other.file == one.file) for other in found):
            raise UsageError(msg("--export %(word)s is given twice", word=word))
        found.append(one)
    return tuple(found)


def write(result: Result, exports: Iterable[Wanted], out: Path, context: Context) -> list[Path]:
    """Write each export in one step and return where they lie. Raises OSError.

    A format that has no word for this result leaves no file, not even an older one that would stand for it.
    """
    written: list[Path] = []
    for export in exports:
        form = FORMATS[export.name]
        path = export.file or out / form.file
        data = form.of(result, context)
        if data is None:
            path.unlink(missing_ok=True)
        else:
            atomic.write(path, data)
            written.append(path)
    return written
