"""Installing packages: once, after whoever holds apt's locks, with apt's own words when it fails.

The programs are scripts of the test's own that answer as apt and dpkg do; the real ones are met on new machines.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from grader.i18n import render
from grader.images import packages

if TYPE_CHECKING:
    from pathlib import Path

    from grader.model.text import Text

DPKG_QUERY = 'cat "$STATE/status" 2>/dev/null; true'
INSTALLS = """
echo "$@" >> "$STATE/calls"
case "$*" in *install*) echo '#!/bin/sh' > "$BIN/tool"; chmod +x "$BIN/tool"; echo installed > "$STATE/status" ;; esac
"""


class Machine:
    """A folder of programs, first on the path, and what they were called with."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin, self.state = root / "bin", root / "state"
        for folder in (self.bin, self.state):
            folder.mkdir()
        monkeypatch.setenv("PATH", f"{self.bin}:/usr/bin:/bin")
        monkeypatch.setenv("GRADER_CACHE", str(root / "cache"))
        self.told: list[str] = []
        self.program("dpkg-query", DPKG_QUERY)

    def program(self, name: str, body: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\nSTATE={self.state} BIN={self.bin}\n{body}\n")
        file.chmod(0o755)

    def install(self) -> None:
        packages.install("tool-package", provides="tool", on_progress=self.tell)

    def tell(self, text: Text) -> None:
        self.told.append(render(text, "en"))

    @property
    def calls(self) -> list[str]:
        file = self.state / "calls"
        return file.read_text().splitlines() if file.is_file() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Nothing is installed there."""
    return Machine(tmp_path, monkeypatch)


def test_several_at_once_install_it_once(machine: Machine) -> None:
    """The others wait, and find it there."""
    machine.program("apt-get", INSTALLS)
    threads = [threading.Thread(target=machine.install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.split()[-1] for call in machine.calls] == ["update", "tool-package"]
    assert machine.told == ["Installing tool-package with apt (a minute or two)"]


def test_what_is_there_is_left_alone(machine: Machine) -> None:
    """Also where dpkg knows nothing of it: another vendor's package, or none."""
    machine.program("apt-get", INSTALLS)
    machine.program("tool", "")
    (machine.state / "status").write_text("dpkg-query: no packages found matching tool-package\n")
    machine.install()
    assert machine.calls == []


def test_what_is_half_installed_is_not_taken_for_there(machine: Machine) -> None:
    """Its program lies in place while another apt, or one that was killed, has not configured it."""
    machine.program("apt-get", INSTALLS)
    machine.program("tool", "")
    (machine.state / "status").write_text("unpacked\n")
    machine.install()
    assert machine.calls[-1].endswith("tool-package")


def test_a_lock_is_waited_for(machine: Machine) -> None:
    """Also that of the lists, for which apt itself does not wait."""
    busy = """
if [ ! -e "$STATE/waited" ]; then touch "$STATE/waited"
echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)"; exit 100; fi
"""
    machine.program("apt-get", busy + INSTALLS)
    machine.install()
    assert machine.told[1:] == ["Another program installs packages; waiting for it"]
    assert [call.split()[-1] for call in machine.calls] == ["update", "tool-package"]


def test_what_a_killed_run_left_is_taken_up(machine: Machine) -> None:
    """Dpkg says that it was interrupted: its own way out is taken, and the installation tried again."""
    cut = """
case "$*" in *tool-package*) if [ ! -e "$STATE/mended" ]; then
echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct it."; exit 100; fi ;; esac
"""
    machine.program("apt-get", cut + INSTALLS)
    machine.program("dpkg", 'echo "dpkg $@" >> "$STATE/calls"; touch "$STATE/mended"')
    machine.install()
    assert any(call.startswith("dpkg") and "--configure -a" in call for call in machine.calls)
    assert machine.calls[-1].endswith("install -y --no-install-recommends tool-package")


def test_a_failure_has_apts_own_words_and_what_to_type(machine: Machine) -> None:
    """And nothing is said to be there."""
    machine.program(
        "apt-get", 'case "$*" in *install*) echo "E: Unable to locate package tool-package"; exit 100 ;; esac'
    )
    with pytest.raises(packages.PackagesError) as caught:
        machine.install()
    assert "Unable to locate package tool-package" in render(caught.value.message, "es")
    assert caught.value.remedy
    assert "sudo apt-get install tool-package" in render(caught.value.remedy, "es")
