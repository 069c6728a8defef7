"""Recipes hash to what they contain, and their build context is the same everywhere."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import msgspec
import pytest

from grader import catalogue, paths
from grader.errors import GraderError
from grader.images import certificates, recipes

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = catalogue.load()


def test_every_equivalent_has_a_recipe():
    """No name leads to a folder that is not there, and no folder to no name."""
    used = {equivalent.recipe for equivalent in KNOWN.equivalents.values()}
    for name in used:
        assert (recipes.folder(name) / "Dockerfile").is_file()
    root = paths.repository()
    assert root is not None
    assert used == {path.name for path in (root / "fixtures" / "images").iterdir() if path.is_dir()}


def test_an_unknown_recipe_is_our_error():
    """A recipe that is not installed is not the submission's fault."""
    with pytest.raises(GraderError):
        recipes.folder("nothing")


def test_fingerprints_differ_where_arguments_do():
    """Two equivalents of one recipe are two images."""
    prints = {name: recipes.fingerprint(KNOWN, equivalent) for name, equivalent in KNOWN.equivalents.items()}
    assert len(set(prints.values())) == len(prints)


def test_a_change_underneath_changes_everything_above(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A base with another recipe makes what stands on it stale."""
    before = recipes.fingerprint(KNOWN, KNOWN.equivalents["node:20-alpine"])
    (tmp_path / "Dockerfile").write_text("FROM scratch\n", "utf-8")
    original = recipes.folder
    monkeypatch.setattr(recipes, "folder", lambda name: tmp_path if name == "debian" else original(name))
    assert recipes.fingerprint(KNOWN, KNOWN.equivalents["node:20-alpine"]) != before


def test_a_changed_argument_changes_the_fingerprint():
    """The version of a package in the catalogue is part of what is built."""
    node = KNOWN.equivalents["node:22-slim"]
    changed = msgspec.structs.replace(node, args={**node.args, "WHEEL": "22.19.0"})
    assert recipes.fingerprint(KNOWN, changed) != recipes.fingerprint(KNOWN, node)


def test_the_context_has_the_files_and_no_clock():
    """The archive holds the recipe, scripts executable, with no times or owners of this machine."""
    assert recipes.context("rabbitmq") == recipes.context("rabbitmq")
    with tarfile.open(fileobj=io.BytesIO(recipes.context("rabbitmq"))) as archive:
        members = {member.name: member for member in archive.getmembers()}
    assert {"Dockerfile", "docker-entrypoint.sh", "10-defaults.conf"} <= set(members)
    assert members["docker-entrypoint.sh"].mode == 0o755
    assert {(member.mtime, member.uid) for member in members.values()} == {(0, 0)}


def test_certificates_of_the_host_that_the_distribution_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Only what was added to this machine's trust is handed on, once."""
    common, extra = (f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----" for body in ("AAAA", "BBBB"))
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(f"# comment\n{common}\n{extra}\n{extra}\n", "utf-8")
    distributed = tmp_path / "distributed"
    distributed.mkdir()
    (distributed / "common.crt").write_text(common + "\n", "utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setattr(certificates, "_DISTRIBUTED", distributed)
    assert certificates.host_extras() == (extra + "\n",)
