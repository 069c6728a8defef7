"""What the policy wrote, seen in the containers that run: limits, rights, files, variables, no ports of the host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from grader import catalogue
from grader.model.grade import ResolvedImage
from grader.model.workspace import Workspace
from grader.policy import bind, judge
from grader.polling import eventually
from grader.stack.stack import Stack
from grader.stack.stage import new_stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.docker

NAME = "python:3.13-slim"
MIB = 1 << 20

COMPOSE = r"""
x-common: &common
  image: python:3.13-slim
  init: true
  command: [sleep, "600"]
  stop_grace_period: 0s

services:
  app:
    <<: *common
    container_name: my-app
    hostname: ${NAME_OF_HOST}
    user: "1000:1000"
    working_dir: /usr/lib/
    mem_limit: 64m
    cpus: 0.5
    pids_limit: 40
    shm_size: 16m
    cap_add: [CHOWN, NET_RAW]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    privileged: "no"
    ulimits: {nofile: 4096, nproc: {soft: 100, hard: 200}}
    sysctls: {net.core.somaxconn: 1024, vm.overcommit_memory: 1}
    restart: always
    labels: {traefik.enable: "true"}
    dns: 8.8.8.8
    ports: ["80:8080", "127.0.0.1:5000-5001:5000-5001/UDP", {target: 9000, published: 9000, mode: host}]
    expose: ["7000"]
    tmpfs: ["/scratch:size=1m,exec,suid"]
    volumes:
      - ./conf/app.conf:/etc/app/app.conf
      - ./conf/run.sh:/usr/local/bin/run.sh:ro
      - ./data:/data:ro
      - type: tmpfs
        target: /memory
        tmpfs: {size: 2097152}
    configs:
      - inline
      - {source: program, target: /usr/local/bin/program, mode: 0700}
    secrets: [token]
    env_file: app.env
    environment:
      DOLLARS: pa$$word $${HOME}
      SHELL_DOLLARS: $(id) $1 $
      MULTI: "two\nlines"
      WON: by environment
      BARE:
    healthcheck:
      test: [CMD, test, -f, /etc/app/app.conf]
      interval: 1s
      start_interval: 1s
  plain:
    <<: *common
    user: ":1000"
    read_only: true
    deploy: {resources: {limits: {memory: 48M, pids: 30}}, restart_policy: {condition: on-failure, max_attempts: 3}}
    healthcheck: {test: "test \"$$HOME\" && true", interval: 1s}
    depends_on: {app: {condition: service_healthy}}
  silent:
    <<: *common
    network_mode: none
    healthcheck: {disable: true}
    ports: ["6379:6379"]

configs:
  inline: {content: "a = ${VALUE}\n$$kept \"quoted\"\n"}
  program: {content: "#!/bin/sh\necho ran as $$(id -u)\n"}
secrets:
  token: {file: conf/token}
"""

FILES = {
    ".env": "VALUE='one two'\n",
    "app.env": 'SINGLE=\'a "b" $c\'\nDOUBLE="x\\ty # z" # remark\nBLANK=\nWON=by file\nexport REF=${SINGLE}!\n',
    "conf/app.conf": 'price = $5\ntext = "ñ"\n',
    "conf/run.sh": "#!/bin/sh\necho hola\n",
    "conf/token": "s3cret\n",
    "data/x.txt": "mine\n",
}


@pytest.fixture(scope="module")
def stack(client: docker.DockerClient, python_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The submission above, judged and started as in a grading."""
    root = tmp_path_factory.mktemp("submission")
    for name, text in {"compose.yaml": COMPOSE, **FILES}.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "conf" / "run.sh").chmod(0o755)
    plan = judge(Workspace(root=str(root), name="x"), None, catalogue.load())
    bound = bind(plan, {NAME: ResolvedImage(name=NAME, reference=python_image)})
    made = Stack.create(client, bound, root, gateway_image=python_image, stage=new_stage(), on_notice=lambda _: None)
    try:
        made.up(deps=True)
        yield made
    finally:
        made.down()


def inside(stack: Stack, container: str, *argv: str) -> str:
    code, output = stack.container(container).exec(argv)
    assert code == 0, output
    return output


def inspected(stack: Stack, container: str) -> dict[str, Any]:
    return stack.client.api.inspect_container(stack.container(container).id)


def status(stack: Stack, container: str) -> dict[str, str]:
    """Return what the kernel says of the container's first process."""
    lines = inside(stack, container, "cat", "/proc/1/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_limits_are_those_of_the_kernel(stack: Stack) -> None:
    """Memory, processor, processes, shared memory and sysctls."""
    host = inspected(stack, "app-1")["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"]) == (
        64 * MIB, 64 * MIB, 500_000_000, 40,
    )  # fmt: skip
    assert host["ShmSize"] == 16 * MIB
    assert host["Sysctls"] == {"net.core.somaxconn": "1024"}
    assert {u["Name"]: (u["Soft"], u["Hard"]) for u in host["Ulimits"]} == {"nofile": (4096, 4096)}
    plain = inspected(stack, "plain-1")["HostConfig"]
    assert (plain["Memory"], plain["PidsLimit"]) == (48 * MIB, 30)
    assert inside(stack, "app-1", "sh", "-c", "ulimit -n").strip() == "4096"
    assert inside(stack, "app-1", "cat", "/proc/sys/net/core/somaxconn").strip() == "1024"


