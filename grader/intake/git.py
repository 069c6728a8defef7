"""Intake of a git repository: cloned bare with nothing of its own obeyed, exported as a tar, read as any archive."""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from grader import process, scratch
from grader.errors import GraderError
from grader.intake import archive, git_address, names
from grader.intake.git_address import address, is_address
from grader.model.text import msg
from grader.polling import pause

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import PurePosixPath

    from grader.intake.tree import Tree

__all__ = ["address", "clone_url", "is_address", "read_bundle", "say_missing"]

_CLONE_BYTES = 300 * 1024 * 1024
_BUNDLE_LINES = 10_000
_CONFIG = (
    "http.followRedirects=false", "http.proxy=", "credential.helper=", "core.hooksPath=/dev/null", "core.fsmonitor=",
    "core.symlinks=true",  # nothing is checked out; links are judged by the reader of the export
    "core.attributesFile=/dev/null", "protocol.allow=never", "fetch.fsckObjects=true", "transfer.fsckObjects=true",
    "submodule.recurse=false", "filter.lfs.smudge=", "filter.lfs.required=false", "gc.auto=0", "maintenance.auto=false",
    "core.deltaBaseCacheLimit=16m", "core.bigFileThreshold=8m", "pack.threads=1",
)  # fmt: skip
# Stands above every .gitattributes of the repository: the export holds what was committed, byte for byte.
_ATTRIBUTES = "* -export-ignore -export-subst -text -ident -filter -working-tree-encoding -eol\n"
_LFS = b"version https://git-lfs.github.com/spec/"


def clone_url(url: str, tree: Tree) -> str:
    """Hand the repository at an https address to `tree` and return its name."""
    host, ip = git_address.accepted(url, tree.remarks)
    pinned = f"[{ip}]" if ":" in ip else ip  # what was judged is what is fetched, whatever the name says next
    options = ("protocol.https.allow=always", f"http.curloptResolve={host}:443:{pinned}")
    _clone(url, options, "https", tree)
    return url.rstrip("/").rpartition("/")[2].removesuffix(".git")


def read_bundle(source: Path, tree: Tree) -> None:
    """Hand the repository in a bundle to `tree`."""
    tree.check_archive(names.shown(source.name), source.stat().st_size, _CLONE_BYTES)
    _clone(str(source.resolve()), ("protocol.file.allow=always",), "file", tree, branch=_branch(source, tree))


def _branch(source: Path, tree: Tree) -> str:
    """Return the branch to take of a bundle made without HEAD (`git bundle create FILE main`); "" if it has one.

    The bundle's own list is read: version and capabilities in lines, then `-ID` or `ID NAME` up to an empty line.
    """
    found = set()
    with source.open("rb") as file:
        for _ in range(_BUNDLE_LINES):
            tree.tick()
            line = file.readline(_BUNDLE_LINES)
            if not line.strip():
                break
            found.add(line.decode("utf-8", "replace").strip().partition(" ")[2])
    branches = sorted(name.removeprefix("refs/heads/") for name in found if name.startswith("refs/heads/"))
    usual = [name for name in ("main", "master") if name in branches]
    return "" if "HEAD" in found or not branches else (usual or branches)[0]


def _clone(origin: str, options: tuple[str, ...], protocol: str, tree: Tree, *, branch: str = "") -> None:
    with scratch.folder("git") as folder:
        git = _Git(folder, options, protocol, tree)
        repository = folder / "repository"
        git.run(
            "clone", "--bare", "--depth=1", "--no-tags", "--single-branch", "--template=", "--no-local", "--quiet",
            *([f"--branch={branch}"] if branch else []), "--", origin, str(repository),
        )  # fmt: skip
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text(_ATTRIBUTES)
        export = folder / "submission.tar"
        git.run(f"--git-dir={repository}", "archive", "--format=tar", f"--output={export}", "HEAD")
        archive.read(export, "tar", tree)
    _remark(tree)


class _Git:
    """git with an environment made from nothing, a deadline, and an eye on what it writes."""

    def __init__(self, folder: Path, options: tuple[str, ...], protocol: str, tree: Tree) -> None:
        program = shutil.which("git")
        if program is None:
            raise GraderError(
                msg("git is not installed on this machine."), msg("Install it: %(command)s", command="apt install git")
            )
        (folder / "home").mkdir()
        self._folder = folder
        self._tree = tree
        limit = shutil.which("prlimit")  # a single file's size; the folder's is watched
        self._argv = [limit, f"--fsize={_CLONE_BYTES}", "--", program] if limit else [program]
        for option in (*_CONFIG, *options):
            self._argv += ["-c", option]
        self._env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder / "home"),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_ALLOW_PROTOCOL": protocol,
            "GIT_CEILING_DIRECTORIES": str(folder),
        }

    def run(self, *arguments: str) -> None:
        child = process.spawn([*self._argv, *arguments], env=self._env, cwd=self._folder, output_cap=10_000)
        try:
            while child.running():
                self._tree.tick_clone()
                self._tree.check_archive("", _size(self._folder), _CLONE_BYTES)
                pause(0.01)
        except BaseException:
            child.kill()
            raise
        completed = child.wait(math.inf)
        if completed.returncode != 0:
            self._failed(completed.output)

    def _failed(self, output: str) -> None:
        if re.search(r"Could not resolve|Failed to connect|timed out|Connection (reset|refused)", output):
            raise GraderError(
                msg("git-unreachable: the repository's host does not answer."),
                msg("Check the address and this machine's network, or hand in a zip."),
            )
        lines = [line for line in output.splitlines() if line.startswith(("fatal:", "error:"))]
        self._tree.remarks.refuse(
            "git-failed",
            msg("git cannot read the repository: %(why)s", why=ascii((lines or [""])[0][:200])),
            "",
            msg("It must be public and have a commit on its main branch; or hand in a zip."),
        )


def _size(folder: Path) -> int:
    size = 0
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                size += (Path(root) / name).lstat().st_size
            except OSError:  # git renames what it has received
                continue
    return size


def say_missing(tree: Tree, folders: Collection[PurePosixPath]) -> None:
    """Note the repositories within the one handed in, which has the name of a commit in place of their files."""
    modules = tree.into / ".gitmodules"
    text = modules.read_text("utf-8", "replace") if modules.is_file() else ""
    declared = {line.partition("=")[2].strip() for line in text.splitlines() if line.strip().startswith("path")}
    nested = [folder for folder in folders if str(folder) not in declared]
    there = {str(folder) for file in tree.files() for folder in file.parents}
    if modules.is_file() and not (declared and declared <= there):
        tree.remarks.notice(
            "git-submodules",
            msg("Submodules are not fetched; their folders are empty."),
            ".gitmodules",
            msg("Commit the files themselves."),
        )
    for folder in nested:
        path = shlex.quote(str(folder))
        command = f"git rm --cached {path} && rm -rf {path}/.git && git add {path} && git commit -m x && git push"
        tree.remarks.notice(
            "git-nested-repository",
            msg(
                "%(path)s is a repository of its own: the one handed in only refers to it, and its files are missing.",
                path=str(folder),
            ),
            str(folder),
            msg("Type in your repository: %(command)s", command=command),
        )


def _remark(tree: Tree) -> None:
    say_missing(tree, tree.survey.empty_folders())  # git itself has no empty ones
    for path in tree.files():
        target = tree.into / path
        if target.stat().st_size < 1024 and target.read_bytes().startswith(_LFS):
            tree.remarks.notice(
                "git-lfs",
                msg("%(path)s is kept in Git LFS and is not fetched.", path=str(path)),
                str(path),
                msg("Commit the file itself."),
            )
