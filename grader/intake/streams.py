"""Decompression as a stream: a little at a time, with a bound on memory, bytes and time; nothing after the end."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import IO, TYPE_CHECKING, NoReturn, Protocol

from grader.intake.limits import BLOCK
from grader.model.text import msg
from grader.zstd import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.intake.tree import Tree

# Whatever the readers and the libraries below them raise for bytes that are no archive.
BROKEN = (
    EOFError, ValueError, IndexError, OverflowError, MemoryError, struct.error, zlib.error, lzma.LZMAError,
    zstd.ZstdError,
)  # fmt: skip
_CHUNK = 64 * 1024
_MEMORY = 96 * 1024 * 1024  # xz -9 needs 65 MiB, and says so in its header
_WINDOW_LOG = 25  # 32 MiB: zstd -19 needs 8, --long and --ultra up to 128


class Decompressor(Protocol):
    """What bz2, lzma and zstd offer, and `Inflate` for zlib. A member ends with `eof`: of zstd that is a frame."""

    @property
    def eof(self) -> bool: ...  # noqa: D102 - as in the standard library
    @property
    def needs_input(self) -> bool: ...  # noqa: D102
    @property
    def unused_data(self) -> bytes: ...  # noqa: D102
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...  # noqa: D102


class Inflate:
    """zlib's decompressor in the shape of the others. wbits: 31 for gzip, -15 for the bare stream in a zip."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._full = False

    @property
    def eof(self) -> bool:
        """Say whether the stream has ended, its checksum right."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Say whether nothing more comes without more data."""
        return not self._inner.unconsumed_tail and not self._full

    @property
    def unused_data(self) -> bytes:
        """What follows the end of the stream in the data given."""
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return at most `max_length` bytes."""
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._full = len(out) == max_length  # more may wait inside, though all input is consumed
        return out


_MEMBERS: dict[str, Callable[[], Decompressor]] = {
    "gzip": lambda: Inflate(31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY),
    "zstd": lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}),
}


class Source:
    """What an archive file holds once decompressed, read forwards. Counts what comes and watches the clock."""

    def __init__(self, file: IO[bytes], compression: str, tree: Tree, name: str) -> None:
        self._file = file
        self._tree = tree
        self._name = name
        self._left = tree.limits.read_bytes
        self._member: Decompressor | None = None
        self._new = _MEMBERS.get(compression)
        self._input = b""
        self._ready = b""
        self._at = 0
        self._began = False
        self._padded = compression != "zstd"  # with zeros, by tools that fill blocks

    def allow(self, size: int) -> None:
        """Let this much more be read than a submission may unpack to."""
        self._left += size

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes (at most one block), nothing at the end only."""
        self._tree.tick()
        if self._at == len(self._ready):
            self._ready, self._at = self._block(), 0
            self._left -= len(self._ready)
            if self._left < 0:
                self._tree.remarks.refuse(
                    "submission-too-large",
                    msg("The archive unpacks to more than %(limit)d MiB.", limit=self._tree.limits.read_bytes >> 20),
                    self._name,
                    msg("Hand in sources only: no installed packages, data or build output."),
                )
        out = self._ready[self._at : self._at + size]
        self._at += len(out)
        return out

    def exactly(self, size: int) -> bytes:
        """Return `size` bytes (small); EOFError if they do not come."""
        out = bytearray()
        while len(out) < size:
            block = self.read(size - len(out))
            if not block:
                raise EOFError
            out += block
        return bytes(out)

    def _block(self) -> bytes:
        return self._unpacked(self._new) if self._new else self._file.read(BLOCK)

    def _unpacked(self, new: Callable[[], Decompressor]) -> bytes:
        while True:
            self._tree.tick()
            if self._member is None:
                if not self._next_member():
                    return b""
                self._member = new()
            if self._member.needs_input and not self._input:
                self._input = self._file.read(_CHUNK)
                if not self._input:
                    raise EOFError
            data, self._input = self._input, b""
            out = self._decompressed(self._member, data)
            if self._member.eof:
                self._input = self._member.unused_data
                self._member = None
                self._began = True
            if out:
                return out

    def _decompressed(self, member: Decompressor, data: bytes) -> bytes:
        try:
            return member.decompress(data, BLOCK)
        except lzma.LZMAError as error:
            if "limit" in str(error):  # all that tells it from damage
                self._too_wide(_MEMORY)
            raise
        except zstd.ZstdError as error:
            if "too much memory" in str(error):
                self._too_wide(1 << _WINDOW_LOG)
            raise

    def _too_wide(self, limit: int) -> NoReturn:
        self._tree.remarks.refuse(
            "archive-memory",
            msg("%(file)s needs more than %(limit)d MiB of memory to be unpacked.", file=self._name, limit=limit >> 20),
            self._name,
            msg("Make the archive with: %(command)s", command="tar -czf entrega.tar.gz -C FOLDER ."),
        )

    def _next_member(self) -> bool:
        """Say whether another member follows: after the first, zeros are padding and all else must be one."""
        if not self._began:
            return True
        if not self._padded:
            self._input = self._input or self._file.read(_CHUNK)
            return bool(self._input)
        while True:
            self._tree.tick()
            self._input = self._input.lstrip(b"\0") or self._file.read(_CHUNK)
            if not self._input:
                return False
            if self._input[0]:
                break
        if not self._input.startswith((b"\x1f", b"B", b"\xfd")):
            self._tree.remarks.ambiguous(self._name, msg("%(file)s has something else after its end.", file=self._name))
        return True
