"""Images from outside of the catalogue: whoever made one wrote its configuration, so it is as hostile as a Dockerfile.

They are judged when they are here and before anything is built on them or started: what such an image says of its
containers is held to the limits of a Dockerfile, and each Dockerfile is read once more with what its images bring along
(variables, folders, instructions that go off when something is built on them).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from grader.errors import SubmissionRefusedError
from grader.model.findings import Finding
from grader.model.text import Text, msg
from grader.policy import emitted, waiting
from grader.policy.collect import Collector, Place
from grader.policy.dockerfile import syntax as df
from grader.policy.dockerfile.metadata import (
    MAX_PORTS,
    MAX_TIMEOUT_S,
    MAX_VOLUMES,
    MIN_INTERVAL_S,
    ports_of,
    signal_like,
    user_like,
    wrong_folder,
    wrong_volume,
)
from grader.policy.dockerfile.reading import State
from grader.policy.dockerfile.rules import MAX_TRIGGERS, judge_dockerfile
from grader.policy.scope import Catalogue, Project, Scope
from grader.policy.values import write_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from grader.model.assignment import Limits
    from grader.model.plan import Build, ImageUse, StackPlan
    from grader.model.pulled import PulledImage

MAX_BYTES = df.MAX_BYTES  # of variables: no more than a Dockerfile could hold
MAX_LABELS = 200
# Odd names mean nothing to anybody.
_LABEL = re.compile(r"[\w./-]{1,200}\Z", re.ASCII)
_COMPOSES_OWN = "com.docker.compose."  # which it sets itself on every container
_BUILT = "build:"


def judge_images(plan: StackPlan, images: Mapping[str, PulledImage], limits: Limits) -> StackPlan:
    """Return the plan with what these images bring along put within limits; `findings` gain what was not known before.

    images: those that the catalogue does not have, by name. Raises SubmissionRefusedError with all that speaks against
    one of them.
    """
    out = Collector()
    places = {use.name: Place(use.file, use.line, use.path) for use in plan.uses}
    for name, image in images.items():
        for message in _wrong(image):
            out.add("error", "image-config", places[name], message, _ANOTHER)
        if image.triggers:  # a copy out of it may need a stage on it
            _judge_dockerfile(out, _before(places[name]), f"FROM {name}\n", {}, "", {name: image})
    size = sum(image.size for image in images.values()) >> 20
    if size > limits.images_mib:
        for name in images:
            out.add("error", "image-too-large", places[name], _too_large(size, limits.images_mib), _SMALLER)
    if not out.errors:
        for build in plan.builds:
            _judge_build(out, build, images)
    if out.errors:
        raise SubmissionRefusedError(*out.all)
    services = {
        name: _within(service, _root(plan, service), images) for name, service in plan.compose["services"].items()
    }
    _settle(out, plan, services, images)
    compose = {**plan.compose, "services": services}
    emitted.check(compose, limits)
    return msgspec.structs.replace(
        plan,
        compose=compose,
        builds=tuple(msgspec.structs.replace(b, silenced=_silenced(b.base_images, images)) for b in plan.builds),
        findings=(*plan.findings, *out.all),
        waits=(),
    )


def unusable(plan: StackPlan, images: Mapping[str, str], catalogue: Catalogue) -> tuple[Finding, ...]:
    """Return what is wrong with images that a submission names: name -> "absent", "private" or "too-large"."""
    return tuple(
        _unusable(use, images[use.name], catalogue.nearest(use.name)) for use in plan.uses if use.name in images
    )


def _unusable(use: ImageUse, why: str, near: str | None) -> Finding:
    code, remedy = "image-not-found", _LOOK_UP
    if near:
        remedy = msg("Use %(image)s, or look up its name and tag on the page of its registry.", image=near)
    match why:
        case "private":
            message = msg("%(image)s does not exist, or its registry gives it only to who logs in.", image=use.name)
        case "too-large":
            code, remedy = "image-too-large", _SMALLER
            message = msg("%(image)s is larger than the images of a submission may be.", image=use.name)
        case _:
            message = msg("The registry of %(image)s has no such image or tag.", image=use.name)
    return Finding(
        code=code, severity="error", message=message, file=use.file, line=use.line, path=use.path, remedy=remedy
    )


_LOOK_UP = msg("Look up its name and tag on the page of its registry; docker pull says the same at home.")
_ANOTHER = msg("Use another image; one of its language's own makers does nothing of the kind.")
_SMALLER = msg("Use smaller images: most have a variant -slim or -alpine.")


def _too_large(size: int, limit: int) -> Text:
    return msg(
        "The images from outside of the catalogue have %(size)d MiB together; %(limit)d MiB is the most.",
        size=size,
        limit=limit,
    )


def _wrong(image: PulledImage) -> Iterator[Text]:
    """Say what a Dockerfile could not say either."""
    if image.folder and (not image.folder.startswith("/") or wrong_folder(image.folder)):
        yield msg("%(image)s starts its programs in %(path)s.", image=image.name, path=image.folder[:80])
    for path in image.volumes[:MAX_VOLUMES]:
        if wrong_volume(path):
            yield msg("%(image)s has a volume at %(path)s.", image=image.name, path=path[:80])
    if len(image.volumes) > MAX_VOLUMES:
        yield msg("%(image)s has more than %(limit)d volumes.", image=image.name, limit=MAX_VOLUMES)
    if ports_of(image.ports) > MAX_PORTS:
        yield msg("%(image)s has more than %(limit)d ports.", image=image.name, limit=MAX_PORTS)
    if image.user and not user_like(image.user):
        yield msg("%(image)s runs its programs as %(user)s.", image=image.name, user=image.user[:60])
    if image.stop_signal and not signal_like(image.stop_signal):
        yield msg("%(image)s is stopped by the signal %(signal)s.", image=image.name, signal=image.stop_signal[:60])
    if sum(map(len, image.env)) > MAX_BYTES:
        yield msg("%(image)s sets more than %(limit)d KiB of variables.", image=image.name, limit=MAX_BYTES >> 10)
    if len(image.labels) > MAX_LABELS:
        yield msg("%(image)s has more than %(limit)d labels.", image=image.name, limit=MAX_LABELS)
    if len(image.triggers) > MAX_TRIGGERS:
        yield msg(
            "%(image)s does more than %(limit)d things to what is built on it.", image=image.name, limit=MAX_TRIGGERS
        )
    elif None in map(df.trigger, image.triggers):
        yield msg("%(image)s does something to what is built on it that cannot be read.", image=image.name)


class _Anything:
    """A catalogue for the second reading: which images may be named was judged in the first."""

    def find(self, name: str) -> object:
        return name

    def nearest(self, name: str) -> str | None:
        return name


def _judge_build(out: Collector, build: Build, images: Mapping[str, PulledImage]) -> None:
    """Read a Dockerfile once more with what its images leave to the stages that start from them."""
    known = {name: images[name] for name in build.base_images if name in images}
    if known:
        at = Place(build.dockerfile, build.line, f"services.{build.service}.build")
        arguments = {name: text.replace("$$", "$") for name, text in build.args.items()}
        _judge_dockerfile(out, at, build.text, arguments, build.target, known)


def _before(at: Place) -> Place:
    """Return the place whose first line is this one."""
    return Place(at.file, at.line - 1, at.path)


def _judge_dockerfile(
    out: Collector, at: Place, text: str, arguments: dict[str, str], target: str, images: Mapping[str, PulledImage]
) -> None:
    project = Project(Path(), at.file, _Anything(), None, {}, Collector())
    scope = Scope(project, at.path, at.line, "", None, at.file)
    judge_dockerfile(scope, text.encode(), arguments, target, {name: _state(image) for name, image in images.items()})
    for finding in project.out.errors:
        place = Place(finding.file, finding.line, finding.path)
        out.add(finding.severity, finding.code, place, finding.message, finding.remedy)


def _state(image: PulledImage) -> State:
    """Return what an image leaves to a stage that starts from it."""
    env: dict[str, str | None] = {name: text for name, _, text in (pair.partition("=") for pair in image.env)}
    triggers = [what for text in image.triggers if (what := df.trigger(text))]
    shell = image.shell or State().shell
    return State(env, {}, image.folder or "/", shell, image.user, len(image.volumes), triggers)


def _root(plan: StackPlan, service: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the image that a service's containers come from in the end, and whether a build has a health check."""
    image = str(service["image"])
    build = next((b for b in plan.builds if f"{_BUILT}{b.service}" == image), None)
    return (build.root, bool(build.health)) if build else (image, False)


