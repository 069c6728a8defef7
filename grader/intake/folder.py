"""Intake of a folder: copy regular files, folders and harmless links; refuse or leave out everything else."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path, PurePosixPath

import msgspec

from grader.errors import SubmissionRefusedError, UsageError
from grader.intake.names import ARCHIVE_SUFFIXES, COMPOSE_FILES, left_out, odd
from grader.model.findings import Finding
from grader.model.text import Text, msg
from grader.model.workspace import Workspace

_BLOCK = 256 * 1024


class CopyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one submission may hold: number of entries, bytes in all and per file, depth of folders."""

    entries: int = 5000
    total_bytes: int = 200 * 1024 * 1024
    file_bytes: int = 50 * 1024 * 1024
    depth: int = 20


LIMITS = CopyLimits()


def take(source: Path, into: Path, *, limits: CopyLimits = LIMITS) -> Workspace:
    """Copy the submission at `source` into the folder `into` and return the clean copy.

    Raises UsageError if there is nothing at `source` or `into` lies within it, SubmissionRefusedError with every reason
    why the submission cannot be taken.
    """
    if not source.exists():
        raise UsageError(msg("There is no submission at %(path)s.", path=str(source)))
    if not source.is_dir():
        raise SubmissionRefusedError(_not_a_folder(source))
    source = source.resolve()
    if into.resolve().is_relative_to(source):
        raise UsageError(msg("The copy cannot lie inside of the submission (%(path)s).", path=str(into)))
    copy = _Copy(source, into, limits)
    copy.folder(PurePosixPath(), 0)
    copy.check_links()
    if copy.errors:
        raise SubmissionRefusedError(*copy.errors)
    root = _enter_wrapper(into)
    if root != into:
        copy.notice(
            "folder-entered", msg("The submission lies in the only folder, %(folder)s.", folder=root.name), root.name
        )
    return Workspace(root=str(root.resolve()), name=source.name or "submission", findings=tuple(copy.notices))


def _not_a_folder(source: Path) -> Finding:
    if source.name.lower().endswith(ARCHIVE_SUFFIXES):
        return Finding(
            code="archive-not-supported",
            severity="error",
            message=msg("%(file)s is an archive; only folders can be handed in.", file=source.name),
            remedy=msg("Unpack it and name the folder that holds the compose file."),
            file=source.name,
        )
    return Finding(
        code="not-a-folder",
        severity="error",
        message=msg("%(file)s is a file; a submission is a folder with a compose file.", file=source.name),
        remedy=msg("Name the folder that holds the compose file."),
        file=source.name,
    )


def _enter_wrapper(root: Path) -> Path:
    """Return the single folder that wraps the submission, or `root` (archives and exports like to add one)."""
    while True:
        entries = list(root.iterdir())
        if len(entries) != 1 or not entries[0].is_dir() or entries[0].is_symlink():
            return root
        if any((root / name).exists() for name in COMPOSE_FILES):
            return root
        root = entries[0]


