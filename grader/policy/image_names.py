"""Names of images: which of them may be named at all."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from grader.model.text import Text, msg
from grader.policy import bitnami, registries
from grader.policy.image import parse

if TYPE_CHECKING:
    from grader.policy.image import Image
    from grader.policy.scope import Scope

_NUMBER = re.compile(r"(?:0x[0-9a-f]+|[0-9]{8,})/")  # an address to some tools
_HEX = re.compile(r"[0-9a-f]{2,64}\Z")
_OURS = re.compile(r"grader(?:-[^/]*)?(?:/|\Z)")


def forbidden(image: Image, written: str) -> Text | None:
    """Return why a name must never be used, whatever the assignment allows; None if nothing speaks against it."""
    host = image.host
    why = None
    if not host and (
        (_HEX.match(image.path) and not image.digest and image.tag == "latest")
        or image.path == "sha256"
        or image.path.startswith("sha256/")
    ):
        why = msg("%(image)s reads as the id of an image on this machine.", image=written)
    elif not host and (_OURS.match(image.path) or image.path == "build"):  # in a plan, `build:x` is what x builds
        why = msg("%(image)s reads as an image of the grader itself.", image=written)
    elif (host and (":" in host or host == "localhost" or _is_address(host))) or _NUMBER.match(image.path):
        why = msg("%(image)s names a registry by address, port or localhost.", image=written)
    elif not registries.public(host):
        why = msg("%(image)s names a registry that is not one of the large public ones.", image=written)
    return why


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(re.fullmatch(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+))*", host))
    return True


def judge_image(scope: Scope, written: str, sets: bitnami.Sets | None = None) -> Image | None:
    """Return the image that a name stands for, or None after saying why it may not be used.

    sets: what the service sets besides, where it is a service's own image.
    """
    image = parse(written)
    if image is None:
        scope.error(
            "image-malformed",
            msg("%(image)s is not the name of an image.", image=written[:120]),
            msg("Write it as name:tag in lower case, such as node:20-alpine."),
        )
        return None
    why = forbidden(image, written)
    if why:
        scope.error("image-not-allowed", why, _suggest(scope, written))
        return None
    catalogue = scope.project.catalogue.find(image.name) is not None
    if not catalogue and bitnami.gone(image):
        if not say_gone(scope, image, sets):
            return None
    elif not catalogue and not scope.project.public_images:
        scope.error(
            "image-not-allowed",
            msg("The image %(image)s is not one that this assignment allows.", image=image.name),
            _suggest(scope, written),
        )
        return None
    elif not catalogue:
        scope.notice(
            "image-outside-catalogue",
            msg("%(image)s is outside of the grader's catalogue of images.", image=image.name),
            _offline(scope, image),
        )
    scope.project.written.setdefault(image.name, scope.place)
    return image


def say_gone(scope: Scope, image: Image, sets: bitnami.Sets | None) -> bool:
    """Say that an image cannot be had any more, and what is to be written instead; return whether to go on with it.

    Where nothing is graded it is no more than said: somebody may still have it.
    """
    graded = scope.project.assignment is not None
    scope.add(
        "error" if graded else "warning",
        "image-gone",
        msg("%(image)s is gone from the public registry since August 2025.", image=image.name),
        bitnami.moved(image, sets) or _suggest(scope, image.name),
    )
    return not graded


def _offline(scope: Scope, image: Image) -> Text:
    """Return what it means that an image can only be pulled."""
    meant = scope.project.catalogue.nearest(image.name)
    if meant:
        return msg("Nothing has to be changed. Where its registry does not answer, %(image)s can be used.", image=meant)
    return msg("Nothing has to be changed. Where its registry does not answer, nothing can be graded.")


def _suggest(scope: Scope, written: str) -> Text:
    meant = scope.project.catalogue.nearest(written)
    if meant:
        return msg("Use %(image)s.", image=meant)
    if scope.project.public_images:
        return msg("Use an image that its makers publish on a public registry.")
    return msg("Use an image of the catalogue (grader images list shows them).")
