"""Photographs a report for the README: its verdict and one failed check, with what happened in order.

    python scripts/picture.py [REPORT] [--check ID] [--out PNG]

Needs Chromium or Chrome (CHROMIUM names one that lies elsewhere). Exit code 0, or 3 with what is missing.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

from PIL import Image, ImageChops

from grader import process
from grader.scratch import folder

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
QUIET = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
SHOT_S = 120.0
# The report's widest column and a little of the page around it; higher than one check can be.
WIDTH, HEIGHT = 960, 4000
MARGIN = 24
COLOURS = 128
LANG = "en"  # the README's
# The head, and the check between its neighbours.
STYLE = """<style>
main > section:not(:has(> .checks)), main .waiting-intro, footer {{ display: none; }}
.check:not({it}, :has(+ {it}), {it} + .check) {{ display: none; }}
</style></head>"""


class CannotError(Exception):
    """What is missing, and what to do about it, in a line."""


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("report", nargs="?", type=Path, default=ROOT / "reports" / "demo" / "auto-ack" / "report.html")
    parser.add_argument("--check", default="ack.after-work", help="the failed check that is shown open")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "report.png")
    asked = parser.parse_args()
    try:
        page = _read(asked.report)
        with folder("picture") as scratch:
            shot = _photograph(_cut(page, asked.check), scratch)
            _trimmed(shot).quantize(COLOURS).save(asked.out, optimize=True)
    except CannotError as error:
        print(error, file=sys.stderr)
        return 3
    print(f"{asked.out}: {asked.out.stat().st_size / 1000:.0f} kB")
    return 0


def _read(report: Path) -> str:
    """Return a report's page."""
    try:
        return report.read_text("utf-8")
    except OSError as error:
        raise CannotError(f"There is no report to photograph: {error}; make demo writes one.") from error


def _cut(page: str, check: str) -> str:
    """Return the page in the README's language with one check open and what is far from it left out."""
    identity = f"{LANG}-{check}"
    if f'id="{identity}" open' not in page:
        raise CannotError(f"The report has no failed check {check}.")
    page = re.sub(r'(<details class="check [^>]*) open>', r"\1>", page)
    page = page.replace(f'id="{identity}">', f'id="{identity}" open>')
    page = re.sub(r'(<input type="radio"[^>]*?) checked>', r"\1>", page)
    page = page.replace(f'id="language-{LANG}">', f'id="language-{LANG}" checked>')
    return page.replace("</head>", STYLE.format(it="#" + identity.replace(".", r"\.")))


def _photograph(page: str, folder: Path) -> Image.Image:
    """Return what the browser shows of a page, in a window that is too high."""
    (folder / "page.html").write_text(page, "utf-8")
    shot = folder / "shot.png"
    # as root there is no sandbox to be had; the page is ours, without scripts
    sandbox = ["--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else []
    done = process.run(
        [
            _browser(), *QUIET, *sandbox, f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH},{HEIGHT}",
            f"--screenshot={shot}", (folder / "page.html").as_uri(),
        ],
        deadline_s=SHOT_S, env=None,
    )  # fmt: skip
    if not shot.is_file():
        raise CannotError(f"The browser made no picture: {done.output.strip()[-500:]}")
    with Image.open(shot) as image:
        return image.convert("RGB")


def _browser() -> str:
    """Return the program of a browser that can work without a screen."""
    chosen = os.environ.get("CHROMIUM")
    for name in (chosen,) if chosen else BROWSERS:
        if found := shutil.which(name):
            return found
    raise CannotError(
        f"{chosen or 'Chromium'} was not found: apt-get install chromium (macOS: brew install --cask chromium), "
        "or CHROMIUM=/path/to/chrome"
    )


def _trimmed(shot: Image.Image) -> Image.Image:
    """Cut off the empty page below the last line."""
    empty = Image.new("RGB", shot.size, shot.getpixel((0, 0)))
    box = ImageChops.difference(shot, empty).getbbox()
    return shot.crop((0, 0, shot.width, min(shot.height, box[3] + MARGIN))) if box else shot


if __name__ == "__main__":
    sys.exit(main())
