"""Types that Compose refuses are refused, with its reason and how to mend it; that it does is asked of it as well.

Wanted differences: names of variables with a blank in them are refused (a - NAME value is meant), so are whole numbers
that are written with a fraction (Compose cuts it off), and infinite ones. What Compose passes on and no engine takes
(restart: sometimes, user: a b) is refused. What attributes say that are left out or refused anyway (annotations,
devices, cpu_shares, mem_swappiness) is not held to a form in all that it says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from grader.stack import emit
from tests.unit.policy.compose_config import config, plain
from tests.unit.policy.conftest import Submission

if TYPE_CHECKING:
    from pathlib import Path

# service `a` beside a service `b`; those with files of their own read e.env
REFUSED = [
    "command: [sleep, 10]", "command: 10", "command: {a: b}", "entrypoint: true", "user: 1000", "hostname: 1",
    "working_dir: 1", "image: 7", "depends_on: {b: }", "depends_on: {b: {}}", "depends_on: b", "depends_on: [b, b]",
    "depends_on: {b: {condition: service_started, required: 'no'}}", "depends_on: {b: {condition: soon}}",
    "environment:", "environment: A=1", "environment: [1]", "environment: {A: [1]}", "environment: ['A =1']",
    "volumes:", "volumes: /x", "ports:", "ports: 80", "expose: 80", "networks:", "networks: default",
    "networks: [default, default]", "restart:", "restart: false", "healthcheck:", "healthcheck: {test: }",
    "healthcheck: {interval: 5}", "healthcheck: {interval: soon}", "healthcheck: {retries: x}",
    "healthcheck: {test: [echo, 1]}", "init: 1", "init: '1'", "tty: foo", "attach: foo", "stdin_open: ''",
    "read_only: [true]", "cpus: abc", "mem_limit: 5x", "mem_limit: true", "scale: 2.5", "scale: two",
    "scale: '1e1'", "scale: 1\ndeploy: {replicas: 2}",
    "mem_limit: 64m\ndeploy: {resources: {limits: {memory: 32m}}}",
    "cpus: 0.5\ndeploy: {resources: {limits: {memory: 32m}}}",
    "pids_limit: 5\ndeploy: {resources: {limits: {pids: 6}}}", "deploy: {resources: }",
    "deploy: {resources: {limits: {memory: 512}}}", "deploy: {replicas: two}", "stop_grace_period: 5",
    "stop_grace_period: soon", "stop_signal: 9", "pid:", "profiles: x", "env_file:", "env_file: [[e.env]]",
    "env_file: [1]", "env_file: {path: e.env}", "env_file: [{format: raw}]", "env_file: [{path: e.env, format: x}]",
    "ulimits: {nofile: {soft: 5}}", "ulimits: {nofile: a}", "cap_add: ALL", "group_add: [1, 1]", "links: b",
    "tmpfs: 1", "logging: {driver: json-file, options: {a: true}}", "labels:", "dns:",
    "volumes: [{source: x, target: /x}]", "volumes: [{type: tmpfs, target: /x, read_only: maybe}]", "build:",
    "build: {context: 1}", "shm_size: [1]",
]  # fmt: skip
TAKEN = [
    "command:", "command: []", "command: [sleep, '10']", "command: sleep 10 'a b'", "entrypoint: ''",
    "entrypoint: [a]", "user: '1000'", "depends_on: [b]",
    "depends_on: {b: {condition: service_started, required: false}}",
    "environment: {A: 1, B: true, C: 1.5, D: , E: ''}", "environment: [A=1, B, C=, A=2]", "expose: [80, '80']",
    "networks: {default: }", "networks: [default]", "restart: no", "restart: on-failure:3", "deploy:",
    "deploy: {replicas: '2'}", "healthcheck: {test: [CMD, a], interval: 5s, retries: '3', timeout: 1m}",
    "healthcheck: {test: a b}", "healthcheck: {disable: yes}", "init: yes", "init: 'Off'", "tty: on",
    "stdin_open: TRUE", "attach: n", "read_only: false", "cpus: '.5'", "cpus: 0.25", "mem_limit: 64m",
    "mem_limit: 64000000", "mem_limit: 0.5 gb", "scale: '2'", "scale: 2.0", "scale: 2\ndeploy: {replicas: 2}",
    "mem_limit: 64m\ndeploy: {resources: {limits: {memory: 64M}}}", "stop_grace_period: 1.5s",
    "stop_grace_period: '0'", "env_file: e.env", "env_file: [e.env, e.env]",
    "env_file: [{path: e.env, required: 'no'}]", "env_file: [{path: none.env, required: false}]",
    "ulimits: {nofile: '5'}", "ulimits: {nofile: {soft: 5, hard: 6}}", "cap_add: [CHOWN, CHOWN]",
    "group_add: [1, a]", "links: [b, b]", "tmpfs: /x", "tmpfs: [/x, /x]", "volumes: [/x, /x]",
    "ports: [80, '81:81', '80']", "logging: {options: {max-file: 3}}", "dns: []", "labels: [a, a]", "labels: {a: }",
    "hostname: ${N:-h}", "stop_signal: SIGINT", "shm_size: 64mb", "sysctls: {net.core.somaxconn: 1024}",
    "extra_hosts: {h: 127.0.0.1}", "extra_hosts: ['h:127.0.0.1']", "profiles: []",
]  # fmt: skip
# what is handed on must mean to Compose what the submission says; limits, networks and mounts are written anew
MEANT = {
    "command", "entrypoint", "user", "hostname", "working_dir", "environment", "init", "tty", "stdin_open", "attach",
    "stop_grace_period", "stop_signal", "group_add", "links", "depends_on", "ulimits", "sysctls", "extra_hosts",
    "restart", "shm_size", "scale",
}  # fmt: skip


CHUNK = 14


def project(*services: str) -> str:
    """Write services `a0`, `a1`, ... with these attributes besides an image, and `b`."""
    text = "services:\n"
    for number, attributes in enumerate(services):
        image = "" if attributes.startswith("image") else "    image: redis\n"
        text += f"  a{number}:\n{image}" + "".join(f"    {line}\n" for line in attributes.split("\n"))
    return f"{text}  b:\n    image: redis\n"


def compose(*services: str) -> dict[str, Any] | str:
    return config({"compose.yaml": project(*services), "e.env": "A=1\n"})


@pytest.mark.parametrize("attributes", REFUSED)
def test_a_type_that_compose_refuses_is_refused_at_its_line(submission: Submission, attributes: str) -> None:
    """With one finding, which says how to mend it; one more where it asks for rights."""
    submission.compose(project(attributes)).write("e.env", "A=1\n")
    errors = [f for f in submission.findings() if f.severity == "error" and f.code != "capability"]
    line = 3 if attributes.startswith("image") else 4
    assert [f.line for f in errors] == [line], errors
    assert errors[0].remedy
    assert isinstance(compose(attributes), str)


@pytest.mark.parametrize("first", range(0, len(TAKEN), CHUNK))
def test_a_type_that_compose_takes_means_the_same_to_it_as_to_us(submission: Submission, first: int) -> None:
    """Compose reads out of what it is handed what it reads out of the submission."""
    services = TAKEN[first : first + CHUNK]
    theirs = compose(*services)
    assert not isinstance(theirs, str), theirs
    submission.compose(project(*services)).write("e.env", "A=1\n")
    ours = handed_on(submission.plan().compose, submission.root.parent)
    assert not isinstance(ours, str), ours
    for number, attributes in enumerate(services):
        assert meaning(ours[f"a{number}"]) == meaning(theirs[f"a{number}"]), attributes


VALUES = [
    "", "1", "0", "10", "-1", "1.5", "true", "no", "'yes'", "'1'", "''", "a", "10s", "1m30s", "64m", "'64 mb'",
    "'1e3'", "[]", "[a]", "[1]", "[a, a]", "[b]", "{}", "{a: b}", "{a: 1}", "{b: }", "{soft: 1, hard: 2}",
    "{nofile: 5}", "[[a]]", "[{a: b}]", "a b", "A=1", "[A=1]", "'0.5'", ".5", "+5", "0x10", "1_000", "-5s", "5 s",
    "' 5s'", "1GiB", "-1m", "b", "On", "oN", "Y", "null", "~", "'-'", "[~]", "{a: ~}", "[true]", "{a: 1.50}",
    "{a: [b]}", "[80]", "[/x]", "1w",
]  # fmt: skip
_LIMITED = {"extra_hosts", "restart", "shm_size", "stop_grace_period", "sysctls", "ulimits"}
PLACES = [
    *(f"{name}: %s" for name in sorted(MEANT - _LIMITED)), "environment: {A: %s}", "mem_limit: %s", "cpus: %s",
    "read_only: %s", "pids_limit: %s", "healthcheck: {test: %s}", "healthcheck: {test: a, interval: %s}", "expose: %s",
    "healthcheck: {test: a, retries: %s}", "healthcheck: {disable: %s}", "deploy: {replicas: %s}", "ports: %s",
    "deploy: {resources: {limits: {cpus: %s}}}", "deploy: {resources: {limits: {memory: %s}}}", "dns: %s",
    "deploy: {resources: {limits: {pids: %s}}}", "cap_add: %s", "labels: %s", "tmpfs: %s",
]  # fmt: skip
_PAIR = st.builds(str.__mod__, st.sampled_from(PLACES), st.sampled_from(VALUES))
PAIRS = st.lists(_PAIR, min_size=40, max_size=40)
# The one wanted difference, of all pairs: Compose cuts a fraction off; who writes 1.5 processes means another number.
FRACTION = re.compile(r"(retries|pids_limit): 1?\.5")


@settings(max_examples=4, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(PAIRS)
def test_any_value_at_any_place_is_taken_or_refused_as_compose_does(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[str]
) -> None:
    """What we take means the same to Compose; what we refuse for its type Compose refuses."""
    root = tmp_path_factory.mktemp("any")
    taken: dict[str, Any] = {}
    wrong: list[str] = []
    for attributes in dict.fromkeys(pairs):
        one = Submission(root).compose(project(attributes))
        if not (errors := one.errors()):
            taken[attributes] = one.plan().compose["services"]["a0"]
        elif set(errors) == {"attribute-type"} and not FRACTION.search(attributes):
            wrong.append(attributes)
    theirs = compose(*taken)
    assert not isinstance(theirs, str), (theirs, list(taken))
    effective = {f"a{number}": service for number, service in enumerate(taken.values())}
    written = {"services": {**effective, "b": {"image": "redis"}}, "networks": {"default": {}}}
    ours = handed_on(written, root)
    assert not isinstance(ours, str), (ours, list(taken))
    for number, attributes in enumerate(taken):
        assert meaning(ours[f"a{number}"]) == meaning(theirs[f"a{number}"]), attributes
    for attributes in wrong[:4]:
        assert isinstance(compose(attributes), str), attributes


def handed_on(model: dict[str, Any], folder: Path) -> dict[str, Any] | str:
    """Return what Compose reads in a model that is written as for a start."""
    file = folder / "effective.yaml"
    emit.write(model, file)
    return config({"compose.yaml": file.read_bytes()})


def meaning(service: dict[str, Any]) -> dict[str, Any]:
    """Return what is compared of a service, without what says nothing."""
    found = {name: plain(value) for name, value in service.items() if name in MEANT and value not in (None, [], {})}
    if "environment" in found:  # a name without a value is not set
        found["environment"] = {name: text for name, text in found["environment"].items() if text is not None}
    for name, limit in found.get("ulimits", {}).items():
        found["ulimits"][name] = limit if isinstance(limit, dict) else {"soft": limit, "hard": limit}
    found["scale"] = found.get("scale") or service.get("deploy", {}).get("replicas") or 1
    found.setdefault("restart", "no")
    return {name: value for name, value in found.items() if value not in (False, {})}
