"""Products: files that are made from the images of assets, and the keys they are known by.

Frames and variants belong to one asset, an atlas to several, an export to anything. All are free
to make, and keyed by the digests of the images they read (design section 4).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from assetgen.core.fingerprint import Keyed
from assetgen.core.finish import (
    ATLAS_VERSION,
    FRAMES_VERSION,
    VARIANT_VERSION,
    Atlas,
    Export,
    Frames,
    Variants,
)
from assetgen.core.model import FORMAT_OF_SUFFIX
from assetgen.core.pattern import (
    data_path,
    expand,
    frame_name,
    frame_path,
    page_path,
    variant_path,
)
from assetgen.core.recipe import sha256_of
from assetgen.core.step import step_document
from assetgen.core.value import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.bundle import Bundle
    from assetgen.core.digest import Digest
    from assetgen.core.finish import Rendition
    from assetgen.core.lock import Lock
    from assetgen.core.model import Asset, Json, Project
    from assetgen.errors import Location

Kind = Literal["frames", "variants", "atlas", "export"]
KINDS: tuple[Kind, ...] = ("frames", "variants", "atlas", "export")


@dataclass(frozen=True, slots=True)
class Product:
    """One thing to be made from images."""

    kind: Kind
    owner: str
    """Name of the asset, atlas or export."""
    spec: Frames | Variants | Atlas | Export
    reads: tuple[Asset, ...]
    """Assets whose finished pictures go into it, or that it tells of."""
    after: tuple[str, ...] = ()
    """Products that it reads: frames for an atlas, everything for an export."""
    where: Location | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """`variants:hero`, `atlas:ui`: no asset can be called so."""
        return f"{self.kind}:{self.owner}"

    @property
    def output(self) -> str:
        """Its first path, or the pattern of its paths."""
        return self.spec.output


def products_of(project: Project) -> tuple[Product, ...]:
    """All products of a project, each behind those that it reads."""
    by_name = {asset.name: asset for asset in project.assets}
    made: list[Product] = []
    for asset in project.assets:
        if asset.frames is not None:
            made.append(Product("frames", asset.name, asset.frames, (asset,), (), asset.where))
        if asset.variants is not None:
            made.append(Product("variants", asset.name, asset.variants, (asset,), (), asset.where))
    for atlas in project.atlases:
        members = tuple(by_name[name] for name in atlas.members)
        after = tuple(f"frames:{asset.name}" for asset in members if asset.frames is not None)
        made.append(Product("atlas", atlas.name, atlas, members, after, atlas.where))
    for export in project.exports:
        members = tuple(by_name[name] for name in export.members)
        told = [
            f"{kind}:{asset.name}"
            for asset in members
            for kind, spec in (("frames", asset.frames), ("variants", asset.variants))
            if spec is not None
        ]
        told += [f"atlas:{name}" for name in export.atlases]
        made.append(Product("export", export.name, export, members, tuple(told), export.where))
    return tuple(made)


def key_of_product(product: Product, images: Sequence[str], bundles: Mapping[str, Bundle]) -> Keyed:
    """The key of a product with pictures.

    `images` are the digests of the images of `product.reads`, in order; `bundles` has the frames
    that it reads.
    """
    spec = product.spec
    read: list[Json] = []
    inputs: dict[str, str] = {}
    for asset, image in zip(product.reads, images, strict=True):
        frames = bundles.get(f"frames:{asset.name}")
        one: list[Json] = [asset.name if product.kind == "atlas" else "", image]
        one.append([step_document(step) for step in asset.steps])
        if frames is not None:
            one.append([file.digest for file in frames.files])
        read.append(one)
        inputs[asset.name] = sha256_of(one)[:12]
    settings = _settings(spec)
    inputs["its settings"] = sha256_of(settings)[:12]
    key = sha256_of({"kind": product.kind, "read": read, "settings": settings})
    return Keyed(fingerprint=key, inputs=inputs)


def _settings(spec: Frames | Variants | Atlas | Export) -> Json:
    """What decides pixels and places, and no path."""
    match spec:
        case Frames():
            return [
                FRAMES_VERSION,
                [spec.columns, spec.rows, spec.count, spec.margin_px, spec.spacing_px],
                [spec.anchor, spec.trim, spec.format],
            ]
        case Variants():
            quality: dict[str, Json] = {name: spec.quality.get(name) for name in spec.formats}
            return [VARIANT_VERSION, list(spec.widths), list(spec.formats), quality]
        case Atlas():
            return [
                ATLAS_VERSION,
                spec.format,
                [spec.trim, spec.padding_px, spec.extrude_px, spec.power_of_two],
                [spec.max_px, spec.max_pages],
            ]
        case Export():
            return []


def fits(product: Product, bundle: Bundle) -> bool:
    """Whether a bundle can be one of this product: it may come from a stranger's lockfile."""
    spec, files = product.spec, bundle.files
    numbers = [str(number) for number in range(len(files))]
    match spec:
        case Frames():
            is_right = len(files) == spec.count and [file.role for file in files] == numbers
            return is_right and all(file.info.format == spec.format for file in files)
        case Variants():
            roles = [f"{file.info.width_px}.{file.info.format}" for file in files]
            formats = {file.info.format for file in files}
            is_right = [file.role for file in files] == roles and len(set(roles)) == len(roles)
            widths = {file.info.width_px for file in files}
            return is_right and formats == set(spec.formats) and max(widths) <= max(spec.widths)
        case Atlas():
            is_right = 0 < len(files) <= spec.max_pages and [f.role for f in files] == numbers
            names = {name for asset in product.reads for name in frame_names(asset)}
            return (
                is_right
                and all(file.info.format == spec.format for file in files)
                and {frame.name for frame in bundle.frames} == names
                and all(frame.page < len(files) for frame in bundle.frames)
            )
        case Export():
            return not files


