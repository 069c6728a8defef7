"""What the entry scripts of the equivalents refuse before any server runs: where the originals end, with their words.

The scripts run as they are, in a folder that stands for the image's root; what comes after their refusals are stubs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from grader.images import recipes

if TYPE_CHECKING:
    from pathlib import Path

KAFKA = {
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_NODE_ID": "1",
    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://kafka:9092",
}
CONTROLLER = KAFKA | {"KAFKA_PROCESS_ROLES": "controller"}
ZOOKEEPER = {"KAFKA_ZOOKEEPER_CONNECT": "z:2181", "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://kafka:9092"}
CP7, CP8 = {"CONFLUENT_RELEASE": "7.9.0"}, {"CONFLUENT_RELEASE": "8.0.0"}
STUBS = ("kafka-storage", "kafka-storage.sh", "kafka-run-class", "cub", "setpriv")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder that stands for an image's root, with the folders of Kafka's images."""
    for folder in (
        "opt/kafka/config",
        "opt/kafka/bin",
        "etc/kafka/docker",
        "mnt/shared/config",
        "bin",
        "entry",
        "initdb",
    ):
        (tmp_path / folder).mkdir(parents=True)
    for stub in STUBS:
        _program(tmp_path / "bin" / stub, f'#!/bin/sh\necho "{stub} $*"\n')
    shutil.copy(tmp_path / "bin" / "kafka-storage.sh", tmp_path / "opt/kafka/bin/kafka-storage.sh")
    return tmp_path


def _program(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)