class _Copy:
    """One copy under way: what it has counted so far and what it has to say."""

    def __init__(self, source: Path, into: Path, limits: CopyLimits) -> None:
        self.source = source
        self.into = into
        self.limits = limits
        self.entries = 0
        self.bytes = 0
        self.links: list[PurePosixPath] = []
        self.errors: list[Finding] = []
        self.notices: list[Finding] = []

    def folder(self, relative: PurePosixPath, depth: int) -> None:
        """Copy what the folder at `relative` holds."""
        if depth > self.limits.depth:
            self._refuse(
                "too-deep", msg("Folders are nested more than %(limit)d deep.", limit=self.limits.depth), relative
            )
        try:
            (self.into / relative).mkdir(parents=True, exist_ok=True)
            with os.scandir(self.source / relative) as scan:
                found = sorted(itertools.islice(scan, self.limits.entries + 1), key=lambda e: e.name)
        except OSError as error:
            self._unreadable(relative, error)
            return
        names = {e.name for e in found}
        for entry in found:
            try:
                self._entry(entry, relative / entry.name, names, depth)
            except OSError as error:
                self._unreadable(relative / entry.name, error)

    def _unreadable(self, path: PurePosixPath, error: OSError) -> None:
        self._error(
            "unreadable-file",
            msg("%(path)s cannot be read: %(why)s.", path=str(path), why=error.strerror or str(error)),
            str(path),
        )

    def _entry(self, entry: os.DirEntry[str], path: PurePosixPath, siblings: set[str], depth: int) -> None:
        self.entries += 1
        if self.entries > self.limits.entries:
            self._refuse("too-many-files", msg("There are more than %(limit)d files.", limit=self.limits.entries), path)
        if odd(entry.name):
            shown = entry.name.encode("utf-8", "backslashreplace").decode()[:80]
            self._error(
                "odd-name", msg("The name %(name)s has characters that no file should have.", name=repr(shown)), ""
            )
        elif left_out(entry.name, siblings):
            self.notice(
                "left-out",
                msg("%(path)s is not part of the submission and was left out.", path=str(path)),
                str(path),
                msg("What a container needs of it is installed or built in its Dockerfile."),
            )
        elif entry.is_symlink():
            self._link(path)
        elif entry.is_dir(follow_symlinks=False):
            self.folder(path, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            self._file(path)
        else:
            self._error(
                "special-file",
                msg("%(path)s is neither a file nor a folder (a socket, pipe or device).", path=str(path)),
                str(path),
            )

    def _file(self, path: PurePosixPath) -> None:
        """Copy one regular file, counting what is really read; opened without following a link swapped in since."""
        descriptor = os.open(self.source / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as reader:
            mode = os.fstat(reader.fileno()).st_mode
            if not stat.S_ISREG(mode):
                self._error("special-file", msg("%(path)s is not a regular file.", path=str(path)), str(path))
                return
            target = self.into / path
            size = 0
            with target.open("xb") as writer:
                while block := reader.read(_BLOCK):
                    size += len(block)
                    self.bytes += len(block)
                    if size > self.limits.file_bytes:
                        self._refuse(
                            "file-too-large",
                            msg(
                                "%(path)s is larger than %(limit)d MiB.",
                                path=str(path),
                                limit=self.limits.file_bytes >> 20,
                            ),
                            path,
                        )
                    if self.bytes > self.limits.total_bytes:
                        self._refuse(
                            "submission-too-large",
                            msg("The submission is larger than %(limit)d MiB.", limit=self.limits.total_bytes >> 20),
                            path,
                        )
                    writer.write(block)
        target.chmod(0o755 if mode & 0o111 else 0o644)

    def _link(self, path: PurePosixPath) -> None:
        """Copy a relative link whose target stays in the tree; refuse every other."""
        target = (self.source / path).readlink()
        if target.is_absolute() or not _stays_inside(self.source, path):
            self._link_refused(path, str(target))
            return
        (self.into / path).symlink_to(target)
        self.links.append(path)

    def check_links(self) -> None:
        """Judge each link again where it lies now: one that left the tree and came back by name leaves it for good."""
        for path in self.links:
            if not _stays_inside(self.into, path):
                self._link_refused(path, str((self.into / path).readlink()))
                (self.into / path).unlink()

    def _link_refused(self, path: PurePosixPath, target: str) -> None:
        self._error(
            "link-outside",
            msg("%(path)s is a link to %(target)s, outside of the submission.", path=str(path), target=target[:200]),
            str(path),
            msg("Copy the file itself in place of the link."),
        )

    def _refuse(self, code: str, message: Text, path: PurePosixPath) -> None:
        """Stop at once: going on would cost what the limit protects."""
        self._error(code, message, str(path), msg("Hand in sources only: no installed packages, data or build output."))
        raise SubmissionRefusedError(*self.errors)

    def _error(self, code: str, message: Text, path: str, remedy: Text | None = None) -> None:
        self.errors.append(Finding(code=code, severity="error", message=message, file=path, remedy=remedy))

    def notice(self, code: str, message: Text, path: str, remedy: Text | None = None) -> None:
        """Remember a remark that refuses nothing."""
        self.notices.append(Finding(code=code, severity="notice", message=message, file=path, remedy=remedy))


def _stays_inside(root: Path, link: PurePosixPath) -> bool:
    """Resolve every step of the link; a loop counts as outside."""
    try:
        return (root / link).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False
