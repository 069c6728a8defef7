"""Why something does not build or start, looked up in the files: line ends, x bits, formats, files that are not there.

The words are those that engine 20 to 28, dash, bash and BusyBox write.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.i18n import render
from grader.model.findings import Finding
from grader.model.plan import Build
from grader.model.text import literal
from grader.stack import causes
from grader.stack.causes import Sources, unhealthy
from grader.stack.container import Checked, ContainerState

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILE = """\
FROM node:20-alpine
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
CMD ["./start.sh"]
"""
START = Finding(code="start-failed", severity="error", message=literal("it does not start"), path="services.api")
ARM64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(40)


@pytest.fixture
def api(tmp_path: Path) -> Path:
    """The folder of a service `api` that is built, in a submission."""
    folder = tmp_path / "api"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def sources(api: Path) -> Sources:
    build = Build(service="api", context="api", dockerfile="api/Dockerfile", text=DOCKERFILE)
    return Sources.of(api.parent, [build])


def script(api: Path, data: bytes, *, name: str = "start.sh", mode: int = 0o755) -> None:
    (api / name).write_bytes(data)
    (api / name).chmod(mode)


def started(api: Path, *words: str) -> tuple[str, str, int]:
    """Return what is said, as text in English, and where."""
    told = causes.start_explained(START, words, sources(api), "api")
    return _shown(told)


def built(api: Path, output: str, line: int) -> tuple[str, str, int]:
    failed = Finding(
        code="build-failed",
        severity="error",
        message=literal("it does not build"),
        file="api/Dockerfile",
        line=line,
        path="services.api.build",
        detail=tuple(textwrap.dedent(output).splitlines()),
    )
    return _shown(causes.build_explained(failed, sources(api)))


def _shown(finding: Finding) -> tuple[str, str, int]:
    remedy = render(finding.remedy, "en") if finding.remedy else ""
    return f"{render(finding.message, 'en')} {remedy}".strip(), finding.file, finding.line


NOT_RUN = [
    "exec ./start.sh: no such file or directory",
    "exec /app/start.sh: no such file or directory",
    "/usr/local/bin/docker-entrypoint.sh: line 119: /app/start.sh: cannot execute: required file not found",
    "/usr/local/bin/docker-entrypoint.sh: 8: exec: ./start.sh: not found",
    "sh: 1: ./start.sh: not found",
    "sh: 1: exec: ./start.sh: not found",
    "bash: line 1: ./start.sh: cannot execute: required file not found",
    "bash: ./start.sh: /bin/sh^M: bad interpreter: No such file or directory",
    "sh: ./start.sh: not found",
    "sh: exec: line 0: ./start.sh: not found",
]
TORN = [
    "./start.sh: 2: set: Illegal option -",
    "start.sh: line 1: set: -",
    "start.sh: set: line 2: illegal option -",
    "/app/start.sh: line 3: $'\\r': command not found",
    "/usr/bin/env: \u2018bash\\r\u2019: No such file or directory",
    "env: can't execute 'sh",
]


@pytest.mark.parametrize("words", [*NOT_RUN, *TORN])
def test_line_ends_of_windows(api: Path, words: str) -> None:
    """However the shell says it, the script is named with what to write."""
    script(api, b"#!/bin/sh\r\nset -e\r\n")
    told, file, line = started(api, "npm notice", words)
    assert (file, line) == ("api/start.sh", 1)
    assert "CRLF" in told
    assert "api/Dockerfile" in told
    assert "RUN sed -i 's/\\r$//'" in told


@pytest.mark.parametrize("words", [*NOT_RUN[3:6], *NOT_RUN[8:], *TORN])
def test_a_script_with_line_feeds_is_not_blamed(api: Path, words: str) -> None:
    """What only sounds like it is left as the program said it."""
    script(api, b"#!/bin/sh\nset -e\n")
    assert started(api, words) == ("it does not start", "", 0)


@pytest.mark.parametrize(
    "words", ["python3: can't open file '/app/start.sh': [Errno 2] No such file", '{"said": "a\\r\\n"}', "Error: stop"]
)
def test_other_words_lead_nowhere(api: Path, words: str) -> None:
    """A script of Windows that nobody failed to run is nobody's cause."""
    script(api, b"#!/bin/sh\r\n")
    assert started(api, words) == ("it does not start", "", 0)


