"""Grades changed files on a stack that is up: builds what changed, starts what was built anew, leaves the rest alone.

What earlier attempts left in the brokers is still there. The verdict is quick; the one of `grader check` without
`--watch` is that of the grade.
"""

from __future__ import annotations

import datetime
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from grader import digests, pipeline, stages
from grader.checks.runner import Stop
from grader.receiving import receive
from grader.stack.objects import inside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.model.grade import Result
    from grader.model.plan import Build, StackPlan
    from grader.stages import Graded


class FoundationChangedError(Exception):
    """Something changed that the running stack stands on: it has to be started anew."""


class _NothingChangedError(Exception):
    """Nothing that runs has changed."""


class Attempts:
    """Attempts one after the other on one stack."""

    def __init__(self, graded: Graded, source: Path) -> None:
        self._graded = graded
        self._source = source
        self._number = 0
        root = Path(graded.workspace.root)
        self._built = _keys(graded.plan, root)
        self._foundation = _foundation(graded.plan, root)
        self._wanted = self._built  # what is to run
        self._standing: dict[str, pipeline.Stage] = {}  # what an attempt finds done, by the stage that had done it
        self._judged = True  # whether the verdict last given is that of what runs

    def next(self, first: Iterable[str]) -> Result | None:
        """Grade the files as they are now, the checks `first` before the others; None if nothing that runs changed.

        Raises FoundationChangedError where the stack cannot follow.
        """
        before = self._graded
        self._number += 1
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        seed = (before.run.seed + self._number) % 2**31  # other ids than those that still lie in the brokers
        run = msgspec.structs.replace(
            before.run, seed=seed, stages={}, findings=(), errors=(), started_at=now, rejected=False
        )
        folder = before.folder / f"attempt-{self._number}"
        folder.mkdir()
        take = partial(receive, self._source)
        given = stages.Given(
            run=run, listen=before.listen, options=before.options, folder=folder, take=take, first=frozenset(first)
        )
        self._standing = {"engine": self._engine, "networks": self._networks, "teardown": _stays_up}
        try:
            graded: Graded = pipeline.through(pipeline.STAGES, given, self._standing)
        except FoundationChangedError:
            raise
        except _NothingChangedError:
            return None
        except Exception as error:
            self._judged = False
            if "up" in run.stages:  # nobody knows what runs now
                self._built = {}
            return run.result(run.kept_from(error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._built, self._judged = self._wanted, True
        return graded.result()

    def _engine(self, planned: stages.Planned) -> stages.Connected:
        return stages.grown(stages.Connected, planned, client=self._graded.client)

    def _networks(self, bound: stages.Bound) -> stages.Created:
        """Pass the stack on that is up, to be built from the files as they are now."""
        root = Path(bound.workspace.root)
        if _foundation(bound.plan, root) != self._foundation:
            raise FoundationChangedError
        self._wanted = _keys(bound.plan, root)
        changed = tuple(b for b in bound.plan.builds if self._wanted[b.service] != self._built.get(b.service))
        if not changed and self._judged:
            raise _NothingChangedError
        stack, disk = self._graded.stack, self._graded.disk
        if changed:
            stack.change(changed, root)
        else:
            self._standing |= {"build": _built, "up": _started}
        return stages.grown(stages.Created, bound, stack=stack, disk=disk, stop=Stop(), changed=changed)


def _built(created: stages.Created) -> stages.Built:
    return stages.grown(stages.Built, created, brokers=None)


def _started(built: stages.Built) -> stages.Served:
    return stages.grown(stages.Served, built, states={})


def _stays_up(graded: Graded) -> Graded:
    return graded


def _foundation(plan: StackPlan, root: Path) -> dict[str, Any]:
    """Return what a running stack cannot follow: its model, and what was put into volumes before the start."""
    contents = {f.volume: digests.of_tree(inside(root, f.source)) if f.source else "" for f in plan.volume_contents}
    return {"compose": plan.compose, "contents": contents}


def _keys(plan: StackPlan, root: Path) -> dict[str, str]:
    """Return for each built service what its image depends on."""
    return {build.service: _key(build, root) for build in plan.builds}


def _key(build: Build, root: Path) -> str:
    return digests.of_texts(msgspec.json.encode(build).decode(), digests.of_tree(inside(root, build.context)))
