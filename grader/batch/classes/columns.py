"""The columns of a roster: found by their headings, in any order, in English or Spanish."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# By what they mean; the first heading of a row that is there is taken (`id` may stand beside `username`).
COLUMNS: Final = {
    "student": (
        "student", "estudiante", "username", "usuario", "nombre_de_usuario", "id", "identifier", "identificador",
        "roster_identifier", "sid", "student_id", "id_number", "numero_de_id",
    ),
    "name": ("name", "nombre", "full_name", "nombre_completo"),
    "first": ("first_name", "given_name", "nombres", "nombre(s)"),
    "last": ("last_name", "surname", "family_name", "apellido(s)", "apellidos", "apellido"),
    "email": (
        "email", "correo", "e-mail", "email_address", "correo_electronico", "direccion_de_correo",
        "direccion_de_correo_electronico", "direccion_email",
    ),
    "source": ("source", "url", "repo", "repositorio", "path", "ruta"),
    "attempt": ("attempt", "intento"),
    "submitted_at": ("submitted_at", "entregado"),
    "late": ("late", "tarde"),
    "github": ("github", "github_username"),
    "repository": ("student_repository_name",),
}  # fmt: skip
# Canvas's gradebook: its "Student" is a name, and its "ID" is what the names of downloads have.
_CANVAS: Final = {
    "name": ("student", "estudiante"),
    "canvas": ("id",),
    "login": ("sis_login_id",),
    "email": COLUMNS["email"],
}
_OF_CANVAS: Final = ("section", "seccion", "sis_login_id", "sis_user_id")
_KNOWN: Final = frozenset(heading for headings in COLUMNS.values() for heading in headings)
_CLASSROOM_GRADES: Final = frozenset({"assignment_name", "student_repository_url", "points_awarded"})
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
    canvas = "id" in at and any(h in at for h in _CANVAS["name"]) and any(h in at for h in _OF_CANVAS)
    found = {}
    for meaning, headings in (_CANVAS if canvas and "name" not in at else COLUMNS).items():
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


def of_classroom_grades(header: Sequence[str]) -> bool:
    """Say whether these are the headings of GitHub Classroom's grade export."""
    return set(map(heading, header)) >= _CLASSROOM_GRADES
