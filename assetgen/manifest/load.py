"""Reads a manifest and what it includes, and gives the project or all of its faults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.beneath import Beneath, Unfit
from assetgen.core.model import Budget, Project
from assetgen.core.value import Value
from assetgen.errors import Location, ManifestError, UsageError
from assetgen.manifest.atlases import resolve_atlases
from assetgen.manifest.collector import collector_paused
from assetgen.manifest.crosscheck import check
from assetgen.manifest.disk import ProjectFiles
from assetgen.manifest.entry import MOST_WORK, Shared, TooMuchError
from assetgen.manifest.explain import read_included, read_manifest
from assetgen.manifest.exports import resolve_exports
from assetgen.manifest.faults import Faults, listed, shown
from assetgen.manifest.include import Includes
from assetgen.manifest.members import Members
from assetgen.manifest.parse import parse
from assetgen.manifest.paths import normal_path
from assetgen.manifest.pieces import pieces_of
from assetgen.manifest.resolve import Part, resolve
from assetgen.manifest.schema_types import PROVIDERS
from assetgen.manifest.source import MOST_BYTES
from assetgen.manifest.writes import check_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.catalogue import ModelTable
    from assetgen.core.finish import Atlas, Export
    from assetgen.core.outline import Pieces
    from assetgen.core.plugin import ProviderPlugin
    from assetgen.core.ports import Plugins, Removers
    from assetgen.manifest.crosscheck import Taken
    from assetgen.manifest.parse import Document
    from assetgen.manifest.resolve import Resolution


class _Folder(Value):
    """The project folder, and how the user names it."""

    root: str
    """Absolute path."""
    prefix: str
    """What the user writes in front of a path relative to it; empty when working in it."""
    manifest: str
    """The manifest's file name."""
    files: ProjectFiles

    def named(self, path: str) -> str:
        """A project path as the user would type it."""
        return os.path.join(self.prefix, path) if self.prefix else path


class _Installed(Value):
    """What installed packages add."""

    plugins: Plugins | None
    removers: Removers | None


def load(
    manifest_path: str,
    *,
    table: ModelTable,
    plugins: Plugins | None = None,
    removers: Removers | None = None,
    text: str | None = None,
) -> Project:
    """The project that the manifest at `manifest_path` declares.

    Args:
        manifest_path: absolute, or relative to the current directory; places in faults are named
            in the same way.
        table: what is known about models; what they are known not to take is a fault.
        plugins: providers that are installed beside the built-in ones; asked only for a name that
            is not built in.
        removers: those of backgrounds that are installed; asked only where a step names one.
        text: stands for what the file says; by default it is read.

    Raises:
        UsageError: there is no such file, or it cannot be read; or a provider is installed and
            does not load.
        ManifestFaults: everything that is wrong with it and with the files it includes.
    """
    prefix, manifest = os.path.split(manifest_path)
    root = os.path.abspath(prefix)
    data = read_root(root, manifest, manifest_path) if text is None else text.encode("utf-8")
    folder = _Folder(root, prefix, manifest, ProjectFiles(root))
    faults = Faults()
    including = _Including(folder, faults, left=MOST_BYTES - len(data))
    with collector_paused():
        project = _load(data, folder, table, _Installed(plugins, removers), including)
    if project is None or len(faults):
        folders = including.patterns.folders
        raise faults.gathered([*including.paths, *folders, *folder.files.looked_for])
    return project


def _load(
    data: bytes,
    folder: _Folder,
    table: ModelTable,
    installed: _Installed,
    including: _Including,
) -> Project | None:
    """The project as far as it can be told; None when nothing can."""
    faults = including.faults
    name = folder.named(folder.manifest)
    faults.reading(name)
    document = parse(data, name, faults)
    if document is None:
        return None
    manifest, refused = read_manifest(document, faults)
    if manifest is None:
        return None
    provider = manifest.provider or "openrouter"
    plugin = (
        None if provider in PROVIDERS else _plugin(provider, installed.plugins, document, faults)
    )
    including.read(manifest.include or (), document)
    shared = Shared(
        manifest=manifest,
        document=document,
        table=table,
        files=folder.files,
        faults=faults,
        provider=provider,
        needs_model=plugin.needs_model if plugin is not None else provider == "openrouter",
        defaults={
            field: getattr(manifest.defaults, field) for field in manifest.defaults.model_fields_set
        },
        removers=installed.removers,
    )
    resolution = resolve(shared, [Part(document, manifest.assets, refused), *including.parts])
    protected = {
        folder.manifest: "the manifest",
        f"{os.path.splitext(folder.manifest)[0]}.lock": "the lockfile",
        **dict.fromkeys(including.paths, "an included file"),
    }
    outputs = check(resolution, protected, faults, is_complete=including.is_complete)
    atlases, exports = _made_of_all(shared, resolution, outputs, is_complete=including.is_complete)
    return Project(
        root=folder.root,
        manifest=folder.manifest,
        name=manifest.project or os.path.basename(folder.root),
        provider=shared.provider,
        budget=Budget(per_build=manifest.budget.per_build, per_asset=manifest.budget.per_asset),
        assets=tuple(resolved.asset for resolved in resolution.assets),
        read_files=(folder.manifest, *including.paths, *shared.palettes),
        read_folders=tuple(including.patterns.folders),
        plugin=plugin,
        atlases=tuple(atlases),
        exports=tuple(exports),
        pieces=_pieces(shared, document),
    )


