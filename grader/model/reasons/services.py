"""Why services fail, whatever they are."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

SERVICES: dict[str, Reason] = {
    "not-recovered": Reason(
        title=msg("It does not recover after the broker was away"),
        why=msg("Brokers are restarted and updated; whoever uses them must come back without help."),
        hint=msg(
            "Handle close and error of the connection: connect, declare and consume anew, or exit and "
            "let restart: work."
        ),
    ),
    "stop-ignored": Reason(
        title=msg("SIGTERM is ignored"),
        why=msg("After 10 s Docker kills the process in the middle of whatever it does."),
        hint=msg("Handle SIGTERM, or use init: true; a process with PID 1 ignores signals that it has no handler for."),
    ),
    "replica-missing": Reason(
        title=msg("A replica is missing"),
        why=msg("Only with two replicas can one see whether they share what they cache."),
        hint=msg("Set deploy.replicas: 2, without container_name and without a single fixed port."),
    ),
}
