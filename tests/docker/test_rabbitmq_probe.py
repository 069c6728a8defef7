"""The RabbitMQ probe and the firehose against a real broker."""

from __future__ import annotations

import contextlib
import os
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # its image cannot be pulled everywhere; the fixtures clean up

from testcontainers.core.container import DockerContainer

from grader.authoring.ids import Ids
from grader.brokers.rabbitmq.firehose import Firehose
from grader.brokers.rabbitmq.probe import BROKER_ERRORS, QueueMissingError, RabbitMQ
from grader.brokers.rabbitmq.subject import QueueOutage, QueueSubject
from grader.errors import GraderError
from grader.model.assignment import Limits
from grader.polling import eventually
from grader.probes.addresses import Addresses
from grader.probes.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.docker,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:testcontainers"),
]
ADMIN = {"user": "admin", "password": "admin123"}


class Broker:
    """One broker container, reached as a stack's services are."""

    def __init__(self, container: DockerContainer) -> None:
        self.container = container
        self.name = "rabbitmq-1"
        self.listed_addresses: dict[str, str] = {}

    def address(self, _service: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", int(self.container.get_exposed_port(port))

    def containers(self, service: str | None = None) -> list[Any]:
        return [self] if service else []

    def exec(self, argv: list[str], *, deadline_s: float) -> tuple[int, str]:  # noqa: ARG002 - the signature of a container
        code, output = self.container.get_wrapped_container().exec_run(argv)
        return code, output.decode()

    def restart(self) -> None:
        self.container.get_wrapped_container().restart(timeout=60)


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        import time  # noqa: PLC0415 - only here

        self._now = time.monotonic
        self._began = self._now()

    def __call__(self) -> float:
        return self._now() - self._began


def started(reference: str, **environment: str) -> DockerContainer:
    container = DockerContainer(reference, hostname="rabbitmq").with_exposed_ports(5672)
    for name, value in environment.items():
        container = container.with_env(name, value)
    return container.start()


@pytest.fixture(scope="module", params=["rabbitmq:3-management", "rabbitmq:4-management"])
def broker(request: pytest.FixtureRequest, image: Callable[[str], str]) -> Iterator[Broker]:
    container = started(
        image(request.param), RABBITMQ_DEFAULT_USER=ADMIN["user"], RABBITMQ_DEFAULT_PASS=ADMIN["password"]
    )
    try:
        found = Broker(container)
        probe = RabbitMQ(found, Recorder(Clock()), **ADMIN)  # type: ignore[arg-type]
        eventually(probe.accepts_user, within=60, every=0.2, what="broker")
        with probe.channel() as channel:
            channel.queue_declare("tasks", durable=True)
            channel.queue_declare("results", durable=True)
            channel.queue_declare("passing", durable=False, auto_delete=True)
        yield found
    finally:
        container.stop(force=True, delete_volume=True)


@pytest.fixture
def probe(broker: Broker) -> RabbitMQ:
    return RabbitMQ(broker, Recorder(Clock()), **ADMIN)  # type: ignore[arg-type]


def test_looking_creates_nothing(probe: RabbitMQ) -> None:
    """A queue that is not there is None, and still not there afterwards."""
    assert probe.queue("nowhere") is None
    assert "nowhere" not in probe.queues()


def test_publishing_to_a_missing_queue_says_so(probe: RabbitMQ) -> None:
    """The broker returns what it cannot route, and the probe names the queue."""
    with pytest.raises(QueueMissingError) as caught:
        probe.publish("nowhere", {"id": "a"})
    assert caught.value.queue == "nowhere"


def test_attributes_of_queues(probe: RabbitMQ) -> None:
    """Durable, auto-delete and type come from the broker itself."""
    queues = probe.queues()
    assert queues["tasks"].durable
    assert queues["tasks"].lasting
    assert not queues["passing"].lasting
    assert queues["tasks"].type == "classic"
    assert not queues["passing"].durable
    assert queues["passing"].auto_delete
    assert not queues["tasks"].expiry_ms


def test_what_expires_says_so(broker: Broker, probe: RabbitMQ) -> None:
    """By argument and by policy, of messages and of the queue itself."""
    with probe.channel() as channel:
        channel.queue_declare("brief", durable=True, arguments={"x-message-ttl": 15000, "x-dead-letter-exchange": ""})
        channel.queue_declare("bounded", durable=True)
    probe.ctl("set_policy", "brief", "^bounded$", '{"expires": 60000, "message-ttl": 500}')
    found = eventually(lambda: (q := probe.queues()) and q["bounded"].policy and q, within=10, what="policy")
    assert found["brief"].expiry_ms == {"message-ttl": 15000}
    assert found["bounded"].expiry_ms == {"expires": 60000, "message-ttl": 500}
    probe.ctl("clear_policy", "brief")
    with probe.channel() as channel:
        channel.queue_delete("brief")
        channel.queue_delete("bounded")


def test_a_peek_gives_everything_back(probe: RabbitMQ) -> None:
    """Looking at waiting messages takes none away."""
    probe.publish("tasks", {"id": "p1"}, b"\xff raw")
    assert len(probe.peek("tasks")) == 2
    state = eventually(lambda: (s := probe.queue("tasks")) and s.ready == 2 and s, within=10, what="given back")
    assert state.ready == 2
    probe.purge("tasks")


def test_the_observer_sees_publish_delivery_and_storage(broker: Broker) -> None:
    """One message each way, with its mode, its body's digest and the queue it went to."""
    recorder = Recorder(Clock())
    probe = RabbitMQ(broker, recorder, **ADMIN)  # type: ignore[arg-type]
    firehose = Firehose(Addresses(broker), recorder, probe, stored=("results",))  # type: ignore[arg-type]
    try:
        firehose.wait_tracing()
        with probe.channel() as channel:
            channel.basic_publish("", "results", b'{"id": "r1", "worker": "w"}')
        event = recorder.wait_for(
            lambda h: next(iter(h.about("r1").of("stored", queue="results")), None), within=10, what="stored"
        )
        assert event.data["delivery_mode"] == 1
        assert event.data["fields"] == {"id": "r1", "worker": "w"}
        # The firehose and the reader of "results" are two queues: either may show the message first.
        published = recorder.wait_for(
            lambda h: next(iter(h.about("r1").of("published")), None), within=10, what="published"
        )
        assert published.data["queues"] == ["results"]
        assert len(recorder.history().about("r1").of("published")) == 1
    finally:
        firehose.close()
        probe.purge("results")


def test_the_observer_comes_back_after_a_restart_and_sees_what_is_left(broker: Broker) -> None:
    """A persistent message is seen again in the next epoch, a transient one is not."""
    recorder = Recorder(Clock())
    probe = RabbitMQ(broker, recorder, **ADMIN)  # type: ignore[arg-type]
    firehose = Firehose(Addresses(broker), recorder, probe, stored=("results",))  # type: ignore[arg-type]
    try:
        firehose.wait_tracing()
        probe.publish("results", {"id": "kept"})
        with probe.channel() as channel:
            channel.basic_publish("", "results", b'{"id": "gone"}')
        recorder.wait_for(lambda h: len(h.of("stored")) == 2, within=10, what="both stored")
        broker.restart()
        again = recorder.wait_for(
            lambda h: next(iter(h.about("kept").of("stored", epoch=2)), None), within=60, what="seen again"
        )
        assert again.data["redelivered"]
        probe.publish("results", {"id": "marker"})
        recorder.wait_for(lambda h: len(h.about("marker").of("stored", epoch=2)) > 0, within=20, what="marker")
        assert len(recorder.history().about("gone").of("stored", epoch=2)) == 0
    finally:
        firehose.close()


def test_a_deleted_queue_has_lost_what_lay_in_it(broker: Broker) -> None:
    """The observer says that the queue was deleted, and sees its successor's messages in an epoch of their own."""
    recorder = Recorder(Clock())
    probe = RabbitMQ(broker, recorder, **ADMIN)  # type: ignore[arg-type]
    with probe.channel() as channel:
        channel.queue_declare("reports", durable=True)
    firehose = Firehose(Addresses(broker), recorder, probe, stored=("reports",))  # type: ignore[arg-type]
    try:
        firehose.wait_tracing()
        probe.publish("reports", {"id": "first"})
        recorder.wait_for(lambda h: len(h.about("first").of("stored")) > 0, within=10, what="first")
        with probe.channel() as channel:
            channel.queue_delete("reports")
            channel.queue_declare("reports", durable=True)
        probe.publish("reports", {"id": "second"})
        second = recorder.wait_for(lambda h: next(iter(h.about("second").of("stored")), None), within=20, what="second")
        assert [e.data["queue"] for e in recorder.history().of("queue-gone")] == ["reports"]
        assert second.data["epoch"] == 2
        assert len(recorder.history().about("first").of("stored", epoch=2)) == 0
    finally:
        firehose.close()
        with probe.channel() as channel:
            channel.queue_delete("reports")


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_is_held_goes_to_nobody_and_is_there_afterwards(broker: Broker, probe: RabbitMQ, kind: str) -> None:
    """A consumer that acknowledges on delivery and one that asks get nothing meanwhile, and everything afterwards."""
    name = f"held-{kind}"
    taken: list[str] = []
    with probe.channel() as channel:
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": kind})
        channel.basic_consume(name, lambda _c, _m, _p, body: taken.append(body.decode()), auto_ack=True)
        with probe.held(name) as held:
            probe.publish(name, b"one", b"two", {"id": "three"})
            assert held.take("three", within=10)
            assert not held.take("four", within=0.3)
            channel.connection.process_data_events(time_limit=0.5)
            assert channel.basic_get(name)[0] is None
            assert taken == []
        eventually(
            lambda: channel.connection.process_data_events(time_limit=0.1) or len(taken) == 2, within=10, what="given"
        )
        assert sorted(taken) == ["one", "two"]
        channel.queue_delete(name)


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_is_held_survives_a_restart(broker: Broker, probe: RabbitMQ, kind: str) -> None:
    """The broker stops without waiting for us, and the messages wait in their queue when it is back."""
    name = f"kept-{kind}"
    with probe.channel() as channel:
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": kind})
    with probe.held(name):
        probe.publish(name, {"id": "kept-1"}, {"id": "kept-2"})
        broker.restart()
        eventually(probe.ready, within=60, every=0.2, what="broker")
    state = eventually(lambda: (s := probe.queue(name)) and s.ready == 2 and s, within=20, every=0.2, what="kept")
    assert state.consumers == 0
    with probe.channel() as channel:
        channel.queue_delete(name)


def test_holding_a_missing_queue_says_so(probe: RabbitMQ) -> None:
    """The queue is named, and nothing is declared."""
    with pytest.raises(QueueMissingError), probe.held("nowhere"):
        pass
    assert probe.queue("nowhere") is None


def test_a_starved_broker_takes_nothing_until_it_is_restarted(broker: Broker, probe: RabbitMQ) -> None:
    """A publisher that waits for its confirm gets none, and its message is nowhere; afterwards all is as before."""
    probe.purge("tasks")
    with probe.starved():
        with pytest.raises(BROKER_ERRORS):
            probe.publish("tasks", {"id": "starved"})
        state = probe.queue("tasks")
        assert state is not None
        assert state.ready == 0
        broker.restart()
        eventually(probe.ready, within=60, every=0.2, what="broker")
    probe.publish("tasks", {"id": "fed"})
    assert [b"fed" in body for body in probe.peek("tasks")] == [True]
    probe.purge("tasks")


def test_a_broker_that_cannot_be_starved_is_our_error(probe: RabbitMQ, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lever that does not hold is seen on a publisher of ours, before anybody is judged by it."""
    monkeypatch.setattr(probe, "ctl", lambda *_: "")
    monkeypatch.setattr("grader.brokers.rabbitmq.probe.BLOCKED_S", 2.0)
    with pytest.raises(GraderError, match="still takes messages"), probe.starved():
        pytest.fail("nobody may be judged by it")


def test_an_undeclared_user_is_refused(image: Callable[[str], str]) -> None:
    """Without RABBITMQ_DEFAULT_USER the broker answers and refuses admin."""
    container = started(image("rabbitmq:4-management"))
    try:
        probe = RabbitMQ(Broker(container), Recorder(Clock()), **ADMIN)  # type: ignore[arg-type]
        eventually(probe.ready, within=60, every=0.2, what="broker")
        assert probe.accepts_user() is False
    finally:
        container.stop(force=True, delete_volume=True)


class Faults:
    """What an outage does to the one container; nothing waits for it to be at rest."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.started: tuple[str, ...] = ()

    def settle(self) -> None:
        """It has been restarted by nobody."""

    def start(self, *services: str) -> None:
        self.started = services

    def restart(self, _service: str, *, ready: Callable[[], bool]) -> None:
        self._broker.restart()
        eventually(ready, within=60, every=0.2, what="broker")

    @contextlib.contextmanager
    def removed(self, service: str, *, ready: Callable[[], bool]) -> Iterator[None]:
        yield
        self.restart(service, ready=ready)


class Environment:
    """A checks' environment with nothing but the broker in it; `left`: somebody is there who might declare a queue."""

    def __init__(self, broker: Broker, probe: RabbitMQ) -> None:
        self.recorder = probe._recorder
        self.ids = Ids("g0000")
        self.faults = Faults(broker)
        self.assignment = SimpleNamespace(limits=Limits())
        self.dirty = False
        self.left = True
        self.probe = lambda _role: probe
        self._addresses = Addresses(broker)  # type: ignore[arg-type]
        self.closing: list[Firehose] = []

    def observe(self, _name: str, rabbitmq: RabbitMQ, watched: tuple[str, ...]) -> Firehose:
        firehose = Firehose(self._addresses, self.recorder, rabbitmq, stored=watched)
        self.closing.append(firehose)
        firehose.wait_tracing()
        return firehose

    def gone_for_good(self, *_services: str) -> bool:
        return not self.left


@pytest.fixture
def environment(broker: Broker, probe: RabbitMQ) -> Iterator[Environment]:
    found = Environment(broker, probe)
    yield found
    for firehose in found.closing:
        firehose.close()


def declare(probe: RabbitMQ, *queues: str) -> None:
    with probe.channel() as channel:
        for name in queues:
            channel.queue_declare(name, durable=True)


def test_a_queue_that_comes_late_is_waited_for(environment: Environment, probe: RabbitMQ) -> None:
    """It is published to when it is there; with nobody left who would declare it, nothing is waited for."""
    subject = QueueSubject(environment, ())  # type: ignore[arg-type]
    late = threading.Timer(0.5, declare, (probe, "late"))
    late.start()
    assert subject.publish_within(20.0, "late", {"id": "a"}, by=("api",)) == ("a",)
    late.join()
    found, table = subject.listed(5.0, "late", by=("api",))
    assert found["late"].lasting
    assert any(line.startswith("late ") for line in table.lines)
    environment.left = False
    assert subject.publish_within(60.0, "never", {"id": "b"}, by=("api",)) == ()
    subject.demand_declared("never", by=("api",), once="never")
    environment.left = True
    with pytest.raises(QueueMissingError):
        subject.demand_declared("never", by=("api",), once="never")


def test_what_is_put_aside_is_looked_for_between_two_marks(environment: Environment, probe: RabbitMQ) -> None:
    """Unchanged, or not there at all."""
    declare(probe, "aside")
    subject = QueueSubject(environment, ("aside",))  # type: ignore[arg-type]
    since = subject.fault_ahead()
    probe.publish("aside", b"null")
    right = subject.put_aside([b"null"], since, "aside", most_deliveries=3, within=10)
    assert (right.verdict, subject.came_to("aside", since)) == (None, set(right.words))
    wrong = subject.put_aside([b"null", b"42"], since, "aside", most_deliveries=3, within=0)
    assert wrong.verdict is not None
    assert (wrong.verdict.code, wrong.among(wrong.verdict.subjects)) == ("poison-lost", ["42"])


def test_letters_survive_a_restart_and_are_missed_when_they_do_not(environment: Environment, probe: RabbitMQ) -> None:
    """A durable queue keeps what is left in it; what somebody takes out afterwards is gone."""
    declare(probe, "letters")
    subject = QueueSubject(environment, ("letters",))  # type: ignore[arg-type]
    outage = QueueOutage.begin(subject, "letters", "passing")
    outage.leave("letters", {"id": "kept"})
    outage.leave("passing", {"id": "gone"})
    outage.recreate("api", late_s=0.1)
    assert environment.faults.started == ("api",)
    assert outage.letters == {"letters": ["kept"]}
    assert subject.wait(outage.kept("letters"), 20) == set()
    with probe.channel() as channel:
        channel.queue_delete("letters")
    assert eventually(lambda: outage.kept("letters")(subject.history()), within=20, what="gone") == {"kept"}
