"""The action and the example workflow: valid for GitHub, and their scripts do what they say with a fenced log."""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from grader import paths
from grader._version import __version__
from grader.exports import formats
from tests.unit.exports import hostile
from tests.unit.reports import builders

ROOT = Path(__file__).parents[3]
ACTION = ROOT / "action.yml"
WORKFLOW = paths.PACKAGE / "templates" / "github" / "workflow.yml"


def github_schema(name: str) -> Any:
    folder = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    return json.loads(folder.joinpath(f"github-{name}.json").read_text("utf-8"))


def read(file: Path) -> Any:
    # "on" is a key there and not YAML 1.1's true
    return {("on" if key is True else key): value for key, value in yaml.safe_load(file.read_text("utf-8")).items()}


def test_action_and_workflow_are_what_github_reads() -> None:
    """By the schemas that editors use."""
    jsonschema.validate(read(ACTION), github_schema("actions"))
    jsonschema.validate(read(WORKFLOW), github_schema("workflows"))


def test_every_used_action_has_a_version() -> None:
    """None floats with a branch."""
    for file in (ACTION, WORKFLOW):
        for used in re.findall(r"uses: (\S+)", file.read_text("utf-8")):
            assert re.search(r"@v\d+(\.\d+)*$", used), used


def test_workflow_names_inputs_that_the_action_has() -> None:
    """And the version of this grader."""
    (step,) = [s for s in read(WORKFLOW)["jobs"]["check"]["steps"] if s.get("id") == "grader"]
    assert step["with"].keys() <= read(ACTION)["inputs"].keys()
    assert step["uses"].endswith(f"@v{__version__}")


def test_workflow_may_only_read() -> None:
    """A job with a student's code has no rights to lose and no token in the checkout."""
    workflow = read(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    checkout = workflow["jobs"]["check"]["steps"][0]
    assert checkout["with"]["persist-credentials"] is False


def test_no_text_of_others_is_pasted_into_a_script() -> None:
    """Inputs reach scripts through the environment; an expression in `run` would be code."""
    for step in read(ACTION)["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def script(step_id: str) -> str:
    (step,) = [s for s in read(ACTION)["runs"]["steps"] if s.get("id") == step_id]
    text: str = step["run"]
    return text


FAKE = """#!{python} -I
import pathlib, shutil, sys
pathlib.Path({argv!r}).write_text("\\0".join(sys.argv[1:]))
print("::error::forged by a student")
print("::stop-commands::guess")
print("no line end", end="")
shutil.copytree({made!r}, sys.argv[sys.argv.index("--out") + 1])
sys.exit({code})
"""


class Job:
    """One run of a step's script with a grader that writes given exports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.argv = folder / "argv"
        for name in ("bin", "temp", "made", "work"):
            (folder / name).mkdir()
        (folder / "bin" / "python").symlink_to(sys.executable)

    def grade(self, result: Any, code: int, **inputs: str) -> subprocess.CompletedProcess[str]:
        if result:
            asked = formats.wanted(["annotations", "autograding", "github-outputs", "markdown"], {})
            formats.write(result, asked, self.folder / "made", formats.Context(lang="en", audience="student"))
        program = self.folder / "bin" / "grader"
        program.write_text(
            FAKE.format(python=sys.executable, argv=str(self.argv), made=str(self.folder / "made"), code=code)
        )
        program.chmod(0o755)
        given = {"PATH": ".", "ASSIGNMENT": "", "COMMAND": "check", "ASSIGNMENTS": "", "LANG": "en", "IMAGES": "auto"}
        given |= inputs
        return self.run("grade", {f"INPUT_{name}": value for name, value in given.items()})

    def run(self, step: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        paths_ = {name: str(self.folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script(step)],
            env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(self.folder / "temp"),
                 "BIN": str(self.folder / "bin"), **paths_, **env},
            cwd=self.folder / "work", capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def file(self, name: str) -> str:
        path = self.folder / name
        return path.read_text("utf-8") if path.exists() else ""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_students_commands_stand_within_the_fence(job: Job) -> None:
    """Whatever is printed while grading comes after stop-commands and before its random token; ours come after."""
    done = job.grade(hostile.result(), 1)
    lines = done.stdout.splitlines()
    token = re.fullmatch(r"::stop-commands::([0-9a-f]{48})", lines[0])
    assert token
    end = lines.index(f"::{token[1]}::")
    assert "::error::forged by a student" in lines[1:end]
    assert lines[end + 1 :] == job.file("made/annotations.txt").splitlines()


def test_outputs_summary_and_results_reach_the_job(job: Job) -> None:
    """Score and runners as outputs, the reporter's variables in the environment, Markdown in the summary."""
    done = job.grade(builders.several_failed(), 1)
    assert done.returncode == 0, done.stderr
    outputs = dict(line.split("=", 1) for line in job.file("GITHUB_OUTPUT").splitlines())
    assert (outputs["score"], outputs["max-score"], outputs["status"]) == ("45", "100", "final")
    assert outputs["exit-code"] == "1"
    names = [line.partition("=")[0] for line in job.file("GITHUB_ENV").splitlines()]
    assert names == [f"{runner.upper()}_RESULTS" for runner in outputs["runners"].split(",")]
    assert "Final grade: 45 / 100" in job.file("GITHUB_STEP_SUMMARY")


def test_odd_inputs_stay_single_arguments(job: Job) -> None:
    """Blanks, options and shell signs in an input are no code and no options."""
    job.grade(builders.all_passed(), 0, PATH="--json $(touch x); a b", ASSIGNMENT="the one")
    argv = job.file("argv").split("\0")
    assert argv[0] == "check"
    assert argv[-2:] == ["--", "--json $(touch x); a b"]
    assert argv[argv.index("--assignment") + 1] == "the one"
    assert not (job.folder / "work" / "x").exists()


def test_nothing_graded_is_said(job: Job) -> None:
    """A wrong call leaves no outputs but its exit code."""
    done = job.grade(None, 2)
    assert done.stdout.splitlines()[-1].startswith("::error::Nothing was graded")
    assert job.file("GITHUB_OUTPUT").startswith("exit-code=2\n")
    assert job.file("GITHUB_ENV") == ""
    assert job.grade(None, 0, COMMAND="rm").returncode == 2


@pytest.mark.parametrize(
    ("fail", "code", "ends"),
    [
        ("failed", "0", 0), ("failed", "1", 1), ("failed", "3", 3), ("failed", "4", 4), ("error", "1", 0),
        ("error", "4", 0), ("error", "3", 3), ("never", "3", 0), ("never", "2", 2), ("never", "", 3),
    ],
)  # fmt: skip
def test_which_results_fail_the_job(job: Job, fail: str, code: str, ends: int) -> None:
    """By the input `fail`; a wrong call or a step that broke always does."""
    assert job.run("verdict", {"FAIL": fail, "CODE": code}).returncode == ends


def test_inputs_and_outputs_are_documented() -> None:
    """docs/github.md names each, with its default."""
    text = (ROOT / "docs" / "github.md").read_text("utf-8")
    action = read(ACTION)
    for name, about in action["inputs"].items():
        default = f"`{about['default']}`" if about["default"] else ""
        assert re.search(rf"^\| `{name}` \| {re.escape(default)} ?\|", text, re.MULTILINE), name
    for name in action["outputs"]:
        assert f"`{name}`" in text
