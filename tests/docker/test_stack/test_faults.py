"""Each fault does what it says to real containers, is recorded, and heals."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import pytest

from grader.errors import GraderError
from grader.faults import Faults
from grader.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker

Talk = "Callable[..., str]"


@pytest.fixture(scope="module")
def stack(make_stack: Callable[..., Stack], echo: Callable[..., dict[str, Any]]) -> Stack:
    made = make_stack(
        {
            "keeper": echo(volumes=["data:/data", "/scratch"], networks={"default": {"aliases": ["store"]}}),
            "worker": echo(scale=3),
            "phoenix": echo(restart="unless-stopped"),
            "mortal": echo(),
        },
        compose={"volumes": {"data": {}}},
        replicas={"worker": 3},
    )
    made.up(deps=True)
    return made


@pytest.fixture
def notes() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def faults(stack: Stack, notes: list[tuple[str, str, str]]) -> Faults:
    return Faults(stack, lambda kind, actor, action: notes.append((kind, actor, action)))


def statuses(stack: Stack, service: str) -> list[str]:
    return [container.state().status for container in stack.containers(service)]


def answers(stack: Stack, talk: Callable[..., str], target: str) -> None:
    eventually(lambda: talk(stack.address(target, 7000)).endswith("hello"), within=10, what=f"{target} answers")


def test_killed_is_a_crash_that_no_policy_heals(stack: Stack, faults: Faults, notes: Any, talk: Any) -> None:
    """Its connections end at once, it stays down in the block, and runs again after it."""
    phoenix = stack.container("phoenix-1")
    with socket.create_connection(stack.address("phoenix", 7000), timeout=5) as connection:
        connection.recv(100)
        with faults.killed(phoenix):
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""
            assert phoenix.state().status == "exited"
            assert phoenix.state().exit_code == 137
            assert notes == [("fault", "phoenix-1", "kill")]
    answers(stack, talk, "phoenix")
    assert notes == [("fault", "phoenix-1", "kill"), ("healed", "phoenix-1", "kill")]


def test_stopped_gives_the_program_its_signal(stack: Stack, faults: Faults, notes: Any) -> None:
    """A whole service stops by SIGTERM, at once, and comes back."""
    with faults.stopped("worker", grace_s=10):
        assert {c.state().exit_code for c in stack.containers("worker")} == {143}
    assert statuses(stack, "worker") == ["running"] * 3
    assert notes == [("fault", "worker", "stop"), ("healed", "worker", "stop")]


def test_paused_keeps_connections_open(stack: Stack, faults: Faults, talk: Any) -> None:
    """Nothing is answered while it lasts, and the same connection goes on after it."""
    with socket.create_connection(stack.address("mortal", 7000), timeout=1) as connection:
        connection.recv(100)
        with faults.paused("mortal"):
            assert statuses(stack, "mortal") == ["paused"]
            connection.sendall(b"are you there")
            with pytest.raises(TimeoutError):
                connection.recv(100)
        connection.settimeout(5)
        assert connection.recv(100) == b"are you there"


def test_restarted_is_over_when_the_block_runs(stack: Stack, faults: Faults, notes: Any) -> None:
    """It has stopped gracefully and runs again."""
    before = stack.container("mortal-1").state().started_at
    with faults.restarted("mortal"):
        assert stack.container("mortal-1").state().started_at > before
        assert [kind for kind, _, _ in notes] == ["fault", "healed"]


@pytest.mark.parametrize("fault", ["recreated", "removed"])
def test_named_volumes_survive_and_anonymous_ones_do_not(stack: Stack, faults: Faults, fault: str, talk: Any) -> None:
    """A recreated container is another one, with the named volume and a fresh anonymous one."""
    before = stack.container("keeper-1")
    anonymous = next(m["Name"] for m in before.inspect()["Mounts"] if m["Destination"] == "/scratch")
    assert before.exec(["touch", f"/data/{fault}", f"/scratch/{fault}"])[0] == 0
    with getattr(faults, fault)("keeper"):
        assert bool(stack.containers("keeper")) == (fault == "recreated")
    after = stack.container("keeper-1")
    assert after.id != before.id
    assert after.exec(["ls", f"/data/{fault}"])[0] == 0
    assert after.exec(["ls", "/scratch"]) == (0, "")
    volumes = stack.client.api.volumes()["Volumes"]
    assert anonymous not in {volume["Name"] for volume in volumes}
    answers(stack, talk, "keeper")
    with pytest.raises(GraderError):
        before.state()


def test_scaled_leaves_the_others_alone(stack: Stack, faults: Faults) -> None:
    """The highest numbers go and come; worker-1 is the same container throughout."""
    first = stack.container("worker-1")
    with faults.scaled("worker", 1):
        assert [c.name for c in stack.containers("worker")] == ["worker-1"]
    assert [c.name for c in stack.containers("worker")] == ["worker-1", "worker-2", "worker-3"]
    assert stack.container("worker-1") == first


def test_disconnected_comes_back_under_its_names(stack: Stack, faults: Faults, talk: Any) -> None:
    """Nobody finds it while it lasts; afterwards service name and alias resolve again."""
    look = ["python3", "-c", "import socket, sys; print([socket.gethostbyname(n) for n in sys.argv[1:]])"]
    asking = stack.container("mortal-1")
    assert asking.exec([*look, "store", "keeper"])[0] == 0
    with faults.disconnected("keeper"):
        assert stack.container("keeper-1").state().running
        assert talk(stack.address("keeper", 7000)) == "reset"
        assert asking.exec([*look, "store"])[0] == 1
    assert asking.exec([*look, "store", "keeper"])[0] == 0
    answers(stack, talk, "keeper")


def test_healing_comes_whatever_the_block_raises(stack: Stack, faults: Faults, notes: Any) -> None:
    """The block's own exception arrives, and the container runs."""
    with pytest.raises(ZeroDivisionError), faults.killed("mortal"):
        _ = 1 / 0
    assert statuses(stack, "mortal") == ["running"]
    assert [kind for kind, _, _ in notes] == ["fault", "healed"]


