"""JUnit XML, as CI services read it: a test case a check.

`failure` is the submission's fault, `error` ours, `skipped` a check that was not tried. A suite of skipped cases alone
is green everywhere, so a first case "submission" fails when the files were refused or did not start.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Final

from grader import untrusted
from grader.exports.shown import Shown, place, shown, text_of
from grader.model.text import msg
from grader.presentation.words import VERDICTS

if TYPE_CHECKING:
    from grader.exports.result_json import CheckEntry
    from grader.presentation.audience import Redacted

SUBMISSION: Final = "submission"
_TAGS: Final = {"failed": "failure", "blocked": "skipped", "error": "error"}
# what XML 1.0 has no way to write, not even by number
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(result: Redacted, *, lang: str) -> bytes:
    """Return the XML document, UTF-8."""
    seen = shown(result, lang)
    document = seen.document
    suite = ET.Element("testsuite", name=document.assignment, timestamp=document.started_at)
    properties = ET.SubElement(suite, "properties")
    for name in ("submission", "status", "score", "max_score", "bonus", "max_bonus", "assignment_version", "seed"):
        ET.SubElement(properties, "property", name=name, value=_legal(str(getattr(document, name))))
    _submission(suite, seen)
    for check in document.checks:
        _case(suite, seen, check)
    root = ET.Element("testsuites", name="grader")
    root.append(suite)
    for element in (root, suite):
        _count(element, suite)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _submission(suite: ET.Element, seen: Shown) -> None:
    case = ET.SubElement(suite, "testcase", classname=seen.document.assignment, name=SUBMISSION, time="0.000")
    errors = [f for f in seen.document.findings if f.severity == "error"]
    if errors:
        failure = ET.SubElement(case, "failure", type=errors[0].code, message=_legal(text_of(errors[0])))
        failure.text = _legal("\n".join(f"{place(f)}: {text_of(f)}" if f.file else text_of(f) for f in errors))
    if seen.document.errors:
        error = ET.SubElement(case, "error", type="grader", message=_legal(seen.document.errors[0]))
        error.text = _legal("\n".join(seen.document.errors))


def _case(suite: ET.Element, seen: Shown, check: CheckEntry) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=seen.document.assignment,
        name=_legal(f"{check.id}: {check.title}"),
        time=f"{check.seconds:.3f}",
    )
    properties = ET.SubElement(case, "properties")
    for name in ("points", "max_points", "level", "visibility"):
        ET.SubElement(properties, "property", name=name, value=str(getattr(check, name)))
    if check.outcome == "passed":
        return
    message = check.observed or check.reason or seen.say(VERDICTS[check.outcome])
    if check.blocked_by:
        message = seen.say(msg("Waits for %(id)s, which did not pass.", id=check.blocked_by))
    result = ET.SubElement(case, _TAGS[check.outcome], type=check.reason or check.outcome, message=_legal(message))
    result.text = _legal(seen.told(check))


def _count(element: ET.Element, suite: ET.Element) -> None:
    element.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in suite.findall('testcase')):.3f}")


def _legal(words: str) -> str:
    """Return `words` as XML can hold them, and harmless in the log of a CI service that prints the file."""
    lines = (untrusted.for_log(line, limit=untrusted.MAX_CHARS) for line in words.split("\n"))
    return _ILLEGAL.sub("\ufffd", "\n".join(lines))
