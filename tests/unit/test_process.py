"""Processes end: at their deadline, with their group, and with no more output kept than asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from grader import polling, process


def _gone(pid: int) -> bool:
    """A process is over when it is not there, or only its entry is (nobody has reaped it yet)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_both_streams_and_the_exit_code_are_returned():
    """Standard output and error come back in one text, with the code."""
    done = process.run(["sh", "-c", "echo out; echo err >&2; exit 3"], deadline_s=10, env=None)
    assert (done.returncode, done.output, done.timed_out) == (3, "out\nerr\n", False)


def test_input_is_closed():
    """A child that reads its input gets its end at once."""
    assert process.run(["cat"], deadline_s=10, env=None).returncode == 0


def test_environment_is_exactly_the_one_given():
    """Nothing of the parent's environment reaches a child with a built one."""
    done = process.run([sys.executable, "-c", "import os; print(sorted(os.environ))"], deadline_s=10, env={"A": "1"})
    assert "'A'" in done.output
    assert "PATH" not in done.output


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
def test_deadline_kills_the_whole_group(tmp_path: Path):
    """At the deadline a grandchild dies with the child."""
    pid = tmp_path / "pid"
    done = process.run(["sh", "-c", f"sleep 60 & echo $! > {pid}; wait"], deadline_s=0.5, env=None)
    assert done.timed_out
    assert done.returncode is None
    assert done.seconds < 5
    polling.eventually(lambda: _gone(int(pid.read_text())), within=2, what="the grandchild's end")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
def test_a_grandchild_that_keeps_the_pipe_does_not_keep_us(tmp_path: Path):
    """When only a grandchild still holds the output, it is ended soon after the child."""
    pid = tmp_path / "pid"
    done = process.run(["sh", "-c", f"sleep 60 & echo $! > {pid}"], deadline_s=30, env=None)
    assert (done.returncode, done.timed_out) == (0, False)
    assert done.seconds < 5
    polling.eventually(lambda: _gone(int(pid.read_text())), within=2, what="the grandchild's end")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
def test_an_exception_of_the_listener_kills_the_child():
    """An interrupt that arrives while output is read leaves nothing running."""
    pids = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.run(["sh", "-c", "echo $$; exec sleep 60"], deadline_s=30, env=None, on_line=interrupt)
    polling.eventually(lambda: _gone(pids[0]), within=2, what="the child's end")


def test_only_the_tail_of_much_output_is_kept():
    """Output over the cap loses its beginning, and only that."""
    done = process.run([sys.executable, "-c", "print('x' * 300_000 + 'end')"], deadline_s=30, env=None, output_cap=1000)
    assert len(done.output) == 1000
    assert done.output.endswith("xend\n")


def test_lines_are_heard_as_they_come():
    """The listener gets every line without its end, the unfinished last one too."""
    heard: list[str] = []
    process.run(["printf", r"one\r\ntwo\n\nthree"], deadline_s=10, env=None, on_line=heard.append)
    assert heard == ["one", "two", "", "three"]


def test_output_that_is_not_text_is_replaced():
    """Bytes that are no UTF-8 do not break the reading."""
    assert process.run(["printf", r"\377ok"], deadline_s=10, env=None).output == "\ufffdok"


def test_check_raises_with_the_output():
    """With `check`, a failure carries what the child said."""
    with pytest.raises(process.ProcessError, match="exit code 1") as caught:
        process.run(["sh", "-c", "echo why; exit 1"], deadline_s=10, env=None, check=True)
    assert caught.value.completed.output == "why\n"


def test_a_program_that_is_not_there_is_an_oserror():
    """Starting nothing is told apart from a failing program."""
    with pytest.raises(FileNotFoundError):
        process.run(["/nowhere/program"], deadline_s=10, env=None)


def test_spawned_child_writes_to_a_pipe_of_ours():
    """A descriptor that is passed on reaches the child, beside its capped output."""
    read, write = os.pipe()
    program = f"import os; os.write({write}, b'private'); print('public')"
    child = process.spawn([sys.executable, "-c", program], env=None, pass_fds=(write,))
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == "private"
    done = child.wait(10)
    assert (done.returncode, done.output) == (0, "public\n")


def test_spawned_child_is_killed_at_its_deadline():
    """Waiting ends at the deadline, and so does the child."""
    child = process.spawn(["sleep", "60"], env=None)
    assert child.running()
    assert child.wait(0.2).timed_out
    assert not child.running()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc")
def test_child_dies_with_a_parent_that_is_killed():
    """A SIGKILL of the grader takes the children along that were spawned so."""
    program = (
        "from grader import process, polling; c = process.spawn(['sleep', '60'], env=None, die_with_parent=True); "
        "polling.eventually(lambda: open(f'/proc/{c.pid}/comm').read() == 'sleep\\n', within=5, what='sleep'); "
        "print(c.pid, flush=True); polling.pause(60)"
    )
    pids: list[int] = []
    parent = process.spawn([sys.executable, "-c", program], env=None, on_line=lambda line: pids.append(int(line)))
    polling.eventually(lambda: pids, within=10, what="the grandchild's number")
    parent.kill()
    polling.eventually(lambda: _gone(pids[0]), within=2, what="the grandchild's end")
