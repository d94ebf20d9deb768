"""`steps` of an asset to the values that say what is done to its image."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, cast

from assetgen.core import step as core
from assetgen.core.finish import Frames
from assetgen.core.pattern import expand
from assetgen.core.value import Value
from assetgen.errors import ManifestError
from assetgen.manifest import schema_steps as schema
from assetgen.manifest.entry import NAME_OF_THE_ASSET
from assetgen.manifest.faults import listed, shown
from assetgen.manifest.palettes import MOST_BYTES, read_palette, suffix_of
from assetgen.manifest.paths import is_address, normal_output, normal_path
from assetgen.manifest.patterns import examples, filled_pattern, is_fit, require
from assetgen.manifest.schema_finish_types import MOST_FRAMES
from assetgen.manifest.sizes import can_be_cut, can_follow, is_possible, size_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from assetgen.manifest.entry import Filling, Spot
    from assetgen.manifest.sizes import Size

MOST_STEPS = 64
LOSSLESS = ("png", "webp")

_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


class Steps(Value):
    """What `steps` says."""

    steps: tuple[core.Step, ...] = ()
    frames: Frames | None = None
    size: Size | None = None
    """Of the picture after them, where they decide it."""


def resolve_steps(filling: Filling, asset: str) -> Steps:
    """What the asset's `steps` say, as far as they are without fault."""
    entries = cast("tuple[schema.StepEntry, ...] | None", filling.entry.value("steps")) or ()
    if len(entries) > MOST_STEPS:
        filling.refuse("steps", f"has more than {MOST_STEPS} steps", "remove some")
        return Steps()
    steps: list[core.Step] = []
    frames = size = None
    for index, entry in enumerate(entries):
        (name,) = entry.model_fields_set
        says = f"step {index + 1} ({shown(name)}) of {filling.entry.owner('steps')}"
        spot = filling.spot("steps", (index, name), says)
        fields = getattr(entry, name) or schema.STEPS[name]()
        if isinstance(fields, schema.SliceEntry):
            if index + 1 < len(entries):
                spot.refuse("is not the last", "cut into frames after everything else", key=True)
                continue
            frames = _frames(filling, spot, fields, asset)
            if frames is not None:
                can_be_cut(spot, frames, size)
            continue
        step = _READERS[name](filling, spot, fields)
        if step is None or not can_follow(spot, step, size):
            size = None
            continue
        size = size_after(step, size)
        steps.append(step)
    return Steps(tuple(steps), frames, size)


def _remove_background(
    filling: Filling, spot: Spot, fields: schema.RemoveBackgroundEntry
) -> core.Step | None:
    default = core.RemoveBackground()
    if fields.using is not None:
        for name in ("ground", "tolerance", "feather", "holes"):
            if getattr(fields, name) is not None:
                hint = "remove it: the remover finds the ground by itself"
                spot.below(name).refuse("means nothing beside `using`", hint, key=True)
        remover = fields.using.strip()
        version = _version_of_remover(spot.below("using"), remover)
        if version is None:
            return None
        return core.RemoveBackground(remover=remover, remover_version=version)
    ground = _colour(filling, spot, "ground", fields.ground, "auto")
    if ground is None:
        return None
    return core.RemoveBackground(
        ground=ground,
        tolerance=_or(fields.tolerance, default.tolerance),
        feather_px=_or(fields.feather, default.feather_px),
        holes=fields.holes or default.holes,
    )


def _version_of_remover(spot: Spot, name: str) -> str | None:
    removers = spot.shared.removers
    version = removers.version_of(name) if removers is not None else None
    if version is None:
        names = removers.names() if removers is not None else ()
        there_are = f"; there are {listed(names)}" if names else ""
        spot.refuse(
            f"names {shown(name)}, which is no remover that is installed",
            spot.shared.faults.did_you_mean(name, names)
            or f"install the package that adds it, or remove the line{there_are}",
        )
    return version


def _trim(_: Filling, __: Spot, fields: schema.TrimEntry) -> core.Step:
    return core.Trim(margin_px=fields.margin or 0, threshold=fields.threshold or 0)


def _crop(_: Filling, spot: Spot, fields: schema.CropEntry) -> core.Step | None:
    if fields.width is None or fields.height is None:
        missing = "size" if fields.width is fields.height else "width"
        missing = "height" if missing == "width" and fields.height is None else missing
        hint = "state `width` and `height` of what is cut out"
        spot.refuse(f"has no {missing}", hint, key=True)
        return None
    if (fields.x is None) != (fields.y is None):
        spot.refuse("has only one of `x` and `y`", "state both, or `gravity` instead", key=True)
        return None
    if fields.x is not None and fields.gravity is not None:
        spot.below("gravity").refuse("means nothing beside `x` and `y`", "remove it", key=True)
        return None
    if not is_possible(spot, fields.width, fields.height):
        return None
    return core.Crop(fields.width, fields.height, fields.x, fields.y, fields.gravity or "centre")


def _resize(_: Filling, spot: Spot, fields: schema.ResizeEntry) -> core.Step | None:
    if fields.width is None and fields.height is None:
        spot.refuse("has no size", "state `width`, `height` or both", key=True)
        return None
    if not is_possible(spot, fields.width, fields.height):
        return None
    return core.Resize(
        fields.width,
        fields.height,
        fit=fields.fit or "contain",
        filter=fields.filter or "lanczos",
        gravity=fields.gravity or "centre",
    )


