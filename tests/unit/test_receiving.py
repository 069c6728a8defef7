"""Receiving: folders that a container left behind begin empty, whatever a submission is handed in as."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from grader import catalogue, intake, policy
from grader.errors import SubmissionRefusedError
from grader.inspection import verdict
from grader.intake import CopyLimits
from grader.receiving import receive

FIND = partial(policy.left_behind, catalogue=catalogue.load())
RABBIT = """
services:
  rabbitmq:
    image: rabbitmq:3-management
    hostname: rabbitmq
    volumes: ["./data:/var/lib/rabbitmq"]
"""
LEFT = {"data/.erlang.cookie": "SECRET", "data/mnesia/rabbit@rabbitmq/schema.DAT": "x"}


def laid(root: Path, compose: str, files: dict[str, str] | None = None) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, text in {"compose.yaml": compose, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def files_of(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


def taken(source: Path, into: Path, **limits: int) -> tuple[set[str], list[str]]:
    """Return the files of the clean copy, and the folders that are said to begin empty."""
    workspace = intake.take(source, into, limits=CopyLimits(**limits), find=FIND)
    return files_of(Path(workspace.root)), [f.file for f in workspace.findings if f.code == "data-left-behind"]


def as_folder(source: Path, _aside: Path) -> Path:
    return source


def as_zip(source: Path, aside: Path) -> Path:
    with zipfile.ZipFile(aside / "entrega.zip", "w") as archive:
        for path in sorted(source.rglob("*"), reverse=True):  # the compose file comes after the data
            archive.write(path, path.relative_to(source))
    return aside / "entrega.zip"


def as_wrapped_tar(source: Path, aside: Path) -> Path:
    with tarfile.open(aside / "entrega.tar.gz", "w:gz") as archive:
        for path in sorted(source.rglob("*"), reverse=True):
            archive.add(path, f"tarea/{path.relative_to(source).as_posix()}", recursive=False)
    return aside / "entrega.tar.gz"


def as_zip_in_zip(source: Path, aside: Path) -> Path:
    inner = as_zip(source, aside)
    with zipfile.ZipFile(aside / "outer.zip", "w") as archive:
        archive.write(inner, "tarea.zip")
    return aside / "outer.zip"


def as_bundle(source: Path, aside: Path) -> Path:
    env = {"PATH": os.environ["PATH"], "HOME": str(aside), "GIT_CONFIG_NOSYSTEM": "1"}
    shutil.copytree(source, aside / "work")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for arguments in (
        ("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "x"),
        ("bundle", "create", "-q", str(aside / "entrega.bundle"), "HEAD"),
    ):  # fmt: skip
        subprocess.run(["git", *arguments], cwd=aside / "work", env=env, check=True, capture_output=True)
    return aside / "entrega.bundle"


@pytest.mark.parametrize("form", [as_folder, as_zip, as_wrapped_tar, as_zip_in_zip, as_bundle])
def test_data_of_an_earlier_run_is_left_out_of_every_form(tmp_path: Path, form: Any) -> None:
    """Folder, archives and git: the folder is there and empty, what lies beside it is copied, and it is said once."""
    if form is as_bundle and shutil.which("git") is None:
        pytest.skip("git is not installed on this machine")
    source = laid(tmp_path / "tarea", RABBIT, {**LEFT, "app/main.py": "print(1)"})
    (tmp_path / "aside").mkdir()
    packed = form(source, tmp_path / "aside")
    workspace = receive(packed, tmp_path / "copy")
    root = Path(workspace.root)
    assert files_of(root) == {"compose.yaml", "app/main.py"}
    assert (root / "data").is_dir()
    said = [(f.severity, f.file) for f in workspace.findings if f.code == "data-left-behind"]
    assert said == [("notice", "data")]


EMPTY = {
    "postgres": ("postgres:16", "./db:/var/lib/postgresql/data", ""),
    "postgres-below-data": (
        "postgres:16", "./db:/var/lib/postgresql/data", "environment: {PGDATA: /var/lib/postgresql/data/pg}",
    ),
    "postgres-elsewhere": ("postgres:16", "./db:/datos", "environment: [PGDATA=/datos]"),
    "postgres-above": ("postgres:16", "./db:/var/lib/postgresql", ""),
    "postgres-option": ("postgres:16", "./db:/pg", "command: postgres -D /pg"),
    "redis": ("redis:7-alpine", "./db:/data", ""),
    "redis-dir": ("redis:7-alpine", "./db:/var/lib/redis", "command: [redis-server, --dir, /var/lib/redis]"),
    "redis-aof": ("redis:7-alpine", "./db:/data/appendonlydir", ""),
    "kafka": ("apache/kafka:3.9.1", "./db:/var/lib/kafka/data", ""),
    "kafka-default": ("apache/kafka:3.9.1", "./db:/tmp/kraft-combined-logs", ""),
    "kafka-variable": ("apache/kafka:3.9.1", "./db:/kafka/logs", "environment: {KAFKA_LOG_DIRS: /kafka/logs}"),
    "cp-kafka": ("confluentinc/cp-kafka:7.9.0", "./db:/var/lib/kafka/data", ""),
    "cp-zookeeper": ("confluentinc/cp-zookeeper:7.9.0", "./db:/var/lib/zookeeper/data", ""),
    "rabbitmq-mnesia": ("rabbitmq:4-management", "./db:/var/lib/rabbitmq/mnesia", ""),
    "rabbitmq-node": ("rabbitmq:4-management", "./db:/var/lib/rabbitmq/mnesia/rabbit@rabbit", ""),
    "rabbitmq-logs": ("rabbitmq:4-management", "./db:/var/log/rabbitmq/", ""),
    "rabbitmq-base": ("rabbitmq:4", "./db:/mq", "environment: {RABBITMQ_MNESIA_BASE: /mq}"),
    "default-registry": ("docker.io/library/redis:7", "./db:/data", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", EMPTY)
def test_where_an_image_keeps_its_data_begins_empty(tmp_path: Path, case: str) -> None:
    """Each image's own folder, by its default, a variable or an option, bound itself or with the folder above it."""
    image, mount, more = EMPTY[case]
    compose = f"services:\n  s:\n    image: {image}\n    volumes: ['{mount}']\n    {more}\n"
    source = laid(tmp_path / "s", compose, {"db/x.bin": "x", "app.py": ""})
    assert taken(source, tmp_path / "copy") == ({"compose.yaml", "app.py"}, ["db"])


