"""What is started while images are built: only what stands on nothing that is being built."""

from __future__ import annotations

from typing import Any

import pytest

from grader.stack.early import startable

AFTER: dict[str, Any] = {"depends_on": {"zookeeper": {"condition": "service_healthy"}}}
SERVICES: dict[str, Any] = {
    "zookeeper": {},
    "kafka": AFTER,
    "topics": {"depends_on": {"kafka": {"condition": "service_healthy"}}},
    "redis": {"depends_on": {"migrate": {"condition": "service_completed_successfully"}}},
    "migrate": {},
    "side": {"network_mode": "service:api"},
    "twin": {"volumes_from": ["api:ro"]},
    "last": {"depends_on": {"side": {}}},
    "api": {},
}


@pytest.mark.parametrize(
    ("wanted", "built", "early"),
    [
        (["kafka", "zookeeper"], ["api"], ["kafka", "zookeeper"]),
        (["kafka"], ["zookeeper"], []),
        (["redis"], ["migrate"], []),
        (["redis"], ["api"], ["redis"]),
        (["side", "twin", "last"], ["api"], []),
        (["topics"], ["zookeeper", "api"], []),
        (["kafka"], ["kafka"], []),
        (["postgres"], ["api"], []),
    ],
)
def test_early_is_what_stands_on_nothing_that_is_built(wanted: list[str], built: list[str], early: list[str]) -> None:
    """Whatever Compose would start before it is looked at, however it is written."""
    assert startable(SERVICES, wanted, built) == early


def test_services_that_wait_for_each_other_end() -> None:
    """Compose says what is wrong with them."""
    assert startable({"a": {"depends_on": {"b": {}}}, "b": {"depends_on": {"a": {}}}}, ["a"], ["c"]) == ["a"]
