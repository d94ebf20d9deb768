"""What the users of finished assets run: engines and pages in Chromium, compilers, pygame.

Needs more than Python: `npm` installs exact versions from `package.json` into a cache folder, once,
and Chromium is the system's. What is missing here is named by the test that is skipped for it.
Run it with `pytest -m consumers`, after `pip install -e '.[consumers]'`.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest
from filelock import FileLock

from tests.conftest import Cli, Project
from tests.consumers import pictures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",  # WebGL without a graphics card
    "--enable-unsafe-swiftshader",
]
INSTALL_TIMEOUT_S = 300
PAGE_TIMEOUT_MS = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.consumers)


@pytest.fixture(scope="session")
def npm_packages() -> Path:
    """The folder `node_modules` with what `package.json` names."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    wanted = (HERE / "package.json").read_bytes()
    cache = Path(platformdirs.user_cache_dir("assetgen-consumers"))
    folder = cache / hashlib.sha256(wanted).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        done = folder / "done"
        if not done.exists():
            (folder / "package.json").write_bytes(wanted)
            _install(npm, folder)
            done.touch()
    return folder / "node_modules"


def _install(npm: str, folder: Path) -> None:
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install within {INSTALL_TIMEOUT_S} s")
    if result.returncode:
        pytest.skip(f"npm could not install: {result.stderr.strip()[-300:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """An empty page of the site that shouts when a script fails."""
    context = browser.new_context(base_url=site.address)
    page = context.new_page()
    page.set_default_timeout(PAGE_TIMEOUT_MS)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto("/empty.html")
    yield page
    context.close()
    assert failures == []


@dataclass(frozen=True, slots=True)
class Site:
    """A project over HTTP."""

    root: Path
    address: str


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def site(finished: Project) -> Iterator[Site]:
    """The finished project over HTTP on loopback."""
    finished.write("empty.html", "<!doctype html><title>empty</title>")
    with serving(finished.root) as address:
        yield Site(finished.root, address)


class serving:  # noqa: N801 - used as a context manager
    """Serves `folder` on loopback; gives the address."""

    def __init__(self, folder: Path) -> None:
        handler = functools.partial(_Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project built by the real command: atlases, variants and every export."""
    folder = tmp_path_factory.mktemp("finished")
    project = Project(folder / "project")
    for name, data in pictures.FILES.items():
        project.write(name, data)
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "ASSETGEN_CACHE_DIR": str(folder / "cache"),
    }
    built = Cli(project.root, env)("build", timeout_s=180)
    assert built.code == 0, built.err
    return project
