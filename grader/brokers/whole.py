"""What a room must have that another distribution brings: it is looked at when it is loaded, not in a grading.

A room of our own is held to the same by our tests.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import yaml

from grader import paths
from grader.brokers.by_hand import nothing
from grader.brokers.client import Client, unsaid
from grader.brokers.rules import NO_RULES, Rules
from grader.brokers.source import Kind, Source
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grader.brokers.broker import Broker

IMAGES = "images.yaml"
RECIPES = "recipes"  # one folder below it a recipe
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def lacking(broker: Broker, folder: Path, package: str) -> Iterator[Text]:
    """Yield what a room lacks or has wrong: the package, the part, and how to mend it."""
    yield from _images(broker, folder, package)
    yield from _client(broker, package)
    if broker.rules is NO_RULES:
        yield msg(
            "%(package)s: the room %(role)s has no rules. Say what a submission may set: Broker(rules=Rules(…)), "
            "Rules() where it is nothing.",
            package=package,
            role=broker.role,
        )
    for pattern, error in _unreadable(broker.rules):
        yield msg(
            "%(package)s: a rule of the room %(role)s is no regular expression: %(pattern)s (%(error)s). Correct it.",
            package=package,
            role=broker.role,
            pattern=pattern,
            error=error,
        )
    if not broker.sources or not all(_is_drawn(source) for source in broker.sources.values()):
        yield msg(
            "%(package)s: the room %(role)s has no event kinds. Say how a timeline draws what its probe records: "
            "Broker(sources={name: Source(kinds={kind: Kind(…)})}).",
            package=package,
            role=broker.role,
        )
    if not broker.reasons:
        yield msg(
            "%(package)s: the room %(role)s has no reason codes. Say why a check fails: "
            "Broker(reasons={code: Reason(…)}).",
            package=package,
            role=broker.role,
        )
    if broker.by_hand is nothing:
        yield msg(
            '%(package)s: the room %(role)s has no commands by hand. Write Broker(by_hand=commands("…")).',
            package=package,
            role=broker.role,
        )


def _unreadable(rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield what of the rules is no regular expression, and why."""
    refused = (known.refused.names for known in rules.variables.values() if known.refused)
    options = (store.options for store in rules.stores.values())
    for pattern in (rules.programs, rules.runs[0], *refused, *options):
        try:
            re.compile(pattern)
        except re.error as error:
            yield pattern, str(error)


def _is_drawn(source: object) -> bool:
    return isinstance(source, Source) and bool(source.kinds) and all(isinstance(k, Kind) for k in source.kinds.values())


def _images(broker: Broker, folder: Path, package: str) -> Iterator[Text]:
    """Yield what is wrong with the images and with what is built in their place."""
    try:
        document = yaml.load((folder / IMAGES).read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
        images, equivalents = dict(document["images"]), dict(document.get("equivalents") or {})
        wanted = {str(each["recipe"]) for each in equivalents.values()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        yield msg(
            "%(package)s: the room %(role)s has no images (%(error)s). Describe them in %(file)s, in the form of "
            "grader/images/catalog.yaml.",
            package=package,
            role=broker.role,
            error=f"{type(error).__name__}: {error}",
            file=str(folder / IMAGES),
        )
        return
    if not broker.images or not set(broker.images) <= set(images):
        yield msg(
            "%(package)s: the room %(role)s runs %(images)s, and %(file)s describes %(described)s. Name the same in "
            "Broker(images=…) and there.",
            package=package,
            role=broker.role,
            images=", ".join(broker.images) or "-",
            file=str(folder / IMAGES),
            described=", ".join(map(str, images)) or "-",
        )
    if not equivalents:
        yield msg(
            "%(package)s: the room %(role)s has no image recipe. Say under equivalents: in %(file)s what is built "
            "where nothing can be pulled.",
            package=package,
            role=broker.role,
            file=str(folder / IMAGES),
        )
    for recipe in sorted(wanted):
        if not any((place / recipe / "Dockerfile").is_file() for place in (*paths.recipes(), folder / RECIPES)):
            yield msg(
                "%(package)s: the image recipe %(recipe)s of the room %(role)s is not there. Put its Dockerfile into "
                "%(place)s.",
                package=package,
                recipe=recipe,
                role=broker.role,
                place=str(folder / RECIPES / recipe),
            )


def _client(broker: Broker, package: str) -> Iterator[Text]:
    """Yield what is wrong with how a running one is talked to."""
    module, _, name = broker.client.partition(":")
    try:
        client = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever a module of somebody else's raises when it is imported
        client, why = None, f"{type(error).__name__}: {error}"
    else:
        why = type(client).__name__
    if not isinstance(client, Client):
        yield msg(
            "%(package)s: the room %(role)s has no client: %(client)s (%(error)s). Let Broker(client=…) name a value "
            "of grader.brokers.Client, as module:NAME.",
            package=package,
            role=broker.role,
            client=broker.client or '""',
            error=why,
        )
        return
    if client.probe is unsaid:
        yield msg(
            "%(package)s: the room %(role)s has no probe. Say what a check speaks with: Client(probe=…).",
            package=package,
            role=broker.role,
        )
    if client.ready is unsaid:
        yield msg(
            "%(package)s: the room %(role)s has no readiness. Say what asks a probe whether its service serves: "
            "Client(ready=…).",
            package=package,
            role=broker.role,
        )
    codes = {failure.code for failure in client.failures} | ({client.refuses.code} if client.refuses else set())
    for code in sorted(codes - set(broker.reasons)) if broker.reasons else ():
        yield msg(
            "%(package)s: the client of the room %(role)s speaks of %(code)s. Describe it in Broker(reasons=…).",
            package=package,
            role=broker.role,
            code=code,
        )
