"""The cluster of one machine: nobody else's, and stopped for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import pytest

from grader.batch import presence, worker
from grader.batch.cluster import Cluster
from grader.batch.events import BatchEvent, WorkerJoined, WorkerRefused
from grader.batch.job import Job, Terms
from grader.batch.place import Place, security
from grader.batch.presence import Presence
from grader.errors import UsageError
from grader.model.assignment import Weight
from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Scheduler

TERMS = Terms(batch="b", assignment="none-of-that-name", grader="g", rubric="r", weight=Weight())
Here = tuple[Cluster, "Scheduler", list[BatchEvent]]


@pytest.fixture
def here(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """This process's cluster with a worker that is fit, its scheduler, and what it says."""
    heard: list[BatchEvent] = []
    fit = worker.Fitness(host="h", memory_mib=100_000, cpus=2 * Weight().cpus)
    monkeypatch.setattr(worker, "fitness", lambda _terms: fit)
    with Cluster(Place(), TERMS, heard.append) as cluster:
        assert (cluster.look(), cluster.room) == (1, 2)
        yield cluster, cluster.client.cluster.scheduler, heard


def with_nobody(answer: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The same answer with no worker in it."""
    return lambda **asked: answer(**asked) | {"workers": {}}


@pytest.mark.usefixtures("socket_enabled")
def test_it_listens_to_this_machine_alone_and_gives_an_unfit_worker_nothing() -> None:
    """Dask serves pages in any case; they stay on the loopback."""
    heard: list[BatchEvent] = []
    before = {c.laddr for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN}
    with Cluster(Place(), TERMS, heard.append) as cluster:
        listening = {c.laddr for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN} - before
        assert {address.ip for address in listening} <= {"127.0.0.1"}
        assert (cluster.look(), cluster.room) == (0, 0)
        (found,) = cluster.client.cluster.scheduler.workers.values()
        assert not found.resources
    assert [type(event) for event in heard] == [WorkerRefused]


def test_a_stopped_batch_starts_nothing_more() -> None:
    """A job that arrives late ends at once."""
    terms = Terms(batch="stopped", assignment="a", grader="g", rubric="r", weight=Weight())
    worker.stop("stopped")
    done = worker.run(Job(terms=terms, content="c", name="n", data=b""), lambda _line: None)
    assert (done.lost, done.output) == (True, "stopped")


def test_tls_needs_all_of_its_files() -> None:
    """A part of them protects nothing."""
    with pytest.raises(UsageError):
        security(Place(scheduler="tls://x:1", ca="ca.pem"))


def test_an_answer_without_workers_takes_nobody_away(here: Here) -> None:
    """One look finds nobody, and the next one the worker, which was there all the time."""
    cluster, scheduler, heard = here
    answer = scheduler.handlers["identity"]
    for _ in range(3):
        scheduler.handlers["identity"] = with_nobody(answer)
        assert (cluster.look(), cluster.room) == (1, 2)
        scheduler.handlers["identity"] = answer
        assert (cluster.look(), cluster.room) == (1, 2)
    assert [type(event) for event in heard] == [WorkerJoined]


def test_what_dask_remembers_of_its_workers_decides_nothing(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own update, every two seconds, leaves its memory without workers between asking and reading."""
    cluster, _, heard = here
    update = cluster.client._update_scheduler_info
    monkeypatch.setattr(cluster.client, "_update_scheduler_info", lambda **_asked: update(n_workers=0))
    assert not cluster.client.scheduler_info(n_workers=-1)["workers"]
    clock = iter(range(0, 100, 10))
    cluster._presence = Presence(lambda: next(clock))
    assert [cluster.look() for _ in range(5)] == [1] * 5
    assert [type(event) for event in heard] == [WorkerJoined]


def test_the_worker_of_this_process_that_is_really_gone_comes_again(here: Here) -> None:
    """Whatever closed it, this process can grade as long as it lives; the work that it had is done."""
    cluster, scheduler, heard = here
    (before,) = scheduler.workers
    cluster.client.retire_workers(close_workers=True, remove=True)
    eventually(lambda: cluster.look() and before not in cluster._seen, within=60, what="another worker")
    assert (cluster.look(), cluster.room) == (1, 2)
    assert [type(event) for event in heard] == [WorkerJoined, WorkerJoined]
    assert cluster.client.submit(len, "abc", resources={"grader-jobs": 1}).result(timeout=30) == 3


def test_gone_is_who_is_missed_twice_and_for_a_while() -> None:
    """In between everybody may be overlooked, and whoever is seen again starts anew."""
    now = 0.0
    seen = Presence(lambda: now)
    assert seen.gone(["a", "b"], ["b"]) == []
    assert seen.gone(["a", "b"], []) == []  # at once: as good as one look
    now += presence.APART_S
    assert seen.gone(["a", "b"], ["a"]) == ["b"]
    now += presence.APART_S
    assert seen.gone(["a"], []) == []