def run(image: Path, recipe: str, script: str, env: dict[str, str], *words: str) -> tuple[int, list[str]]:
    """Run a recipe's script in the folder; return its exit code and the lines that it wrote."""
    for name, folder in (("kafka", "etc/kafka/docker"), ("cp-kafka", "bin"), (recipe, "entry")):
        for path in recipes.folder(name).iterdir():
            if folder != "bin" or path.name == "dub":
                _program(image / folder / path.name, _moved(image, path.read_text("utf-8")))
    first = "bash" if "bash" in (image / "entry" / script).read_text("utf-8").splitlines()[0] else "sh"
    done = subprocess.run(
        [first, str(image / "entry" / script), *words],
        env={"PATH": f"{image / 'bin'}:{os.environ['PATH']}", **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.returncode, [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def _moved(image: Path, text: str) -> str:
    for path in ("/opt/kafka", "/etc/kafka/docker", "/mnt/shared/config", "/var/run/", "/var/lib/"):
        text = text.replace(path, f"{image}{path}")
    return text.replace("/docker-entrypoint-initdb.d", f"{image}/initdb")


@pytest.mark.parametrize(
    "name",
    [
        "VM_MEMORY_HIGH_WATERMARK", "DEFAULT_USER_FILE", "DEFAULT_PASS_FILE", "SSL_CACERTFILE", "SSL_CERTFILE",
        "SSL_KEYFILE", "SSL_VERIFY", "SSL_FAIL_IF_NO_PEER_CERT", "SSL_DEPTH", "MANAGEMENT_SSL_CACERTFILE",
        "MANAGEMENT_SSL_CERTFILE", "MANAGEMENT_SSL_KEYFILE", "MANAGEMENT_SSL_VERIFY", "MANAGEMENT_SSL_DEPTH",
        "MANAGEMENT_SSL_FAIL_IF_NO_PEER_CERT",
    ],
)  # fmt: skip
def test_rabbitmq_refuses_variables_that_it_knows_no_more(image: Path, name: str) -> None:
    """It ends with the original's words, whatever it was to run; without a value it goes on."""
    code, said = run(image, "rabbitmq", "docker-entrypoint.sh", {f"RABBITMQ_{name}": "0.6"}, "echo", "started")
    assert (code, said[:2]) == (
        1,
        [
            f"error: RABBITMQ_{name} is set but deprecated",
            "error: deprecated environment variables detected",
        ],
    )
    assert said[2].startswith("Please use a configuration file instead")
    assert run(image, "rabbitmq", "docker-entrypoint.sh", {f"RABBITMQ_{name}": ""}, "echo", "started") == (
        0,
        ["started"],
    )


def test_rabbitmq_takes_the_variables_that_it_knows(image: Path) -> None:
    """A user, a password, a vhost and a node's name are none of those."""
    known = dict.fromkeys(("DEFAULT_USER", "DEFAULT_PASS", "DEFAULT_VHOST", "NODENAME", "ERLANG_COOKIE"), "x")
    env = {f"RABBITMQ_{name}": value for name, value in known.items()}
    assert run(image, "rabbitmq", "docker-entrypoint.sh", env, "echo", "started") == (0, ["started"])


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (CONTROLLER, "KAFKA_ADVERTISED_LISTENERS is not supported on a KRaft controller."),
        (
            KAFKA | {"KAFKA_ADVERTISED_LISTENERS": "SSL://kafka:9093"},
            "KAFKA_SSL_KEYSTORE_FILENAME environment variable not set",
        ),
        (
            KAFKA | {"KAFKA_ADVERTISED_LISTENERS": "SASL_PLAINTEXT://kafka:9093"},
            "KAFKA_OPTS environment variable not set",
        ),
    ],
)
def test_kafka_refuses(image: Path, env: dict[str, str], said: str) -> None:
    """Before anything is formatted."""
    code, lines = run(image, "kafka", "configure", env)
    assert (code, lines[-1]) == (1, said)


def _configured(image: Path, env: dict[str, str]) -> set[str]:
    code, lines = run(image, "kafka", "configure", env)
    assert code == 0, lines
    assert lines[-1].startswith("kafka-storage.sh format --ignore-formatted")
    return {line for line in (image / "opt/kafka/config/server.properties").read_text().splitlines() if line}


def test_kafka_without_configuration_has_its_own(image: Path) -> None:
    """Also beside variables that are none of the broker's settings."""
    built_in = set((recipes.folder("kafka") / "server.properties").read_text("utf-8").splitlines())
    ignored = {"KAFKA_VERSION": "3.9.1", "KAFKA_HEAP_OPTS": "-Xmx1g", "KAFKA_OPTS": "-Da=b", "KAFKA_LOG4J_LOGGERS": "x"}
    assert _configured(image, {}) == _configured(image, ignored) == built_in


def test_kafkas_variables_stand_behind_a_mounted_file(image: Path) -> None:
    """The file counts with them, and what they say later wins; the built-in one does not count beside either."""
    assert _configured(image, KAFKA | {"KAFKA_LISTENER__A___B": "c"}) == {
        "process.roles=broker,controller",
        "node.id=1",
        "listeners=PLAINTEXT://0.0.0.0:9092",
        "advertised.listeners=PLAINTEXT://kafka:9092",
        "listener_a-b=c",
    }
    (image / "mnt/shared/config/server.properties").write_text("node.id=7\nprocess.roles=broker,controller")
    assert _configured(image, {"KAFKA_NODE_ID": "8"}) == {"node.id=7", "process.roles=broker,controller", "node.id=8"}
    lines = (image / "opt/kafka/config/server.properties").read_text().splitlines()
    assert lines.index("node.id=7") < lines.index("node.id=8")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (CP7, "KAFKA_ZOOKEEPER_CONNECT is required."),
        (CP7 | {"KAFKA_ZOOKEEPER_CONNECT": ""}, "KAFKA_ZOOKEEPER_CONNECT is required."),
        (CP7 | {"KAFKA_ZOOKEEPER_CONNECT": "z:2181"}, "KAFKA_ADVERTISED_LISTENERS is required."),
        (CP7 | KAFKA, "CLUSTER_ID is required."),
        (CP8 | ZOOKEEPER, "KAFKA_PROCESS_ROLES is required."),
        (CP8 | KAFKA, "CLUSTER_ID is required."),
        (
            CP8 | {"KAFKA_PROCESS_ROLES": "broker,controller", "CLUSTER_ID": "x"},
            "KAFKA_ADVERTISED_LISTENERS is required.",
        ),
        (CP8 | CONTROLLER | {"CLUSTER_ID": "x"}, "KAFKA_ADVERTISED_LISTENERS is not supported on a KRaft controller."),
        (CP7 | ZOOKEEPER | {"KAFKA_ADVERTISED_HOST": "k"}, "advertised.host is deprecated. Please use"),
        (
            CP7 | ZOOKEEPER | {"KAFKA_PORT": "9092"},
            "port is deprecated. Please use KAFKA_ADVERTISED_LISTENERS instead.",
        ),
        (CP7 | ZOOKEEPER | {"KAFKA_ADVERTISED_LISTENERS": "SSL://k:1"}, "KAFKA_SSL_KEYSTORE_FILENAME is required."),
    ],
)
def test_confluents_kafka_refuses(image: Path, env: dict[str, str], said: str) -> None:
    """What is missing is named, as is what it knows no more."""
    code, lines = run(image, "cp-kafka", "run", env)
    assert code == 1
    assert any(line.startswith(said) for line in lines), lines
    assert "===> Launching kafka ..." not in lines


