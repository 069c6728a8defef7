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
}
