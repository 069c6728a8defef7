"""What a submission's own files say of why something does not build or start, where the words of programs name them."""

from grader.stack.causes.cause import Cause, Sources
from grader.stack.causes.telling import build_explained, start_explained

__all__ = ["Cause", "Sources", "build_explained", "start_explained"]