@pytest.mark.parametrize(
    "words",
    [
        "Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable "
        'to start container process: exec: "./start.sh": permission denied: unknown',
        "/usr/local/bin/docker-entrypoint.sh: line 119: ./start.sh: Permission denied",
        "sh: 1: exec: ./start.sh: Permission denied",
        "sh: exec: line 0: ./start.sh: Permission denied",
        "bash: line 1: exec: ./start.sh: cannot execute: Permission denied",
    ],
)
def test_no_x_bit(api: Path, words: str) -> None:
    """The line of the Dockerfile that copies the script is named, and what to write behind it."""
    script(api, b"#!/bin/sh\n", mode=0o644)
    told, file, line = started(api, words)
    assert (file, line) == ("api/Dockerfile", 5)
    assert told.endswith("behind line 5 that copies it: RUN chmod +x ./start.sh")
    script(api, b"#!/bin/sh\n")
    assert started(api, words) == ("it does not start", "", 0)


def test_no_x_bit_of_a_file_that_is_mounted(api: Path) -> None:
    """What no Dockerfile copies is started by its program."""
    script(api.parent, b"#!/bin/sh\n", name="wait.sh", mode=0o644)
    told, file, line = started(api, "sh: 1: /wait.sh: Permission denied")
    assert (file, line) == ("wait.sh", 0)
    assert "command: sh /wait.sh" in told


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"echo hola\n", "Write #!/bin/sh as its first line."),
        (b"\xef\xbb\xbf#!/bin/sh\n", "UTF-8 without BOM"),
        (ARM64, "built for another processor (arm64)"),
        (b"MZ\x90\x00", "a program of another system"),
    ],
)
def test_a_format_that_is_none(api: Path, data: bytes, said: str) -> None:
    """`exec format error` is told by what the file is."""
    script(api, data)
    told, file, _ = started(api, "exec ./start.sh: exec format error")
    assert said in told
    assert file == "api/start.sh"


def test_a_program_that_the_image_lacks(api: Path) -> None:
    """bash is not in Alpine's images: the script is there, and what it asks for is not."""
    script(api, b"#!/bin/bash\n")
    told, file, line = started(api, "exec ./start.sh: no such file or directory")
    assert told.startswith("api/start.sh begins with #!/bin/bash, which its image does not have.")
    assert (file, line) == ("api/start.sh", 1)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("python3: can't open file '/app/worker.py': [Errno 2] No such file or directory", "worker.py"),
        ("Error: Cannot find module '/app/src/worker.js'", "worker.js"),
        ("Error: Unable to access jarfile worker.jar", "worker.jar"),
        ("sh: 0: cannot open worker.sh: No such file", "worker.sh"),
        ("sh: can't open 'worker.sh': No such file or directory", "worker.sh"),
        (
            'Error response from daemon: failed to create task: OCI runtime create failed: exec: "./worker.sh": '
            "stat ./worker.sh: no such file or directory: unknown",
            "worker.sh",
        ),
    ],
)
def test_what_a_container_was_to_run_is_not_in_its_image(api: Path, words: str, name: str) -> None:
    """Hidden, not copied, or called otherwise; a file that nobody has handed in is left to the program's words."""
    assert started(api, words) == ("it does not start", "", 0)
    (api / name).write_text("")
    (api / ".dockerignore").write_text(f"node_modules\n{name}\n")
    told, file, line = started(api, words)
    assert (file, line) == ("api/.dockerignore", 2)
    assert told.endswith(f"!{name}")
    (api / ".dockerignore").unlink()
    assert started(api, words) == ("it does not start", "", 0)
    (api / "Dockerfile").write_text(f'FROM node:20-alpine\nCOPY other .\nCMD ["node", "{name}"]\n')
    told, file, line = started(api, words)
    assert (file, line) == ("api/Dockerfile", 3)
    assert told.endswith(f"Write above line 3 of api/Dockerfile: COPY {name} ./")
    (api / name).rename(api / name.capitalize())
    told, file, line = started(api, words)
    assert (file, line) == ("api/Dockerfile", 3)
    assert f"Write {name.capitalize()} in line 3" in told


def test_a_module_of_a_package_is_no_file_of_the_submission(api: Path) -> None:
    """It is looked for in node_modules, and its own name is all that is said."""
    (api / "express").write_text("")
    assert started(api, "Error: Cannot find module 'express'") == ("it does not start", "", 0)


def test_a_script_is_looked_up_in_the_services_own_folder(api: Path) -> None:
    """What another service has under the same name is not what was not run."""
    script(api, b"#!/bin/sh\n")
    other = api.parent / "worker"
    other.mkdir()
    script(other, b"#!/bin/sh\r\n")
    words = "exec ./start.sh: exec format error", "sh: 1: ./start.sh: not found"
    assert started(api, *words) == ("it does not start", "", 0)
    (api / "start.sh").unlink()
    assert started(api, *words)[1] == "worker/start.sh"