KEPT = {
    "configuration": ("rabbitmq:3-management", "./db:/etc/rabbitmq", ""),
    "plugins": ("rabbitmq:3-management", "./db/x.bin:/etc/rabbitmq/enabled_plugins", ""),
    "init-scripts": ("postgres:16", "./db:/docker-entrypoint-initdb.d", ""),
    "a-file-within-the-data": ("postgres:16", "./db/x.bin:/var/lib/postgresql/data/pg_hba.conf", ""),
    "a-folder-beside-redis-data": ("redis:7", "./db:/data/conf", ""),
    "redis-configuration": ("redis:7", "./db:/usr/local/etc/redis", ""),
    "an-app-with-such-a-path": ("node:20-alpine", "./db:/data", ""),
    "kafka-scripts": ("apache/kafka:3.9.1", "./db:/tmp/scripts", ""),
    "scripts-within-the-home": ("rabbitmq:3-management", "./db:/var/lib/rabbitmq/scripts", ""),
}


@pytest.mark.parametrize("case", KEPT)
def test_what_a_submission_brings_for_a_program_stays(tmp_path: Path, case: str) -> None:
    """Configuration, scripts and single files are the student's own, also where their path begins like the data's."""
    image, mount, more = KEPT[case]
    compose = f"services:\n  s:\n    image: {image}\n    volumes: ['{mount}']\n    {more}\n"
    source = laid(tmp_path / "s", compose, {"db/x.bin": "x"})
    assert taken(source, tmp_path / "copy") == ({"compose.yaml", "db/x.bin"}, [])