def _within(service: Mapping[str, Any], root: tuple[str, bool], images: Mapping[str, PulledImage]) -> dict[str, Any]:
    """Return a service with its image's health check within limits, and with its labels put out of force."""
    name, decided = root
    image = images.get(name)
    found = dict(service)
    if image is None:
        return found
    if labels := [label for label in image.labels if _LABEL.match(label) and not label.startswith(_COMPOSES_OWN)]:
        found["labels"] = dict.fromkeys(labels, "")  # tools on the machine obey labels
    check = dict(service.get("healthcheck", {}))
    if image.health and not decided and not check.get("disable") and "test" not in check:
        if 0 < image.health.interval < MIN_INTERVAL_S:
            check.setdefault("interval", write_duration(MIN_INTERVAL_S))
        if image.health.timeout > MAX_TIMEOUT_S:
            check.setdefault("timeout", write_duration(MAX_TIMEOUT_S))
        if check:
            found["healthcheck"] = check
    return found


def _silenced(names: tuple[str, ...], images: Mapping[str, PulledImage]) -> tuple[str, ...]:
    """Return the labels that steps of a build would carry for its images."""
    found = (label for name in names if name in images for label in images[name].labels if _LABEL.match(label))
    return tuple(dict.fromkeys(found))


def _settle(
    out: Collector, plan: StackPlan, services: dict[str, dict[str, Any]], images: Mapping[str, PulledImage]
) -> None:
    """Decide who waits for a health that nobody looks at, where an image from outside had to be asked."""
    for wait in plan.waits:
        image = images.get(wait.image)
        if image is None or image.health:
            continue
        out.add(
            "warning", waiting.CODE, Place(wait.file, wait.line, wait.path), *waiting.words(wait.service, wait.other)
        )
        depends = services[wait.service]["depends_on"]
        services[wait.service]["depends_on"] = {
            **depends,
            wait.other: {**depends[wait.other], "condition": "service_started"},
        }
