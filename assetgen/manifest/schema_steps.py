"""What `assets.yaml` may say under `steps`, as pydantic models; as in `schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from assetgen.manifest import fields, finish_fields
from assetgen.manifest.schema_finish_types import (
    AnchorWord,
    AxesWord,
    Blend,
    ColourCount,
    DitherWord,
    Feather,
    FilterWord,
    FitWord,
    FrameCount,
    GravityWord,
    GridLines,
    HolesWord,
    Level,
    Margin,
    Offset,
    Scale,
    Side,
)
from assetgen.manifest.schema_types import (
    NULL_SECTION,
    OptionalText,
    Section,
    Truth,
)

if TYPE_CHECKING:
    from typing import Any

    from pydantic import GetJsonSchemaHandler


class RemoveBackgroundEntry(Section):
    """`remove_background`."""

    model_config = ConfigDict(title="remove_background")

    ground: OptionalText = Field(
        default=None,
        description="The colour of the ground, or `auto`, which takes it from the edges of the "
        "picture. `auto` unless stated.",
        examples=["#ff00ff", "auto"],
    )
    tolerance: Level = Field(
        default=None,
        description="How far a colour may be from the ground and still be ground; 32 unless "
        "stated.",
        examples=[24],
    )
    feather: Feather = Field(
        default=None,
        description="Width of the soft edge in pixels; 1 unless stated.",
        examples=[0, 2],
    )
    holes: HolesWord = Field(
        default=None,
        description="Whether ground that the subject encloses is kept, as it is unless stated, "
        "or cleared.",
        examples=["clear"],
    )
    using: OptionalText = Field(
        default=None,
        description="The name of a remover that an installed package adds; the built-in one "
        "unless stated.",
        examples=["my-remover"],
    )


class TrimEntry(Section):
    """`trim`."""

    model_config = ConfigDict(title="trim")

    margin: Margin = Field(
        default=None,
        description="Pixels of border that are left on each side; 0 unless stated.",
        examples=[4],
    )
    threshold: Level = Field(
        default=None,
        description="Alpha up to which a pixel counts as border (without transparency: how far "
        "its colour may be from the border's); 0 unless stated.",
        examples=[8],
    )


class CropEntry(Section):
    """`crop`."""

    model_config = ConfigDict(title="crop")

    width: Side = Field(
        default=None, description="Width in pixels of what is cut out.", examples=[100]
    )
    height: Side = Field(
        default=None, description="Height in pixels of what is cut out.", examples=[80]
    )
    x: Offset = Field(
        default=None,
        description="Where it begins, in pixels from the left; together with `y`, and instead of "
        "`gravity`.",
        examples=[0],
    )
    y: Offset = Field(
        default=None, description="Where it begins, in pixels from the top.", examples=[0]
    )
    gravity: GravityWord = Field(
        default=None,
        description="Which part of the picture stays; the centre unless stated.",
        examples=["south"],
    )


class ResizeEntry(Section):
    """`resize`."""

    model_config = ConfigDict(title="resize")

    width: Side = Field(
        default=None,
        description="Width in pixels; with `height` alone it follows the shape of the picture.",
        examples=[256],
    )
    height: Side = Field(
        default=None,
        description="Height in pixels; with `width` alone it follows the shape of the picture.",
        examples=[256],
    )
    fit: FitWord = Field(
        default=None,
        description="What happens to another shape: `contain`, as unless stated, adds transparent "
        "bars, `cover` cuts off, `fill` distorts, `inside` gives at most this size and never "
        "enlarges.",
        examples=["cover"],
    )
    filter: FilterWord = Field(
        default=None,
        description="How pixels are computed: `lanczos` unless stated; `nearest` for pixel art.",
        examples=["nearest"],
    )
    gravity: GravityWord = Field(
        default=None,
        description="Where the picture goes between bars, or which part stays; the centre unless "
        "stated.",
        examples=["south"],
    )


class PadEntry(Section):
    """`pad`."""

    model_config = ConfigDict(title="pad")

    width: Side = Field(
        default=None, description="Width in pixels that the canvas has at least.", examples=[300]
    )
    height: Side = Field(
        default=None, description="Height in pixels that the canvas has at least.", examples=[300]
    )
    margin: Margin = Field(
        default=None,
        description="Pixels that are added on each side; 0 unless stated.",
        examples=[4],
    )
    color: OptionalText = Field(
        default=None,
        description="Colour of what is added; `transparent` unless stated.",
        examples=["#ffffff", "transparent"],
    )
    gravity: GravityWord = Field(
        default=None,
        description="Where the picture goes on the canvas; the centre unless stated.",
        examples=["south"],
    )


class PaletteEntry(Section):
    """`palette`, as a step and in `pixelate`."""

    model_config = ConfigDict(title="palette")

    colors: ColourCount = Field(
        default=None,
        description="How many colours the picture keeps; the best ones are chosen. Instead of "
        "`file`.",
        examples=[16],
    )
    file: OptionalText = Field(
        default=None,
        description="A file with the colours: `.hex` (one a line), `.gpl` (GIMP) or `.pal` "
        "(JASC). Instead of `colors`.",
        examples=["art/pico8.hex"],
    )
    dither: DitherWord = Field(
        default=None,
        description="How colours in between are imitated; `none` unless stated.",
        examples=["ordered"],
    )


class PixelateEntry(Section):
    """`pixelate`."""

    model_config = ConfigDict(title="pixelate")

    width: Side = Field(
        default=None, description="How many pixels the picture has in a row.", examples=[32]
    )
    height: Side = Field(
        default=None,
        description="How many pixels it has in a column; follows the shape unless stated.",
        examples=[32],
    )
    scale: Scale = Field(
        default=None,
        description="How wide and high each of these pixels is in the file; 1 unless stated.",
        examples=[4],
    )
    palette: PaletteEntry | None = Field(
        default=None,
        description="Few colours, as in the step `palette`.",
        examples=[{"colors": 16}],
    )


class TileEntry(Section):
    """`tile`."""

    model_config = ConfigDict(title="tile")

    axes: AxesWord = Field(
        default=None,
        description="Which edges are made to meet: left and right (`x`), top and bottom (`y`), "
        "or both, as unless stated.",
        examples=["x"],
    )
    blend: Blend = Field(
        default=None,
        description="Width of the band that is blended, in percent of the side; 25 unless stated.",
        examples=[25],
    )


class SliceEntry(Section):
    """`slice`."""

    model_config = ConfigDict(title="slice")

    columns: GridLines = Field(
        default=None, description="How many frames are in a row; 1 unless stated.", examples=[4]
    )
    rows: GridLines = Field(
        default=None,
        description="How many rows of frames there are; 1 unless stated.",
        examples=[2],
    )
    frames: FrameCount = Field(
        default=None,
        description="How many frames there are, by rows; all cells unless stated.",
        examples=[7],
    )
    output: OptionalText = Field(
        default=None,
        description="Where the frames go: a path with `${frame}`, which is 0, 1, 2 …; `${asset}` "
        "is the name of the asset. PNG or WebP, written without loss.",
        examples=["art/hero/${frame}.png"],
    )
    anchor: AnchorWord = Field(
        default=None,
        description="What stays in its place over all frames: the cell (`grid`, as unless "
        "stated), or the `centre` or the `bottom` of what is drawn.",
        examples=["bottom"],
    )
    trim: Truth = Field(
        default=None,
        description="Cut all frames to the smallest size that holds each; not unless stated.",
        examples=[True],
    )
    margin: Margin = Field(
        default=None,
        description="Pixels between the edge of the sheet and the frames; 0 unless stated.",
        examples=[0],
    )
    spacing: Margin = Field(
        default=None, description="Pixels between frames; 0 unless stated.", examples=[0]
    )


class StepEntry(Section):
    """One of `steps`: a mapping with one key."""

    model_config = ConfigDict(
        title="Step", json_schema_extra={"minProperties": 1, "maxProperties": 1}
    )

    remove_background: Annotated[RemoveBackgroundEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Makes a flat ground transparent.",
        examples=[{"ground": "#ff00ff", "holes": "clear"}],
    )
    trim: Annotated[TrimEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Cuts off the transparent border, or one of a single colour.",
        examples=[{"margin": 4}],
    )
    crop: Annotated[CropEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Cuts a rectangle out.",
        examples=[{"width": 100, "height": 80, "gravity": "south"}],
    )
    resize: Annotated[ResizeEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Gives the picture another size.",
        examples=[{"width": 256, "height": 256, "fit": "contain"}],
    )
    pad: Annotated[PadEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Puts the picture on a larger canvas.",
        examples=[{"width": 300, "height": 300}],
    )
    pixelate: Annotated[PixelateEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Makes a true pixel grid of this size.",
        examples=[{"width": 32, "scale": 4, "palette": {"colors": 16}}],
    )
    palette: Annotated[PaletteEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Keeps few colours.",
        examples=[{"colors": 16, "dither": "ordered"}],
    )
    tile: Annotated[TileEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Makes the edges meet, so that copies beside each other show no seam.",
        examples=[{"axes": "both", "blend": 25}],
    )
    slice: Annotated[SliceEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Cuts a sheet into frames, a file each; the last step. The asset's own "
        "output is the whole sheet.",
        examples=[{"columns": 4, "rows": 2, "output": "art/hero/${frame}.png"}],
    )


STEPS: dict[str, type[Section]] = {
    "remove_background": RemoveBackgroundEntry,
    "trim": TrimEntry,
    "crop": CropEntry,
    "resize": ResizeEntry,
    "pad": PadEntry,
    "pixelate": PixelateEntry,
    "palette": PaletteEntry,
    "tile": TileEntry,
    "slice": SliceEntry,
}
"""The fields of each step."""


class _OrBareName:
    """Lets an editor accept the name of a step for the step."""

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(STEPS)}, handler(core_schema)]}


StepItem = Annotated[StepEntry, BeforeValidator(finish_fields.step), _OrBareName()]
Steps = Annotated[
    tuple[StepItem, ...] | None, BeforeValidator(fields.or_none(finish_fields.several))
]
