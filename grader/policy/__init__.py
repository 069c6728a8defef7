"""Policy: what of a submission may run. Its compose file is judged attribute by attribute and written anew."""

from __future__ import annotations

from grader.policy.bind import bind
from grader.policy.judge import judge
from grader.policy.left_behind import left_behind
from grader.policy.pulled import judge_images, unusable
from grader.policy.scope import Catalogue

__all__ = ["Catalogue", "bind", "judge", "judge_images", "left_behind", "unusable"]