def test_a_file_of_another_stage_is_not_looked_for(api: Path) -> None:
    """What COPY --from lacks was made by no file of the submission."""
    output = """\
        Step 7/8 : COPY --from=build /app/dist ./dist
        COPY failed: stat app/dist: file does not exist
    """
    assert built(api, output, 7) == ("it does not build", "api/Dockerfile", 7)


def test_a_copy_with_a_mode_of_its_own_is_told_by_its_name(api: Path) -> None:
    """Where the grader puts it is nobody's matter."""
    output = f"Step 3/4 : COPY .grader/0755/start.sh /start.sh\n{NO_FILE.format('.grader/0755/start.sh')}"
    told, _, _ = built(api, output, 3)
    assert "needs start.sh, which is not in its folder" in told


NO_FILE = "COPY failed: file not found in build context or excluded by .dockerignore: stat {}: file does not exist"
COPY_FAILED = f"""\
    Step 3/6 : COPY package.json package-lock.json ./
    {NO_FILE.format("package-lock.json")}
"""
NPM_CI = """\
    Step 4/6 : RUN npm ci
    npm error code EUSAGE
    npm error The `npm ci` command can only install with an existing package-lock.json or
"""


@pytest.mark.parametrize(("output", "line"), [(COPY_FAILED, 3), (NPM_CI, 4)])
def test_a_lock_file_that_dockerignore_hides(api: Path, output: str, line: int) -> None:
    """The last line that hides it is named: an exception behind that brings it back, whatever stands above."""
    (api / "package.json").write_text("{}")
    (api / "package-lock.json").write_text("{}")
    (api / ".dockerignore").write_text("# ours\n*lock*\n!package-lock.json\n*.json\nnode_modules\n")
    told, file, at = built(api, output, line)
    assert (file, at) == ("api/.dockerignore", 4)
    assert told.endswith("Remove line 4 of api/.dockerignore (*.json), or write behind it: !package-lock.json")
    (api / ".dockerignore").write_text("*.json\n!package*.json\n")
    assert built(api, output, line) == ("it does not build", "api/Dockerfile", line)


def test_a_lock_file_that_was_not_handed_in(api: Path) -> None:
    """It is asked for, with the other way out."""
    (api / "package.json").write_text("{}")
    told, file, line = built(api, COPY_FAILED, 3)
    assert "needs package-lock.json, which is not in its folder (api)" in told
    assert "npm install instead of npm ci" in told
    assert (file, line) == ("api/Dockerfile", 3)


def test_a_lock_file_that_is_there(api: Path) -> None:
    """Nothing is made up: npm's own words stand."""
    (api / "package.json").write_text("{}")
    (api / "package-lock.json").write_text("not json")
    assert built(api, NPM_CI, 4) == ("it does not build", "api/Dockerfile", 4)


@pytest.mark.parametrize(
    ("named", "handed_in", "said"),
    [
        ("requirements.txt", "api/Requirements.txt", "Write Requirements.txt in line 3 of api/Dockerfile, as the file"),
        ("requirments.txt", "api/requirements.txt", "Write requirements.txt in line 3 of api/Dockerfile, if"),
        ("requirements.txt", "requirements.txt", "It lies at requirements.txt, and COPY begins in the folder api"),
        ("requirements.txt", "api/app.py", "Hand it in too, or take it out of line 3 of api/Dockerfile."),
    ],
)
def test_a_file_that_the_dockerfile_names_and_is_not_there(api: Path, named: str, handed_in: str, said: str) -> None:
    """Letters' case, a slip, another folder, or not at all: each with the line to write."""
    (api.parent / handed_in).write_text("")
    told, file, line = built(api, f"Step 3/6 : COPY {named} ./\n{NO_FILE.format(named)}", 3)
    assert said in told
    assert (file, line) == ("api/Dockerfile", 3)


def test_a_file_that_a_step_needs_and_nobody_copied(api: Path) -> None:
    """The COPY to write is given, above the line that needs it."""
    (api / "Dockerfile").write_text("FROM python:3.13-slim\nRUN pip install -r requirements.txt\n")
    (api / "requirements.txt").write_text("pika\n")
    output = """\
        Step 2/2 : RUN pip install -r requirements.txt
        ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'
        The command '/bin/sh -c pip install -r requirements.txt' returned a non-zero code: 1
    """
    told, file, line = built(api, output, 2)
    assert told.endswith("Write above line 2 of api/Dockerfile: COPY requirements.txt ./")
    assert (file, line) == ("api/Dockerfile", 2)