@pytest.mark.parametrize("env", [CP7 | ZOOKEEPER, CP7 | KAFKA | {"CLUSTER_ID": "x"}, CP8 | KAFKA | {"CLUSTER_ID": "x"}])
def test_confluents_kafka_starts_with_what_it_needs(image: Path, env: dict[str, str]) -> None:
    """ZooKeeper is waited for where it is used, a folder formatted where it is not."""
    code, lines = run(image, "cp-kafka", "run", env)
    assert code == 0, lines
    assert lines[-1].startswith("kafka-run-class kafka.Kafka")
    assert any(line.startswith("cub zk-ready z:2181 40") for line in lines) == (env.keys() >= ZOOKEEPER.keys())
    assert any(line.startswith("kafka-storage format") for line in lines) == ("CLUSTER_ID" in env)


def test_confluents_kafka_ends_without_its_zookeeper(image: Path) -> None:
    """After the time that it waits, and says so."""
    _program(image / "bin" / "cub", "#!/bin/sh\nexit 124\n")
    code, lines = run(image, "cp-kafka", "run", CP7 | ZOOKEEPER)
    assert (code, lines[-1]) == (1, "Timed out waiting for connection to Zookeeper server [z:2181].")


def test_zookeeper_says_what_is_missing(image: Path) -> None:
    """A member of an ensemble without its number ends; one without a port is only told."""
    code, lines = run(image, "cp-zookeeper", "run", {"ZOOKEEPER_CLIENT_PORT": "2181", "ZOOKEEPER_SERVERS": "a;b"})
    assert code == 1
    assert "ZOOKEEPER_SERVER_ID is required." in lines
    code, lines = run(image, "cp-zookeeper", "run", {})
    assert code == 0
    assert "one of (ZOOKEEPER_CLIENT_PORT,ZOOKEEPER_SECURE_CLIENT_PORT) is required." in lines


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("path", "/", "readable"), 0),
        (("path", "/not/there", "exists"), 1),
        (("wait", "127.0.0.1", "1", "0.2"), 1),
        (("ensure", "PATH"), 0),
        (("ensure", "NOT_SET"), 1),
        (("ensure-atleast-one", "NOT_SET", "PATH"), 0),
        (("template", "a", "b"), 1),
    ],
)
def test_confluents_helper_answers_what_it_is_asked(image: Path, words: tuple[str, ...], code: int) -> None:
    """A health check by it says no where the original's does, and what it does not know is no success."""
    assert run(image, "cp-kafka", "dub", {}, *words)[0] == code


POSTGRES_ASKS = "Error: Database is uninitialized and superuser password is not specified."


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, POSTGRES_ASKS),
        ({"POSTGRES_PASSWORD": ""}, POSTGRES_ASKS),
        ({"POSTGRES_HOST_AUTH_METHOD": "md5"}, POSTGRES_ASKS),
        (
            {"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/b"},
            "error: both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set (but are exclusive)",
        ),
        (
            {"POSTGRES_PASSWORD": "a", "POSTGRES_USER": "b", "POSTGRES_USER_FILE": "/c"},
            "error: both POSTGRES_USER and POSTGRES_USER_FILE are set (but are exclusive)",
        ),
    ],
)
def test_postgres_refuses(image: Path, env: dict[str, str], said: str) -> None:
    """A database without a password is not made, and what is said twice is not guessed."""
    code, lines = _postgres(image, env)
    assert code == 1
    assert said in lines
    assert not any(line.startswith("initdb") for line in lines)


@pytest.mark.parametrize("given", [{"POSTGRES_USER": ""}, {"POSTGRES_DB": ""}, {}])
def test_an_empty_variable_of_postgres_is_none(image: Path, given: dict[str, str]) -> None:
    """User and database are called as they are without it."""
    code, lines = _postgres(image, {"POSTGRES_PASSWORD": "a", **given})
    assert code == 0, lines
    assert any(line.startswith("initdb --username=postgres ") for line in lines)


def test_a_file_with_the_password_is_read(image: Path) -> None:
    """As it is for users, databases and arguments."""
    (image / "secret").write_text("geheim\n")
    code, lines = _postgres(image, {"POSTGRES_PASSWORD_FILE": str(image / "secret")})
    assert code == 0, lines


def test_postgres_says_its_version_without_a_database(image: Path) -> None:
    """A question is answered without a password."""
    assert _postgres(image, {}, "postgres", "--version") == (0, ["postgres --version"])


def _postgres(image: Path, env: dict[str, str], *words: str) -> tuple[int, list[str]]:
    for stub in ("initdb", "postgres", "pg_ctl", "psql"):
        _program(image / "bin" / stub, f'#!/bin/sh\necho "{stub} $*"\n')
    for stub in ("find", "chown"):
        _program(image / "bin" / stub, "#!/bin/sh\n")
    _program(image / "bin" / "id", "#!/bin/sh\necho 999\n")  # as the image's user: what root does is the engine's test
    data = {"PGDATA": str(image / "data")}
    return run(image, "postgres", "docker-entrypoint.sh", data | env, *(words or ("postgres",)))
