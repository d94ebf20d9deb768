"""What `assets.yaml` may say about finished pictures, as pydantic models; as in `schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from assetgen.core.finish import Anchor, ExportFormat
from assetgen.core.model import ImageFormat
from assetgen.core.step import Axes, Dither, Filter, Fit, Gravity
from assetgen.manifest import fields, finish_fields
from assetgen.manifest.finish_fields import FORMATS, GRAVITIES, LOSSY
from assetgen.manifest.schema_types import (
    NULL_SECTION,
    OptionalText,
    Section,
    Text,
    TextOrTexts,
    Truth,
)
from assetgen.manifest.sizes import MOST_SIDE_PX

if TYPE_CHECKING:
    from typing import Any

    from pydantic import GetJsonSchemaHandler

MOST_FRAMES = 4_096
MOST_GRID = 1_024
MOST_COLOURS = 256
MOST_MARGIN_PX = 4_096
MOST_FEATHER_PX = 64
MOST_PAGES = 64


def _integer(low: int, high: int) -> WithJsonSchema:
    return WithJsonSchema({"type": ["integer", "null"], "minimum": low, "maximum": high})


def _choice(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"enum": [*words, None]})


Side = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(1, MOST_SIDE_PX))),
    _integer(1, MOST_SIDE_PX),
]
Offset = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(0, MOST_SIDE_PX))),
    _integer(0, MOST_SIDE_PX),
]
Margin = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(0, MOST_MARGIN_PX))),
    _integer(0, MOST_MARGIN_PX),
]
Feather = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(0, MOST_FEATHER_PX))),
    _integer(0, MOST_FEATHER_PX),
]
Level = Annotated[
    int | None, PlainValidator(fields.or_none(fields.whole(0, 255))), _integer(0, 255)
]
ColourCount = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(2, MOST_COLOURS))),
    _integer(2, MOST_COLOURS),
]
MostColours = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(1, fields.MOST_INTEGER))),
    _integer(1, fields.MOST_INTEGER),
]
Scale = Annotated[
    int | None, PlainValidator(fields.or_none(fields.whole(1, 256))), _integer(1, 256)
]
Blend = Annotated[int | None, PlainValidator(fields.or_none(fields.whole(1, 50))), _integer(1, 50)]
GridLines = Annotated[
    int | None, PlainValidator(fields.or_none(fields.whole(1, MOST_GRID))), _integer(1, MOST_GRID)
]
FrameCount = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(1, MOST_FRAMES))),
    _integer(1, MOST_FRAMES),
]
Pages = Annotated[
    int | None, PlainValidator(fields.or_none(fields.whole(1, MOST_PAGES))), _integer(1, MOST_PAGES)
]
GravityWord = Annotated[
    Gravity | None, PlainValidator(fields.or_none(finish_fields.gravity)), _choice(*GRAVITIES)
]
AnchorWord = Annotated[
    Anchor | None,
    PlainValidator(fields.or_none(finish_fields.anchor)),
    _choice("grid", "centre", "center", "bottom"),
]
FitWord = Annotated[
    Fit | None,
    PlainValidator(fields.or_none(fields.choice("contain", "cover", "fill", "inside"))),
    _choice("contain", "cover", "fill", "inside"),
]
FilterWord = Annotated[
    Filter | None,
    PlainValidator(fields.or_none(fields.choice("nearest", "bilinear", "bicubic", "lanczos"))),
    _choice("nearest", "bilinear", "bicubic", "lanczos"),
]
DitherWord = Annotated[
    Dither | None,
    PlainValidator(fields.or_none(fields.choice("none", "floyd-steinberg", "ordered"))),
    _choice("none", "floyd-steinberg", "ordered"),
]
AxesWord = Annotated[
    Axes | None,
    PlainValidator(fields.or_none(fields.choice("both", "x", "y"))),
    _choice("both", "x", "y"),
]
HolesWord = Annotated[
    Literal["keep", "clear"] | None,
    PlainValidator(fields.or_none(fields.choice("keep", "clear"))),
    _choice("keep", "clear"),
]
SizeText = Annotated[
    str | None,
    PlainValidator(fields.or_none(fields.literal_text)),
    WithJsonSchema({"type": ["string", "integer", "null"]}),
]
ByteCount = Annotated[
    int | None,
    PlainValidator(fields.or_none(finish_fields.byte_count)),
    WithJsonSchema(
        {
            "type": ["string", "integer", "null"],
            "minimum": 1,
            "maximum": finish_fields.MOST_BYTES,
            "pattern": r"^[0-9]{1,10}(\.[0-9]{1,3})? ?(B|kB|KB|MB|KiB|MiB)?$",
        }
    ),
]
Widths = Annotated[
    tuple[int, ...],
    PlainValidator(finish_fields.widths),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": MOST_SIDE_PX},
            "minItems": 1,
            "uniqueItems": True,
        }
    ),
]
Formats = Annotated[
    tuple[ImageFormat, ...],
    PlainValidator(finish_fields.formats),
    WithJsonSchema(
        {"type": "array", "items": {"enum": list(FORMATS)}, "minItems": 1, "uniqueItems": True}
    ),
]
_QUALITY = {"type": "integer", "minimum": 1, "maximum": 100}
Quality = Annotated[
    int | dict[ImageFormat, int] | None,
    PlainValidator(fields.or_none(finish_fields.quality)),
    WithJsonSchema(
        {
            "anyOf": [
                _QUALITY,
                {
                    "type": "object",
                    "propertyNames": {"enum": [*LOSSY, "jpg"]},
                    "additionalProperties": _QUALITY,
                },
                {"type": "null"},
            ]
        }
    ),
]
_SELECTORS = {"type": ["string", "array"], "items": {"type": "string"}}
Selectors = Annotated[
    tuple[str, ...],
    PlainValidator(finish_fields.selectors),
    WithJsonSchema({**_SELECTORS, "minItems": 1}),
]
Animations = Annotated[
    dict[str, tuple[str, ...]] | None,
    PlainValidator(fields.or_none(finish_fields.animations)),
    WithJsonSchema({"type": ["object", "null"], "additionalProperties": _SELECTORS}),
]
ExportWord = Annotated[
    ExportFormat,
    PlainValidator(fields.choice("json", "typescript", "python", "html")),
    WithJsonSchema({"enum": ["json", "typescript", "python", "html"]}),
]


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


class ExpectEntry(Section):
    """`expect`: what the finished picture must be."""

    model_config = ConfigDict(title="Expect")

    alpha: Truth = Field(
        default=None,
        description="Whether some of it must be transparent, or nothing may be.",
        examples=[True],
    )
    size: SizeText = Field(
        default=None,
        description="Its size in pixels, such as `256x256`; one number for a square.",
        examples=["256x256", 64],
    )
    max_bytes: ByteCount = Field(
        default=None,
        description="The most bytes the file may have: a number, or one with B, kB, KiB, MB or "
        "MiB.",
        examples=["200kB", 4096],
    )
    seamless: Truth = Field(
        default=None,
        description="Whether copies beside each other must show no seam.",
        examples=[True],
    )
    colors: MostColours = Field(
        default=None, description="The most colours it may have.", examples=[16]
    )


class VariantsEntry(Section):
    """`variants`: files for the web."""

    model_config = ConfigDict(title="Variants")

    widths: Widths = Field(
        description="Widths in pixels. One wider than the picture is made in the picture's own.",
        examples=[[480, 960]],
    )
    formats: Formats = Field(
        description="Formats, the best first, as pages offer them.", examples=[["avif", "webp"]]
    )
    quality: Quality = Field(
        default=None,
        description="1 to 100, for all formats or by format; 60 for AVIF, 80 for WebP and 82 for "
        "JPEG unless stated.",
        examples=[75, {"avif": 55, "webp": 80}],
    )
    output: Text = Field(
        description="Where they go: a path with `${width}`, `${format}` and maybe `${hash}`, the "
        "first digits of the file's digest; `${asset}` is the name of the asset.",
        examples=["public/img/hero-${width}.${hash}.${format}"],
    )


class SheetDataEntry(Section):
    """`data` of an atlas."""

    model_config = ConfigDict(title="Data of an atlas")

    json_hash: OptionalText = Field(
        default=None,
        alias="json-hash",
        description="The JSON that PixiJS and Phaser read; with several pages a file for each, "
        "by `${page}`.",
        examples=["public/ui.json"],
    )
    css: OptionalText = Field(
        default=None, description="A class for each frame.", examples=["public/ui.css"]
    )
    json_plain: OptionalText = Field(
        default=None,
        alias="json",
        description="Pages, frames and animations, as schemas/sheet.schema.json says.",
        examples=["public/ui.plain.json"],
    )


class AtlasEntry(Section):
    """One of `atlases`."""

    model_config = ConfigDict(title="Atlas")

    assets: Selectors = Field(
        description="What is on it: names, patterns, or `tag:NAME`. An asset with a `slice` "
        "brings its frames.",
        examples=[["tag:icons", "hero*"]],
    )
    output: Text = Field(
        description="Where the page goes; with several pages a path with `${page}`, which is 0, "
        "1, 2 …",
        examples=["public/ui.png", "public/ui-${page}.png"],
    )
    data: Annotated[SheetDataEntry | None, NULL_SECTION] = Field(
        default=None,
        description="Files that say where each frame is, by their format.",
        examples=[{"json-hash": "public/ui.json", "css": "public/ui.css"}],
    )
    trim: Truth = Field(
        default=None,
        description="Leave transparent borders of pictures out; done unless stated.",
        examples=[False],
    )
    padding: Margin = Field(
        default=None, description="Pixels between pictures; 2 unless stated.", examples=[2]
    )
    extrude: Margin = Field(
        default=None,
        description="How often the edge of each picture is repeated around it, against seams when "
        "it is scaled; 0 unless stated.",
        examples=[1],
    )
    power_of_two: Truth = Field(
        default=None,
        description="Make the sides of pages powers of two; not unless stated.",
        examples=[True],
    )
    max_size: Side = Field(
        default=None,
        description="The most pixels a side of a page may have; 2048 unless stated.",
        examples=[4096],
    )
    max_pages: Pages = Field(
        default=None, description="The most pages there may be; 1 unless stated.", examples=[4]
    )
    animations: Animations = Field(
        default=None,
        description="Names of animations, and the assets each shows in order. An asset with a "
        "`slice` is an animation of its own name besides.",
        examples=[{"walk": ["walk-*"]}],
    )


class ExportEntry(Section):
    """One of `exports`."""

    model_config = ConfigDict(title="Export")

    format: ExportWord = Field(description="What is written.", examples=["typescript"])
    output: Text = Field(
        description="Where the file goes; its extension fits the format.",
        examples=["src/assets.ts"],
    )
    assets: TextOrTexts = Field(
        default=None,
        description="The assets it tells of: names, patterns, or `tag:NAME`; all unless stated.",
        examples=[["tag:web"]],
    )
    atlases: TextOrTexts = Field(
        default=None,
        description="The atlases it tells of, by name or pattern; all unless stated. Not for "
        "`html`.",
        examples=[["ui"]],
    )
    base: OptionalText = Field(
        default=None,
        description="What is put in front of every path; it ends in `/`.",
        examples=["/img/", "https://cdn.example/"],
    )
    root: OptionalText = Field(
        default=None,
        description="The folder that paths are relative to; the manifest's unless stated. For "
        "an asset with `variants` and its `output` elsewhere, its largest variant is named "
        "instead.",
        examples=["public"],
    )
    sizes: OptionalText = Field(
        default=None,
        description="How wide pages show the pictures, in the words of the HTML attribute "
        "`sizes`; only for `html`.",
        examples=["100vw", "(min-width: 60rem) 50vw, 100vw"],
    )