def _pieces(shared: Shared, document: Document) -> Pieces | None:
    """The pieces of a manifest that is all in one file, and far below the bounds on its work."""
    is_small = shared.work <= MOST_WORK // 2
    return pieces_of(document) if is_small and not shared.manifest.include else None


def _made_of_all(
    shared: Shared, resolution: Resolution, taken: Taken, *, is_complete: bool
) -> tuple[list[Atlas], list[Export]]:
    """Atlases and exports, after every path that anything is written to is checked."""
    assets = [resolved.asset for resolved in resolution.assets]
    members = Members(assets, resolution.missing, is_complete=is_complete)
    try:
        atlases = resolve_atlases(shared, members)
        exports = resolve_exports(shared, members, atlases)
        check_files(shared, resolution.assets, atlases, exports, taken)
    except TooMuchError:
        shared.faults.add(
            "what is made from all images together is too much",
            shared.document.locate(("assets",), key=True),
            "split the project into several manifests",
        )
        return [], []
    return atlases, exports


def _plugin(
    name: str, plugins: Plugins | None, document: Document, faults: Faults
) -> ProviderPlugin | None:
    """The installed provider of this name; None after a fault."""
    plugin = plugins.find(name) if plugins is not None else None
    if plugin is None:
        names = [*PROVIDERS, *(plugins.names() if plugins is not None else ())]
        faults.add(
            f"unknown provider {shown(name)}",
            document.locate(("provider",)),
            faults.did_you_mean(name, names)
            or f"install the package that provides it; there are {listed(names)}",
        )
    return plugin


class _Including:
    """Reads the files that `include` names, each once."""

    def __init__(self, folder: _Folder, faults: Faults, left: int) -> None:
        self.parts: list[Part] = []
        self.paths: dict[str, None] = {}
        self.patterns = Includes(folder.root, folder.files)
        self.is_complete = True
        """False once a file could not be read to its end: names of assets may be missing."""
        self._folder = folder
        self.faults = faults
        self._left = left
        self._real = {os.path.realpath(os.path.join(folder.root, folder.manifest))}

    def read(self, patterns: Sequence[str], root: Document) -> None:
        """Read what `patterns` match, in order, and note every fault."""
        for index, pattern in enumerate(patterns):
            try:
                paths = self._match(pattern)
                found = [self._folder.files.find(path) for path in paths]
            except ManifestError as error:
                where = root.locate(("include", index))
                self.faults.add(f"`include` {error.what}", where, error.hint)
                self.is_complete = False
                continue
            for path, real in found:
                absolute = os.path.join(os.path.realpath(self._folder.root), real)
                if absolute not in self._real:
                    self._real.add(absolute)
                    self.paths.setdefault(path)
                    self._read_one(path)

    def _match(self, pattern: str) -> list[str]:
        paths = [path for path in self.patterns.match(pattern) if path != self._folder.manifest]
        if not paths:
            raise ManifestError(
                f"names {shown(pattern)}, which matches no file besides the manifest",
                hint="patterns are relative to the manifest's folder, like `art/*.yaml`",
            )
        return [normal_path(path) for path in paths]

    def _read_one(self, path: str) -> None:
        name = self._folder.named(path)
        self.faults.reading(name)
        start = Location(file=name, line=1, column=1)
        try:
            with Beneath(self._folder.root).open_regular(path) as file:
                data = file.read(self._left + 1)
        except OSError as error:
            self.faults.add(f"{shown(name)} cannot be read: {error.strerror}", start)
            self.is_complete = False
            return
        self._left -= len(data)
        if self._left < 0:
            self._left = 0
            self.faults.add(
                f"the manifest and what it includes are larger than {MOST_BYTES // 1024**2} MiB",
                start,
                "split the project into several manifests",
            )
            self.is_complete = False
            return
        document = parse(data, name, self.faults)
        manifest, refused = (
            read_included(document, self.faults) if document is not None else (None, frozenset())
        )
        if document is None or manifest is None:
            self.is_complete = False
            return
        self.parts.append(Part(document, manifest.assets, refused))


def read_root(root: str, name: str, path: str) -> bytes:
    """The bytes of the manifest: at most one more than may be."""
    try:
        with Beneath(root).open_regular(name) as file:
            return file.read(MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(
            f"there is no manifest {shown(path)}",
            hint="`assetgen init` writes one; `-f FILE` names another",
        ) from error
    except Unfit as error:
        raise UsageError(
            f"the manifest {shown(path)} {error.strerror}", hint="`-f FILE` names another"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"the manifest {shown(path)} cannot be read: {reason}", hint="`-f FILE` names another"
        ) from error
