"""Why a grading itself does not come to its checks, or to no verdict."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

GRADING: dict[str, Reason] = {
    # -- start-up
    "submission-refused": Reason(
        title=msg("The submission was not started"),
        why=msg("What is unsafe or outside of the contract is never started."),
        hint=msg("Each finding says file, line and the way to write it; grader inspect shows them without Docker."),
    ),
    "image-not-found": Reason(
        title=msg("An image does not exist"),
        why=msg("A project whose image the registry does not have starts nowhere."),
        hint=msg("Look up the name and the tag on the page of the registry; docker pull says the same at home."),
    ),
    "image-too-large": Reason(
        title=msg("An image is too large"),
        why=msg("What a submission brings along may not fill the disk of the machine that it runs on."),
        hint=msg("Use a smaller image: most have a variant -slim or -alpine."),
    ),
    "build-failed": Reason(
        title=msg("An image does not build"),
        why=msg("Without its image a service cannot start, so nothing could be checked."),
        hint=msg("Run docker compose build and read the first error. Dependencies are installed in the build."),
    ),
    "build-timeout": Reason(
        title=msg("An image took too long to build"),
        why=msg("Without its image a service cannot start, so nothing could be checked."),
        hint=msg("Run docker compose build and see which step takes so long; install only what is needed."),
    ),
    "build-disk": Reason(
        title=msg("An image needs too much disk"),
        why=msg("A build may not fill the disk of the machine that it runs on."),
        hint=msg("Copy and install only what is needed; remove what a step downloads within that step."),
    ),
    "disk-exceeded": Reason(
        title=msg("The project wrote too much to disk"),
        why=msg("Containers and volumes of a project together have a limit, since a full disk stops everybody."),
        hint=msg("Look for a loop that writes or logs into a file, and for data that is never removed."),
    ),
    "start-failed": Reason(
        title=msg("The project does not start"),
        why=msg("Nothing can be checked in a project that docker compose up does not start."),
        hint=msg("Run docker compose up and read what it says first."),
    ),
    "service-not-ready": Reason(
        title=msg("A service was not ready in time"),
        why=msg("What is not ready within the contract's time cannot be checked."),
        hint=msg(
            "Read the last log lines of the service, then start the project with docker compose up and look at it."
        ),
    ),
    "replicas-cannot-start": Reason(
        title=msg("Only one replica can start like this"),
        why=msg(
            "A fixed container_name or host port can belong to one container only: docker compose up refuses more."
        ),
        hint=msg("Remove container_name, and the host part of ports, from services with replicas."),
    ),
    "dependency-without-healthcheck": Reason(
        title=msg("The project does not start: nobody looks whether a service is healthy"),
        why=msg(
            "A service that waits with condition: service_healthy for one without a health check is refused by "
            "docker compose up."
        ),
        hint=msg("Write a healthcheck: for the service that is waited for, or wait with service_started."),
    ),
    "no-answer": Reason(
        title=msg("A service stopped answering"),
        why=msg("The check could not go on because a container of the submission did not answer."),
        hint=msg("Look at the container's state and last log lines below."),
    ),
    # -- ours
    "grader-error": Reason(
        title=msg("The grader failed, not you"),
        why=msg("This costs no points: the grade is provisional until the check has been repeated."),
        hint=msg("Run it again; if it stays, send the report to whoever runs the grader."),
    ),
    "image-missing": Reason(
        title=msg("The grader lacks an image, not you"),
        why=msg("This costs no points: the grade is provisional until the image is there and the check was repeated."),
        hint=msg("Whoever runs the grader makes the image available: grader images ensure."),
    ),
}