def test_what_the_compose_file_names_within_the_data_is_kept(tmp_path: Path) -> None:
    """A script, a build, an env file and a folder that lie within the folder of the data are the student's own."""
    compose = """
services:
  db:
    image: postgres:16
    env_file: db/secrets.env
    environment: {PGDATA: /var/lib/postgresql/data/pg}
    volumes: ["./db:/var/lib/postgresql/data", "./db/init.sql:/docker-entrypoint-initdb.d/init.sql"]
  api: {build: ./db/api}
  web: {image: "node:20-alpine", volumes: ["./db/web:/srv"]}
"""
    own = {"db/init.sql", "db/secrets.env", "db/api/Dockerfile", "db/api/x/app.py", "db/web/deep/page.html"}
    old = dict.fromkeys(("db/pg/PG_VERSION", "db/other", "db/web2/x", "db/pg/base/1/2"), "x")
    files = {**dict.fromkeys(own, "A=1\n"), "db/api/Dockerfile": "FROM node:20-alpine\n", **old}
    source = laid(tmp_path / "s", compose, files)
    assert taken(source, tmp_path / "copy") == ({"compose.yaml", *own}, ["db"])


@pytest.mark.parametrize("command", ["redis-server /data/redis.conf", "redis-server redis.conf --dbfilename dump.rdb"])
def test_a_configuration_in_the_data_folder_that_the_command_names_is_kept(tmp_path: Path, command: str) -> None:
    """With what it names itself; the dump beside it is not, though an option names that too."""
    compose = f"services:\n  s: {{image: 'redis:7', command: {command}, volumes: ['./db:/data']}}\n"
    files = {"db/redis.conf": "aclfile /data/users.acl\n", "db/users.acl": "", "db/dump.rdb": "x", "db/a/b": ""}
    source = laid(tmp_path / "s", compose, files)
    assert taken(source, tmp_path / "copy") == ({"compose.yaml", "db/redis.conf", "db/users.acl"}, ["db"])


def test_definitions_that_a_mounted_configuration_names_are_kept(tmp_path: Path) -> None:
    """RabbitMQ's configuration may point into the folder of its data."""
    compose = """
services:
  s:
    image: rabbitmq:3-management
    volumes: ["./mq:/var/lib/rabbitmq", "./rabbitmq.conf:/etc/rabbitmq/rabbitmq.conf"]
"""
    files = {
        "rabbitmq.conf": "management.load_definitions = /var/lib/rabbitmq/defs.json\n",
        "mq/defs.json": "{}",
        "mq/.erlang.cookie": "x",
    }
    source = laid(tmp_path / "s", compose, files)
    assert taken(source, tmp_path / "copy") == ({"compose.yaml", "rabbitmq.conf", "mq/defs.json"}, ["mq"])


@pytest.mark.parametrize("bound", [".", "./app"])
def test_a_folder_with_the_code_in_it_loses_only_what_the_program_made(tmp_path: Path, bound: str) -> None:
    """The whole submission, or what is built, may be bound as the data: the code must not go."""
    compose = f"services:\n  redis: {{image: 'redis:7', volumes: ['{bound}:/data']}}\n  api: {{build: ./app}}\n"
    files = {"app/Dockerfile": "FROM node:20-alpine\n", "app/x.js": "", "app/dump.rdb": "x", "dump.rdb": "x"}
    source = laid(tmp_path / "s", compose, files)
    gone = {"dump.rdb"} if bound == "." else {"app/dump.rdb"}
    found, said = taken(source, tmp_path / "copy")
    assert found == {"compose.yaml", *files} - gone
    assert set(said) == gone


