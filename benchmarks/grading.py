"""How much grading costs over the bare stack: both in one run, as ratios.

    .venv/bin/python benchmarks/grading.py [ASSIGNMENT] [REFERENCE] [--rounds N] [--all]

--all measures the Node.js reference of every assignment.

The bare stack is the same submission under plain Compose: build (from the layer cache), up, wait until each broker and
database answers its protocol's first request and the API answers /health, down. CPU seconds are the whole machine's, so
run it on an idle one.
Linux only: the bare stack is reached by its containers' addresses.
"""

from __future__ import annotations

import argparse
import re
import socket
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import yaml

from grader import assignments, catalogue, images, intake, pipeline, policy, process
from grader.images.endpoint import connect, current_endpoint
from grader.polling import eventually
from grader.stack.compose import find_compose
from grader.verify import subjects

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from grader.model.assignment import Assignment

PROJECT = "grader-benchmark"

# role -> (ports, first request, what the answer of a service that is ready matches)
FIRST_WORDS: dict[str, tuple[tuple[int, ...], bytes, re.Pattern[bytes]]] = {
    "rabbitmq": ((5672,), b"AMQP\x00\x00\x09\x01", re.compile(b"RabbitMQ")),
    "redis": ((6379,), b"PING\r\n", re.compile(rb"\A(\+PONG|-NOAUTH)")),
    "postgres": ((5432,), b"\x00\x00\x00\x08\x04\xd2\x16\x2f", re.compile(rb"\A[NS]")),  # may it be TLS? yes or no
    "kafka": ((29092, 9092, 19092), b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\xff\xff", re.compile(b".")),
    "http": ((3000,), b"GET /health HTTP/1.0\r\n\r\n", re.compile(rb"\AHTTP/\S+ 200")),
}


def busy() -> float:
    """CPU seconds that the machine has spent on anything but waiting."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0)


def measured(work: Callable[[], object]) -> tuple[float, float, object]:
    """Return wall seconds, CPU seconds and the result of `work`."""
    wall, cpu = time.monotonic(), busy()
    result = work()
    return time.monotonic() - wall, busy() - cpu, result


def bare_project(source: Path, assignment: Assignment, folder: Path) -> Path:
    """Write the submission as Compose alone would run it here, with image names that this machine has."""
    workspace = intake.take(source, folder / "bare")
    plan = policy.judge(workspace, assignment, catalogue.load())
    bound = policy.bind(plan, images.resolve(connect(), plan.images))
    for build in bound.builds:
        Path(workspace.root, build.context, "Dockerfile.bare").write_text(build.text, "utf-8")
    file = next(p for p in Path(workspace.root).glob("*compose*.y*ml"))
    document = yaml.safe_load(file.read_text("utf-8"))
    for name, service in document["services"].items():
        service.pop("ports", None)
        if "build" in service:
            context = service["build"] if isinstance(service["build"], str) else service["build"].get("context", ".")
            service["build"] = {"context": context, "dockerfile": "Dockerfile.bare"}
        else:
            service["image"] = bound.compose["services"][name]["image"]
    file.write_text(yaml.safe_dump(document), "utf-8")
    return file


def compose_for(file: Path) -> tuple[list[str], dict[str, str]]:
    """Return plain Compose's argv for a project, and its environment."""
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(file.parent),
        "DOCKER_HOST": current_endpoint(),
        "COMPOSE_BAKE": "false",
    }
    return [str(find_compose()), "-p", PROJECT, "-f", str(file)], env


def wait_ready(assignment: Assignment) -> None:
    """Wait until each broker, database and API of the bare stack answers."""
    client = connect()
    for service in assignment.services:
        if service.role in FIRST_WORDS:
            eventually(partial(ready, client, service.name, service.role), within=90, every=0.1, what=service.name)


def bare(file: Path, assignment: Assignment) -> None:
    """Build, start, wait until ready, and remove."""
    compose, env = compose_for(file)
    try:
        process.run([*compose, "up", "-d", "--build"], deadline_s=600, env=env, check=True)
        wait_ready(assignment)
    finally:
        process.run([*compose, "down", "-v", "-t", "0"], deadline_s=120, env=env)


def ready(client: docker.DockerClient, service: str, role: str) -> bool:
    """Say whether each container of a service gives the answer of one that is ready."""
    ports, request, sign = FIRST_WORDS[role]
    found = client.containers.list(
        filters={"label": [f"com.docker.compose.project={PROJECT}", f"com.docker.compose.service={service}"]}
    )
    addresses = [next(iter(c.attrs["NetworkSettings"]["Networks"].values()))["IPAddress"] for c in found]
    return bool(addresses) and all(any(sign.search(answer(a, port, request)) for port in ports) for a in addresses)


def answer(address: str, port: int, request: bytes) -> bytes:
    """Return the first bytes that come back for `request`."""
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            connection.settimeout(2)
            connection.sendall(request)
            return connection.recv(512)
    except OSError:
        return b""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", nargs="?", default="rabbitmq-task-queue")
    parser.add_argument("reference", nargs="?", default="node")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    names = assignments.names() if arguments.all else [arguments.assignment]
    for name in names:
        compare(assignments.load(name), arguments.reference, arguments.rounds)


def compare(assignment: Assignment, reference: str, count: int) -> None:
    """Run both `count` times in turn, and print the ratios and where the time went."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / reference
        subjects.materialise(assignment, reference, source)
        file = bare_project(source, assignment, Path(name))
        bare(file, assignment)  # fills the layer cache, so that both find it warm
        rounds = []
        for _ in range(count):
            plain = measured(lambda: bare(file, assignment))
            graded = measured(lambda: pipeline.grade(source, assignment, lambda _event: None))
            rounds.append((plain, graded))
    print(f"\n{assignment.id}, {reference}")
    wall = statistics.median(g[0] / p[0] for p, g in rounds)
    cpu = statistics.median(g[1] / p[1] for p, g in rounds)
    plain, graded = rounds[-1]
    result = graded[2]
    print(f"bare up to ready + down   {plain[0]:6.1f} s wall  {plain[1]:6.1f} CPU-s")
    print(f"grading, all checks       {graded[0]:6.1f} s wall  {graded[1]:6.1f} CPU-s")
    print(f"ratio (median of {len(rounds)})       {wall:6.1f} x wall  {cpu:6.1f} x CPU")
    stages = result.stages  # type: ignore[attr-defined]
    total = sum(stages.values())
    for stage, seconds in sorted(stages.items(), key=lambda s: -s[1]):
        print(f"  {stage:12} {seconds:6.1f} s  {100 * seconds / total:3.0f} %")
    waits = sorted(result.outcomes, key=lambda o: o.began - o.ended)  # type: ignore[attr-defined]
    for outcome in waits:
        print(f"    {outcome.check:22} {outcome.ended - outcome.began:6.1f} s  {outcome.verdict}")


if __name__ == "__main__":
    main()
