"""What a submission may set on a system, and what is known of the mistakes that it makes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet

import msgspec

from grader.brokers.seen import Lint, Seen
from grader.brokers.store import Store
from grader.model.text import Text


def no_more(_seen: Seen, _given: AbstractSet[str]) -> Iterable[str]:
    """Need no variables."""
    return ()


class Refused(msgspec.Struct, frozen=True):
    """Variables with which an image ends at once: a regular expression of their names, and what to do instead."""

    names: str
    remedy: Text


class Variables(msgspec.Struct, frozen=True, kw_only=True):
    """What one image makes of variables, looked up in its entry script.

    foreign: variables of another publisher's image that say nothing to it -> what is written instead, "" where nothing
    is; a name that ends with * stands for all that begin so. needed: those that it does not serve without, of the
    service and the names that are given. examples: a value for each of them, with {service}; whole: the remedy where
    examples do not say enough. program: whose options its entry script takes.
    """

    foreign: Mapping[str, str] = {}
    needed: Callable[[Seen, AbstractSet[str]], Iterable[str]] = no_more
    examples: Mapping[str, str] = {}
    whole: Callable[[str], Text] | None = None
    refused: Refused | None = None
    program: str = ""


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the place of an image that the public registry no longer has.

    image: of the catalogue; unless: one of these variables is set, then it is this image. variables: old name -> what
    is written instead ("" where nothing is). folders: the same of folders for data. also: what the new image needs
    besides, unless a variable brings it.
    """

    image: str
    variables: Mapping[str, str]
    folders: Mapping[str, str]
    also: str = ""
    unless: tuple[frozenset[str], str] = (frozenset(), "")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a submission may set on a system; all else is refused, or means nothing to it.

    programs: a regular expression of paths that decide which programs run, besides those of every image: nothing may
    be mounted there or copied to. runs: one of the commands that a Dockerfile may RUN on its image, and how a reader
    writes it. url: how others write its address. variables, stores (where it keeps its data): by upstream image. gone:
    what stands in for an image of Bitnami's, by its name there. lints: see `Remark`.
    """

    programs: str = ""
    runs: tuple[str, str] = ("", "")
    url: str = ""
    variables: Mapping[str, Variables] = {}
    stores: Mapping[str, Store] = {}
    gone: Mapping[str, Replacement] = {}
    lints: tuple[Lint, ...] = ()


NO_RULES = Rules()
# Variables that every image of Bitnami's knows and none of the others does.
BITNAMI = {"BITNAMI_DEBUG": "", "ALLOW_EMPTY_PASSWORD": ""}
