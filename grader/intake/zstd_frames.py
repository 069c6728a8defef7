"""The frames of a zstd file, walked before they are decompressed.

The library does not say that the last frame is cut off, nor how much memory a frame asks for before it has it.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_FRAME = 0xFD2FB528
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_RLE = 1


class Frames:
    """A file of zstd frames that is read through to the decompressor.

    too_wide: called for a frame whose window is over `limit` bytes. tick: called now and then. Raises EOFError at the
    end of a file within a frame, ValueError for what is no frame.
    """

    def __init__(self, file: IO[bytes], limit: int, too_wide: Callable[[], None], tick: Callable[[], None]) -> None:
        self._file = file
        self._limit = limit
        self._too_wide = too_wide
        self._tick = tick
        self._walk = self._frames()
        self._wanted = next(self._walk)
        self._part = bytearray()
        self._between = True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the file, once it is seen that they continue a frame."""
        self._tick()
        data = self._file.read(size)
        if not data and not (self._between and not self._part):
            raise EOFError
        at = 0
        while at < len(data):
            at += self._step(data, at)
        return data

    def _step(self, data: bytes, at: int) -> int:
        """Take what is wanted next, or as much of it as there is; return how much that was."""
        if self._wanted < 0:  # to be passed over
            taken = min(-self._wanted, len(data) - at)
            self._wanted += taken
            if not self._wanted:
                self._wanted = next(self._walk)
            return taken
        piece = data[at : at + self._wanted - len(self._part)]
        self._part += piece
        if len(self._part) == self._wanted:
            got, self._part = bytes(self._part), bytearray()
            self._wanted = self._walk.send(got)
        return len(piece)

    def _frames(self) -> Generator[int, bytes, None]:
        """Yield how many bytes to be given next, negative for how many to pass over; never 0."""
        while True:
            self._between = True
            magic = int.from_bytes((yield 4), "little")
            self._between = False
            if magic in _SKIPPABLE:
                size = int.from_bytes((yield 4), "little")
                if size:
                    yield -size
            elif magic == _FRAME:
                yield from self._frame((yield 1)[0])
            else:
                raise ValueError(magic)

    def _frame(self, said: int) -> Generator[int, bytes, None]:
        single = said >> 5 & 1
        dictionary = (0, 1, 2, 4)[said & 3]
        content = (single, 2, 4, 8)[said >> 6]
        header = yield (1 - single) + dictionary + content
        if _window(header, single, content) > self._limit:
            self._too_wide()
        last = 0
        while not last:
            block = int.from_bytes((yield 3), "little")
            last = block & 1
            size = 1 if block >> 1 & 3 == _RLE else block >> 3
            if size:
                yield -size
        if said >> 2 & 1:  # a checksum
            yield 4


def _window(header: bytes, single: int, content: int) -> int:
    if not single:
        return (1 << 10 + (header[0] >> 3)) // 8 * (8 + (header[0] & 7))
    size = int.from_bytes(header[-content:], "little")
    return size + 256 if content == 2 else size