def test_an_error_while_healing_does_not_hide_the_first(stack: Stack, faults: Faults) -> None:
    """When the container is gone, the block's exception carries that as a note; alone, it is a GraderError."""

    def break_off() -> None:
        stack.container("worker-3").remove()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as raised, faults.stopped("worker-3"):
        break_off()
    assert "worker-3" in raised.value.__notes__[0]
    with pytest.raises(GraderError), faults.stopped("worker-2"):
        stack.container("worker-2").remove()
    stack.up(["worker"], deps=False)
    assert statuses(stack, "worker") == ["running"] * 3


def test_what_fell_over_by_itself_is_no_error_of_ours(stack: Stack, faults: Faults) -> None:
    """Faults on a container that does not run pass, and healing starts it; unknown names are our error."""
    mortal = stack.container("mortal-1")
    mortal.stop(1)
    for fault in (faults.killed, faults.paused, faults.crashed, faults.stopped):
        mortal.kill()
        with fault("mortal"):
            pass
        assert statuses(stack, "mortal") == ["running"]
    mortal.kill()
    assert mortal.exec(["true"]) == (-1, "")
    mortal.start()
    with pytest.raises(GraderError, match="nobody"), faults.killed("nobody"):
        pass


def test_crashed_leaves_it_to_the_restart_policy(stack: Stack, faults: Faults, notes: Any) -> None:
    """With a policy it comes back by itself; without one it is down until healed; the next fault waits for peace."""
    with faults.crashed("mortal"):
        assert statuses(stack, "mortal") == ["exited"]
    assert statuses(stack, "mortal") == ["running"]
    phoenix = stack.container("phoenix-1")
    with faults.crashed(phoenix):
        back = eventually(lambda: (s := phoenix.state()).running and s.restarts and s, within=10, what="it is back")
        assert back.restarts == 1
    with faults.paused("mortal"):
        assert stack.clock() - phoenix.state().started_at >= 10.0
    assert notes[0] == ("fault", "mortal", "crash")
