"""What a pulled image brings along is held to the limits of a Dockerfile, before anything is built on it or started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from grader import catalogue
from grader.errors import SubmissionRefusedError
from grader.model.assignment import Limits
from grader.model.pulled import Health, PulledImage
from grader.policy import judge_images, unusable
from grader.policy.waiting import CODE
from grader.stack.image_build.dockerfile import for_engine

if TYPE_CHECKING:
    from grader.model.findings import Finding
    from grader.model.plan import StackPlan
    from tests.unit.policy.conftest import Submission

NAME = "ruby:3.3"
CORPUS = Path(__file__).parents[2] / "corpus" / "dockerfile" / "legitimate"
ORDINARY = PulledImage(
    name=NAME,
    size=1 << 30,
    env=("PATH=/usr/bin", "LANG=C.UTF-8", "GEM_HOME=/usr/local/bundle"),
    volumes=("/var/lib/data",),
    ports=("3000/tcp",),
    user="app:app",
    folder="/usr/src/app",
    shell=("/bin/bash", "-c"),
    stop_signal="SIGQUIT",
    labels=("org.opencontainers.image.title", "traefik.enable", "com.docker.compose.project"),
    triggers=("COPY . /usr/src/app", "RUN bundle install", "ENV RACK_ENV=production", "ARG X"),
    health=Health(interval=30, timeout=5),
)
HOSTILE: list[tuple[str, dict[str, Any]]] = [
    ("a folder of the system", {"folder": "/proc/self/fd/8"}),
    ("a folder that climbs", {"folder": "/app/../proc"}),
    ("a folder that is none", {"folder": "proc/self"}),
    ("a volume over the system", {"volumes": ("/data", "/proc")}),
    ("a volume over everything", {"volumes": ("/",)}),
    ("a volume with options", {"volumes": ("/a:/b",)}),
    ("very many volumes", {"volumes": tuple(f"/v{n}" for n in range(51))}),
    ("very many ports", {"ports": tuple(f"{n}/tcp" for n in range(51))}),
    ("a range of ports", {"ports": ("1-65535/tcp",)}),
    ("no user", {"user": "root --privileged"}),
    ("no signal", {"stop_signal": "SIGKILL; rm"}),
    ("very large variables", {"env": ("A=" + "x" * 70_000,)}),
    ("very many labels", {"labels": tuple(f"l{n}" for n in range(201))}),
    ("very many triggers", {"triggers": ("RUN true",) * 51}),
    ("a trigger that cannot be read", {"triggers": ("RUN <<E\nx\nE",)}),
    ("a trigger of two lines", {"triggers": ("RUN x \\\n y",)}),
    ("an empty trigger", {"triggers": ("",)}),
]  # fmt: skip
TRIGGERS = [
    ("ADD http://169.254.169.254/latest /x", "add-remote"),
    ("ADD ${REMOTE} /x", "add-remote"),
    ("COPY --from=grader.local/build/x:run / /", "image-not-allowed"),
    ("COPY --from=node:20 / /", "image-onbuild"),
    ("COPY --from=0 / /", "dockerfile-from"),
    ("COPY --chmod=755 a /a", "image-onbuild"),
    ("COPY --link a /a", "image-onbuild"),
    ("RUN --mount=type=bind,from=node:20,target=/x true", "image-onbuild"),
    ("RUN --network=host true", "run-option"),
    ("RUN --security=insecure true", "run-option"),
    ("WORKDIR /proc/self/fd/8", "workdir"),
    ("WORKDIR $PLACE", "workdir"),
    ("VOLUME /proc", "mount-target"),
    ("EXPOSE 1-65535", "too-many-ports"),
    ("LABEL traefik.enable=true", "image-onbuild"),
    ("FROM evil/x:1", "image-onbuild"),
    ("ONBUILD RUN x", "image-onbuild"),
    ("MAINTAINER me", "image-onbuild"),
    ("NONSENSE x", "dockerfile-instruction"),
]


def planned(submission: Submission, dockerfile: str = f"FROM {NAME}\n", service: str = "build: .") -> StackPlan:
    submission.write("Dockerfile", dockerfile)
    return submission.compose(f"services:\n  app:\n    {service}\n").plan()


def brought(plan: StackPlan, image: PulledImage, limits: Limits | None = None) -> StackPlan:
    return judge_images(plan, {NAME: image}, limits or Limits())


def refused(plan: StackPlan, **brings: Any) -> tuple[Finding, ...]:
    with pytest.raises(SubmissionRefusedError) as caught:
        brought(plan, PulledImage(name=NAME, **brings))
    return caught.value.findings


def test_an_ordinary_image_is_taken_as_it_is(submission: Submission) -> None:
    """Nothing is said of it, and it builds and runs."""
    before = planned(submission)
    after = brought(before, ORDINARY)
    assert after.findings == before.findings
    assert [b.text for b in after.builds] == [b.text for b in before.builds]


@pytest.mark.parametrize(("what", "brings"), HOSTILE, ids=[what for what, _ in HOSTILE])
def test_what_a_dockerfile_could_not_say_no_image_may_bring(
    submission: Submission, what: str, brings: dict[str, Any]
) -> None:
    """It is refused at the line that names the image, whether it is built on or run as it is."""
    for service, file, line in (("build: .", "Dockerfile", 1), (f"image: {NAME}", "compose.yaml", 3)):
        found = refused(planned(submission, service=service), **brings)
        assert {(f.code, f.severity, f.file, f.line) for f in found} >= {("image-config", "error", file, line)}
        assert all(f.message.params.get("image") == NAME and f.remedy for f in found)


@pytest.mark.parametrize(("trigger", "code"), TRIGGERS)
def test_what_an_image_does_when_it_is_built_on_is_judged(submission: Submission, trigger: str, code: str) -> None:
    """The engine does it as it stands, so what would have to be mended is refused as well."""
    plan = planned(submission, f"\nFROM node:20-alpine AS a\nFROM {NAME}\n")
    env = ("REMOTE=http://127.0.0.1/x", "PLACE=/proc")
    found = refused(plan, triggers=("RUN true", trigger), env=env)
    assert (code, 3) in {(f.code, f.line) for f in found}
    assert all(f.line == 3 for f in found if f.severity == "error")


def test_a_copy_with_a_mode_does_not_set_off_what_was_not_judged(submission: Submission) -> None:
    """Such a copy needs a stage on the image that is copied from."""
    plan = planned(submission, f"FROM node:20-alpine\nCOPY --from={NAME} --chmod=755 /a /a\n")
    assert {(f.code, f.line) for f in refused(plan, triggers=("ADD http://10.0.0.1/ /x",))} == {("add-remote", 2)}


@pytest.mark.parametrize(
    ("dockerfile", "brings", "code", "line"),
    [
        ("FROM {}\nWORKDIR $HERE/x\n", {"env": ("HERE=/proc",)}, "workdir", 2),
        ("FROM {}\nWORKDIR fd\n", {"folder": "/app", "env": ()}, "", 0),
        ("FROM {} AS a\nFROM a\nRUN x\nWORKDIR $HERE\n", {"env": ("HERE=/sys/x",)}, "workdir", 4),
        ("FROM {}\nEXPOSE $MANY\n", {"env": ("MANY=1-60000",)}, "too-many-ports", 2),
        ("FROM {}\nUSER $WHO\n", {"env": ("WHO=a b",)}, "attribute-value", 2),
        ("FROM {}\nVOLUME /x /y\n", {"volumes": tuple(f"/v{n}" for n in range(49))}, "too-many", 2),
    ],
)  # fmt: skip
def test_a_dockerfile_is_read_once_more_with_what_its_image_sets(
    submission: Submission, dockerfile: str, brings: dict[str, Any], code: str, line: int
) -> None:
    """Variables of an image are not known when a Dockerfile is first judged."""
    plan = planned(submission, dockerfile.format(NAME))
    if not code:
        brought(plan, PulledImage(name=NAME, **brings))
    else:
        assert {(f.code, f.file, f.line) for f in refused(plan, **brings)} == {(code, "Dockerfile", line)}


def test_lines_of_a_dockerfile_within_the_compose_file_are_its_own(submission: Submission) -> None:
    """A finding leads to the compose file."""
    inline = f"dockerfile_inline: |\n        FROM {NAME}\n        WORKDIR $$X\n"
    submission.compose(f"services:\n  app:\n    build:\n      {inline}")
    (finding,) = refused(submission.plan(), env=("X=/proc",))
    assert (finding.code, finding.file, finding.line) == ("workdir", "compose.yaml", 6)


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.stem)
def test_what_students_write_is_right_on_an_ordinary_image_too(submission: Submission, path: Path) -> None:
    """The second reading finds nothing that the first did not."""
    submission.write("Dockerfile", path.read_bytes())
    plan = submission.compose("services:\n  app:\n    build: .\n").plan()
    image = msgspec.structs.replace(ORDINARY, size=0, triggers=())
    images = {use.name: msgspec.structs.replace(image, name=use.name) for use in plan.uses}
    assert judge_images(plan, images, Limits()).builds


def test_images_of_a_submission_have_a_weight_together(submission: Submission) -> None:
    """Two that are small enough alone may be too large."""
    plan = planned(submission, f"FROM {NAME}\nCOPY --from=rust:1 /a /a\n")
    half = {name: PulledImage(name=name, size=600 << 20) for name in (NAME, "rust:1")}
    assert judge_images(plan, half, Limits(images_mib=1200))
    with pytest.raises(SubmissionRefusedError) as caught:
        judge_images(plan, half, Limits(images_mib=1199))
    assert {(f.code, f.line) for f in caught.value.findings if f.severity == "error"} == {
        ("image-too-large", 1), ("image-too-large", 2),
    }  # fmt: skip


HEALTH = [
    ({"interval": 0.001}, {"interval": "1s"}),
    ({"timeout": 600}, {"timeout": "60s"}),
    ({"interval": 5, "timeout": 60}, None),
    ({}, None),
]


@pytest.mark.parametrize(("brings", "runs"), HEALTH)
@pytest.mark.parametrize("service", ["build: .", f"image: {NAME}"])
def test_the_health_check_of_an_image_keeps_the_limits(
    submission: Submission, service: str, brings: dict[str, float], runs: dict[str, str] | None
) -> None:
    """It is asked no more often, and ended no later, than one of the compose file."""
    plan = brought(planned(submission, service=service), PulledImage(name=NAME, health=Health(**brings)))
    assert plan.compose["services"]["app"].get("healthcheck") == runs


@pytest.mark.parametrize(
    ("dockerfile", "service", "runs"),
    [
        (f"FROM {NAME}\nHEALTHCHECK CMD true\n", "build: .", None),
        (f"FROM {NAME}\n", "{build: ., healthcheck: {test: 'true', interval: 7s}}", {"test": "true", "interval": "7s"}),
        (f"FROM {NAME}\n", "{build: ., healthcheck: {interval: 7s}}", {"interval": "7s", "timeout": "60s"}),
        (f"FROM {NAME}\n", "{build: ., healthcheck: {disable: true}}", {"disable": True}),
        (f"FROM node:20-alpine\nCOPY --from={NAME} /a /a\n", "build: .", None),
    ],
)
def test_a_health_check_that_is_written_down_is_another_one(
    submission: Submission, dockerfile: str, service: str, runs: dict[str, Any] | None
) -> None:
    """Only what comes from the image is limited here."""
    submission.write("Dockerfile", dockerfile)
    text = service if service.startswith("{") else f"{{{service}}}"
    plan = submission.compose(f"services: {{app: {text}}}").plan()
    image = PulledImage(name=NAME, health=Health(interval=0.5, timeout=500))
    assert brought(plan, image).compose["services"]["app"].get("healthcheck") == runs


def test_labels_of_an_image_are_put_out_of_force(submission: Submission) -> None:
    """Tools on the machine obey labels, and so would our own watch: on containers, and on the steps of a build."""
    image = PulledImage(name=NAME, labels=("traefik.enable", "grader.role", "com.docker.compose.project", "a b=\n"))
    for service in ("build: .", f"image: {NAME}"):
        plan = brought(planned(submission, service=service), image)
        assert plan.compose["services"]["app"]["labels"] == {"traefik.enable": "", "grader.role": ""}
    text, _ = for_engine(brought(planned(submission), image).builds[0])
    assert text == (
        f'FROM {NAME}\nLABEL grader.layer=1 traefik.enable="" grader.role="" com.docker.compose.project=""\n'
    )


@pytest.mark.parametrize(("health", "waits"), [(None, "service_started"), (Health(), "service_healthy")])
def test_who_waits_for_an_image_from_outside_is_told_when_it_is_here(
    submission: Submission, health: Health | None, waits: str
) -> None:
    """Only then anybody knows whether it has a health check."""
    submission.write("Dockerfile", f"FROM {NAME}\n")
    submission.compose(
        "services:\n  a: {build: .}\n  b: {build: ., depends_on: {a: {condition: service_healthy}, c: "
        f"{{condition: service_started}}}}}}\n  c: {{image: '{NAME}'}}\n"
    )
    plan = brought(submission.plan(), PulledImage(name=NAME, health=health))
    depends = plan.compose["services"]["b"]["depends_on"]
    assert depends == {"a": {"condition": waits}, "c": {"condition": "service_started"}}
    found = [(f.line, f.path) for f in plan.findings if f.code == CODE]
    assert found == ([] if health else [(3, "services.b.depends_on.a")])
    assert plan.waits == ()


def test_an_image_that_its_registry_does_not_have_is_named_where_it_is_written(submission: Submission) -> None:
    """One finding an image, each at its line; what the submission does not name is none of its faults."""
    plan = planned(submission, f"FROM node:20-alpine\nCOPY --from={NAME} /a /a\nCOPY --from=rust:0 /b /b\n")
    found = unusable(plan, {"rust:0": "absent", NAME: "private", "gone:1": "absent"}, catalogue.load())
    assert [(f.code, f.severity, f.file, f.line) for f in found] == [
        ("image-not-found", "error", "Dockerfile", 2),
        ("image-not-found", "error", "Dockerfile", 3),
    ]
    assert len({f.message.msgid for f in found}) == 2
    assert [f.code for f in unusable(plan, {NAME: "too-large"}, catalogue.load())] == ["image-too-large"]


def test_for_an_image_that_nobody_has_the_nearest_one_is_proposed(submission: Submission) -> None:
    """A tag that its registry lacks has neighbours that can be had; a name that resembles nothing has none."""
    submission.compose("services: {zoo: {image: 'confluentinc/cp-zookeeper:7.2'}, x: {image: 'quay.io/foo/thing:1'}}")
    names = ("confluentinc/cp-zookeeper:7.2", "quay.io/foo/thing:1")
    near, far = unusable(submission.plan(), dict.fromkeys(names, "absent"), catalogue.load())
    assert near.remedy
    assert near.remedy.params == {"image": "confluentinc/cp-zookeeper:7.9.0"}
    assert far.remedy
    assert far.remedy.params == {}
