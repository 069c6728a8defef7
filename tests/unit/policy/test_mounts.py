"""Mounts: nothing of the host, files as contents, folders as volumes that are filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader.model.plan import VolumeContent
from tests.unit.policy.conftest import TASK_QUEUE

if TYPE_CHECKING:
    from tests.unit.policy.conftest import Submission

REFUSED = [
    ("'/:/host'", "bind-outside"),
    ("/etc:/host:ro", "bind-outside"),
    ("/var/run/docker.sock:/var/run/docker.sock", "docker-socket"),
    ("~/.ssh:/x", "bind-outside"),
    ("~x:/x", "bind-outside"),
    ("'C:\\Users:/x'", "bind-outside"),
    ("C:/Users:/x", "bind-outside"),
    ("../:/x", "path-outside"),
    ("./a/../../x:/x", "path-outside"),
    ("./way-out:/x", "path-outside"),
    ("other:/x", "volume-undeclared"),
    ("./a:/x:shared", "mount-mode"),
    ("./a:/x:rw,rshared", "mount-mode"),
    ("data:/proc", "mount-target"),
    ("data:/sys/fs", "mount-target"),
    ("data:/", "mount-target"),
    ("data:/./", "mount-target"),
    ("data:x", "mount-target"),
    ("data:/a/../../etc", "mount-target"),
    ("{type: bind, source: /etc, target: /x}", "bind-outside"),
    ("{type: bind, source: ., target: /x, bind: {propagation: rshared}}", "mount-propagation"),
    ("{type: image, source: rabbitmq, target: /x}", "mount-type"),
    ("{type: npipe, source: x, target: /x}", "mount-type"),
    ("{type: cluster, source: x, target: /x}", "mount-type"),
    ("{type: volume, source: data, target: /x, volume: {subpath: ../y}}", "mount-subpath"),
    ("{type: volume, source: data, target: /x, driver: y}", "attribute-unknown"),
]


@pytest.mark.parametrize(("mount", "code"), REFUSED)
def test_a_mount_of_something_foreign_is_refused(submission: Submission, mount: str, code: str) -> None:
    """The host, a socket, a device, or a way out by a link."""
    (submission.root / "way-out").symlink_to("/etc")
    submission.service(f"volumes:\n  - {mount}", "volumes: {data: {}}")
    assert submission.errors() == {code: 5}


TOP_LEVEL = [
    ("volumes: {data: {external: true}}", "external-volume"),
    ("volumes: {data: {external: {name: x}}}", "external-volume"),
    ("volumes: {data: {driver_opts: {type: none, o: bind, device: /}}}", "volume-options"),
    ("volumes: {data: {driver: nfs}}", "volume-driver"),
    ("networks: {default: {external: true, name: host}}", "external-network"),
    ("networks: {default: {external: 'yes'}}", "external-network"),
    ("networks: {n: {driver: macvlan}}", "network-driver"),
    ("networks: {n: {driver_opts: {com.docker.network.bridge.name: docker0}}}", "network-options"),
    ("networks: {n: {ipam: {driver: x}}}", "network-driver"),
    ("networks: {n: {ipam: {config: [{subnet: 8.8.8.0/24}]}}}", "network-public-subnet"),
    ("configs: {c: {file: /var/run/docker.sock}}", "path-outside"),
    ("configs: {c: {file: ../x}}", "path-outside"),
    ("configs: {c: {external: true}}", "external-config"),
    ("secrets: {c: {environment: HOME}}", "variable-required"),
    ("secrets: {c: {driver: x}}", "swarm-only"),
    ("models: {m: {model: x}}", "models"),
    ("include: [github.com/x/y]", "include"),
    ("service: {}", "attribute-unknown"),
]


@pytest.mark.parametrize(("section", "code"), TOP_LEVEL)
def test_a_resource_of_somebody_else_is_refused(submission: Submission, section: str, code: str) -> None:
    """What another project made is not this one's."""
    assert code in submission.service("init: true", section).errors()


def test_foreign_names_of_resources_are_dropped(submission: Submission) -> None:
    """They get names of this project."""
    submission.service(
        "volumes: ['data:/data']\nnetworks: [n]",
        "name: other\nvolumes: {data: {name: /etc}}\nnetworks: {n: {name: host, internal: true}}",
    )
    compose = submission.plan().compose
    assert compose["volumes"] == {"data": {}}
    assert compose["networks"] == {"n": {}}
    assert "name" not in compose