def test_a_folder_that_an_application_shares_keeps_what_is_in_it(tmp_path: Path) -> None:
    """What a service that is no store sees as well may be its code."""
    compose = """
services:
  redis: {image: "redis:7", volumes: ["./shared:/data"]}
  api: {image: "node:20-alpine", command: node /app/x.js, volumes: ["./shared:/app"]}
"""
    source = laid(tmp_path / "s", compose, {"shared/x.js": "", "shared/appendonlydir/a.aof": "x"})
    assert taken(source, tmp_path / "copy") == ({"compose.yaml", "shared/x.js"}, ["shared/appendonlydir"])


INDIRECT = {
    "variable": {
        "compose.yaml": "services:\n  s: {image: 'redis:7', volumes: ['${D:-./x}:/data']}\n",
        ".env": "D=./db\n",
    },
    "volume": {
        "compose.yaml": "services:\n  s: {image: 'redis:7', volumes: ['datos:/data']}\n"
        "volumes: {datos: {driver: local, driver_opts: {type: none, o: bind, device: ./db}}}\n"
    },
    "include": {
        "compose.yaml": "include: [infra/redis.yml]\nservices: {a: {image: 'node:20-alpine'}}\n",
        "infra/redis.yml": "services: {s: {image: 'redis:7', volumes: ['../db:/data']}}\n",
    },
    "extends": {
        "compose.yaml": "services: {s: {extends: {file: base.yaml, service: b}}}\n",
        "base.yaml": "services: {b: {image: 'redis:7', volumes: ['./db:/data']}}\n",
    },
    "built": {
        "compose.yaml": "services: {s: {build: {context: ., dockerfile: Redis.Dockerfile}, volumes: ['./db:/data']}}\n",
        "Redis.Dockerfile": "FROM redis:7\nCOPY x.conf /etc/x.conf\n",
    },
    "env-file": {
        "compose.yaml": "services: {s: {image: 'postgres:16', env_file: pg.env, volumes: ['./db:/pg']}}\n",
        "pg.env": "PGDATA=/pg\n",
    },
    "long": {
        "compose.yaml": "services: {s: {image: 'redis:7', volumes: [{type: bind, source: ./db, target: /data}]}}\n"
    },
}  # fmt: skip


@pytest.mark.parametrize("case", INDIRECT)
def test_data_is_found_however_the_compose_file_says_it(tmp_path: Path, case: str) -> None:
    """Variables, declared volumes, further compose files, builds and env files are read as in the grading."""
    source = laid(tmp_path / "s", "", {**INDIRECT[case], "db/old": "x"})
    assert taken(source, tmp_path / "copy") == (set(INDIRECT[case]), ["db"])


def test_what_cannot_be_read_in_old_data_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's folder belongs to another user with mode 0700: inspect accepts what lies beside it."""
    compose = "services:\n  db: {image: 'postgres:16', volumes: ['./data/db:/var/lib/postgresql/data']}\n"
    source = laid(tmp_path / "s", compose, {"data/db/PG_VERSION": "16"})
    closed(monkeypatch, source / "data" / "db")
    found = verdict(source, None, catalogue.load(), lang="en")
    assert found["accepted"], found["findings"]
    assert "data-left-behind" in {f["code"] for f in found["findings"]}


