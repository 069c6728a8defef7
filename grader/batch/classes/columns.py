"""The columns of a roster: found by their headings, in any order, in English or Spanish."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# By what they mean; the first heading of a row that is there is taken (`id` may stand beside `username`).
COLUMNS: Final = {
    "student": ("student", "estudiante", "username", "usuario", "id", "identifier", "identificador"),
    "name": ("name", "nombre", "full_name", "nombre_completo"),
    "email": ("email", "correo", "e-mail", "email_address", "correo_electronico", "direccion_de_correo"),
    "source": ("source", "url", "repo", "repositorio", "path", "ruta"),
    "attempt": ("attempt", "intento"),
    "submitted_at": ("submitted_at", "entregado"),
    "late": ("late", "tarde"),
    "github": ("github", "github_username"),
}
_KNOWN: Final = frozenset(heading for headings in COLUMNS.values() for heading in headings)
DELIMITERS: Final = ",;\t"


def heading(cell: str) -> str:
    """Return a heading without its accents, capitals and spaces, as `COLUMNS` has it."""
    plain = unicodedata.normalize("NFKD", cell.strip().casefold())
    return re.sub(r"\s+", "_", "".join(c for c in plain if not unicodedata.combining(c)))


def delimiter(line: str) -> str:
    """Return what separates the cells of a header line: what gives the most headings that are known."""

    def known(mark: str) -> int:
        return sum(heading(cell.strip('" \r\n')) in _KNOWN for cell in line.split(mark))

    return max(DELIMITERS, key=known)


def placed(header: Sequence[str]) -> dict[str, int]:
    """Return where the columns are, by what they mean; those that are not there are missing."""
    at = {heading(cell): place for place, cell in reversed(list(enumerate(header)))}
    found = {}
    for meaning, headings in COLUMNS.items():
        place = next((at[h] for h in headings if h in at), None)
        if place is not None:
            found[meaning] = place
    return found


def repeated(header: Sequence[str]) -> str:
    """Return a known heading that is there twice, or ""."""
    seen: set[str] = set()
    for cell in map(heading, header):
        if cell in seen and cell in _KNOWN:
            return cell
        seen.add(cell)
    return ""
