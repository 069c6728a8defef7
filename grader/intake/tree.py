"""The clean copy under way: every reader hands its entries here, so the same rules hold for all of them."""

from __future__ import annotations

import errno
import shutil
import time
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn, TypeVar

from grader.errors import GraderError
from grader.intake import links, names
from grader.intake.findings import Remarks
from grader.intake.survey import Kind, Survey
from grader.intake.wrapper import enter_wrapper
from grader.model.text import Text, msg
from grader.polling import Deadline

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Sequence

    from grader.intake.limits import CopyLimits
    from grader.intake.survey import Find

T = TypeVar("T")
_ARCHIVES = 5


class Tree:
    """A copy below `into`: what it holds so far, what was counted, and what there is to say.

    Links are created last, so nothing can be written through one.
    """

    def __init__(self, into: Path, limits: CopyLimits, find: Find | None = None) -> None:
        self.into = into
        self.limits = limits
        self.survey = Survey(limits, find, self.tick)
        self.remarks = Remarks()
        self.age = Deadline(limits.patience_s)
        self.began = time.thread_time()
        self.entries = 0
        self.ignored = 0
        self.bytes = 0
        self.links: dict[PurePosixPath, str] = {}
        self._kinds: dict[str, tuple[PurePosixPath, Kind]] = {}
        self._dropped: set[str] = set()
        self._written: dict[str, PurePosixPath] = {}
        self._apple = False
        self.chosen = False  # an archive, beside which something else lies, and that is said

    def anew(self) -> Tree:
        """Return an empty tree in the same place that goes on with this one's time and notices."""
        tree = Tree(self.into, self.limits, self.survey.find)
        tree.age, tree.began = self.age, self.began
        tree.remarks.notices += self.remarks.notices
        return tree

    def settle_survey(self) -> None:
        """Find out what is left out, once all names have been seen."""
        self.remarks.notices += self.survey.settle()

    def choose_archive(self) -> None:
        """Take the only archive for the submission where no program lies beside it; refuse several."""
        packed = [names.shown(path) for path in self.survey.choose()]
        if len(packed) > 1:
            self.remarks.refuse(
                "archives-several",
                msg(
                    "There is no compose file, but several archives: %(files)s.",
                    files=", ".join(packed[:_ARCHIVES]) + (", …" if len(packed) > _ARCHIVES else ""),
                ),
                packed[0],
                msg("Hand in the one that counts, alone or beside a report."),
            )
        beside = self.survey.number() - 1
        if packed and beside:
            self.chosen = True
            self.remarks.notice(
                "archive-beside",
                msg("%(file)s is graded; what lies beside it is not (%(count)d).", file=packed[0], count=beside),
                packed[0],
            )

    def tick(self) -> None:
        """Refuse what is too much work; called for every entry and block."""
        if time.thread_time() - self.began > self.limits.seconds:
            self._too_slow(self.limits.seconds)
        if self.age.passed():
            raise GraderError(
                msg("Reading the submission takes more than %(limit)d seconds.", limit=int(self.limits.patience_s)),
                msg("See what keeps this machine or its disk busy; this says nothing about the submission."),
            )

    def tick_clone(self) -> None:
        """Refuse a server that takes too long; called while git runs."""
        if self.age.elapsed() > self.limits.clone_s:
            self._too_slow(self.limits.clone_s)

    def _too_slow(self, limit: float) -> NoReturn:
        self._limit("too-slow", msg("Reading takes more than %(limit)d seconds.", limit=int(limit)))

    def place(self, parts: Sequence[str], kind: Kind) -> PurePosixPath | None:
        """Judge where an entry would lie; None if it is not copied (left out, or remembered as an error)."""
        self.tick()
        if self.survey.data(parts, kind) or self.survey.beside_archive(parts):
            return None
        if any(names.odd(part) for part in parts):
            bad = next(part for part in parts if names.odd(part))
            self.remarks.error(
                "odd-name",
                msg("The name %(name)s has characters that no file should have.", name=names.shown(bad)),
                "",
                msg("Rename it: letters, digits, dots, hyphens, at most 200 characters."),
            )
            return None
        if self._is_left_out(parts):
            return None
        parts = tuple(unicodedata.normalize("NFC", part) for part in parts)  # as a compose file would write them
        path = PurePosixPath(*parts)
        if len(str(path).encode()) > names.PATH_BYTES:
            self._limit(
                "name-too-long", msg("A path is longer than %(limit)d bytes.", limit=names.PATH_BYTES), str(path)[:200]
            )
        if len(parts) - (kind != "folder") > self.limits.depth:
            deepest = PurePosixPath(*parts[: self.limits.depth + 1])
            self._limit(
                "too-deep",
                msg("Folders are nested more than %(limit)d deep.", limit=self.limits.depth),
                str(deepest),
            )
        for length in range(1, len(parts)):
            if not self._enter(PurePosixPath(*parts[:length]), "folder"):
                return None
        return path if self._enter(path, kind) else None

    def _enter(self, path: PurePosixPath, kind: Kind) -> bool:
        """Reserve a place; False if something else has it."""
        key = names.key(path.parts)
        found = self._kinds.get(key)
        if found is None:
            self._count(path)
            self._kinds[key] = (path, kind)
            if kind == "folder":
                self._write((self.into / path).mkdir)
            return True
        if found == (path, "folder") and kind == "folder":
            return True
        if found[1] == "link" and kind == "folder":
            self.remarks.error(
                "entry-below-link",
                msg("%(path)s is a link and also a folder with files.", path=str(path)),
                str(path),
                msg("Copy the file itself in place of the link."),
            )
        else:
            self.remarks.error(
                "name-collision",
                msg("%(path)s and %(other)s are one name on many systems.", path=str(path), other=str(found[0]))
                if found[0] != path
                else msg("%(path)s is there twice.", path=str(path)),
                str(path),
                msg("Rename or remove one of them."),
            )
        return False

    def _count(self, path: PurePosixPath) -> None:
        self.entries += 1
        if self.entries > self.limits.entries:
            self._limit(
                "too-many-files", msg("There are more than %(limit)d files.", limit=self.limits.entries), str(path)
            )

    def _is_left_out(self, parts: Sequence[str]) -> bool:
        """Leave out what is no source, with one notice for each folder and not for what lies below."""
        for at, part in enumerate(parts):
            key = names.key(parts[: at + 1])
            if key in self._dropped:
                self._ignore()
                return True
            if names.apple_double(part):
                self._ignore()
                if not self._apple:
                    self._apple = True
                    self._say_left_out("/".join(parts[: at + 1]))
                return True
            way = parts[: at + 1]
            if names.left_out(part, self.survey.siblings(parts[:at])) or self.survey.environment(way):
                self.drop(parts[: at + 1])
                self._ignore()
                return True
        return False

    def _ignore(self) -> None:
        self.ignored += 1
        if self.ignored > self.limits.ignored_entries:
            self._limit(
                "too-many-files", msg("There are more than %(limit)d files.", limit=self.limits.ignored_entries)
            )

    def drop(self, parts: Sequence[str]) -> None:
        """Leave out this path and all below it, with a notice."""
        key = names.key(parts)
        if key not in self._dropped:
            self._dropped.add(key)
            self._say_left_out("/".join(parts))

    def _say_left_out(self, path: str) -> None:
        self.remarks.notice(
            "left-out",
            msg("%(path)s is not part of the submission and was left out.", path=path[:300]),
            path[:300],
            msg("What a container needs of it is installed or built in its Dockerfile."),
        )

    def file(self, path: PurePosixPath, blocks: Iterable[bytes], *, executable: bool) -> None:
        """Write one file at a place that was reserved, counting what really comes."""
        target = self.into / path
        size = 0
        writer = self._write(lambda: target.open("xb", buffering=0))  # nothing is left to be written when it closes
        with writer:
            for block in blocks:
                self.tick()
                size += len(block)
                self.bytes += len(block)
                self.check_size(path, size)
                if self.bytes > self.limits.total_bytes:
                    self._limit(
                        "submission-too-large",
                        msg("The submission is larger than %(limit)d MiB.", limit=self.limits.total_bytes >> 20),
                        str(path),
                    )
                self._write(lambda block=block: _write_all(writer, block))  # type: ignore[misc]  # bound as a default
        self._write(lambda: target.chmod(0o755 if executable else 0o644))
        self._written[names.key(path.parts)] = path

    def repeated(self, path: PurePosixPath, blocks: Iterable[bytes], *, executable: bool) -> None:
        """Judge an entry for a file that is there already: harmless if it is the same again, byte for byte."""
        target = self.into / path
        same = executable == bool(target.stat().st_mode & 0o100)
        with target.open("rb") as reader:
            for block in blocks:
                self.tick()
                same = same and reader.read(len(block)) == block
            same = same and not reader.read(1)
        if same:
            self.remarks.notice("entry-repeated", msg("%(path)s is in the archive twice.", path=str(path)), str(path))
        else:
            self._enter(path, "file")

    def check_size(self, path: PurePosixPath, size: int) -> None:
        """Refuse a file of this size, before it is read where the size is known."""
        if size > self.limits.file_bytes:
            self._limit(
                "file-too-large",
                msg("%(path)s is larger than %(limit)d MiB.", path=str(path), limit=self.limits.file_bytes >> 20),
                str(path),
            )

    def link(self, path: PurePosixPath, target: str) -> None:
        """Remember a link at a place that was reserved; it is judged when all of the tree is known."""
        self.links[path] = unicodedata.normalize("NFC", target)

    def place_named(self, name: str, kind: Kind) -> PurePosixPath | None:
        """Judge a name as an archive gives it; None if there is nothing to write for it."""
        parts = names.archive_parts(name)
        if parts is None:
            self.remarks.error(
                "path-outside",
                msg("The entry %(path)s leads out of the archive.", path=names.shown(name)),
                names.shown(name),
                msg("Make the archive from inside of your folder, with relative names."),
            )
            return None
        if not parts:  # "./", the folder itself
            return None
        return self.place(parts, kind)

    def is_file(self, parts: Sequence[str]) -> PurePosixPath | None:
        """Return the path of a regular file that has been copied under these parts."""
        return self._written.get(names.key(parts))

    def copied(self, name: str) -> PurePosixPath | None:
        """Return the path of a regular file that has been copied for an entry of exactly this name."""
        parts = tuple(unicodedata.normalize("NFC", part) for part in names.archive_parts(name) or ())
        path = self.is_file(parts)
        return path if path and path.parts == parts else None

    def files(self) -> list[PurePosixPath]:
        """Return the files copied so far."""
        return list(self._written.values())

    def check_archive(self, name: str, size: int, limit: int) -> None:
        """Refuse what is too large before it is unpacked."""
        if size > limit:
            self._limit(
                "submission-too-large", msg("The repository is larger than %(limit)d MiB.", limit=limit >> 20), name
            )

    def special(self, path: str) -> None:
        """Refuse an entry that is no file."""
        self.remarks.error(
            "special-file",
            msg("%(path)s is neither a file nor a folder (a socket, pipe or device).", path=path),
            path,
        )

    def finish(self) -> Path:
        """Drop hidden repositories, judge and create the links, and return the folder that holds the submission.

        Raises SubmissionRefusedError with all that was found.
        """
        self._drop_repositories()
        root = enter_wrapper(self.into, self.links)
        below = PurePosixPath(root.relative_to(self.into))
        for path, target in self.links.items():
            self.tick()
            unfit = links.absolute(target) or len(target) > links.TARGET_BYTES or any(map(names.odd, target.split("/")))
            # a link to a link that leads out is not named: whoever mends that one mends both
            if unfit or links.way_out(self.links, path, below) == path:
                self.link_refused(path, target)
        self.remarks.settle()
        for path, target in self.links.items():
            self._write(lambda path=path, target=target: (self.into / path).symlink_to(target))  # type: ignore[misc]
        if below.parts and not self.chosen:
            self.remarks.notice(
                "folder-entered",
                msg("The submission lies in the only folder, %(folder)s.", folder=root.name),
                root.name,
            )
        return root

    def link_refused(self, path: PurePosixPath, target: str) -> None:
        """Remember a link that leads out of the submission."""
        self.remarks.error(
            "link-outside",
            msg(
                "%(path)s is a link to %(target)s, outside of the submission.",
                path=str(path),
                target=names.shown(target[:200]),
            ),
            str(path),
            msg("Copy the file itself in place of the link."),
        )

    def _drop_repositories(self) -> None:
        """A repository needs no `.git`: git finds one in any folder with these entries, and obeys its configuration."""
        for key, (path, _) in sorted(self._kinds.items()):
            folder, _, name = key.rpartition("/")
            if name != "head" or not self._repository(folder):
                continue
            if folder:
                self._remove(path.parent)
            else:
                for part in ("HEAD", "objects", "refs", "commondir", "config", "hooks"):
                    self._remove(PurePosixPath(part))

    def _repository(self, folder: str) -> bool:
        def has(name: str) -> bool:
            return (f"{folder}/{name}" if folder else name) in self._kinds

        return has("commondir") or (has("objects") and has("refs"))

    def _remove(self, path: PurePosixPath) -> None:
        target = self.into / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        was_link = [link for link in self.links if link == path or path in link.parents]
        for link in was_link:
            del self.links[link]
        if was_link or names.key(path.parts) in self._kinds:
            self.drop(path.parts)

    def _limit(self, code: str, message: Text, path: str = "") -> NoReturn:
        self.remarks.refuse(
            code, message, path, msg("Hand in sources only: no installed packages, data or build output.")
        )

    def _write(self, action: Callable[[], T]) -> T:
        """Tell a full disk, which is ours, from a name that no file system takes, which is the submission's."""
        try:
            return action()
        except OSError as error:
            if error.errno in {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}:
                self._limit("name-too-long", msg("A path is longer than %(limit)d bytes.", limit=names.PATH_BYTES))
            raise GraderError(
                msg("The copy of the submission cannot be written: %(why)s", why=error.strerror or str(error)),
                msg("Make room on the disk that holds temporary files."),
            ) from error


def _write_all(writer: io.FileIO, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[writer.write(rest) :]
