"""Every file that is written besides outputs: each has a path of its own, inside the project.

Frames, variants, pages, data files and exports are listed with all the paths that are known before
anything is made. Two things of a variant's path are not known: the hash, and the width where the
picture is smaller than what is asked for. There a path that may come to be another's is refused.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from assetgen.core.pattern import HASH_DIGITS, data_path, expand, frame_path, page_path
from assetgen.core.value import Value
from assetgen.manifest.atlases import spot_of
from assetgen.manifest.entry import Spot
from assetgen.manifest.faults import shown
from assetgen.manifest.paths import check_not_private, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from assetgen.core.finish import Atlas, Export
    from assetgen.core.model import Asset
    from assetgen.manifest.crosscheck import Taken
    from assetgen.manifest.entry import Shared
    from assetgen.manifest.resolve import Resolved

HASH, WIDTH = "\ue001", "\ue002"
"""What stands for a value that is not known yet; no path has these characters otherwise."""
_BYTES_OF_A_PATH = 200
"""What a path takes besides its characters, about, until all are compared."""
_MOST_FORMS = 200
"""Ways to read one path as a variant's that are tried."""
_DIGITS = re.compile("[0-9]+")
_HEX = re.compile(f"(?=([0-9a-f]{{{HASH_DIGITS}}}))")
_MOST_WIDTH_DIGITS = 5


class Writes(Value):
    """The files that one pattern, or one path, stands for."""

    says: str
    """What they are in a message: "a frame of asset `hero`"."""
    spot: Spot
    """Where the pattern is written."""
    paths: Sequence[str]
    """With `HASH` where the hash goes."""
    unsure: Sequence[str] = ()
    """The same with `WIDTH` where the width goes, where it may be less than asked for."""
    entry: object = None
    """The entry of the manifest, of which a matrix may make many assets."""


def check_files(
    shared: Shared,
    assets: Sequence[Resolved],
    atlases: Sequence[Atlas],
    exports: Sequence[Export],
    taken: Taken,
) -> None:
    """Note every path that two files share, and every one that leads out of the project.

    Raises:
        TooMuchError: there are more files than is sane.
    """
    several = [r for r in assets if r.asset.frames or r.asset.variants]
    for resolved in several:
        _count(shared, resolved.asset)
    writes = [
        *(each for resolved in several for each in _of_asset(resolved)),
        *(w for atlas in atlases for w in _of_atlas(shared, atlas)),
        *(_of_export(shared, export) for export in exports),
    ]
    if writes:
        _Check(shared, taken).all(writes)
    by_name = {r.asset.name: r.asset for r in assets} if exports else {}
    for export in exports:
        _check_root(shared, export, [by_name[name] for name in export.members], atlases)


def _of_asset(resolved: Resolved) -> Iterator[Writes]:
    asset, entry = resolved.asset, resolved.entry
    owner = f"asset {shown(asset.name)}"
    if asset.frames is not None:
        frames = asset.frames
        spot = _spot(resolved, "steps", (_slice_of(resolved), "slice", "output"))
        paths = [frame_path(frames, index) for index in range(frames.count)]
        yield Writes(f"a frame of {owner}", spot, paths, entry=entry)
    if asset.variants is not None:
        variants = asset.variants
        paths = [
            expand(variants.output, width=width, format=image_format, hash=HASH)
            for image_format in variants.formats
            for width in variants.widths
        ]
        unsure = [
            expand(variants.output, width=WIDTH, format=image_format, hash=HASH)
            for image_format in variants.formats
        ]
        spot = _spot(resolved, "variants", ("output",))
        yield Writes(f"a variant of {owner}", spot, paths, unsure, entry=entry)


def _count(shared: Shared, asset: Asset) -> None:
    """Count the paths of an asset before any is made. Raises `TooMuchError`."""
    frames, variants = asset.frames, asset.variants
    if frames is not None:
        shared.spend(frames.count * (len(frames.output) + _BYTES_OF_A_PATH))
    if variants is not None:
        files = len(variants.widths) * len(variants.formats)
        shared.spend(files * (len(variants.output) + _BYTES_OF_A_PATH))


