"""Submissions that attack the machine end with a clear verdict, and the machine and its other guests go on."""

from __future__ import annotations

import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import assignments, pipeline
from grader.stack import labels
from tests.docker.missing import resolved

if TYPE_CHECKING:
    import docker

    from grader.model.grade import Result

pytestmark = pytest.mark.docker

HERE = Path(__file__).parent / "assignments"
DOCKERFILE = 'FROM python:3.13-slim\nCOPY app.py /app.py\n{build}CMD ["python3", "-u", "/app.py"]\n'
COMPOSE = "services:\n  api:\n    build: .\n{more}"
GREETING = """
import http.server, threading
class Greeting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"hola")
    def log_message(self, *_): pass
def serve():
    http.server.ThreadingHTTPServer(("", 3000), Greeting).serve_forever()
"""
RIGHT = GREETING + "serve()\n"


@pytest.fixture
def grade(tmp_path: Path, engine: docker.DockerClient):
    """Grade a service in Python with these further words in its Dockerfile and in its part of the compose file."""
    resolved(engine, ["python:3.13-slim"])

    def run(app: str, *, build: str = "", more: str = "", name: str = "entrega", check: str = "hello.says") -> Result:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "app.py").write_text(textwrap.dedent(app))
        (folder / "Dockerfile").write_text(DOCKERFILE.format(build=build))
        (folder / "compose.yaml").write_text(COMPOSE.format(more=textwrap.indent(textwrap.dedent(more), "    ")))
        options = pipeline.Options(checks=(check,))
        return pipeline.grade(folder, assignments.load("hello", HERE), lambda _event: None, options)

    yield run
    assert _left(engine) == []


def _left(engine: docker.DockerClient) -> list[str]:
    mine = {"label": f"{labels.OWNER}={labels.Owner.current().label()}"}
    api = engine.api
    return [c["Id"] for c in api.containers(all=True, filters=mine)] + [n["Id"] for n in api.networks(filters=mine)]


def verdict(result: Result) -> tuple[str, str, str]:
    (outcome,) = result.outcomes
    return result.grade.status, outcome.verdict, outcome.reason


def test_a_right_one_passes(grade) -> None:
    """The measure for all others here."""
    result = grade(RIGHT)
    assert verdict(result) == ("final", "passed", ""), result.errors


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        pytest.param("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n", "", id="fork bomb"),
        pytest.param("hog = []\nwhile True: hog.append(bytearray(1 << 20))\n", "", id="memory hog"),
        pytest.param("while True: print('x' * 1000)\n", "", id="log flood"),
        pytest.param("raise SystemExit(1)\n", "", id="restart loop"),
        pytest.param(
            "import socket\ns = socket.create_server(('', 3000))\nwhile True:\n    c = s.accept()[0]\n"
            "    c.sendall(b'HTTP/1.1 200 OK\\r\\n')\n    while True: c.sendall(b'x'); __import__('time').sleep(.1)\n",
            "",
            id="byte by byte",
        ),
    ],
)
def test_one_that_never_serves_fails(app: str, reason: str, grade) -> None:
    """It is not ready, whatever it does instead; final, since it is no fault of ours."""
    result = grade(app, more="restart: always\n")
    assert verdict(result) == ("final", "failed", "service-not-ready"), result.errors
    assert result.stages["ready"] < 45


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param("def attack():\n    while True: print('x' * 1000)\n", id="log flood"),
        pytest.param(
            "import os\ndef attack():\n    while True:\n        try:\n            if not os.fork(): os.pause()\n"
            "        except OSError: time.sleep(.01)\n",
            id="processes",
        ),
        pytest.param("def attack():\n    while True: pass\n", id="busy"),
    ],
)
def test_one_that_serves_beside_it_is_judged_by_what_it_serves(attack: str, grade) -> None:
    """The limits hold it, and the check looks at the answers only."""
    app = GREETING + "import time\n" + attack.replace("os.pause", "__import__('signal').pause")
    result = grade(app + "threading.Thread(target=attack, daemon=True).start()\nserve()\n")
    assert result.grade.status == "final"


