"""Why a database and its tables fail."""

from __future__ import annotations

from grader.model.reasons.reason import Reason
from grader.model.text import msg

REASONS: dict[str, Reason] = {
    "database-missing": Reason(
        title=msg("The contract's database does not exist"),
        why=msg("The contract's tables lie in the contract's database; in another one nobody finds them."),
        hint=msg(
            "Set POSTGRES_DB on the database's service; it acts on an empty data folder only (docker compose down -v)."
        ),
    ),
    "table-differs": Reason(
        title=msg("A table is not as the contract says"),
        why=msg("The grader writes and reads rows as the contract describes them; here the database refused."),
        hint=msg("Create the table exactly as in the handout; further columns need a default."),
    ),
}
