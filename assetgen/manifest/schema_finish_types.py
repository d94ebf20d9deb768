"""Kinds of values that steps, variants, atlases and exports hold; as in `schema_types`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import PlainValidator, WithJsonSchema

from assetgen.core.finish import Anchor, ExportFormat
from assetgen.core.model import ImageFormat
from assetgen.core.step import Axes, Dither, Filter, Fit, Gravity
from assetgen.manifest import fields, finish_fields
from assetgen.manifest.finish_fields import FORMATS, GRAVITIES, LOSSY
from assetgen.manifest.sizes import MOST_SIDE_PX

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
