"""Which repository a clone came from and which commit it holds, read without git."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from grader.intake import clone_files

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}", re.ASCII)
_ADDRESS: Final = re.compile(
    r"(?:https://(?:[^@/\s]+@)?|ssh://git@|git@)(?P<host>[A-Za-z0-9.-]+)[:/](?P<name>[^\s?#]+?)(?:\.git)?/?"
)
_SECTION: Final = re.compile(r"^\s*\[\s*(?P<name>[^\]]+?)\s*\]\s*$")
_URL: Final = re.compile(r"^\s*url\s*=\s*(?P<url>\S+)\s*$")
_REF: Final = re.compile(r"ref: (?P<ref>refs/heads/[A-Za-z0-9._/-]{1,200})")
_SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ROOM: Final = 1_000_000  # bytes of packed-refs, the largest of these files


def of_address(address: str, host: str = "github.com") -> str:
    """Return "owner/name" of an address on `host`, "" for any other one."""
    found = _ADDRESS.fullmatch(address)
    if found is None or found["host"].lower() != host.lower():
        return ""
    return found["name"] if NAME.fullmatch(found["name"]) else ""


def remote(clone: Path) -> str:
    """Return the address of a clone's remote "origin", "" when it has none."""
    inside = False
    for line in _text(clone, "config").splitlines():
        if section := _SECTION.match(line):
            inside = section["name"] == 'remote "origin"'
        elif inside and (url := _URL.match(line)):
            return url["url"]
    return ""


def commit(clone: Path) -> str:
    """Return the commit that a clone holds (its HEAD), "" when it cannot be told."""
    head = _text(clone, "HEAD").strip()
    found = _REF.fullmatch(head)
    if found and ".." not in found["ref"]:
        loose = _text(clone, found["ref"]).strip()
        head = loose or _packed(clone, found["ref"])
    return head if _SHA.fullmatch(head) else ""


def _packed(clone: Path, ref: str) -> str:
    for line in _text(clone, "packed-refs").splitlines():
        sha, _, name = line.partition(" ")
        if name == ref:
            return sha
    return ""


def _text(clone: Path, name: str) -> str:
    return clone_files.read(clone, name, _ROOM).decode("utf-8", "replace")
