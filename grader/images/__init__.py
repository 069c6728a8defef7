"""Which images stand behind the names of a submission: pulled by digest, or equivalents built from packages."""

from grader.images.resolve import Mode, Row, resolve, survey

__all__ = ["Mode", "Row", "resolve", "survey"]
