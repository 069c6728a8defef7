"""What reaches a container at its start, and whose fault it is when there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from grader.errors import SubmissionBrokenError
from tests.docker.test_stack.builds import logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.stack.stack import Stack

pytestmark = pytest.mark.docker


def test_values_arrive_as_they_were_planned(make_stack: Callable[..., Stack], python_image: str) -> None:
    """Strings that look like numbers, escaped dollars and odd characters survive the way through Compose."""
    values = {
        "A": "1e3",
        "B": "0o14",
        "C": "yes",
        "D": "$$HOME ${X}".replace("${X}", "$${X}"),
        "E": "a\u2028\x07ñ😀",
        "F": "12:30:45",
    }
    command = [
        "python3",
        "-c",
        "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if len(k) == 1}))",
    ]
    stack = make_stack({"one": {"image": python_image, "command": command, "environment": values}})
    stack.up(deps=True)
    assert json.loads(logs(stack, "one-1")) == {k: v.replace("$$", "$") for k, v in values.items()}
    stack.down()


def test_environment_of_the_user_does_not_reach_compose(
    make_stack: Callable[..., Stack], python_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that steer Compose, and values that a file could ask for, are not passed on."""
    monkeypatch.setenv("COMPOSE_PROFILES", "hidden")
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    command = ["sh", "-c", "echo token=$$SECRET_TOKEN."]
    one = {"image": python_image, "command": command, "environment": {"SECRET_TOKEN": None}}
    stack = make_stack({"one": one, "two": {"image": python_image, "profiles": ["hidden"]}})
    stack.up(deps=True)
    assert logs(stack, "one-1") == "token=."
    assert [c.name for c in stack.containers()] == ["one-1"]
    stack.down()


def test_a_start_that_fails_is_the_submissions(make_stack: Callable[..., Stack], python_image: str, echo: Any) -> None:
    """An unhealthy dependency ends `up`; the finding carries the log of what is unhealthy."""
    check = {"test": ["CMD", "false"], "interval": "1s", "retries": 1, "timeout": "1s"}
    stack = make_stack(
        {
            "broken": {
                "image": python_image,
                "command": ["sh", "-c", "echo I am ill; sleep 60"],
                "init": True,
                "healthcheck": check,
            },
            "api": echo(depends_on={"broken": {"condition": "service_healthy"}}),
        }
    )
    with pytest.raises(SubmissionBrokenError) as failed:
        stack.up(deps=True, deadline_s=60)
    (finding,) = failed.value.findings
    assert (finding.code, finding.path) == ("start-failed", "services.broken.healthcheck")
    assert "broken-1 | I am ill" in finding.detail
    stack.down()
