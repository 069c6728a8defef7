"""A class as it comes: a folder of submissions, the zip of a course platform, or a CSV file, read to a `ClassList`."""

from __future__ import annotations

from grader.batch.classes.reading import LAYOUTS, Layout, read

__all__ = ["LAYOUTS", "Layout", "read"]