def frame_names(asset: Asset) -> tuple[str, ...]:
    """What an atlas calls the pictures of an asset, in order."""
    if asset.frames is None:
        return (asset.name,)
    return tuple(frame_name(asset.name, number) for number in range(asset.frames.count))


def draft_key(product: Product, images: Mapping[str, str], read: Sequence[str]) -> str:
    """Key of a product that shows placeholders, from all that decides its files.

    `images` has the key of each placeholder, or the digest of an image, by the name of its asset;
    `read` the keys of the products that it reads.
    """
    told: list[Json] = [
        [
            asset.name,
            images[asset.name],
            [step_document(step) for step in asset.steps],
            [asset.output, asset.description, *asset.tags],
            repr((asset.frames, asset.variants)),
        ]
        for asset in product.reads
    ]
    spec = product.spec
    if isinstance(spec, (Atlas, Export)):
        spec = replace(spec, where=None)
    return sha256_of(["draft", product.name, told, list(read), repr(spec)])


def draft_roles(product: Product) -> list[tuple[str, str]]:
    """Roles or paths of files, each with what it shows to be there.

    Of variants one of each format is enough: a narrow placeholder has not all widths. A data file
    shows itself.
    """
    spec = product.spec
    match spec:
        case Frames():
            return [(str(number), f"frame {number}") for number in range(spec.count)]
        case Variants():
            return [
                (f"{width}.{name}", f"as {name}") for name in spec.formats for width in spec.widths
            ]
        case Atlas():
            paths = [data_path(pattern, 0) for pattern in spec.data.values()]
            return [("0", "page 0"), *((path, path) for path in paths)]
        case Export():
            return [(spec.output, spec.output)]


def rendition_key(image: str, asset: Asset, rendition: Rendition) -> str:
    """Key of one variant."""
    steps: list[Json] = [step_document(step) for step in asset.steps]
    made: list[Json] = [rendition.width_px, rendition.format, rendition.quality]
    return sha256_of(["variant", VARIANT_VERSION, image, steps, made])


def file_key(key: str, role: str) -> str:
    """Under this key the journal knows a file of a product."""
    return sha256_of([key, role])


def path_of(spec: Frames | Variants | Atlas | Export, role: str, digest: Digest) -> str:
    """The path of a picture of a product."""
    match spec:
        case Frames():
            return frame_path(spec, int(role))
        case Variants():
            width, _, image_format = role.partition(".")
            return variant_path(spec, int(width), FORMAT_OF_SUFFIX[f".{image_format}"], digest)
        case Atlas():
            return page_path(spec, int(role))
        case Export():
            raise AssertionError("an export has no pictures")


def known_paths(product: Product) -> tuple[str, ...]:
    """Paths that a product may have whatever its pictures turn out to be."""
    spec = product.spec
    match spec:
        case Frames():
            return tuple(frame_path(spec, n) for n in range(spec.count))
        case Variants():
            if "${hash}" in spec.output:
                return ()
            pairs = [(width, name) for name in spec.formats for width in spec.widths]
            return tuple(expand(spec.output, width=width, format=name) for width, name in pairs)
        case Atlas():
            pages = range(spec.max_pages)
            patterns = [spec.output, *spec.data.values()]
            paths = [expand(pattern, page=page) for pattern in patterns for page in pages]
            return tuple(dict.fromkeys(paths))
        case Export():
            return (spec.output,)


def paths_of(products: Iterable[Product], lock: Lock) -> tuple[str, ...]:
    """Paths to look at before anything is decided: those that are known, and those recorded."""
    paths: dict[str, None] = {}
    for product in products:
        paths |= dict.fromkeys(known_paths(product))
        entry = lock.products.get(product.name)
        paths |= dict.fromkeys(entry.files if entry is not None else ())
    return tuple(paths)
