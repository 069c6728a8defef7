"""Which image stands behind each name: one that is there, one that can be pulled, or an equivalent built here."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypedDict

from grader import catalogue as catalogues
from grader.errors import ImageMissingError
from grader.images import missing
from grader.images.budget import Budget
from grader.images.build import Builder
from grader.images.pull import Puller
from grader.model.grade import ResolvedImage
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import docker

    from grader.catalogue import Catalogue, Equivalent, ImageName

Mode = Literal["auto", "pull", "equivalent"]
MOST_MIB = 6144

# More at once only makes each of them slower: package managers are bound by one disk and one network.
_AT_ONCE = 2


class Row(TypedDict):
    """One name of the catalogue and what the engine has for it.

    state: "pulled", "equivalent" or "missing" (it can be built); reference: "" when missing; version: an equivalent's.
    """

    name: str
    state: Literal["pulled", "equivalent", "missing"]
    reference: str
    version: str


def resolve(
    engine: docker.DockerClient,
    names: Iterable[str],
    *,
    mode: Mode = "auto",
    on_progress: Callable[[Text], None] | None = None,
    catalogue: Catalogue | None = None,
    most_mib: int = MOST_MIB,
) -> dict[str, ResolvedImage]:
    """Return, for each name as given, the image that the engine shall use; pull or build what is missing.

    "auto" takes what is there (a pulled digest before an equivalent), then pulls, then builds; "pull" and "equivalent"
    keep to one kind. `on_progress` may be called from several threads. most_mib: what images from outside of the
    catalogue may weigh together while they are pulled. Once all have been tried, raises UnusableImagesError if some of
    the names lead to nothing that anybody could use, else ImageMissingError that names every image that nothing gives.
    """
    catalogue = catalogue or catalogues.load()
    resolver = _Resolver(engine, catalogue, mode, on_progress or _silent, most_mib)
    wanted = list(dict.fromkeys(names))
    failures: dict[str, BaseException] = {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="image") as pool:

        def each(step: Callable[[str], ResolvedImage | None], of: list[str]) -> dict[str, ResolvedImage]:
            futures = {name: pool.submit(step, name) for name in of}
            failures.update((n, error) for n, future in futures.items() if (error := future.exception()) is not None)
            return {n: image for n, future in futures.items() if n not in failures and (image := future.result())}

        try:
            found = each(resolver.given, wanted)
            left = [name for name in wanted if name not in found and name not in failures]
            resolver.prepare(left)
            found |= each(resolver.built, left)
        except BaseException:  # an interrupt: what runs is ended at its next line of output
            resolver.builder.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if failures:
        raise missing.of_all(catalogue, {name: failures[name] for name in wanted if name in failures})
    return {name: found[name] for name in wanted}


def survey(engine: docker.DockerClient, catalogue: Catalogue) -> list[Row]:
    """Return a row for every name of the catalogue that has an equivalent; pulls and builds nothing."""
    builder = Builder(engine, catalogue, on_progress=_silent)
    puller = Puller(engine, on_progress=_silent)
    rows: list[Row] = []
    for name, equivalent in catalogue.equivalents.items():
        if catalogue.find(name) is None:  # others stand on it; no submission can name it
            continue
        parsed = catalogues.parse(name)
        if parsed and (pulled := puller.present(parsed)):
            rows.append({"name": name, "state": "pulled", "reference": pulled, "version": ""})
        elif version := builder.present(equivalent):
            rows.append({"name": name, "state": "equivalent", "reference": equivalent.reference, "version": version})
        else:
            rows.append({"name": name, "state": "missing", "reference": "", "version": equivalent.version})
    return rows


class _Resolver:
    """The order in which the kinds are tried, for one engine."""

    def __init__(
        self,
        engine: docker.DockerClient,
        catalogue: Catalogue,
        mode: Mode,
        tell: Callable[[Text], None],
        most_mib: int,
    ) -> None:
        self._catalogue = catalogue
        self._budget = Budget(engine, most_mib)
        self._mode = mode
        self.builder = Builder(engine, catalogue, on_progress=tell)
        self.puller = Puller(engine, on_progress=tell)

    def given(self, name: str) -> ResolvedImage | None:
        """Return an image that is here, or that a registry gives; None where it would have to be built."""
        parsed = _parsed(name)
        stand_in = self._stand_in(name)
        if self._mode != "equivalent" and (reference := self.puller.present(parsed)):
            return _pulled(parsed, reference)
        if stand_in and (version := self.builder.present(stand_in)):
            return _equivalent(parsed, stand_in, version)
        if self._mode != "equivalent" and (reference := self._pull(parsed)):
            return _pulled(parsed, reference)
        return None

    def _pull(self, name: ImageName) -> str | None:
        """Pull an image; one that the catalogue does not have neither opens doors nor weighs what it likes."""
        known = self._catalogue.find(str(name)) is not None
        return self.puller.pull(name, login=known or "/" not in name.path, budget=None if known else self._budget)

    def prepare(self, names: Iterable[str]) -> None:
        """Have the programs that building these needs."""
        self.builder.prepare(stand_in for name in names if (stand_in := self._stand_in(name)))

    def built(self, name: str) -> ResolvedImage:
        """Build an image that nothing gives."""
        parsed = _parsed(name)
        if stand_in := self._stand_in(name):
            return _equivalent(parsed, stand_in, self.builder.ensure(stand_in))
        raise missing.NotHereError(str(parsed), self.puller.failures.get(str(parsed)))

    def _stand_in(self, name: str) -> Equivalent | None:
        entry = self._catalogue.find(name)
        return entry.equivalent if entry and self._mode != "pull" else None


def _parsed(name: str) -> ImageName:
    parsed = catalogues.parse(name)
    if parsed is None:
        raise ImageMissingError(msg("%(name)s is not the name of an image.", name=name))
    return parsed


def _pulled(name: ImageName, reference: str) -> ResolvedImage:
    return ResolvedImage(name=str(name), reference=reference, digest=reference.partition("@")[2])


def _equivalent(name: ImageName, equivalent: Equivalent, version: str) -> ResolvedImage:
    return ResolvedImage(
        name=str(name),
        reference=equivalent.reference,
        equivalent=True,
        differs=equivalent.differs,
        version=version,
    )


def _silent(_: Text) -> None:
    """Tell nobody."""
