"""Takes the pictures of the examples: builds both, opens them in Chromium, writes PNG files.

    python docs/screenshots.py [FOLDER]    # docs/images unless stated

Needs `pip install -e '.[consumers]'` and Chromium. The drafts are the same everywhere; the letters
of the page are those of the machine, so a picture is taken again when the page has changed.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
MOST_BYTES = 150_000


@dataclass(frozen=True, slots=True)
class Shot:
    """One example, and how its picture is taken."""

    example: str
    build: tuple[str, ...]
    then: tuple[str, ...]
    """A script to be run after the build."""
    served: str
    page: str
    size: tuple[int, int]


SHOTS = (
    Shot("game", ("build",), (), ".", "index.html?still", (1000, 800)),
    Shot("web", ("build", "--draft"), ("page.py",), "public", "index.html", (1100, 1000)),
)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Take all of them."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not there in every checkout

    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs/images")
    target.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for shot in SHOTS:
            folder = built(shot, Path(scratch))
            take(browser, shot, folder, target / f"{shot.example}.png")
        browser.close()


def built(shot: Shot, scratch: Path) -> Path:
    """The example, copied and built."""
    folder = scratch / shot.example
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT / "examples" / shot.example,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "examples" / shot.example / name, folder / name)
    settings = {"ASSETGEN_CACHE_DIR": str(scratch / "cache"), "PYTHONPATH": str(ROOT)}
    env = {**os.environ, **settings}
    command = [sys.executable, "-m", "assetgen", *shot.build]
    subprocess.run(command, cwd=folder, env=env, check=True)
    if shot.then:
        subprocess.run([sys.executable, *shot.then], cwd=folder, check=True)
    return folder


def take(browser: Browser, shot: Shot, folder: Path, file: Path) -> None:
    """Write the picture of one page, in few colours so that it stays small."""
    handler = functools.partial(_Quiet, directory=str(folder / shot.served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    width, height = shot.size
    page = browser.new_page(viewport={"width": width, "height": height})
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"http://127.0.0.1:{server.server_port}/{shot.page}", wait_until="networkidle")
    page.screenshot(path=file)
    page.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert not failures, failures
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
    assert file.stat().st_size < MOST_BYTES, file.stat().st_size


if __name__ == "__main__":
    main()
