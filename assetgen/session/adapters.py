"""The adapters of one manifest, each made on first use: who does not need one does not pay."""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import TYPE_CHECKING

from assetgen._version import __version__
from assetgen.config import API_KEY, read_environment
from assetgen.core.catalogue import with_catalogue
from assetgen.core.needs import needs_of
from assetgen.core.stamp import are_unchanged
from assetgen.engine.finishing import Finishing
from assetgen.engine.observe import Observer
from assetgen.errors import UsageError
from assetgen.files.journal import FileJournal
from assetgen.files.lockfile import LockFile, lockfile_name
from assetgen.files.project import PRIVATE, PrivateFiles, ProjectFiles, unusable
from assetgen.files.record import (
    outline_name,
    read_outline,
    read_record,
    record_name,
    write_outline,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from assetgen.cache.local import LocalCache
    from assetgen.core.call import Request
    from assetgen.core.lock import Lock
    from assetgen.core.model import Project
    from assetgen.core.outline import Outline
    from assetgen.core.plugin import ProviderPlugin
    from assetgen.core.ports import Finisher, Images, Provider
    from assetgen.core.record_kept import KeptRecord
    from assetgen.core.stamp import Stamp
    from assetgen.providers.http import Http
    from assetgen.providers.openrouter.models import OpenRouterTable
    from assetgen.providers.plugins import PluggedProvider

PROJECT_LOCK_TIMEOUT_S = 60.0
"""The project lock is held while the lockfile is written: longer means that its holder hangs."""


class Adapters:
    """Everything outside the core that a command on one manifest may need.

    The only place that knows which class stands behind which port.
    """

    def __init__(self, manifest: str, environ: Mapping[str, str]) -> None:
        self.manifest = manifest
        self.root = os.path.abspath(os.path.dirname(manifest) or ".")
        self.folder = os.path.realpath(self.root)
        self.known_at = ""
        """The file by which the cache knows this project, once it is noted."""
        self.manifest_name = os.path.basename(manifest)
        self.lockfile_name = lockfile_name(self.manifest_name)
        self.files = ProjectFiles(self.root)
        self.clock = SystemClock()
        stem = os.path.splitext(self.manifest_name)[0]
        self.journal = FileJournal(self.root, f"{stem}.journal")
        self.lockfile = self._lockfile()
        self._environ = environ
        self._record_name = record_name(self.manifest_name)
        self._outline_name = outline_name(self.manifest_name)
        self._table: OpenRouterTable | None = None
        self._cache: LocalCache | None = None
        self._images: Images | None = None
        self._finisher: Finisher | None = None
        self._http: Http | None = None
        self._plugged: list[tuple[ProviderPlugin, PluggedProvider]] = []

    def load(self, text: str | None = None) -> Project:
        """The resolved manifest; `text` stands for what the file says."""
        from assetgen.manifest.load import load  # noqa: PLC0415 - pydantic is slow to load
        from assetgen.providers.plugins import InstalledPlugins  # noqa: PLC0415
        from assetgen.steps.removers import InstalledRemovers  # noqa: PLC0415

        return load(
            self.manifest,
            table=self.models(),
            plugins=InstalledPlugins(),
            removers=InstalledRemovers(),
            text=text,
        )

    def manifest_text(self) -> str:
        """What the manifest says.

        Raises:
            UsageError: there is none, or it cannot be read.
            UnicodeDecodeError: it is no text.
        """
        from assetgen.manifest.load import read_root  # noqa: PLC0415 - as above

        data = read_root(self.root, self.manifest_name, self.manifest)
        return data.decode("utf-8-sig")

    def stamp(self, path: str) -> Stamp | None:
        """Stamp of a file or folder of the project."""
        return self.files.stamp(path)

    def observer(self, *, use_record: bool) -> Observer:
        """An observer that trusts the last build record, or one that reads everything."""
        return self.observer_of(self.read_record() if use_record else None)

    def observer_of(self, record: KeptRecord | None) -> Observer:
        """An observer that trusts this record."""
        return Observer(
            files=self.files,
            inspect=lambda data: self.images().inspect(data),
            clock=self.clock,
            marked_key=_marked_key,
            recorded=record if record is not None else {},
        )

    def read_record(self) -> KeptRecord | None:
        """The last build record; None when it is not of this version."""
        record = read_record(self.root, self._record_name)
        return record if record is not None and record.head.version == __version__ else None

    def read_outline(self) -> Outline | None:
        """The outline of the manifest that the last build record is of."""
        return read_outline(self.root, self._outline_name)

    def is_unchanged(self, record: KeptRecord) -> bool:
        """Whether a record still proves that all its paths but the first are what they were."""
        paths = [f"{self.root}{os.sep}{path}" for path in record.paths[1:]]
        mtimes, ctimes, sizes, inodes = record.stamps
        stamps = (mtimes[1:], ctimes[1:], sizes[1:], inodes[1:])
        return record.is_settled and are_unchanged(paths, stamps)

    def write_outline(self, outline: Outline) -> None:
        """Keep the outline of a manifest whose build has ended."""
        write_outline(self.root, self._outline_name, outline)

    def write_record(self, record: bytes) -> None:
        """Keep the record of a build that has ended."""
        write_record(self.root, self._record_name, record)

    def prune_journal(self, is_needed: Callable[[str], bool]) -> None:
        """Drop notes that are no longer needed, while no other build writes the lockfile."""
        with self.lockfile.held():
            kept = {d: key for d, key in self.journal.read().items() if is_needed(d)}
            self.journal.replace(kept)

    def sweep(self, outputs: Iterable[str]) -> None:
        """Remove what crashes left unfinished beside outputs, lockfile and record."""
        folders = {path.rpartition("/")[0] for path in outputs}
        self.files.sweep(sorted(folders | {"", ".assetgen"}))

    def images(self) -> Images:
        """Decodes, converts and paints."""
        if self._images is None:
            from assetgen.steps.image import PillowImages  # noqa: PLC0415 - loads Pillow

            self._images = PillowImages()
        return self._images

    def finisher(self) -> Finisher:
        """Carries out steps, and makes variants and atlases."""
        if self._finisher is None:
            from assetgen.steps.finish import PillowFinisher  # noqa: PLC0415 - loads numpy

            self._finisher = PillowFinisher()
        return self._finisher

    def finishing(self) -> Finishing:
        """Finished pictures, kept in the open cache."""
        cache = self.cache()
        return Finishing(
            images=self.images(),
            finisher=self.finisher,
            blobs=cache.blobs,
            actions=cache.actions,
        )

    def models(self) -> OpenRouterTable:
        """The shipped table of models; while a cache is open, with what its catalogue adds.

        `check` opens none, so the catalogue of one machine decides nothing about a project there.
        """
        from assetgen.providers.openrouter.models import load_table  # noqa: PLC0415

        if self._cache is None:
            return load_table()
        if self._table is None:
            self._table = with_catalogue(load_table(), self._cache.catalogue.read())
        return self._table

    def note_project(self, lock: Lock) -> None:
        """Tell the open cache of this project and what `lock` names, so that it is not collected.

        Raises:
            CacheError: it cannot be noted.
        """
        projects, lockfile = self.cache().projects, os.path.join(self.folder, self.lockfile_name)
        projects.remember(lockfile, needs_of(lock, {}))
        self.known_at = projects.path_of(lockfile)

    def is_known_at(self, path: str) -> bool:
        """Whether the open cache knows this project by the file at `path`."""
        projects, lockfile = self.cache().projects, os.path.join(self.folder, self.lockfile_name)
        if projects.path_of(lockfile) != path or not os.path.exists(path):
            return False
        self.known_at = path
        return True

    def open_cache(self, *, create: bool) -> LocalCache:
        """The user's cache; with `create` false nothing is written there."""
        from assetgen.cache.folder import cache_root  # noqa: PLC0415 - not needed by `check`
        from assetgen.cache.local import LocalCache  # noqa: PLC0415

        self._cache = LocalCache(cache_root(self._environ), create=create)
        return self._cache

    def exposure(self) -> str | None:
        """Why others may decide what the cache says, or None."""
        from assetgen.cache.folder import cache_root, exposure  # noqa: PLC0415 - as above

        return exposure(cache_root(self._environ))

    def cache(self) -> LocalCache:
        """The cache as it was opened, or for reading only."""
        return self._cache if self._cache is not None else self.open_cache(create=False)

    def require_key(self, project: Project) -> None:
        """Raise `UsageError` when there is no API key, or what an installed provider needs."""
        if project.plugin is not None:
            for name in project.plugin.keys:
                if not self._environ.get(name, "").strip():
                    raise UsageError(
                        f"images must be made and `{name}` is not set",
                        hint=f"provider `{project.provider}` needs it; "
                        "or use `--draft` for free placeholders",
                    )
            return
        if project.provider == "draft":
            return
        if read_environment(self._environ).api_key is None:
            raise UsageError(
                f"images must be bought and `{API_KEY}` is not set",
                hint="set it to your OpenRouter key, or use `--draft` for free placeholders",
            )

    def provider(self, project: Project) -> Provider:
        """The provider that the manifest names.

        Raises:
            UsageError: an installed one cannot be made.
        """
        if project.plugin is not None:
            from assetgen.providers.plugins import create  # noqa: PLC0415

            for plugin, made in self._plugged:
                if plugin == project.plugin:
                    return made
            made = create(project.provider, project.plugin, self._environ)
            self._plugged.append((project.plugin, made))
            return made
        if project.provider == "draft":
            from assetgen.providers.draft import DraftProvider  # noqa: PLC0415

            return DraftProvider(self.images())
        from assetgen.providers.http import Http  # noqa: PLC0415 - loads httpx
        from assetgen.providers.openrouter.provider import OpenRouter  # noqa: PLC0415

        environment = read_environment(self._environ)
        if self._http is None:
            self._http = Http()
        return OpenRouter(
            http=self._http,
            images=self.images(),
            table=self.models(),
            api_key=environment.api_key or "",
            base_url=environment.base_url,
            learnt=self.cache().learnt,
        )

    async def close_provider(self) -> None:
        """End the provider's connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None
        while self._plugged:
            _, made = self._plugged.pop()
            await made.aclose()

    def paint_placeholder(self, request: Request) -> bytes:
        """The picture of a placeholder draft, without its mark."""
        from assetgen.providers.draft import drawing_of  # noqa: PLC0415

        return self.images().paint(drawing_of(request), request.format)

    def mark(self, data: bytes, key: str) -> bytes:
        """A placeholder marked as one; `key` is 64 hexadecimal digits."""
        from assetgen.providers.draft import mark  # noqa: PLC0415

        return mark(data, key)

    def close(self) -> None:
        """Close the cache."""
        if self._cache is not None:
            self._cache.close()
            self._cache = None
            self._table = None

    def _lockfile(self) -> LockFile:
        def hold_project() -> AbstractContextManager[object]:
            from assetgen.cache.locks import holding  # noqa: PLC0415 - only who writes needs it

            return holding(open_lock, f"{PRIVATE}/lock", timeout_s=PROJECT_LOCK_TIMEOUT_S)

        def open_lock() -> int:
            try:
                return PrivateFiles(self.root).open("lock", os.O_RDWR)
            except OSError as error:
                raise unusable(f"{PRIVATE}/lock", "open", error) from error

        shown = os.path.join(os.path.dirname(self.manifest), self.lockfile_name)
        return LockFile(os.path.join(self.root, self.lockfile_name), shown, hold_project)


class SystemClock:
    """Implements `core.ports.Clock` with the system's time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def jitter(self) -> float:
        """A random number in [0, 1)."""
        return random.random()  # noqa: S311 - spreads retries, guards nothing


def _marked_key(data: bytes) -> str | None:
    from assetgen.providers.draft import marked_key  # noqa: PLC0415 - only for unknown files

    return marked_key(data)
