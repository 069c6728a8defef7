"""The extra fields of a zip entry: sizes that need 64 bits, and the name in Unicode that some programs show instead."""

from __future__ import annotations

import struct
import zlib

_WIDE, _UNICODE_PATH = 0x0001, 0x7075
_UNSET = 0xFFFFFFFF
_UTF8 = 0x800


def field(extra: bytes, wanted: int) -> bytes | None:
    """Return the content of one field; ValueError if it is there twice, so that programs may take either."""
    found = None
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == wanted:
            if found is not None:
                raise ValueError(kind)
            found = extra[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def wide(extra: bytes, *values: int) -> list[int]:
    """Replace values of 0xFFFFFFFF by those of the zip64 field, where there is one."""
    if _UNSET not in values:
        return list(values)
    content = field(extra, _WIDE)
    at = 0
    found = []
    for value in values:
        if value == _UNSET and content is not None:
            found.append(struct.unpack_from("<Q", content, at)[0])
            at += 8
        else:
            found.append(value)
    return found


def name(raw: bytes, flags: int, extra: bytes) -> str:
    """Return the name: UTF-8 where it says so or is so (macOS does not say), else of a Windows code page."""
    said = _unicode_path(raw, extra)
    if said is not None:
        return said
    if flags & _UTF8:
        return raw.decode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp850")


def one_name(raw: bytes, extra: bytes, local_extra: bytes) -> bool:
    """Say whether a program that knows the Unicode field and one that does not would write the same file.

    The plain name of honest programs differs only in the characters that their code page lacks.
    """
    if field(local_extra, _UNICODE_PATH) not in {None, field(extra, _UNICODE_PATH)}:
        return False
    said = _unicode_path(raw, extra)
    if said is None:
        return True
    plain = raw.decode("latin-1")
    one, other = said.split("/"), plain.split("/")
    return len(one) == len(other) and all(map(_transcribed, one, other))


def _transcribed(name: str, plain: str) -> bool:
    if name == plain:
        return True
    if name.isascii():
        return False
    waiting = iter(plain)
    return all(any(c == wanted for c in waiting) for wanted in name if wanted.isascii())


def _unicode_path(raw: bytes, extra: bytes) -> str | None:
    """Return the name of the Unicode field if it was made for this name."""
    content = field(extra, _UNICODE_PATH)
    if content is None or len(content) < 6 or content[0] != 1:
        return None
    if struct.unpack_from("<I", content, 1)[0] != zlib.crc32(raw):
        return None
    return content[5:].decode("utf-8", "surrogateescape")
