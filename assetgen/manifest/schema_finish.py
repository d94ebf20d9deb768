"""What `assets.yaml` may say about finished pictures, as pydantic models; as in `schema`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from assetgen.manifest.schema_finish_types import (
    Animations,
    ByteCount,
    ExportWord,
    Formats,
    Margin,
    MostColours,
    Pages,
    Quality,
    Selectors,
    Side,
    SizeText,
    Widths,
)
from assetgen.manifest.schema_types import (
    NULL_SECTION,
    OptionalText,
    Section,
    Text,
    TextOrTexts,
    Truth,
)


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