def test_a_script_that_a_build_does_not_run(api: Path) -> None:
    """The words of a RUN are read as those of a container; only the last step's count."""
    script(api, b"#!/bin/sh\r\n", name="install.sh")
    script(api, b"#!/bin/sh\r\n", name="earlier.sh")
    output = """\
        Step 5/7 : RUN ./earlier.sh || true
        /bin/sh: 1: ./earlier.sh: not found
        Step 6/7 : RUN ./install.sh
        /bin/sh: 1: ./install.sh: not found
        The command '/bin/sh -c ./install.sh' returned a non-zero code: 127
    """
    told, file, _ = built(api, output, 6)
    assert file == "api/install.sh"
    assert "CRLF" in told


def state(*output: str, code: int = 127) -> ContainerState:
    return ContainerState(
        status="running", running=True, paused=False, exit_code=0, oom_killed=False, restarts=0, started_at=1.0,
        comes_back=True, health="unhealthy", checked=Checked(code, output),
    )  # fmt: skip


APACHE, CONFLUENT = "grader.local/apache/kafka:3.9.1", "confluentinc/cp-kafka@sha256:0"


@pytest.mark.parametrize(
    ("image", "output", "said"),
    [
        (APACHE, "/bin/sh: 1: kafka-topics.sh: not found", "Write /opt/kafka/bin/kafka-topics.sh in the test"),
        (APACHE, "sh: kafka-topics.sh: not found", "Write /opt/kafka/bin/kafka-topics.sh in the test"),
        (APACHE, "bash: line 1: kafka-topics: command not found", "Write /opt/kafka/bin/kafka-topics.sh in the test"),
        (CONFLUENT, "sh: 1: kafka-topics.sh: not found", "Write kafka-topics in the test"),
        (CONFLUENT, "sh: 1: /opt/bitnami/kafka/bin/kafka-topics.sh: not found", "Write kafka-topics in the test"),
        ("redis:7", "sh: 1: kafka-topics.sh: not found", "The image of kafka has no kafka-topics.sh"),
        (
            APACHE,
            'OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file '
            "not found in $PATH: unknown",
            "The image of kafka has no curl",
        ),
        (APACHE, "Connection refused", "docker compose exec kafka sh"),
    ],
)
def test_an_unhealthy_service_is_told_by_its_health_check(image: str, output: str, said: str) -> None:
    """Its own words are shown, and a program that the image does not have is named, as the image calls it."""
    told = unhealthy.explained(START, "kafka", state(output), image)
    text, _, _ = _shown(told)
    assert f"Its health check says: {output[:60]}" in text
    assert said in text
    assert told.path == "services.kafka.healthcheck"


def test_a_health_check_that_says_nothing(api: Path) -> None:
    """Its exit code is all that there is."""
    text, _, _ = _shown(unhealthy.explained(START, "kafka", state(code=1), APACHE))
    assert "exit code 1 and says nothing" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, True),
        ({"health": "starting"}, True),
        ({"health": "healthy"}, False),
        ({"running": False, "status": "exited"}, False),
        ({"checked": Checked(0, ("fine",))}, False),
        ({"checked": None}, False),
    ],
)
def test_a_health_check_counts_while_it_fails_and_its_service_runs(changes: dict[str, Any], says: bool) -> None:
    """Of one that has ended its own log says more; of a long output the end is kept."""
    found = msgspec.structs.replace(state(*(f"line {n}" for n in range(30))), **changes).ailment
    assert found == (("health check, exit code 127:", *(f"line {n}" for n in range(20, 30))) if says else ())


WORDS = st.sampled_from(
    [*NOT_RUN, *TORN, NO_FILE.format("[x"), NO_FILE.format("*"), NPM_CI, 'exec: "": stat : ', "sh: 1: "]
)
INSTRUCTIONS = st.sampled_from(["COPY [ x", "COPY", "RUN npm ci", "COPY --from=a b c", 'COPY ["a b", "c"]'])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.one_of(WORDS, st.text(alphabet="exec:sh./[]*?!\"'\\\r\0ñ 1", max_size=60)), max_size=4), INSTRUCTIONS
)
def test_whatever_programs_say_nothing_falls_over(api: Path, words: list[str], instruction: str) -> None:
    """A cause is found or not; what a submission makes a program say must not become an error of ours."""
    (api / "start.sh").write_bytes(b"#!/bin/sh\r\n")
    (api / ".dockerignore").write_text("[\n!\n*\n\\\n**/[z-a]\n")
    started(api, *words)
    built(api, "\n".join([f"Step 1/1 : {instruction}", *words]), 1)
