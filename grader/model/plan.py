"""The plan of a stack: what policy made of a submission's compose file, ready to be bound to images and run."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from grader.model.assignment import ContractService
from grader.model.findings import Finding

# The exit status of a step that the grader adds to a build when what the submission names is not there (EX_NOINPUT).
NOTHING_THERE = 66

Health = Literal["own", "none", ""]


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One image to build.

    service: whose image it is. context: folder relative to the workspace ("." for its root). dockerfile: the file's
    path in the submission, for messages. line: what its lines are raised by, where it stands in the compose file.
    text: the judged Dockerfile to write into the staged context; image names in it are the submission's own until
    `policy.bind` replaces them. base_images: the names of images that text uses; root: the one of them that the target
    grows from ("scratch" for none). health: whether the Dockerfile has a health check of its own, has put that of the
    root away, or says nothing. args: as a compose file needs them (`$` written `$$`). silenced: labels of its images
    that are put out of force. modes: files and folders of the context (or patterns of them) with the mode that they
    are copied with; below `.grader/0640/` it is copies of them that have the mode. files: texts of here-documents, by
    their path in the context. lines: for each instruction of a bound text the line of the submission's file that it
    comes from; (): as it stands in text. added: for each of them whether it is the grader's, for the sake of what
    stands on that line.
    """

    service: str
    context: str
    dockerfile: str
    text: str
    base_images: tuple[str, ...] = ()
    root: str = ""
    health: Health = ""
    target: str = ""
    args: dict[str, str] = {}
    line: int = 0
    silenced: tuple[str, ...] = ()
    modes: tuple[tuple[str, int], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    lines: tuple[int, ...] = ()
    added: tuple[bool, ...] = ()


class VolumeContent(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of the submission that is copied into a named volume before the start (in place of a bind mount).

    source: "" for one that begins empty. data: a program keeps its data there, whatever user it runs as: at home the
    folder is that user's, or one that anybody may write to.
    """

    volume: str
    source: str
    data: bool = False


class ImageUse(msgspec.Struct, frozen=True, kw_only=True):
    """Where a submission names an image first (as in a finding), and whether the catalogue has it."""

    name: str
    file: str
    line: int
    path: str
    catalogue: bool


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A service that waits until another one is healthy, which depends on what `image` brings along.

    file, line, path: where that is written.
    """

    service: str
    other: str
    image: str
    file: str
    line: int
    path: str


class StackPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be handed to Compose, and what must be made before.

    compose: the hardened model (services, networks, volumes, configs, secrets) as plain JSON data. Each service has
    `image`: a catalogue name, or "build:<service>" for a built one. Networks and volumes are named as the submission
    names them; the stack adds project names, labels, addresses and `dns`.
    replicas: containers per service. images: names of what services run and builds name. uses: where the submission
    names each of them. waits: what the images must still say. contract: the contract's services that the submission
    has. findings: notices and warnings.
    """

    compose: dict[str, Any]
    builds: tuple[Build, ...] = ()
    volume_contents: tuple[VolumeContent, ...] = ()
    replicas: dict[str, int] = {}
    images: tuple[str, ...] = ()
    uses: tuple[ImageUse, ...] = ()
    waits: tuple[Wait, ...] = ()
    contract: tuple[ContractService, ...] = ()
    findings: tuple[Finding, ...] = ()
