"""Which images stand behind the names of a submission: pulled by digest, or equivalents built from packages."""

from grader.images.facts import facts
from grader.images.resolve import Mode, Row, resolve, survey

# What a stand-in prints when a build asks for a program of the original that it does not have.
LACKS = "GRADER-EQUIVALENT-LACKS"

__all__ = ["LACKS", "Mode", "Row", "facts", "resolve", "survey"]
