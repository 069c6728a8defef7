"""Texts in the reader's language, and catalogues that are complete."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grader import i18n, process
from grader.model.text import Text, literal, msg

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


def load_script() -> ModuleType:
    """Load scripts/i18n, which has no ending that Python would import."""
    loader = importlib.machinery.SourceFileLoader("scripts_i18n", str(ROOT / "scripts" / "i18n"))
    spec = importlib.util.spec_from_loader("scripts_i18n", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scripts_i18n"] = module
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


SCRIPT = load_script()


@pytest.mark.parametrize(
    ("text", "lang", "words"),
    [
        (msg("Final grade"), "es", "Nota final"),
        (msg("Final grade"), "en", "Final grade"),
        (msg("exit code %(code)s", code=137), "es", "código de salida 137"),
        (msg("said nowhere %(x)s", x=2.0), "es", "said nowhere 2"),
        (msg("said nowhere %(x)s", x=0.256), "en", "said nowhere 0.3"),
        (msg("said nowhere %(x).2f", x=0.256), "en", "said nowhere 0.26"),
        (msg("said nowhere %(x)d", x=3), "en", "said nowhere 3"),
        (msg("100% of it"), "en", "100% of it"),
        (Text("needs %(more)s", {"other": 1}), "en", "needs %(more)s"),
        (literal("%(not)s a placeholder 100%"), "es", "%(not)s a placeholder 100%"),
        (msg(""), "es", ""),
    ],
)
def test_render(text: Text, lang: str, words: str) -> None:
    """Numbers read well, a student's percent sign is not a placeholder, nothing raises."""
    assert words == i18n.render(text, lang)


def test_an_assignment_brings_catalogues_of_its_own(tmp_path: Path) -> None:
    """Public and hidden texts of an assignment are asked before the grader's, which still answers."""
    for folder, translation in (("locale", "Pública"), ("hidden/locale", "Oculta")):
        catalogue = SCRIPT.build({f"said in {folder}": []}, {f"said in {folder}": translation})
        path = tmp_path / folder / "es" / "LC_MESSAGES" / "grader.mo"
        path.parent.mkdir(parents=True)
        path.write_bytes(SCRIPT.compiled(catalogue))
    said = [i18n.render(msg(m), "es", tmp_path) for m in ("said in locale", "said in hidden/locale", "Final grade")]
    assert said == ["Pública", "Oculta", "Nota final"]


@pytest.mark.parametrize("tongue", SCRIPT.tongues(), ids=lambda t: t.folder.relative_to(ROOT).as_posix())
def test_catalogue_is_complete(tongue: object) -> None:
    """Every text has a Spanish translation with its placeholders, compiled (mend: scripts/i18n update)."""
    assert SCRIPT.faults(tongue) == []


def test_an_incomplete_catalogue_is_noticed(tmp_path: Path) -> None:
    """The check that guards the others fails on a missing text, other placeholders and an old .mo."""
    (tmp_path / "babel.cfg").write_text((ROOT / "babel.cfg").read_text())
    source = tmp_path / "grader" / "a.py"
    source.parent.mkdir()
    source.write_text('msg("one %(n)s", n=1)\nmsg("two")\n')
    tongue = SCRIPT.Tongue((tmp_path / "grader",), (), tmp_path / "grader" / "locale")
    SCRIPT.update(tongue, tmp_path)
    tongue.po.write_text(tongue.po.read_text().replace('"one %(n)s"\nmsgstr ""', '"one %(n)s"\nmsgstr "uno %(m)s"'))
    found = [fault.partition(":")[0] for fault in SCRIPT.faults(tongue, tmp_path)]
    assert found == ["not translated", "other placeholders", "not compiled"]


def test_every_message_id_is_a_literal() -> None:
    """`msg` of a variable or an f-string could not be extracted."""
    sources = [*(ROOT / "grader").rglob("*.py"), *(ROOT / "assignments").rglob("*.py")]
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "msg"
        and not _says(node.args[0])
    ]
    assert wrong == []


def _says(message: ast.expr) -> bool:
    """Say whether a message id is a literal, or that of another Text (`other.msgid`), which was one where it stands."""
    return isinstance(message, ast.Constant) or (isinstance(message, ast.Attribute) and message.attr == "msgid")


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "es"),
        ({"GRADER_LANG": "en"}, "en"),
        ({"GRADER_LANG": "es", "LC_ALL": "en_GB.UTF-8"}, "es"),
        ({"GRADER_LANG": "", "LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "en"}, "en"),
        ({"LANG": "es_MX"}, "es"),
        ({"LANG": "ca_ES@valencia"}, "es"),
        ({"LANG": "C", "LC_MESSAGES": "en_US"}, "en"),
        ({"LANG": "en_US", "LC_MESSAGES": "es_ES"}, "es"),
        ({"LANG": "en_US", "LC_ALL": "C.UTF-8"}, "es"),
        ({"LANG": "POSIX"}, "es"),
        ({"LANG": "eng"}, "es"),
    ],
    ids=str,
)
def test_who_names_no_language_is_spoken_to_in_theirs(environment: dict[str, str], lang: str) -> None:
    """GRADER_LANG, else the locale in POSIX's order (C and POSIX say nothing), else Spanish."""
    assert i18n.default_language(environment) == lang


@pytest.mark.parametrize("tongue", SCRIPT.tongues(), ids=lambda t: t.folder.relative_to(ROOT).as_posix())
def test_a_catalogue_that_nobody_has_compiled_says_the_same(tongue: Any, tmp_path: Path) -> None:
    """A fresh checkout speaks Spanish before anything is installed, from the readable file."""
    if not tongue.po.is_file():
        pytest.skip("this assignment's checks say nothing of their own")
    (tmp_path / "locale").mkdir()
    shutil.copytree(tongue.folder, tmp_path / "locale", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.mo"))
    for message, words in SCRIPT.known(tongue).items():
        assert i18n.translations("es", tmp_path).gettext(message) == words


def test_a_fresh_checkout_speaks_spanish_on_any_python(tmp_path: Path) -> None:
    """`make help` needs neither an environment nor a compiled catalogue."""
    for folder in ("grader", "scripts"):
        left_out = shutil.ignore_patterns("*.mo", "__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=left_out)
    argv = [sys.executable, "-S", "-E", "-B", str(tmp_path / "scripts" / "targets.py")]
    done = process.run(argv, deadline_s=60, env={"GRADER_LANG": "es"}, cwd=tmp_path, check=True)
    assert "las pruebas que no necesitan Docker" in done.output
