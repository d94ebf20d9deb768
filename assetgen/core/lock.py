"""The lockfile: which image every asset has. Its text is the business of `core.lock_text`."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

from assetgen.core.bundle import Bundle
from assetgen.core.fingerprint import CONVERT_VERSION, KEY_SCHEME
from assetgen.core.model import Generate
from assetgen.core.product import products_of
from assetgen.core.recipe import finish_of
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.value import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.digest import Digest
    from assetgen.core.fingerprint import Keyed
    from assetgen.core.model import Asset, Project


@dataclasses.dataclass(frozen=True, slots=True)
class LockEntry:
    """What one asset has; an orphan is what a moved or removed asset had."""

    name: str
    output: str
    digest: Digest
    """Of the output file."""
    fingerprint: str
    inputs: Mapping[str, str]
    """Short digest of each input by its name: see `core.fingerprint.Keyed`."""
    result: ActionResult
    """The image as it came."""
    take: int = 1
    convert_version: int = CONVERT_VERSION
    """Of the conversion from image to output; says nothing where they are the same bytes."""
    finish: str = ""
    """The steps and expectations that made the output: see `core.recipe.finish_of`."""
    finished: ImageInfo | None = None
    """The output, where steps decide its size."""
    key_scheme: int = KEY_SCHEME
    is_orphan: bool = False
    line: str = dataclasses.field(default="", init=False, compare=False, repr=False)
    """How the lockfile that it was read from says it, so that it need not be said again. A copy
    with other values has none."""


class ProductEntry(Value):
    """What one product has."""

    name: str
    """`variants:hero`, `atlas:ui`."""
    key: str
    """Of its pictures (`core.product`); empty for an export, which has none."""
    inputs: Mapping[str, str]
    """Short digest of each image it was made from, and of its settings."""
    bundle: Bundle
    files: Mapping[str, Digest]
    """All its files by path, data files too."""


@dataclasses.dataclass(frozen=True)
class Lock:
    """A whole lockfile: entries by asset name, products by theirs, orphans by output path."""

    entries: Mapping[str, LockEntry] = dataclasses.field(default_factory=dict)
    orphans: Mapping[str, LockEntry] = dataclasses.field(default_factory=dict)
    """Of assets, and files of products (`is_of_product`), of which only path and digest count."""
    products: Mapping[str, ProductEntry] = dataclasses.field(default_factory=dict)
    strays: frozenset[Digest] = frozenset()
    """Digests of further files of products, as the other side of a merge had them."""

    @cached_property
    def by_fingerprint(self) -> Mapping[str, LockEntry]:
        """One entry for each fingerprint; an asset's own before an orphan's."""
        return {entry.fingerprint: entry for entry in reversed(self.of_assets())}

    @cached_property
    def by_digest(self) -> Mapping[str, list[LockEntry]]:
        """Entries by the digests they record, of the output and of the image as it came."""
        found: dict[str, list[LockEntry]] = {}
        for entry in self.of_assets():
            found.setdefault(entry.digest, []).append(entry)
            if entry.result.image != entry.digest:
                found.setdefault(entry.result.image, []).append(entry)
        return found

    @cached_property
    def digests(self) -> frozenset[str]:
        """Every output, image and file of a product that is recorded."""
        found: set[str] = {*self.paths_by_digest, *self.strays}
        for entry in self.everything():
            found.add(entry.digest)
            found.add(entry.result.image)
        return frozenset(found)

    def names(self, digest: str) -> bool:
        """Whether it records this output, image or file of a product."""
        return digest in self.digests

    @cached_property
    def paths_by_digest(self) -> Mapping[str, str]:
        """A path of each file that products have."""
        return {
            digest: path for one in self.products.values() for path, digest in one.files.items()
        }

    def everything(self) -> list[LockEntry]:
        """Entries first, then orphans."""
        return [*self.entries.values(), *self.orphans.values()]

    def of_assets(self) -> list[LockEntry]:
        """Likewise, without what products left behind."""
        return [entry for entry in self.everything() if not is_of_product(entry)]

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.entries or self.orphans or self.products)


def is_of_product(entry: LockEntry) -> bool:
    """Whether an orphan is a file of a product, which is made again free."""
    return ":" in entry.name


def product_orphan(name: str, path: str, digest: Digest) -> LockEntry:
    """What is left of a product at one path."""
    info = ImageInfo(path.rpartition(".")[2].lower(), 0, 0)
    return LockEntry(
        name=name,
        output=path,
        digest=digest,
        fingerprint="",
        inputs={},
        result=ActionResult(image=digest, info=info),
        is_orphan=True,
    )


class Changes(Value):
    """What a build brings to the lockfile."""

    assets: Mapping[str, LockEntry] = field(default_factory=dict)
    products: Mapping[str, ProductEntry] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.assets or self.products)


class Names(Value):
    """What a manifest declares: whatever else the lockfile has is an orphan."""

    assets: frozenset[str]
    products: frozenset[str] = frozenset()


def names_of(project: Project) -> Names:
    """The names of everything in a project."""
    products = frozenset(product.name for product in products_of(project))
    return Names(frozenset(asset.name for asset in project.assets), products)


def entry_of(
    asset: Asset,
    keyed: Keyed,
    result: ActionResult,
    digest: Digest,
    finished: ImageInfo | None = None,
) -> LockEntry:
    """What the lockfile says of an asset that has this image now, and `digest` as its output."""
    return LockEntry(
        name=asset.name,
        output=asset.output,
        digest=digest,
        fingerprint=keyed.fingerprint,
        inputs=keyed.inputs,
        result=result,
        take=asset.action.take if isinstance(asset.action, Generate) else 1,
        finish=finish_of(asset),
        finished=finished if asset.steps else None,
    )


def merged(lock: Lock, changes: Changes, names: Names) -> Lock:
    """`lock` with `changes` applied, for a project that declares `names`.

    What a moved or removed asset or product had becomes an orphan until someone cleans it, or until
    something has the path again.
    """
    entries = {n: entry for n, entry in lock.entries.items() if n in names.assets}
    entries |= changes.assets
    products = {n: one for n, one in lock.products.items() if n in names.products}
    products |= changes.products
    left = [
        entry
        for name, entry in lock.entries.items()
        if name not in names.assets or entries[name].output != entry.output
    ]
    orphans = dict(lock.orphans) | {e.output: replace(e, is_orphan=True) for e in left}
    for name, one in lock.products.items():
        now = products[name].files if name in products else {}
        orphans |= {
            path: product_orphan(name, path, digest)
            for path, digest in one.files.items()
            if path not in now
        }
    taken = {entry.output for entry in entries.values()}
    taken |= {path for one in products.values() for path in one.files}
    return Lock(
        entries=entries,
        orphans={path: entry for path, entry in orphans.items() if path not in taken},
        products=products,
    )


def without_orphans(lock: Lock, outputs: Iterable[str], names: Names) -> Lock:
    """`lock` without what moved or removed assets and products had at `outputs`."""
    lock, cleaned = merged(lock, Changes(), names), set(outputs)
    left = {path: entry for path, entry in lock.orphans.items() if path not in cleaned}
    return Lock(entries=lock.entries, orphans=left, products=lock.products)


def united(
    made: Iterable[ProductEntry],
) -> tuple[dict[str, ProductEntry], frozenset[Digest]]:
    """Products by name. Branches that were merged may tell of one in several ways.

    Such a product is known by no key, so that it is made again, free; all files that either branch
    had are known as ours by their digests, which come second.
    """
    found: dict[str, ProductEntry] = {}
    strays: set[Digest] = set()
    for one in made:
        other = found.setdefault(one.name, one)
        if other != one:
            strays |= {*other.files.values(), *one.files.values()}
            files = {**other.files, **one.files}
            found[one.name] = ProductEntry(one.name, "", {}, Bundle(), files)
    return found, frozenset(strays)
