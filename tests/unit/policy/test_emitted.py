"""Whatever is written, a submission is refused for a reason or comes out hardened; nothing else happens."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import GraderError, SubmissionRefusedError
from grader.model.assignment import Limits
from grader.model.workspace import Workspace
from grader.policy import judge
from grader.policy.build import BUILD
from grader.policy.emitted import check
from grader.policy.resources import FILE, NETWORK, VOLUME
from grader.policy.service_table import DEPLOY, SERVICE
from tests.unit.policy.conftest import DOCKERFILE, TASK_QUEUE, SmallCatalogue

WORDS = st.sampled_from([
    "host", "none", "/", ".", "..", "./x:/x", "data:/data", "/etc:/x", "true", "service:b", "service:a", "container:x",
    "bridge", "yes", "1", "-1", "10", "0", "512m", "10s", "a", "b", "data", "net", "A=1", "$X", "${X:-host}", "always",
    "node:20-alpine", "rabbitmq:3-management", "evil/x", "8080:80", "no-new-privileges:true", "ALL", "/tmp", "x y", "",
])  # fmt: skip
LEAVES = WORDS | st.booleans() | st.none() | st.integers(-2, 2000) | st.floats(allow_nan=False)
KEYS = st.sampled_from([
    "source", "target", "type", "condition", "test", "interval", "replicas", "limits", "memory", "aliases", "context",
    "bind", "propagation", "file", "external", "name", "path", "soft", "a", "data", "default", "nofile", "x-y",
])  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def some(table: object) -> st.SearchStrategy[dict[str, object]]:
    """Return mappings with attributes of a table."""
    return st.dictionaries(st.sampled_from(sorted(table)), VALUES, max_size=2)  # type: ignore[call-overload]


SERVICES = st.builds(
    lambda service, deploy, build, image: {
        **service,
        **({"deploy": deploy} if deploy else {}),
        **({"build": build} if build else {"image": image}),
    },
    some({k: 0 for k in SERVICE if k not in {"build", "deploy"}}),
    some(DEPLOY),
    st.just({}) | some(BUILD),
    st.sampled_from(["node:20-alpine", "rabbitmq:3-management", "evil/x"]),
)
FILES = st.fixed_dictionaries(
    {"services": st.fixed_dictionaries({"a": SERVICES}, optional={"b": SERVICES, "worker": SERVICES})},
    optional={
        "volumes": st.fixed_dictionaries({"data": some(VOLUME) | st.none()}),
        "networks": st.fixed_dictionaries({}, optional={"default": some(NETWORK), "net": some(NETWORK)}),
        "configs": st.fixed_dictionaries({"a": some(FILE)}),
        "secrets": st.fixed_dictionaries({"b": some(FILE)}),
    },
)


@given(FILES, st.booleans())
@settings(deadline=None, max_examples=200)
def test_a_submission_is_refused_or_hardened(model: dict[str, object], contract: bool) -> None:
    """Any model that can be written gives one or the other."""
    with TemporaryDirectory() as folder:
        Path(folder, "compose.yaml").write_text(json.dumps(model))
        Path(folder, "Dockerfile").write_text(DOCKERFILE)
        workspace = Workspace(root=folder, name="x")
        try:
            plan = judge(workspace, TASK_QUEUE if contract else None, SmallCatalogue())
        except SubmissionRefusedError as refused:
            errors = [f for f in refused.findings if f.severity == "error"]
            assert errors
            assert all(f.file and f.code for f in errors)
            return
    check(plan.compose, Limits())
    assert set(plan.replicas) == set(plan.compose["services"])


BREACHES = [
    {"privileged": True},
    {"volumes": [{"type": "bind", "source": "/", "target": "/x"}]},
    {"volumes": [{"type": "volume", "source": "undeclared", "target": "/x"}]},
    {"network_mode": "host", "networks": None},
    {"pid": "host"},
    {"security_opt": []},
    {"cap_drop": []},
    {"mem_limit": 8 << 30, "memswap_limit": 8 << 30},
    {"pids_limit": -1},
]


@pytest.mark.parametrize("breach", BREACHES)
def test_the_last_look_sees_a_breach(breach: dict[str, object]) -> None:
    """Each thing that the hardening should have removed."""
    service = {
        "image": "x", "networks": {}, "restart": "no", "mem_limit": 1, "memswap_limit": 1, "cpus": 1.0, "pids_limit": 1,
        "security_opt": ["no-new-privileges:true"], "pull_policy": "never",
        "cap_drop": ["AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT"],
    }  # fmt: skip
    model = {"services": {"a": service}, "networks": {}, "volumes": {}}
    check(model, Limits())
    model["services"]["a"] = {k: v for k, v in {**service, **breach}.items() if v is not None}
    with pytest.raises(GraderError):
        check(model, Limits())