@pytest.mark.parametrize(
    ("where", "more"), [("/fill", ""), ("/data/fill", "volumes: ['/data']\n")], ids=["layer", "anonymous volume"]
)
def test_a_disk_filler_is_ended(where: str, more: str, grade) -> None:
    """Layers and volumes count; the verdict says it."""
    fill = f"""
    import time
    def attack():
        with open("{where}", "wb") as file:
            while True:
                file.write(b"x" * (4 << 20))
                file.flush()
    """
    app = GREETING + textwrap.dedent(fill) + "threading.Thread(target=attack, daemon=True).start()\nserve()\n"
    result = grade(app, more=more, check="hello.long")
    assert verdict(result) == ("final", "failed", "disk-exceeded"), result.errors


@pytest.mark.parametrize(
    ("step", "codes"),
    [
        ("while :; do :; done", {"build-timeout"}),
        ("cat /dev/zero > /fill", {"build-disk"}),
        ("python3 -c 'x = [bytearray(1 << 20) for _ in range(4096)]'", {"build-failed"}),
        # its first process may be one that fails, or one that goes on
        ("python3 -c 'while True: __import__(\"os\").fork()'", {"build-failed", "build-timeout"}),
    ],
)
def test_a_build_that_attacks_is_ended(step: str, codes: set[str], grade) -> None:
    """Each with its own word, naming the line."""
    result = grade(RIGHT, build=f"RUN {step}\n")
    status, what, reason = verdict(result)
    assert (status, what) == ("final", "blocked"), result.errors
    assert reason in codes
    (finding,) = [f for f in result.findings if f.severity == "error"]
    assert (finding.file, finding.line) == ("Dockerfile", 3)


def test_from_inside_there_is_nothing_to_find(grade) -> None:
    """No way out, nor to the host; neither the checks nor the rubric, while building or running."""
    probe = GREETING + textwrap.dedent(
        """
        import os, socket, subprocess, sys
        found = [p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)]
        for host, port in [("1.1.1.1", 53), ("169.254.169.254", 80), ("host.docker.internal", 80), ("172.17.0.1", 22)]:
            try:
                socket.create_connection((host, port), 1)
                found.append(host)
            except OSError:
                pass
        search = ["grep", "-rlsI", "hello" + ".long", "/", "--exclude-dir=proc", "--exclude-dir=sys"]
        found += subprocess.run(search, capture_output=True, text=True).stdout.split()
        if found:
            sys.exit(f"found {found}")
        serve()
        """
    )
    search = "grep -rlsI 'hello[.]long' / --exclude-dir=proc --exclude-dir=sys"
    result = grade(probe, build=f"RUN ! {search} && ! env | grep -i -e grader -e docker\n")
    assert verdict(result) == ("final", "passed", ""), (result.errors, result.findings)


def test_a_right_one_beside_an_attack_passes(grade) -> None:
    """Processes, memory, output and disk at once; the other submission on the machine does not feel it."""
    attack = GREETING + textwrap.dedent(
        """
        import os, time
        def forks():
            while True:
                try:
                    if not os.fork(): __import__("signal").pause()
                except OSError: time.sleep(.01)
        def prints():
            while True: print("x" * 1000)
        def writes():
            with open("/fill", "wb") as file:
                while True: file.write(b"x" * (4 << 20))
        for each in (prints, writes, forks):
            threading.Thread(target=each, daemon=True).start()
        serve()
        """
    )
    with ThreadPoolExecutor(2) as pool:
        attacking = pool.submit(grade, attack, name="attack")
        right = pool.submit(grade, RIGHT, name="right")
        assert verdict(right.result()) == ("final", "passed", ""), right.result().errors
        assert attacking.result().grade.status == "final"