def test_rights_are_few(stack: Stack) -> None:
    """No privileges, no new ones, and only the capabilities that images need."""
    for name in ("app-1", "plain-1", "silent-1"):
        host = inspected(stack, name)["HostConfig"]
        assert not host["Privileged"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
    app, plain = status(stack, "app-1"), status(stack, "plain-1")
    assert (app["Uid"].split()[0], app["Gid"].split()[0], app["NoNewPrivs"]) == ("1000", "1000", "1")
    assert (plain["Uid"].split()[0], plain["Gid"].split()[0], plain["NoNewPrivs"]) == ("0", "1000", "1")
    assert int(app["CapBnd"], 16) == 1  # CHOWN, which was asked for; never NET_RAW
    forbidden = sum(1 << bit for bit in (8, 13, 18, 21, 27, 29, 31))  # SETPCAP, NET_RAW, SYS_CHROOT, SYS_ADMIN, …
    assert int(plain["CapBnd"], 16) & forbidden == 0
    code, output = stack.container("plain-1").exec(["touch", "/usr/x"])
    assert (code, "Read-only file system" in output) == (1, True)


def test_nothing_is_published_and_nothing_of_the_host_is_mounted(stack: Stack) -> None:
    """Neither ports nor paths."""
    stage = stack.info.stage
    for container in stack.containers():
        found = stack.client.api.inspect_container(container.id)
        assert not found["HostConfig"]["PortBindings"]
        assert not any(found["NetworkSettings"]["Ports"].values())
        assert not any(name.startswith("traefik") for name in found["Config"]["Labels"])
        binds = [m["Source"] for m in found["Mounts"] if m["Type"] == "bind"]
        assert all(source.startswith(stage) for source in binds), binds
    exposed = inspected(stack, "app-1")["Config"]["ExposedPorts"]
    assert {port.removesuffix("/tcp") for port in exposed} == {"7000", "8080", "5000/udp", "5001/udp", "9000"}
    assert inspected(stack, "silent-1")["HostConfig"]["NetworkMode"] == "none"
    assert inside(stack, "plain-1", "getent", "hosts", "my-app")


def test_files_have_their_content_and_mode(stack: Stack) -> None:
    """Configs, secrets and folders, read where they were mounted."""

    def read(path: str) -> str:
        return inside(stack, "app-1", "cat", path)

    assert read("/etc/app/app.conf") == FILES["conf/app.conf"]
    assert read("/inline") == 'a = one two\n$kept "quoted"\n'
    assert read("/run/secrets/token") == "s3cret\n"
    assert read("/data/x.txt") == "mine\n"
    modes = inside(
        stack, "app-1", "stat", "-c", "%a", "/etc/app/app.conf", "/inline", "/run/secrets/token",
        "/usr/local/bin/program", "/usr/local/bin/run.sh",
    )  # fmt: skip
    assert modes.split() == ["444", "444", "444", "555", "555"]
    assert inside(stack, "app-1", "program").strip() == "ran as 1000"
    assert inside(stack, "app-1", "run.sh").strip() == "hola"
    code, output = stack.container("app-1").exec(["touch", "/data/y"], user="0")
    assert (code, "Read-only file system" in output) == (1, True)


def test_file_systems_in_memory_are_small_and_run_nothing(stack: Stack) -> None:
    """Whatever options were asked for."""
    mounts = inside(stack, "app-1", "cat", "/proc/mounts").splitlines()
    options = {line.split()[1]: set(line.split()[3].split(",")) for line in mounts}
    assert options["/scratch"] >= {"size=1024k", "noexec", "nosuid", "nodev"}
    assert options["/memory"] >= {"size=2048k", "noexec", "nosuid", "nodev"}
    assert inside(stack, "app-1", "sh", "-c", "echo x > /scratch/x && echo y > /memory/y && pwd").strip() == "/usr/lib"


def test_variables_are_those_of_the_submission(stack: Stack) -> None:
    """With every quote and dollar as it was meant."""
    dump = "import json, os; print(json.dumps(dict(os.environ)))"
    found = json.loads(inside(stack, "app-1", "python3", "-c", dump))
    assert {
        name: found[name] for name in ("SINGLE", "DOUBLE", "BLANK", "WON", "REF", "DOLLARS", "SHELL_DOLLARS", "MULTI")
    } == {
        "SINGLE": 'a "b" $c',
        "DOUBLE": "x\ty # z",
        "BLANK": "",
        "WON": "by environment",
        "REF": 'a "b" $c!',
        "DOLLARS": "pa$word ${HOME}",
        "SHELL_DOLLARS": "$(id) $1 $",
        "MULTI": "two\nlines",
    }
    assert "BARE" not in found


def test_health_checks_are_asked_in_each_form(stack: Stack) -> None:
    """A list, a text and none at all."""
    for name in ("app-1", "plain-1"):
        eventually(
            lambda name=name: inspected(stack, name)["State"]["Health"]["Status"] == "healthy",
            within=20,
            what=f"{name} healthy",
        )
    assert inspected(stack, "app-1")["Config"]["Healthcheck"]["Test"] == ["CMD", "test", "-f", "/etc/app/app.conf"]
    assert inspected(stack, "plain-1")["Config"]["Healthcheck"]["Test"] == ["CMD-SHELL", 'test "$HOME" && true']
    assert "Health" not in inspected(stack, "silent-1")["State"]


def test_restarts_are_as_written_but_never_always(stack: Stack) -> None:
    """A container that was stopped by a check stays stopped."""
    policies = {c.service: inspected(stack, c.name)["HostConfig"]["RestartPolicy"] for c in stack.containers()}
    assert policies["app"]["Name"] == "unless-stopped"
    assert (policies["plain"]["Name"], policies["plain"]["MaximumRetryCount"]) == ("on-failure", 3)
    assert policies["silent"]["Name"] in {"", "no"}