def _spot(resolved: Resolved, name: str, at: tuple[str | int, ...]) -> Spot:
    entry = resolved.entry
    document, start = entry.origin(name)
    shared = entry.shared
    return Spot(shared, document, (*start, *at), entry.says(name), shared.faults.add)


def _slice_of(resolved: Resolved) -> int:
    steps = resolved.entry.value("steps")
    return len(steps) - 1 if isinstance(steps, tuple) else 0


def _of_atlas(shared: Shared, atlas: Atlas) -> Iterator[Writes]:
    spot = spot_of(shared, "atlases", atlas.name, "atlas")
    pages = [page_path(atlas, page) for page in range(atlas.max_pages)]
    paths = list(dict.fromkeys(pages))
    yield Writes(f"a page of {spot.says}", spot.below("output"), paths)
    for name, pattern in atlas.data.items():
        data = [data_path(pattern, page) for page in range(atlas.max_pages)]
        place = spot.below("data").below(name)
        yield Writes(f"{shown(name)} of {spot.says}", place, list(dict.fromkeys(data)))


def _of_export(shared: Shared, export: Export) -> Writes:
    spot = spot_of(shared, "exports", export.name, "export")
    return Writes(spot.says, spot.below("output"), [export.output])


class _Check:
    """All paths so far, and whose they are."""

    def __init__(self, shared: Shared, taken: Taken) -> None:
        self._shared = shared
        self._taken = taken
        self._files: dict[str, Writes] = {}
        self._unsure: dict[str, Writes] = {}

    def all(self, writes: Sequence[Writes]) -> None:
        """Note the faults of all of them, one for each pattern at most."""
        sound = [each for each in writes if self._add(each)]
        refused = {id(each) for each in sound if not self._add_unsure(each)}
        if self._unsure:
            self._check_unsure(refused)
        self._check_folders()

    def _add(self, writes: Writes) -> bool:
        for path in writes.paths:
            key = self._key(writes, path)
            if key is None:
                return False
            owner = self._taken.owners.get(key) or self._taken.owners.get(fold(path))
            output = self._taken.outputs.get(key)
            if owner is not None:
                self._note(writes, path, f"which is {owner}")
                return False
            if output is not None:
                owner = f"which is the output of asset {shown(output.asset.name)}"
                self._note(writes, path, owner, at=str(output.entry.place("output")))
                return False
            first = self._files.setdefault(key, writes)
            if first is not writes:
                self._note_shared(writes, first, path)
                return False
        return True

    def _add_unsure(self, writes: Writes) -> bool:
        for path in writes.unsure:
            if WIDTH not in path and HASH not in path:
                continue
            key = self._key(writes, path)
            first = self._unsure.setdefault(key, writes) if key is not None else writes
            if first is not writes:
                self._note_shared(writes, first, path)
                return False
        return True

    def _check_unsure(self, noted: set[int]) -> None:
        """Note files that a variant may come to have the path of, but for those `noted`."""
        folders = {key.rpartition("/")[0] for key in self._unsure}
        for key in (*self._files, *self._taken.outputs, *self._taken.owners):
            if not _may_match(key, folders):
                continue
            for form in islice(_forms(key), _MOST_FORMS):
                writes = self._unsure.get(form)
                mine = self._files.get(key)
                if writes is None or mine is writes or not noted.isdisjoint({id(writes), id(mine)}):
                    continue
                noted.add(id(writes))
                self._note(writes, key.replace(HASH, "${hash}"), f"which is {self._whose(key)}")

    def _whose(self, key: str) -> str:
        if key in self._files:
            return self._files[key].says
        if key in self._taken.outputs:
            return f"the output of asset {shown(self._taken.outputs[key].asset.name)}"
        return self._taken.owners[key]

    def _check_folders(self) -> None:
        """Note files that need a folder where another file is."""
        outputs = self._taken.outputs
        for key, writes in self._files.items():
            for folder in _folders(key):
                if folder in outputs or folder in self._files:
                    what = f"{writes.says} needs the folder {shown(folder)}"
                    spot = writes.spot
                    hint = "rename the folder"
                    spot.note(f"{what}, which is {self._whose(folder)}", spot.place(), hint)
                    break
        if self._files:
            for key, resolved in outputs.items():
                for folder in _folders(key):
                    if folder in self._files:
                        what = f"output {shown(resolved.asset.output)} needs the folder"
                        self._shared.faults.add(
                            f"{what} {shown(folder)}, which is {self._files[folder].says}",
                            resolved.entry.place("output"),
                            "rename the folder",
                        )

    def _key(self, writes: Writes, path: str) -> str | None:
        """The folded path behind symbolic links; None after a fault."""
        real = self._shared.files.real(path)
        if real is None:
            self._note(
                writes,
                path,
                "which leads out of the project through a symbolic link",
                hint="everything read or written stays in the manifest's folder",
            )
            return None
        if real != path and writes.spot.attempt(lambda: check_not_private(real)) is not None:
            return None
        return fold(real)

    def _note_shared(self, writes: Writes, first: Writes, path: str) -> None:
        if writes.entry is first.entry and writes.entry is not None and writes.spot == first.spot:
            hint = "put `${asset}` into it, or the variables that the name has"
        elif writes.spot.path == first.spot.path:
            hint = "put `${asset}` into it"
        else:
            hint = f"the first is at {first.spot.place()}: choose another path for one of them"
        self._note(writes, path, f"which is {first.says}", hint=hint)

    def _note(
        self, writes: Writes, path: str, owner: str, *, at: str = "", hint: str | None = None
    ) -> None:
        readable = path.replace(HASH, "${hash}").replace(WIDTH, "${width}")
        default = f"that is at {at}: choose another path" if at else "choose another path"
        writes.spot.note(
            f"{writes.says} may be written to {shown(readable)}, {owner}",
            writes.spot.place(),
            hint or default,
        )