def test_a_file_is_put_in_as_content(submission: Submission) -> None:
    """With its mode, and with dollars that stay dollars."""
    submission.write("conf/app.conf", "price=$5\n").write("run.sh", "#!/bin/sh\n", mode=0o755)
    plan = submission.service("volumes: ['./conf/app.conf:/etc/app.conf:ro', './run.sh:/run.sh']").plan()
    assert plan.compose["configs"]["file-1"] == {"content": "price=$$5\n"}
    assert plan.compose["services"]["app"]["configs"] == [
        {"source": "file-1", "target": "/etc/app.conf", "mode": "0444"},
        {"source": "file-2", "target": "/run.sh", "mode": "0555"},
    ]
    assert "volumes" not in plan.compose["services"]["app"]


def test_a_file_that_is_no_text_is_refused(submission: Submission) -> None:
    """A config holds text alone."""
    submission.write("logo.png", b"\x89PNG\x00")
    assert "file-not-text" in submission.service("volumes: ['./logo.png:/logo.png']").errors()


def test_a_folder_becomes_one_volume_that_is_filled(submission: Submission) -> None:
    """Shared by whoever mounts the same folder."""
    submission.write("data/x", "1")
    submission.compose(
        """
        services:
          a: {image: "node:20-alpine", volumes: ["./data:/data", "/data/cache"]}
          b: {image: "node:20-alpine", volumes: [{type: bind, source: data, target: /in, read_only: true}]}
        """
    )
    plan = submission.plan()
    services = plan.compose["services"]
    assert plan.volume_contents == (VolumeContent(volume="fill-1", source="data"),)
    assert plan.compose["volumes"] == {"fill-1": {}}
    filled = {"type": "volume", "source": "fill-1", "volume": {"nocopy": True}}
    assert services["a"]["volumes"] == [{**filled, "target": "/data"}, {"type": "volume", "target": "/data/cache"}]
    assert services["b"]["volumes"] == [{**filled, "target": "/in", "read_only": True}]


def test_configs_and_secrets_travel_as_contents(submission: Submission) -> None:
    """From files, from variables, and from the compose file itself."""
    submission.write("pw.txt", "secreto")
    submission.write(".env", "TOKEN=abc")
    submission.service(
        "configs: [c, {source: e, target: /etc/e, mode: 0400}]\nsecrets: [pw]",
        "configs: {c: {content: 'a=1'}, e: {environment: TOKEN}}\nsecrets: {pw: {file: ./pw.txt}}",
    )
    compose = submission.plan().compose
    where = {c["target"]: compose["configs"][c["source"]]["content"] for c in compose["services"]["app"]["configs"]}
    assert where == {"/c": "a=1", "/etc/e": "abc", "/run/secrets/pw": "secreto"}
    assert "secrets" not in compose


@pytest.mark.parametrize(
    "target", ["/usr/lib/rabbitmq", "/opt/rabbitmq", "/bin", "/usr/local/bin/docker-entrypoint.sh"]
)
def test_nothing_is_mounted_over_the_programs_of_a_broker(submission: Submission, target: str) -> None:
    """At their paths or above them."""
    submission.write("x", "1").task_queue(rabbit=f"volumes: ['./x:{target}']")
    assert "witness-covered" in submission.errors(TASK_QUEUE)


def test_tmpfs_is_capped_and_loses_its_options(submission: Submission) -> None:
    """It takes memory of the host."""
    assert submission.service("tmpfs: ['/tmp:exec,suid,size=8g', /run]").app()["tmpfs"] == [
        "/tmp:size=268435456",
        "/run:size=268435456",
    ]


def test_where_a_broker_keeps_its_data_any_user_may_write(submission: Submission) -> None:
    """At home the folder is its user's; one that is not handed in begins empty and is no error."""
    submission.write("there/x", "1").write("app/x", "1")
    submission.compose(
        """
        services:
          rabbitmq: {image: "rabbitmq:3-management", volumes: ["./there:/var/lib/rabbitmq"]}
          again: {image: "rabbitmq:3-management", volumes: ["./missing:/var/lib/rabbitmq"]}
          app: {image: "node:20-alpine", volumes: ["./app:/app", "./nowhere:/data"]}
        """
    )
    plan = submission.plan()
    assert plan.volume_contents == (
        VolumeContent(volume="fill-1", source="there", data=True),
        VolumeContent(volume="fill-2", source="", data=True),
        VolumeContent(volume="fill-3", source="app"),
    )
    assert set(plan.compose["volumes"]) == {"fill-1", "fill-2", "fill-3", "fill-4"}
