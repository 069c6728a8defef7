"""Addresses of git repositories: https to a public host by name, and nothing else."""

from __future__ import annotations

import ipaddress
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import SplitResult, urlsplit

from grader.errors import GraderError
from grader.model.text import Text, msg

if TYPE_CHECKING:
    from grader.intake.findings import Remarks

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:(//|:)|[\w.-]+@[\w.-]+:|(https?|ssh|git|file|ftp):/")
_HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_PATH = re.compile(r"/[A-Za-z0-9._~/%+@-]{1,500}")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def address(source: Path | str) -> str | None:
    """Return the address that `source` is, or None for a path."""
    text = str(source)
    if not _ADDRESS.match(text):
        return None
    if isinstance(source, Path):
        if source.exists():
            return None
        text = re.sub(r"^([a-zA-Z]+:)/(?!/)", r"\1//", text)  # a Path has one slash where the address had two
    return text


def is_address(source: Path | str) -> bool:
    """Say whether `source` is the address of a repository and no path on this machine."""
    return address(source) is not None


def accepted(url: str, remarks: Remarks) -> tuple[str, str]:
    """Return the host of an address that may be fetched and its public IP; refuses every other."""
    if url.lower().startswith(("http://", "git://", "ssh://", "file:", "ftp")) or not url.lower().startswith("https:"):
        _refuse(remarks, msg("Only https addresses are fetched."))
    try:
        parts = urlsplit(url)
        why = _wrong(url, parts)
    except ValueError:
        parts, why = SplitResult("", "", "", "", ""), msg("It is not a valid address.")
    if why:
        _refuse(remarks, why)
    host = (parts.hostname or "").lower()
    found = resolve(host)
    if not all(map(_public, found)):
        _refuse(remarks, msg("Its host is not on the public internet."))
    return host, found[0]


def _wrong(url: str, parts: SplitResult) -> Text | None:
    if parts.username is not None or parts.password is not None:
        return msg("It must not contain a user name or password.")
    if parts.port not in {None, 443}:
        return msg("Only the port 443 is used.")
    if not _HOST.fullmatch((parts.hostname or "").lower()):
        return msg("Its host must be a name such as github.com.")
    plain = url.isascii() and url.isprintable() and "?" not in url and "#" not in url and " " not in url
    if not plain or not _PATH.fullmatch(parts.path) or ".." in parts.path:
        return msg("It must be the plain address of the repository, without a query or a fragment.")
    return None


def resolve(host: str) -> list[str]:
    """Return all addresses of a host; a name that does not resolve may be the network's fault."""
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise GraderError(
            msg("git-unreachable: the host %(host)s cannot be resolved.", host=host),
            msg("Check the address and this machine's network, or hand in a zip."),
        ) from error
    return [str(entry[4][0]) for entry in found]


def _public(text: str) -> bool:
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _refuse(remarks: Remarks, why: Text) -> NoReturn:
    remarks.refuse(
        "git-address",
        why,
        "",
        msg("Give the address as %(example)s, or hand in a zip.", example="https://github.com/USER/REPOSITORY.git"),
    )