def _may_match(key: str, folders: set[str]) -> bool:
    return key.rpartition("/")[0] in folders or any(HASH in f or WIDTH in f for f in folders)


def _forms(key: str) -> Iterator[str]:
    """`key` with one part that a width or a hash may have been, or one of each, replaced."""
    hashed = [
        key[: found.start()] + HASH + key[found.start() + HASH_DIGITS :]
        for found in _HEX.finditer(key)
    ]
    yield from hashed
    for form in (key, *hashed):
        for run in _DIGITS.finditer(form):
            for start in range(run.start(), run.end()):
                for end in range(start + 1, min(run.end(), start + _MOST_WIDTH_DIGITS) + 1):
                    yield form[:start] + WIDTH + form[end:]


def _folders(key: str) -> Iterator[str]:
    folder = key.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _check_root(
    shared: Shared, export: Export, members: Sequence[Asset], atlases: Iterable[Atlas]
) -> None:
    """Note the first file that an export tells of and that is outside its `root`."""
    if not export.root:
        return
    inside = f"{export.root}/"
    spot = spot_of(shared, "exports", export.name, "export").below("root")
    listed = (
        # What has variants need not ship its output: see `ListedAsset.file_in`.
        *((f"the output of asset {shown(a.name)}", a.output) for a in members if not a.variants),
        *(
            (f"a variant of asset {shown(a.name)}", a.variants.output)
            for a in members
            if a.variants
        ),
        *((f"a frame of asset {shown(a.name)}", a.frames.output) for a in members if a.frames),
    )
    chosen = [atlas for atlas in atlases if atlas.name in export.atlases]
    pages = [(f"a page of atlas {shown(a.name)}", a.output) for a in chosen]
    data = [(f"{shown(f)} of atlas {shown(a.name)}", p) for a in chosen for f, p in a.data.items()]
    for says, path in (*listed, *pages, *data):
        if not path.startswith(inside):
            spot.refuse(
                f"is {shown(export.root)}, and {says} is outside: {shown(path)}",
                "write that file into the folder, leave it out of `assets`, or remove `root`",
            )
            return
