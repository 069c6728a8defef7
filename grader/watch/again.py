"""Grades changed files on a stack that is up: builds what changed, starts what was built anew, leaves the rest alone.

What earlier attempts left in the brokers is still there. The verdict is quick; the one of `grader check` without
`--watch` is that of the grade.
"""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from grader import catalogue, digests, pipeline, policy, starting
from grader.receiving import receive
from grader.stack.objects import inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.model.grade import Result
    from grader.model.outcome import Outcome
    from grader.model.plan import Build, StackPlan
    from grader.pipeline import Live


class FoundationChangedError(Exception):
    """Something changed that the running stack stands on: it has to be started anew."""


class Sitting:
    """Attempts one after the other on one stack."""

    def __init__(self, live: Live, source: Path) -> None:
        self._live = live
        self._source = source
        self._number = 0
        self._built = _keys(live.plan, Path(live.workspace.root))
        self._foundation = _foundation(live.plan, Path(live.workspace.root))
        self._judged = True  # whether the verdict last given is that of what runs

    def again(self, first: Sequence[str]) -> Result | None:
        """Grade the files as they are now, the checks `first` before the others; None if nothing that runs changed.

        Raises FoundationChangedError where the stack cannot follow.
        """
        live = self._live
        self._number += 1
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        seed = (live.run.seed + self._number) % 2**31  # other ids than those that still lie in the brokers
        run = msgspec.structs.replace(
            live.run, seed=seed, stages={}, findings=(), errors=(), started_at=now, rejected=False
        )
        stage = pipeline.Stages(run, live.stage.listen)
        folder = live.folder / f"attempt-{self._number}"
        folder.mkdir()
        try:
            result = self._graded(run, stage, folder, first)
            self._judged = True
            return result
        except FoundationChangedError:
            raise
        except Exception as error:
            self._judged = False
            return pipeline.finish(run, pipeline.kept_from(run, error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _graded(self, run: pipeline.Run, stage: pipeline.Stages, folder: Path, first: Sequence[str]) -> Result | None:
        live = self._live
        workspace = stage("intake", lambda: receive(self._source, folder / "workspace"))
        root = Path(workspace.root)
        run.findings += workspace.findings
        plan = stage("policy", lambda: policy.judge(workspace, run.assignment, catalogue.load()))
        run.findings += plan.findings
        client, mode = live.stack.client, live.options.images
        bound, _ = stage("images", lambda: pipeline.bind(run, client, plan, mode, stage.listen))
        if _foundation(bound, root) != self._foundation:
            raise FoundationChangedError
        keys = _keys(bound, root)
        changed = [build for build in bound.builds if keys[build.service] != self._built.get(build.service)]
        if changed:
            live.stack.change(changed, root)
            stage("build", lambda: starting.build(run, live.stack))
            services = [build.service for build in changed]
            stage("up", lambda: live.stack.up(services, deps=False, recreate=True, grace_s=0))
            self._built = keys
        elif self._judged:
            return None
        states = starting.ready(run, stage, live.stack)
        outcomes: dict[str, Outcome] = {}
        early = tuple(c for c in run.checks if c in set(first))
        for part, checks in enumerate((early, tuple(c for c in run.checks if c not in early))):
            if checks:
                judged = pipeline.judged(run, stage, live.stack, states, checks, folder / f"checks-{part}")
                outcomes.update({o.check: o for o in judged})
        return pipeline.finish(run, tuple(outcomes[c] for c in run.checks))


def _foundation(plan: StackPlan, root: Path) -> dict[str, Any]:
    """Return what a running stack cannot follow: its model, and what was put into volumes before the start."""
    fills = {f.volume: digests.of_tree(inside(root, f.source)) if f.source else "" for f in plan.fills}
    return {"compose": plan.compose, "fills": fills}


def _keys(plan: StackPlan, root: Path) -> dict[str, str]:
    """Return for each built service what its image depends on."""
    return {build.service: _key(build, root) for build in plan.builds}


def _key(build: Build, root: Path) -> str:
    return digests.of_texts(msgspec.json.encode(build).decode(), digests.of_tree(inside(root, build.context)))
