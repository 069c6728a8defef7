"""An assignment: its contract with the submission, its rubric, its checks."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from grader.model.text import Bilingual

Level = Literal["core", "robust", "bonus"]
Visibility = Literal["public", "hidden"]
Images = Literal["catalogue", "public"]
WORKER = "worker"  # the role of what has no room of its own: it shows by its work whether it is ready


TERMS: Final = ("user", "password", "database")  # what a contract may say of logging in


class ContractService(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service that the contract names.

    role: which system it is, by the name of its room (`grader.brokers`), or WORKER. port: the port that others use.
    replicas: how many containers the contract demands (1 unless said). A broker or database under test must run a
    catalogue image. user, password, database: what the room's probe logs in with, as the handout says; which of them a
    system has, its room says (`Broker.terms`). optional: a submission may do without it. one_of: a word that several
    services share, of which a submission has at least one.
    """

    name: str
    role: str
    port: int = 0
    replicas: int = 1
    images: tuple[str, ...] = ()  # upstream names that a broker under test may run ("rabbitmq")
    user: str = ""
    password: str = ""
    database: str = ""
    optional: bool = False
    one_of: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one container may use; `ready_s` is the contract's time to readiness in seconds.

    build_s, build_disk_mib: what all builds of a submission may take; build_memory_mib: what a step of one may.
    images_mib: what all images from outside of the catalogue may weigh that a submission names, unpacked.
    disk_mib: what all containers of a submission may write, volumes and all.
    """

    memory_mib: int = 512
    cpus: float = 1.0
    pids: int = 512
    ready_s: float = 90.0
    build_s: float = 300.0
    build_memory_mib: int = 2048
    build_disk_mib: int = 4096
    disk_mib: int = 6144
    images_mib: int = 6144


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """What grading one submission keeps busy of a machine: memory of the whole stack, processors on average."""

    memory_mib: int = 2048
    cpus: float = 1.0


class CheckSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the rubric together with what its test says of itself.

    requirement: the test's docstring. needs: ids of the checks that must pass first. fails_on: codes of findings that
    fail this check before it runs ("what fails at home must not pass here").
    """

    id: str
    title: Bilingual
    requirement: Bilingual
    points: int
    level: Level
    visibility: Visibility
    needs: tuple[str, ...] = ()
    fails_on: tuple[str, ...] = ()


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """An assignment as loaded from `assignments/<id>/assignment.yaml` and its tests.

    services: the contract's, those too that a submission may not have; `StackPlan.contract` has those that one has.
    images: what a submission may build on and run beside its brokers and databases, which are the catalogue's always:
    anything of the public registries (what an assignment.yaml means that says nothing), or the catalogue alone.
    directory: where it lies.
    """

    id: str
    title: Bilingual
    services: tuple[ContractService, ...]
    checks: tuple[CheckSpec, ...]
    limits: Limits = Limits()
    weight: Weight = Weight()
    images: Images = "catalogue"
    version: str = "1"
    directory: str = ""

    def service(self, name: str) -> ContractService | None:
        """Return the contract's service of that name."""
        return next((s for s in self.services if s.name == name), None)

    def demanded(self) -> tuple[tuple[ContractService, ...], ...]:
        """Return what no submission may lack: each service by itself, or those of which one must be there."""
        found: dict[str, list[ContractService]] = {}
        for service in self.services:
            if not service.optional:
                found.setdefault(service.one_of or service.name, []).append(service)
        return tuple(tuple(alternatives) for alternatives in found.values())

    def check(self, check_id: str) -> CheckSpec:
        """Return the rubric row with that id (KeyError if there is none)."""
        for spec in self.checks:
            if spec.id == check_id:
                return spec
        raise KeyError(check_id)
