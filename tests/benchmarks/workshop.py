"""What every bar works with: a folder, assetgen installed as users install it, and the peers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.paired import Command, run
from tests.benchmarks.projects import make_built, write_ninja

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHECKOUT = Path(__file__).parents[2]


@dataclass(slots=True)
class Workshop:
    """Made once for all bars; `folder` goes when they are done."""

    folder: Path
    rounds: int
    _programs: dict[str, Path | None] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """What commands inherit: nothing of the user's settings."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "ASSETGEN_CACHE_DIR": str(self.folder / "cache"),
            "LANG": "C.UTF-8",
        }

    @property
    def assetgen(self) -> str:
        """The command, installed into an environment of its own by pip."""
        program = self.program("assetgen", [str(CHECKOUT)])
        if program is None:
            raise RuntimeError("pip could not install the checkout")
        return str(program)

    @property
    def python(self) -> str:
        """The interpreter that runs `assetgen`."""
        return str(Path(self.assetgen).with_name("python"))

    def program(self, name: str, requirements: Sequence[str]) -> Path | None:
        """A program from packages, in an environment of its own; None when it is not to be had."""
        if name not in self._programs:
            home = self.folder / "environments" / name
            subprocess.run([sys.executable, "-m", "venv", home], check=True)
            pip = [str(home / "bin/pip"), "install", "--quiet", *requirements]
            done = subprocess.run(pip, check=False, capture_output=True, text=True)
            program = home / "bin" / name
            if done.returncode or not program.exists():
                sys.stderr.write(f"{name} cannot be had: {done.stderr.strip()[-200:]}\n")
                self._programs[name] = None
            else:
                self._programs[name] = program
        return self._programs[name]

    def command(
        self,
        program: str,
        *arguments: str,
        cwd: Path,
        before: Callable[[], None] = lambda: None,
        cache: Path | None = None,
    ) -> Command:
        """A command line in a folder, with the cache that all share or one of its own."""
        env = self.env
        if cache is not None:
            env["ASSETGEN_CACHE_DIR"] = str(cache)
        return Command([program, *arguments], cwd, env, before)

    def project(self, count: int, *, references: bool = False) -> Path:
        """A project that is up to date, made once, and built until its record says so."""
        root = self.folder / f"project-{count}{'-references' if references else ''}"
        if not root.exists():
            make_built(root, count, references=references)
            self.settle(root)
        return root

    def settle(self, root: Path) -> None:
        """Build until there is nothing to do, and a moment longer, so that stamps are trusted."""
        for _ in range(2):
            time.sleep(0.1)
            run(self.command(self.assetgen, "build", cwd=root))

    def ninja(self, count: int) -> Command:
        """Ninja with as many edges and nothing to do."""
        program = self.program("ninja", ["ninja"])
        if program is None:
            raise RuntimeError("ninja cannot be installed, and the bars are measured against it")
        root = self.folder / f"ninja-{count}"
        command = self.command(str(program), cwd=root)
        if not root.exists():
            write_ninja(root, count)
            run(command)
        return command

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
