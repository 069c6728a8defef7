"""Has every image that a plan names before anything is built, and judges what nobody has judged yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader import catalogue, images, policy
from grader.errors import SubmissionBrokenError, UnusableImagesError
from grader.events import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    import docker

    from grader.events import Listener
    from grader.model.assignment import Limits
    from grader.model.grade import ResolvedImage
    from grader.model.plan import StackPlan
    from grader.model.text import Text

GATEWAY_IMAGE = "python:3.13-slim"


def resolved(
    client: docker.DockerClient, plan: StackPlan, limits: Limits, mode: images.Mode, listen: Listener
) -> dict[str, ResolvedImage]:
    """Have every image that the plan names, and the gateway's, in one go; return them by name.

    Raises SubmissionBrokenError for an image that cannot be used as it is named, and ImageMissingError that names all
    others that are not to be had.
    """

    def progress(text: Text) -> None:
        listen(Notice(text))

    wanted = (*plan.images, GATEWAY_IMAGE)
    try:
        return images.resolve(client, wanted, mode=mode, on_progress=progress, most_mib=limits.images_mib)
    except UnusableImagesError as error:
        if findings := policy.unusable(plan, error.images, catalogue.load()):
            raise SubmissionBrokenError(*findings) from error
        raise


def judged(client: docker.DockerClient, plan: StackPlan, had: Mapping[str, ResolvedImage], limits: Limits) -> StackPlan:
    """Return the plan with what images from outside of the catalogue bring along. Raises SubmissionRefusedError."""
    outside = [use.name for use in plan.uses if not use.catalogue]
    return policy.judge_images(plan, images.facts(client, had, outside), limits) if outside else plan
