"""A class is graded once, whatever is killed in the middle of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from grader import process
from grader.batch.journal import FILE, Journal
from grader.polling import eventually, pause
from grader.stack import labels
from grader.stack.reaper import reap
from tests.docker import classes
from tests.docker.missing import resolved
from tests.docker.second_host import HERE, NAME, SecondHost, missing, second_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import docker

pytestmark = pytest.mark.docker

IMAGE = "python:3.13-slim"
WITHIN_S = 400.0
ASLEEP_S = 20.0


class Batch:
    """A running `grader batch … --json`; its events are read by a thread."""

    def __init__(self, folder: Path, out: Path, *options: str, popen: Callable[..., Any] = subprocess.Popen) -> None:
        argv = [
            sys.executable, "-m", "grader", "batch", "greeting", str(folder), "--out", str(out), "--json",
            "--assignments", str(classes.ASSIGNMENTS), "--retry-after", "3", *options,
        ]  # fmt: skip
        self._log = folder.with_suffix(".log").open("ab")
        self.process = popen(argv, stdout=subprocess.PIPE, stderr=self._log)
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in list(self.events) if e["type"] == kind]

    def until(self, what: str, probe: Callable[[], Any]) -> Any:
        def look() -> Any:
            found = probe()
            assert found or self.process.poll() is None, (what, self.events[-3:], Path(self._log.name).read_text())
            return found

        return eventually(look, within=WITHIN_S, every=0.1, what=what)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> int:
        code = self.process.wait(WITHIN_S)
        self._reader.join(10)
        self.process.stdout.close()
        self._log.close()
        return code


@pytest.fixture(autouse=True)
def images(engine: docker.DockerClient) -> None:
    resolved(engine, [IMAGE])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return classes.make(tmp_path / "class")


def rows(out: Path) -> dict[str, tuple[str, float]]:
    document = json.loads((out / "class.json").read_text("utf-8"))
    return {row["student"]: (row["state"], row["score"]) for row in document["students"]}


def left(engine: docker.DockerClient) -> list[str]:
    """Containers and networks of graders that are dead."""
    found = [
        *engine.api.containers(all=True, filters={"label": labels.OWNER}),
        *engine.api.networks(filters={"label": labels.OWNER}),
    ]
    owners = {thing["Id"]: labels.Owner.parse(thing["Labels"][labels.OWNER]) for thing in found}
    return [i for i, owner in owners.items() if owner is not None and owner.dead()]


def test_a_class_is_graded_once_though_it_is_killed_twice(folder: Path, tmp_path: Path, engine) -> None:
    """Right, wrong, hostile, broken and slow ones; SIGKILL after some results, again after some more."""
    out = tmp_path / "out"
    graded: list[str] = []
    for wanted in (2, 3):
        batch = Batch(folder, out)
        batch.until("some results", lambda batch=batch, n=wanted: sum(not e["cached"] for e in batch.of("graded")) >= n)
        batch.kill()
        graded += [e["content"] for e in batch.of("graded") if not e["cached"]]
    batch = Batch(folder, out)
    assert batch.end() == 0, batch.events[-5:]
    graded += [e["content"] for e in batch.of("graded") if not e["cached"]]
    assert rows(out) == classes.EXPECTED
    stacks = [content for content in graded if not content.startswith("refused-")]
    assert sorted(stacks) == sorted(set(stacks)), "something was graded twice"
    audit = [json.loads(line) for line in (out / "audit.jsonl").read_text("utf-8").splitlines()]
    assert ["ana#1", "ben#1"] in [line["students"] for line in audit]
    for student in classes.EXPECTED:
        assert {p.name for p in (out / "students" / student).iterdir()} == {
            "report.html",
            "feedback.html",
            "result.json",
        }
    assert left(engine) == []

    again = Batch(folder, out)
    assert again.end() == 0
    assert all(e["cached"] for e in again.of("graded") if not e["content"].startswith("refused-"))


def test_ctrl_c_takes_everything_down_and_keeps_what_is_done(folder: Path, tmp_path: Path, engine) -> None:
    """The next call goes on from there."""
    batch = Batch(folder, tmp_path / "out")
    batch.until("a container of ours", lambda: any(e["event"].get("stage") == "checks" for e in batch.of("grading")))
    batch.process.send_signal(signal.SIGINT)
    assert batch.end() == 130
    assert left(engine) == []
    assert (tmp_path / "out" / "index.html").is_file()


def test_what_kills_its_grading_twice_is_set_aside_and_graded_the_next_time(tmp_path: Path) -> None:
    """It is provisional meanwhile, with the reason."""
    (tmp_path / "class").mkdir()
    classes.right(tmp_path / "class", "ana")
    batch = Batch(tmp_path / "class", tmp_path / "out")
    killed: set[int] = set()
    for _ in range(2):
        found = batch.until("the process that grades", lambda: [p for p in _gradings(batch) if p.pid not in killed])
        killed.add(found[0].pid)
        found[0].kill()
    assert batch.end() == 3
    assert rows(tmp_path / "out") == {"ana": ("provisional", 0)}
    again = Batch(tmp_path / "class", tmp_path / "out")
    assert again.end() == 0
    assert rows(tmp_path / "out") == {"ana": ("final", 100)}


def _gradings(batch: Batch) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(batch.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "grader.batch.child" in child.cmdline():
                found.append(child)
    return found


def test_a_missing_image_is_said_first_and_not_waited_for(tmp_path: Path) -> None:
    """Nothing stands in for it, and nothing is pulled; the rest of the class is graded."""
    (tmp_path / "class").mkdir()
    for name in ("ana", "luis", "eva"):
        classes.right(tmp_path / "class", name)
    dockerfile = tmp_path / "class" / "eva" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace(IMAGE, "debian:latest"))
    batch = Batch(tmp_path / "class", tmp_path / "out", "--images", "equivalent", "--lang", "en")
    assert batch.end() == 3
    kinds = [event["type"] for event in batch.events]
    assert kinds.count("image-missing") == 1
    assert kinds.index("image-missing") < kinds.index("grading")
    (missing,) = batch.of("image-missing")
    assert (missing["name"], missing["submissions"]) == ("debian:latest", 1)
    assert "debian:latest" in missing["message"]
    assert missing["remedy"]
    assert not batch.of("again")
    assert rows(tmp_path / "out") == {"ana": ("final", 100), "luis": ("final", 100), "eva": ("provisional", 0)}
    assert missing["remedy"] in (tmp_path / "out" / "students" / "eva" / "report.html").read_text("utf-8")


def test_a_machine_that_slept_costs_nobody_a_grade(tmp_path: Path, engine) -> None:
    """Every process of the grader is stopped in the middle of checks, while the containers run on."""
    (tmp_path / "class").mkdir()
    names = [f"s{n}" for n in range(4)]
    for name in names:
        classes.right(tmp_path / "class", name)
    batch = Batch(tmp_path / "class", tmp_path / "out", "--jobs", "2")
    batch.until("checks", lambda: [e for e in batch.of("grading") if e["event"].get("type") == "check-began"])
    everyone = [psutil.Process(batch.process.pid)]
    everyone += everyone[0].children(recursive=True)
    for one in everyone:
        one.send_signal(signal.SIGSTOP)
    pause(ASLEEP_S)
    for one in everyone:
        one.send_signal(signal.SIGCONT)
    assert batch.end() == 0, batch.events[-5:]
    assert rows(tmp_path / "out") == dict.fromkeys(names, ("final", 100))
    again = batch.of("again")
    assert again
    assert all(event["stood_s"] >= ASLEEP_S - 3 for event in again)
    assert left(engine) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk is mounted for it")
def test_a_full_disk_ends_the_batch_clearly_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """The journal lies on a disk of its own that has no room for it."""
    (tmp_path / "class").mkdir()
    classes.right(tmp_path / "class", "ana")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)], check=True)
    try:
        full = Batch(tmp_path / "class", disk / "out")
        assert full.end() == 3
        said = (tmp_path / "class.log").read_text("utf-8")
        assert "Traceback" not in said, said
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        assert Batch(tmp_path / "class", disk / "out").end() == 0
        assert rows(disk / "out") == {"ana": ("final", 100)}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


needs_a_second_host = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture
def host(tmp_path: Path, engine: docker.DockerClient) -> Iterator[SecondHost]:
    with second_host(tmp_path) as up:
        up.load(resolved(engine, [IMAGE])[IMAGE].reference)
        yield up


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The options for TLS with an authority of our own."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=grader",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]  # fmt: skip
    process.run(made, deadline_s=60, env=None, check=True)
    return ("--tls-ca", f"{folder}/cert.pem", "--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem")


@contextlib.contextmanager
def scheduler(tls: Sequence[str]) -> Iterator[str]:
    """A scheduler without workers, as an administrator would start it; yields its address."""
    ca, cert, key = tls[1::2]
    argv = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", f"tls://{HERE}", "--port", "8799",
            "--no-dashboard", "--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key]  # fmt: skip
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"tls://{HERE}:8799"
    finally:
        running.terminate()
        running.wait(30)


def most_at_once(batch: Batch, host: str) -> int:
    """Return how many gradings ran on a host at the same time, from their first stage to their last."""
    active: set[str] = set()
    most = 0
    for event in batch.of("grading"):
        match event["host"] == host, event["event"]:
            case True, {"type": "stage-began", "stage": "intake"}:
                active.add(event["content"])
            case True, {"type": "stage-ended", "stage": "teardown"}:
                active.discard(event["content"])
        most = max(most, len(active))
    return most


@needs_a_second_host
def test_two_hosts_share_a_class_and_one_of_them_dies(tmp_path: Path, host: SecondHost, certificates, engine) -> None:
    """Over TLS; what the dead one graded is graded on the other, and nothing is lost."""
    folder = tmp_path / "class"
    folder.mkdir()
    names = [f"s{n}" for n in range(8)]
    for name in names:
        classes.right(folder, name)
    environment = {**os.environ, "GRADER_ASSIGNMENTS": str(classes.ASSIGNMENTS)}
    with scheduler(certificates) as address:
        argv = [sys.executable, "-m", "grader", "worker", address, *certificates]
        here = subprocess.Popen(argv, env=environment)
        unfit = subprocess.Popen(argv, env={**environment, "DOCKER_HOST": "unix:///nowhere/docker.sock"})
        there = host.popen(["env", f"GRADER_ASSIGNMENTS={classes.ASSIGNMENTS}", *argv])
        try:
            batch = Batch(folder, tmp_path / "out", "--scheduler", address, "--jobs", "2", *certificates)
            batch.until("checks on the second host", lambda: [
                e for e in batch.of("grading") if e["host"] == NAME and e["event"].get("stage") == "checks"
            ])  # fmt: skip
            there.kill()
            assert batch.end() == 0, batch.events[-5:]
        finally:
            for worker in (here, there, unfit):
                worker.kill()
                worker.wait()
    assert rows(tmp_path / "out") == dict.fromkeys(names, ("final", 100))
    assert [e["host"] for e in batch.of("worker-lost")] == [NAME]
    assert {e["host"] for e in batch.of("worker-joined")} >= {NAME}
    assert len(batch.of("worker-refused")) == 1  # the one without an engine, which then got no work
    assert most_at_once(batch, NAME) <= 2
    contents = [e["content"] for e in batch.of("graded")]
    assert len(contents) == len(set(contents)) == len(names)
    reap(engine)  # what the first host's worker had under way when it was stopped
    assert left(engine) == []


@needs_a_second_host
def test_an_engine_that_restarts_costs_nobody_a_grade(tmp_path: Path, host: SecondHost) -> None:
    """Errors of ours are tried again; the batch runs where the engine is."""
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("ana", "luis", "eva"):
        classes.right(folder, name)
    batch = Batch(folder, tmp_path / "out", popen=host.popen)
    batch.until("checks", lambda: any(e["event"].get("stage") == "checks" for e in batch.of("grading")))
    host.stop_engine()
    host.start_engine()
    assert batch.end() == 0, batch.events[-5:]
    assert rows(tmp_path / "out") == dict.fromkeys(("ana", "luis", "eva"), ("final", 100))
    assert batch.of("again")


def test_the_journal_outlives_the_folder_of_the_class(folder: Path, tmp_path: Path) -> None:
    """`report` makes everything anew from the journal alone, with the teacher's word."""
    shutil.rmtree(folder)
    (tmp_path / "class").mkdir()
    classes.right(tmp_path / "class", "ana", says="chau")
    out = tmp_path / "out"
    assert Batch(tmp_path / "class", out).end() == 0
    shutil.rmtree(tmp_path / "class")
    for made in (out / "students", out / "index.html", out / "gradebook.csv"):
        shutil.rmtree(made) if made.is_dir() else made.unlink()
    (out / "overrides.yaml").write_text("ana: {points: 55, comment: lo explicó bien}\n", "utf-8")
    argv = [sys.executable, "-m", "grader", "report", str(out), "--students"]
    assert process.run(argv, deadline_s=120, env=None).returncode == 0
    assert rows(out) == {"ana": ("final", 55)}
    assert (out / "students" / "ana" / "report.html").is_file()
    with Journal(out / FILE) as journal:
        assert [s.score for s in journal.summaries().values()] == [0]