def test_what_cannot_be_read_elsewhere_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same folder bound to something else may hold what is needed."""
    compose = "services:\n  web: {image: 'node:20-alpine', volumes: ['./data/db:/srv']}\n"
    source = laid(tmp_path / "s", compose, {"data/db/x": "16"})
    closed(monkeypatch, source / "data" / "db")
    with pytest.raises(SubmissionRefusedError) as error:
        receive(source, tmp_path / "copy")
    assert [(f.code, f.file) for f in error.value.findings] == [("unreadable-file", "data/db")]


@pytest.mark.parametrize(
    ("mount", "error"),
    [("./db/pg:/var/lib/postgresql/data", ""), ("./db/init.sql:/docker-entrypoint-initdb.d/a.sql", "unreadable-file")],
)
def test_what_is_needed_of_a_closed_folder_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mount: str, error: str
) -> None:
    """More of the same data is not needed; a script of the student's is, and must not be missing in silence."""
    mounts = f"['./db:/var/lib/postgresql', '{mount}']"
    compose = f"services:\n  db: {{image: 'postgres:16', volumes: {mounts}}}\n"
    source = laid(tmp_path / "s", compose, {"db/pg/PG_VERSION": "16", "db/init.sql": ""})
    closed(monkeypatch, source / "db")
    found = verdict(source, None, catalogue.load(), lang="en")
    assert {f["code"] for f in found["findings"] if f["severity"] == "error"} == ({error} if error else set())


def closed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the system refuse to list a folder, as it does to everybody but root."""
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if not isinstance(path, int) and Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.mark.parametrize("form", [as_folder, as_zip, as_wrapped_tar])
def test_old_data_counts_to_no_limit(tmp_path: Path, form: Any) -> None:
    """Neither its files nor its bytes: Kafka reserves 20 MiB a partition, fifty times for its offsets."""
    compose = "services:\n  k: {image: 'apache/kafka:3.9.1', volumes: ['./db:/var/lib/kafka/data']}\n"
    old = {f"db/__consumer_offsets-{n}/0.index": "\0" * 30_000 for n in range(20)}
    source = laid(tmp_path / "s", compose, old)
    limits = {"entries": 15, "total_bytes": 10_000, "file_bytes": 10_000, "read_bytes": 550_000}
    assert taken(form(source, tmp_path), tmp_path / "copy", **limits) == ({"compose.yaml"}, ["db"])


def test_an_archive_that_unpacks_to_too_much_is_refused_though_it_is_called_data(tmp_path: Path) -> None:
    """What is skipped has to be unpacked: there is a bound to that as well."""
    compose = "services:\n  k: {image: 'apache/kafka:3.9.1', volumes: ['./db:/var/lib/kafka/data']}\n"
    source = laid(tmp_path / "s", compose, {"db/bomb": "\0" * 2_000_000})
    with pytest.raises(SubmissionRefusedError) as error:
        taken(as_wrapped_tar(source, tmp_path), tmp_path / "copy", read_bytes=300_000)
    assert [f.code for f in error.value.findings] == ["submission-too-large"]


def test_specials_and_links_in_old_data_are_not_looked_at(tmp_path: Path) -> None:
    """A server leaves sockets and links to folders of its container."""
    source = laid(
        tmp_path / "s", "services:\n  db: {image: 'postgres:16', volumes: ['./db:/var/lib/postgresql/data']}\n"
    )
    (source / "db").mkdir()
    os.mkfifo(source / "db" / ".s.PGSQL.5432")
    (source / "db" / "pg_wal").symlink_to("/mnt/wal")
    assert taken(source, tmp_path / "copy") == ({"compose.yaml"}, ["db"])


def test_a_hostile_archive_gains_nothing_by_its_compose_file(tmp_path: Path) -> None:
    """A link out of the submission and a name that leads out of it are refused, whatever is said to be data."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in (("compose.yaml", RABBIT), ("../data/x", "x")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("data")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    with pytest.raises(SubmissionRefusedError) as error:
        receive(tmp_path / "a.tar", tmp_path / "copy")
    assert {f.code for f in error.value.findings} == {"path-outside", "link-outside"}
    assert not (tmp_path / "data").exists()


def test_a_folder_that_begins_empty_is_not_said_to_be_copied(tmp_path: Path) -> None:
    """One notice is enough, and it must be true."""
    found = verdict(laid(tmp_path / "s", RABBIT, LEFT), None, catalogue.load(), lang="en")
    assert [f["code"] for f in found["findings"] if f["code"].startswith(("bind", "data"))] == ["data-left-behind"]
