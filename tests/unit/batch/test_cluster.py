"""The cluster of one machine: nobody else's, and stopped for good."""

from __future__ import annotations

import psutil
import pytest

from grader.batch import worker
from grader.batch.cluster import Cluster, Place, security
from grader.batch.events import BatchEvent, WorkerRefused
from grader.batch.job import Job, Terms
from grader.errors import UsageError
from grader.model.assignment import Weight

TERMS = Terms(batch="b", assignment="none-of-that-name", grader="g", rubric="r", weight=Weight())


@pytest.mark.usefixtures("socket_enabled")
def test_it_listens_to_this_machine_alone_and_gives_an_unfit_worker_nothing() -> None:
    """Dask serves pages in any case; they stay on the loopback."""
    heard: list[BatchEvent] = []
    before = {c.laddr for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN}
    with Cluster(Place(), TERMS, heard.append) as cluster:
        listening = {c.laddr for c in psutil.Process().net_connections() if c.status == psutil.CONN_LISTEN} - before
        assert {address.ip for address in listening} <= {"127.0.0.1"}
        assert (cluster.look(), cluster.room) == (0, 0)
        (info,) = cluster.client.scheduler_info()["workers"].values()
        assert not info["resources"]
    assert [type(event) for event in heard] == [WorkerRefused]


def test_a_stopped_batch_starts_nothing_more() -> None:
    terms = Terms(batch="stopped", assignment="a", grader="g", rubric="r", weight=Weight())
    worker.stop("stopped")
    done = worker.run(Job(terms=terms, content="c", name="n", data=b""), lambda _line: None)
    assert (done.lost, done.output) == (True, "stopped")


def test_tls_needs_all_of_its_files() -> None:
    with pytest.raises(UsageError):
        security(Place(scheduler="tls://x:1", ca="ca.pem"))
