"""Brokers and databases under test: their behaviour is evidence, so their programs must be ours."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from grader.model.text import Text, msg
from grader.policy import bitnami, variables
from grader.policy.dockerfile.words import json_words, pairs
from grader.policy.environment import changes_programs
from grader.policy.image import parse
from grader.policy.image_names import say_gone
from grader.policy.mounts import holds_programs
from grader.policy.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.brokers.rules import Rules
    from grader.policy.dockerfile import syntax as df
    from grader.policy.dockerfile.images import Stages

_ADDS_CONFIGURATION = frozenset(
    {
        "FROM",
        "ARG",
        "COPY",
        "ENV",
        "LABEL",
        "MAINTAINER",
        "EXPOSE",
        "USER",
        "HEALTHCHECK",
        "STOPSIGNAL",
        "VOLUME",
        "CMD",
    }
)
_RIGHTS = re.compile(r"(chown|chmod)(\s+-R)?\s+[\w:.+=,-]+(?P<paths>(\s+/[\w./-]+)+)\Z", re.ASCII)
_UNPACKED = re.compile(r"\.(tar|t?gz|tgz|tbz2?|bz2|txz|xz|zst)\b|://|git@", re.IGNORECASE)


def right_image(scope: Scope, name: str, sets: bitnami.Sets | None = None) -> bool:
    """Say whether it may run the image `name`; complains if not. sets: what the service sets besides."""
    contract = scope.contract
    image = parse(name)
    if contract is None or not contract.images:
        return True
    if image is None or image.upstream not in contract.images or scope.project.catalogue.find(image.name) is None:
        wanted = ", ".join(contract.images)
        instead = bitnami.moved(image, sets) if image else None
        if image and instead and bitnami.gone(image):
            return say_gone(scope, image, sets)
        scope.error(
            "witness-image",
            msg(
                "%(service)s must run an image of %(wanted)s from the catalogue, not %(image)s.",
                service=scope.service,
                wanted=wanted,
                image=name[:100],
            ),
            _renamed(scope, name) or instead or _suggest(scope, name, contract.images, sets),
        )
        return False
    scope.project.written.setdefault(image.name, scope.place)
    return True


def _renamed(scope: Scope, name: str) -> Text | None:
    """Return how the service is to be called that runs this image, where it is one of several."""
    image = parse(name)
    contract, assignment = scope.contract, scope.project.assignment
    for other in assignment.services if assignment and contract and contract.one_of else ():
        if image and contract and other.one_of == contract.one_of and image.upstream in other.images:
            return msg("Call it %(service)s, if it is to run %(image)s.", service=other.name, image=image.name)
    return None


def _suggest(scope: Scope, name: str, upstreams: tuple[str, ...], sets: bitnami.Sets | None) -> Text:
    """Return what to run instead: the nearest name of a right upstream, or else the first right one's own choice."""
    nearest = scope.project.catalogue.nearest
    near = nearest(name)
    if near is None or near.partition(":")[0] not in upstreams:
        near = nearest(upstreams[0])
    for instead in (each for rules in scope.rules for each in rules.gone.values()):
        other = bitnami.otherwise(instead, sets.variables if sets else ()).partition(":")[0]
        if other in upstreams:
            near = nearest(other)
    new = variables.renamed(near, sets.variables) if near and sets else ""
    if near and new:
        return msg("Use %(image)s; what you set is written there as: %(new)s.", image=near, new=new)
    if near:
        return msg("Use %(image)s.", image=near)
    return msg("Use an image of the catalogue (grader images list shows them).")


def not_built_elsewhere(scope: Scope) -> None:
    """Refuse a broker under test that runs the image of another service's build."""
    scope.error(
        "witness-image",
        msg(
            "%(service)s must run its image from the catalogue, not one that another service builds.",
            service=scope.service,
        ),
        msg("Give the built image a name of its own."),
    )


def judge_stage_under_test(scope: Scope, instructions: list[df.Instruction], stages: Stages, target: str) -> None:
    """A broker under test that is built may only add configuration to an image of the catalogue."""
    last = stages.find(target) if target else len(stages.names) - 1
    if last is None:
        return
    base, way = stages.base_of(last)
    right_image(scope, base)
    number = -1
    for instruction in instructions:
        number += instruction.keyword == "FROM"
        if number not in way:
            continue
        at = Scope(scope.project, scope.path, scope.line + instruction.line, scope.service, scope.sink, scope.file)
        if instruction.keyword == "RUN" and _prepares(instruction, scope.rules):
            continue
        keyword = instruction.keyword
        if keyword == "ADD" and not _UNPACKED.search(instruction.rest):
            instruction.keyword = "COPY"  # the same for a plain file, and nothing else is unpacked
        more = instruction.keyword not in _ADDS_CONFIGURATION or _chooses_programs(instruction)
        if more or (instruction.keyword == "COPY" and not _harmless(instruction, scope.rules)):
            at.error(
                "witness-changed",
                msg(
                    "The image of %(service)s may only add configuration; %(keyword)s does more.",
                    service=scope.service,
                    keyword=keyword,
                ),
                _allowed(scope.rules),
            )


def _chooses_programs(instruction: df.Instruction) -> bool:
    """Say whether an ENV sets what decides which programs run, under either escape character of a Dockerfile."""
    if instruction.keyword != "ENV":
        return False
    read = [pairs(instruction.rest, escape) for escape in ("\\", "`")]
    return any(found is None or any(changes_programs(name) for name, _ in found) for found in read)


def _allowed(rules: Sequence[Rules]) -> Text:
    allowed = ["ENV", "EXPOSE", "USER", "HEALTHCHECK", "CMD", *(r.runs[1] for r in rules if r.runs[1])]
    return msg("Allowed: COPY of configuration, %(others)s.", others=", ".join(allowed))


def _prepares(instruction: df.Instruction, rules: Sequence[Rules]) -> bool:
    """Say whether a RUN does only what the room allows (enable plugins), and gives away files that are no programs."""
    if instruction.flags or instruction.heredocs:
        return False
    parts = re.split(r"\s*&&\s*", instruction.rest.strip())
    return all(
        any(r.runs[0] and re.match(r.runs[0], part) for r in rules) or _gives_rights(part, rules) for part in parts
    )


def _gives_rights(command: str, rules: Sequence[Rules]) -> bool:
    match = _RIGHTS.match(command)
    return match is not None and all(_is_configuration(path, rules) for path in match["paths"].split())


def _is_configuration(target: str, rules: Sequence[Rules]) -> bool:
    """Say whether an absolute path leads neither out of what it names nor to programs."""
    if ".." in target.split("/") or "$" in target or target.startswith('"') or not target.strip("/"):
        return False
    return target.startswith("/") and not holds_programs("/" + posixpath.normpath(target).lstrip("/"), rules)


def _harmless(instruction: df.Instruction, rules: Sequence[Rules]) -> bool:
    """Configuration is copied to an absolute path outside of the programs, from the submission itself."""
    words = json_words(instruction.rest) or instruction.rest.split()
    target = words[-1] if words else ""
    return _is_configuration(target, rules) and not any(n == "from" for n, _ in instruction.flags)