def _pad(filling: Filling, spot: Spot, fields: schema.PadEntry) -> core.Step | None:
    if fields.width is None and fields.height is None and not fields.margin:
        spot.refuse("adds nothing", "state `width`, `height` or `margin`", key=True)
        return None
    colour = _colour(filling, spot, "color", fields.color, "transparent")
    if colour is None or not is_possible(spot, fields.width, fields.height):
        return None
    return core.Pad(
        fields.width,
        fields.height,
        margin_px=fields.margin or 0,
        colour=colour,
        gravity=fields.gravity or "centre",
    )


def _pixelate(filling: Filling, spot: Spot, fields: schema.PixelateEntry) -> core.Step | None:
    palette = None
    if fields.palette is not None:
        palette = _palette(filling, spot.below("palette"), fields.palette)
        if palette is None:
            return None
    if fields.width is None:
        spot.refuse("has no `width`", "state how many pixels are in a row", key=True)
        return None
    scale = fields.scale or 1
    height = fields.height * scale if fields.height is not None else None
    if not is_possible(spot, fields.width * scale, height):
        return None
    return core.Pixelate(fields.width, fields.height, scale=scale, palette=palette)


def _palette(filling: Filling, spot: Spot, fields: schema.PaletteEntry) -> core.Palette | None:
    if fields.colors is not None and fields.file is not None:
        spot.refuse("has both `colors` and `file`", "keep one of them", key=True)
        return None
    dither = fields.dither or "none"
    if fields.file is not None:
        fixed = _palette_file(filling, spot.below("file"), fields.file)
        return core.Palette(fixed=fixed, dither=dither) if fixed is not None else None
    if fields.colors is None:
        hint = "state how many `colors` stay, or a `file` that lists them"
        spot.refuse("has neither `colors` nor `file`", hint, key=True)
        return None
    return core.Palette(colours=fields.colors, dither=dither)


def _palette_file(filling: Filling, spot: Spot, text: str) -> tuple[str, ...] | None:
    filled = spot.fill(text, filling.variables)
    if filled is None:
        return None
    label = filled.strip()
    if is_address(label):
        spot.refuse(
            f"is the address {shown(label)}; nothing is fetched from a network",
            "download it into the project, and name the file",
        )
        return None
    found = spot.attempt(partial(_find_palette, spot, label))
    if found is None:
        return None
    filling.reads.append(("palette", *found))
    path, shared = found[0], spot.shared
    if path not in shared.palettes:
        colours = spot.attempt(lambda: read_palette(shared.files.read(path, MOST_BYTES), path))
        if colours is None:
            return None
        shared.palettes[path] = colours
    return shared.palettes[path]


def _find_palette(spot: Spot, label: str) -> tuple[str, str]:
    path = normal_path(label)
    suffix_of(path)
    return spot.shared.files.find(path)


def _tile(_: Filling, __: Spot, fields: schema.TileEntry) -> core.Step:
    default = core.Tile()
    return core.Tile(axes=fields.axes or default.axes, blend=_or(fields.blend, default.blend))


def _frames(filling: Filling, spot: Spot, fields: schema.SliceEntry, asset: str) -> Frames | None:
    columns, rows = fields.columns or 1, fields.rows or 1
    cells = columns * rows
    count = fields.frames or cells
    if count > MOST_FRAMES:
        spot.refuse(f"makes more than {MOST_FRAMES:,} frames", "make fewer", key=True)
        return None
    if count > cells:
        spot.below("frames").refuse(
            f"must be at most {cells}, not {count}",
            f"there are {columns} columns and {rows} row{'s' if rows != 1 else ''}",
        )
        return None
    if fields.output is None:
        hint = 'say where the frames go, such as `output: "art/hero/${frame}.png"`'
        spot.refuse("has no `output`", hint, key=True)
        return None
    place = spot.below("output")
    values = {NAME_OF_THE_ASSET: asset, **filling.variables}
    pattern = filled_pattern(place, fields.output, values, ["frame"])
    if pattern is None:
        return None
    if count > 1 and not require(place, pattern, "frame", f"are {count} frames"):
        return None
    found = place.attempt(lambda: normal_output(pattern.path))
    if found is None or not is_fit(place, examples(pattern.path, "frame", count)):
        return None
    output, image_format = found
    if image_format not in LOSSLESS:
        place.refuse(
            f"names {shown(expand(output, frame=0))}, and frames are written without loss",
            "write `.png` or `.webp`",
        )
        return None
    return Frames(
        columns=columns,
        rows=rows,
        output=output,
        format=image_format,
        count=count,
        anchor=fields.anchor or "grid",
        trim=fields.trim is True,
        margin_px=fields.margin or 0,
        spacing_px=fields.spacing or 0,
    )


def _colour(filling: Filling, spot: Spot, name: str, text: str | None, default: str) -> str | None:
    """A colour as `#rrggbb`, or `default`; None after a fault."""
    if text is None:
        return default
    place = spot.below(name)
    filled = place.fill(text, filling.variables)
    if filled is None:
        return None
    return place.attempt(lambda: _normal_colour(filled, default))


def _normal_colour(text: str, other: str) -> str:
    lowered = text.strip().lower()
    if lowered == other:
        return other
    if not _COLOUR.fullmatch(lowered):
        raise ManifestError(
            f"is {shown(text)}, which is no colour",
            hint=f'write it like `"#ff00ff"`, in quotes as `#` begins a comment, or `{other}`',
        )
    digits = lowered[1:]
    return f"#{digits if len(digits) > 3 else ''.join(d * 2 for d in digits)}"  # noqa: PLR2004


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


_READERS: dict[str, Callable[..., core.Step | None]] = {
    "remove_background": _remove_background,
    "trim": _trim,
    "crop": _crop,
    "resize": _resize,
    "pad": _pad,
    "pixelate": _pixelate,
    "palette": _palette,
    "tile": _tile,
}
