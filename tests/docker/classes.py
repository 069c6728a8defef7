"""A class of twelve for the assignment `greeting`: right, wrong, hostile, broken and slow, as folders and archives."""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

ASSIGNMENTS = Path(__file__).parent / "assignments"
DOCKERFILE = 'FROM python:3.13-slim\nCOPY app.py /app.py\n{build}CMD ["python3", "-u", "/app.py"]\n'
COMPOSE = "services:\n  api:\n    build: .\n"
APP = """# {name}
import http.server, os, sys, time
{before}
class Greeting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"{says}")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 3000), Greeting).serve_forever()
"""
ONCE = "if os.path.exists('/seen'): sys.exit(1)\nopen('/seen', 'w')"
# student -> (state, score) that the grading must give
EXPECTED = {
    "ana": ("final", 100),
    "ben": ("final", 100),
    "cruz": ("final", 100),
    "dora": ("final", 0),
    "elio": ("final", 60),
    "fede": ("rejected", 0),
    "gina": ("rejected", 0),
    "hugo": ("final", 0),
    "ines": ("final", 0),
    "juan": ("final", 100),
    "kiko": ("final", 100),
    "lola": ("rejected", 0),
}


def make(folder: Path) -> Path:
    """Write the class into the new folder and return it."""
    folder.mkdir()
    right(folder, "ana")
    shutil.copytree(folder / "ana", folder / "ben")  # the same files: graded once
    right(folder, "cruz")
    right(folder, "dora", says="chau")
    right(folder, "elio", before=ONCE)
    right(folder, "fede", compose=COMPOSE + "    privileged: true\n")
    with zipfile.ZipFile(folder / "gina.zip", "w") as archive:
        archive.writestr("../../compose.yaml", COMPOSE)
    right(folder, "hugo", build="RUN exit 1\n")
    right(folder, "ines", before="sys.exit(1)", compose=COMPOSE + "    restart: always\n")
    right(folder, "juan", before="time.sleep(6)")
    _packed(folder, right(folder, "kiko"))
    (folder / "lola").mkdir()
    (folder / "lola" / "notas.txt").write_text("no me dio tiempo\n")
    return folder


def right(
    folder: Path, name: str, *, says: str = "hola", before: str = "", build: str = "", compose: str = COMPOSE
) -> Path:
    """Write a submission that greets, with what makes it another one."""
    made = folder / name
    made.mkdir()
    (made / "app.py").write_text(APP.format(name=name, says=says, before=before))
    (made / "Dockerfile").write_text(DOCKERFILE.format(build=build))
    (made / "compose.yaml").write_text(compose)
    return made


def _packed(folder: Path, made: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(made, arcname="entrega")
    (folder / f"{made.name}.tar.gz").write_bytes(packed.getvalue())
    shutil.rmtree(made)
