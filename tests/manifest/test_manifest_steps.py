"""`steps` and `expect`: what they say, and every fault before anything is bought."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from assetgen.core.fingerprint import key_of
from assetgen.core.finish import Expect, Frames
from assetgen.core.step import (
    Crop,
    Pad,
    Palette,
    Pixelate,
    RemoveBackground,
    Resize,
    Step,
    Tile,
    Trim,
)
from assetgen.errors import ManifestFaults
from assetgen.manifest.load import load
from tests.manifest.support import HEAD, TABLE, hero, place_of_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.manifest.support import Workspace

STEPS: dict[str, Step] = {
    "remove_background": RemoveBackground(),
    'remove_background: {ground: "#F0f", tolerance: 24, feather: 0, holes: clear}': (
        RemoveBackground("#ff00ff", tolerance=24, feather_px=0, holes="clear")
    ),
    "remove_background: {ground: AUTO}": RemoveBackground(),
    "trim": Trim(),
    "trim:": Trim(),
    "trim: {margin: 4, threshold: 8}": Trim(4, 8),
    "crop: {width: 100, height: 80, x: 0, y: 5}": Crop(100, 80, 0, 5),
    "crop: {width: 100, height: 80, gravity: south-east}": Crop(100, 80, gravity="south-east"),
    "resize: {width: 256}": Resize(256, None),
    "resize: {width: 2, height: 3, fit: cover, filter: nearest, gravity: south}": (
        Resize(2, 3, "cover", "nearest", "south")
    ),
    'pad: {width: 300, height: 300, margin: 4, color: "#ffffff", gravity: centre}': (
        Pad(300, 300, 4, "#ffffff")
    ),
    "pad: {margin: 2, gravity: center}": Pad(margin_px=2),
    "pixelate: {width: 32, height: 16, scale: 4, palette: {colors: 16}}": (
        Pixelate(32, 16, 4, Palette(16))
    ),
    "palette: {colors: 16, dither: ordered}": Palette(16, dither="ordered"),
    'palette: {file: "art/${which}.hex"}': Palette(fixed=("#ff00ff", "#00ff00")),
    "tile": Tile(),
    "tile: {axes: x, blend: 50}": Tile("x", 50),
}

HEX = "ff00ff\n00FF00\n\nff00ff\n"


def with_steps(*steps: str, more: str = "") -> str:
    """A manifest with an asset `hero` that has these steps."""
    return (
        HEAD
        + "vars: {which: pico8}\n"
        + hero(
            "\n".join(
                ["output: hero.png", "steps:", *(f"  - {step}" for step in steps), more]
            ).strip()
        )
    )


@pytest.mark.parametrize("text", STEPS)
def test_a_step_is_read_with_its_defaults(text: str, workspace: Workspace) -> None:
    workspace.write("art/pico8.hex", HEX)
    assert workspace.load(with_steps(text)).assets[0].steps == (STEPS[text],)


def test_steps_keep_their_order_and_a_list_replaces_the_default(workspace: Workspace) -> None:
    head = "version: 1\ndefaults: {model: a/b, steps: [trim, tile]}\n"
    assert workspace.load(head + hero("")).assets[0].steps == (Trim(), Tile())
    assert workspace.load(head + hero("steps: [tile, trim]")).assets[0].steps == (Tile(), Trim())
    assert workspace.load(head + hero("steps: []")).assets[0].steps == ()
    assert workspace.load(head + hero("steps: ~")).assets[0].steps == ()


def test_a_file_made_by_hand_has_steps_too(workspace: Workspace) -> None:
    workspace.write("a.png")
    asset = workspace.assets(hero("source: a.png\nsteps: [trim]\nexpect: {alpha: true}"))["hero"]
    assert (asset.steps, asset.expect) == ((Trim(),), Expect(alpha=True))


def test_what_is_done_to_an_image_changes_no_fingerprint(workspace: Workspace) -> None:
    plain = workspace.load(HEAD + hero("")).assets[0]
    more = (
        "output: hero.png\nsteps: [trim]\nexpect: {size: 64}\n"
        "variants: {widths: [9], formats: [webp], output: a.webp}"
    )
    finished = workspace.load(HEAD + hero(more)).assets[0]
    assert finished.action == plain.action
    assert key_of(finished, "openrouter", ()) == key_of(plain, "openrouter", ())


def test_the_last_step_cuts_frames_and_the_output_is_the_sheet(workspace: Workspace) -> None:
    text = (
        'slice: {columns: 4, rows: 2, frames: 7, output: "art/${asset}/${frame}.webp", '
        "anchor: bottom, trim: true, margin: 1, spacing: 2}"
    )
    asset = workspace.load(with_steps("trim", text)).assets[0]
    assert asset.steps == (Trim(),)
    assert asset.output == "hero.png"
    assert asset.frames == Frames(
        columns=4,
        rows=2,
        output="art/hero/${frame}.webp",
        format="webp",
        count=7,
        anchor="bottom",
        trim=True,
        margin_px=1,
        spacing_px=2,
    )
    one = workspace.load(with_steps("slice: {output: one.png}")).assets[0].frames
    assert one == Frames(columns=1, rows=1, output="one.png", format="png", count=1)


def test_palette_files_are_among_what_the_project_reads(workspace: Workspace) -> None:
    workspace.write("art/pico8.hex", HEX)
    project = workspace.load(
        with_steps(
            "palette: {file: art/pico8.hex}", "pixelate: {width: 2, palette: {file: art/pico8.hex}}"
        )
    )
    assert project.read_files == ("assets.yaml", "art/pico8.hex")


def test_expect_reads_sizes_and_bytes(workspace: Workspace) -> None:
    def expect(text: str) -> Expect | None:
        return workspace.assets(hero(f"expect: {text}"))["hero"].expect

    full = "{alpha: true, size: 256x128, max_bytes: 200kB, seamless: false, colors: 16}"
    assert expect(full) == Expect(
        alpha=True, width_px=256, height_px=128, max_bytes=200_000, seamless=False, colours=16
    )
    assert expect("{size: 64}") == Expect(width_px=64, height_px=64)
    assert expect("~") is None
    for text, size in {
        "12": 12,
        "1.5KiB": 1536,
        "2 MiB": 2 * 1024**2,
        "3 MB": 3_000_000,
        "7B": 7,
    }.items():
        assert expect(f"{{max_bytes: {text}}}") == Expect(max_bytes=size)


class Removers:
    """One remover is installed."""

    def version_of(self, name: str) -> str | None:
        return "2.1" if name == "deep" else None

    def names(self) -> Sequence[str]:
        return ["deep"]


def test_an_installed_remover_is_named_with_its_version(workspace: Workspace) -> None:
    workspace.write("assets.yaml", with_steps("remove_background: {using: deep}"))
    project = load(os.fspath(workspace.root / "assets.yaml"), table=TABLE, removers=Removers())
    assert project.assets[0].steps == (RemoveBackground(remover="deep", remover_version="2.1"),)


STEP_NAMES = (
    "`crop`, `pad`, `palette`, `pixelate`, `remove_background`, `resize`, `slice`, `tile`, `trim`"
)
ONE = "step 1 (`{}`) of asset `hero`"
SLICE = "slice: {{columns: 2, output: {}}}"

FAULTS: dict[str, tuple[str, str, str | None]] = {
    "unknown step": (
        "«resise»: {width: 3}",
        "unknown step `resise` in step 1 of asset `hero`",
        "did you mean `resize`?",
    ),
    "unknown bare step": (
        "«trimm»",
        "unknown step `trimm` in step 1 of asset `hero`",
        "did you mean `trim`?",
    ),
    "step like nothing known": (
        "«zzz»",
        "unknown step `zzz` in step 1 of asset `hero`",
        f"steps here are {STEP_NAMES}",
    ),
    "unknown field": (
        "resize: {«widht»: 3}",
        f"unknown field `widht` in {ONE.format('resize')}",
        "did you mean `width`?",
    ),
    "unknown field of a palette": (
        "pixelate: {width: 3, palette: {«colour»: 3}}",
        f"unknown field `colour` in `palette` of {ONE.format('pixelate')}",
        "did you mean `colors`?",
    ),
    "two steps in one": (
        "trim: {}\n    «tile»: {}",
        "step 1 of asset `hero` must be one step, not 2 fields",
        "indent what belongs to `trim`, or write `- ` before each step",
    ),
    "no step": (
        "«{}»",
        "step 1 of asset `hero` must be the name of a step, or a step with its fields, "
        "not a mapping",
        "write `trim`, or `trim: {margin: 4}`",
    ),
    "fields that are none": (
        "trim: «4»",
        f"{ONE.format('trim')} must be a mapping, not `4`",
        None,
    ),
    "size of nothing": (
        "resize: {width: «0»}",
        f"`width` of {ONE.format('resize')} must be at least 1, not `0`",
        None,
    ),
    "size beyond all": (
        "resize: {width: «16385»}",
        f"`width` of {ONE.format('resize')} must be at most 16384, not `16385`",
        None,
    ),
    "area beyond all": (
        "«resize»: {width: 16384, height: 16384}",
        f"{ONE.format('resize')} makes 16384 x 16384 px, which is too large",
        "at most 16384 px a side and 100 megapixels",
    ),
    "pixels beyond all": (
        "«pixelate»: {width: 1024, scale: 20}",
        f"{ONE.format('pixelate')} makes 20480 px, which is too large",
        "at most 16384 px a side and 100 megapixels",
    ),
    "resize without size": (
        "«resize»: {fit: cover}",
        f"{ONE.format('resize')} has no size",
        "state `width`, `height` or both",
    ),
    "bare resize": (
        "«resize»",
        f"{ONE.format('resize')} has no size",
        "state `width`, `height` or both",
    ),
    "crop without size": (
        "«crop»: {x: 1, y: 1}",
        f"{ONE.format('crop')} has no size",
        "state `width` and `height` of what is cut out",
    ),
    "crop without height": (
        "«crop»: {width: 1}",
        f"{ONE.format('crop')} has no height",
        "state `width` and `height` of what is cut out",
    ),
    "crop at half a place": (
        "«crop»: {width: 1, height: 1, x: 1}",
        f"{ONE.format('crop')} has only one of `x` and `y`",
        "state both, or `gravity` instead",
    ),
    "crop at two places": (
        "crop: {width: 1, height: 1, x: 1, y: 1, «gravity»: south}",
        f"`gravity` of {ONE.format('crop')} means nothing beside `x` and `y`",
        "remove it",
    ),
    "crop of more than there is": (
        "resize: {width: 64, height: 32}\n  - «crop»: {width: 64, height: 33}",
        "step 2 (`crop`) of asset `hero` cuts 64 x 33 px out of a picture of 64 x 32 px",
        "cut out less, or enlarge the picture first",
    ),
    "pad of nothing": (
        "«pad»: {gravity: south}",
        f"{ONE.format('pad')} adds nothing",
        "state `width`, `height` or `margin`",
    ),
    "unknown gravity": (
        "resize: {width: 1, gravity: «up»}",
        f"`gravity` of {ONE.format('resize')} must be one of `centre`, `center`, `north`, "
        "`north-east`, `east`, `south-east`, `south`, `south-west`, `west`, `north-west`, not `up`",
        None,
    ),
    "no colour": (
        "remove_background: {ground: «pink»}",
        f"`ground` of {ONE.format('remove_background')} is `pink`, which is no colour",
        'write it like `"#ff00ff"`, in quotes as `#` begins a comment, or `auto`',
    ),
    "unknown variable in a colour": (
        'pad: {margin: 1, color: "«${paper}»"}',
        f"unknown variable `${{paper}}` in `color` of {ONE.format('pad')}",
        "variables here are `which`",
    ),
    "tolerance out of range": (
        "remove_background: {tolerance: «256»}",
        f"`tolerance` of {ONE.format('remove_background')} must be at most 255, not `256`",
        None,
    ),
    "remover that is not installed": (
        "remove_background: {using: «deep»}",
        f"`using` of {ONE.format('remove_background')} names `deep`, which is no remover that is "
        "installed",
        "install the package that adds it, or remove the line",
    ),
    "pixelate without width": (
        "«pixelate»: {height: 3}",
        f"{ONE.format('pixelate')} has no `width`",
        "state how many pixels are in a row",
    ),
    "palette with both": (
        "«palette»: {colors: 3, file: art/pico8.hex}",
        f"{ONE.format('palette')} has both `colors` and `file`",
        "keep one of them",
    ),
    "palette with neither": (
        "«palette»: {dither: ordered}",
        f"{ONE.format('palette')} has neither `colors` nor `file`",
        "state how many `colors` stay, or a `file` that lists them",
    ),
    "inner palette with neither": (
        "pixelate: {width: 3, «palette»: {}}",
        f"`palette` of {ONE.format('pixelate')} has neither `colors` nor `file`",
        "state how many `colors` stay, or a `file` that lists them",
    ),
    "one colour": (
        "palette: {colors: «1»}",
        f"`colors` of {ONE.format('palette')} must be at least 2, not `1`",
        None,
    ),
    "palette that does not exist": (
        "palette: {file: «art/pico9.hex»}",
        f"`file` of {ONE.format('palette')} names `art/pico9.hex`, which does not exist",
        "did you mean `art/pico8.hex`?",
    ),
    "palette of another kind": (
        "palette: {file: «art/pico8.png»}",
        f"`file` of {ONE.format('palette')} names `art/pico8.png`, which has no extension of a "
        "palette",
        "write the colours into one of `.hex`, `.gpl`, `.pal`",
    ),
    "palette outside": (
        "palette: {file: «../pico8.hex»}",
        f"`file` of {ONE.format('palette')} names `../pico8.hex`, which is outside the project",
        "everything read or written stays in the manifest's folder",
    ),
    "palette on a network": (
        "palette: {file: «https://x.example/a.hex»}",
        f"`file` of {ONE.format('palette')} is the address `https://x.example/a.hex`; nothing is "
        "fetched from a network",
        "download it into the project, and name the file",
    ),
    "palette that cannot be read": (
        "palette: {file: «art/broken.hex»}",
        f"`file` of {ONE.format('palette')} names `art/broken.hex`, which is no palette that can "
        "be read: line 2 is `pink`, which is no colour",
        "`.hex` is one colour a line like `ff00ff`; `.gpl` is GIMP's format, `.pal` JASC's",
    ),
    "blend out of range": (
        "tile: {blend: «51»}",
        f"`blend` of {ONE.format('tile')} must be at most 50, not `51`",
        None,
    ),
    "slice before the end": (
        '«slice»: {columns: 2, output: "a${frame}.png"}\n  - trim',
        f"{ONE.format('slice')} is not the last",
        "cut into frames after everything else",
    ),
    "slice twice": (
        '«slice»: {columns: 2, output: "a${frame}.png"}\n'
        '  - slice: {columns: 2, output: "b${frame}.png"}',
        f"{ONE.format('slice')} is not the last",
        "cut into frames after everything else",
    ),
    "slice without output": (
        "«slice»: {columns: 2}",
        f"{ONE.format('slice')} has no `output`",
        'say where the frames go, such as `output: "art/hero/${frame}.png"`',
    ),
    "frames on one path": (
        SLICE.format("«a.png»"),
        f"`output` of {ONE.format('slice')} has no `${{frame}}`, and there are 2 frames",
        "put `${frame}` into it",
    ),
    "more frames than cells": (
        'slice: {columns: 2, frames: «3», output: "a${frame}.png"}',
        f"`frames` of {ONE.format('slice')} must be at most 2, not `3`".replace("`3`", "3"),
        "there are 2 columns and 1 row",
    ),
    "frames with loss": (
        SLICE.format('«"a${frame}.jpg"»'),
        f"`output` of {ONE.format('slice')} names `a0.jpg`, and frames are written without loss",
        "write `.png` or `.webp`",
    ),
    "frames that are no images": (
        SLICE.format('«"a${frame}.txt"»'),
        f"`output` of {ONE.format('slice')} names `a${{frame}}.txt`, which has no extension of an "
        "image",
        "write one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`",
    ),
    "frames outside": (
        SLICE.format('«"../${frame}.png"»'),
        f"`output` of {ONE.format('slice')} names `../${{frame}}.png`, which is outside the "
        "project",
        "everything read or written stays in the manifest's folder",
    ),
    "frames named like devices": (
        SLICE.format('«"com${frame}.png"»'),
        f"`output` of {ONE.format('slice')} names `com1.png`, in which Windows keeps `com1.png` "
        "for a device",
        "choose another name",
    ),
    "a width in frames": (
        SLICE.format('"a${frame}-«${width}».png"'),
        f"unknown variable `${{width}}` in `output` of {ONE.format('slice')}",
        "variables here are `asset`, `frame`, `which`",
    ),
    "a dollar sign before a brace": (
        SLICE.format('«"$${frame}${frame}.png"»'),
        f"`output` of {ONE.format('slice')} has `${{` as text",
        "leave the dollar sign or the brace out of the path",
    ),
    "a grid with pixels over": (
        'resize: {width: 65, height: 64}\n  - «slice»: {columns: 2, output: "a${frame}.png"}',
        "step 2 (`slice`) of asset `hero` cuts 65 px into 2 columns, which gives no whole pixels",
        "resize to 64 px first",
    ),
}


def marked_steps(text: str) -> str:
    return HEAD + "vars: {which: pico8}\n" + hero(f"output: hero.png\nsteps:\n  - {text}")


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_of_a_step_is_told_at_its_place(case: str, workspace: Workspace) -> None:
    workspace.write("art/pico8.hex", HEX)
    workspace.write("art/broken.hex", "ff00ff\npink\n")
    text, what, hint = FAULTS[case]
    workspace.check_fault(marked_steps(text), what, hint)


EXPECT_FAULTS: dict[str, tuple[str, str, str | None]] = {
    "unknown": (
        "expect: {«alhpa»: true}",
        "unknown field `alhpa` in `expect` of asset `hero`",
        "did you mean `alpha`?",
    ),
    "no mapping": (
        "expect: «64»",
        "`expect` of asset `hero` must be a mapping, not `64`",
        None,
    ),
    "no size": (
        "expect: {size: «big»}",
        "`size` of `expect` of asset `hero` is `big`, which is no size",
        "write it like `256x256`, with at most 16384 px a side",
    ),
    "size of nothing": (
        "expect: {size: «0x3»}",
        "`size` of `expect` of asset `hero` is `0x3`, which is no size",
        "write it like `256x256`, with at most 16384 px a side",
    ),
    "no bytes": (
        "expect: {max_bytes: «12 apples»}",
        "`max_bytes` of `expect` of asset `hero` must be a number of bytes, not `12 apples`",
        "write a whole number, or one with B, kB, KiB, MB or MiB, like `200kB`",
    ),
    "too few bytes": (
        "expect: {max_bytes: «0»}",
        "`max_bytes` of `expect` of asset `hero` must be from 1 B to 1000 MB, not `0`",
        None,
    ),
    "alpha of a JPEG": (
        "output: a.jpg\nexpect: {alpha: «true»}",
        "`alpha` of `expect` of asset `hero` cannot be true, as the output is a JPEG, which has "
        "no transparency",
        "let `output` end in `.png` or `.webp`",
    ),
    "another size than the steps make": (
        "steps: [{resize: {width: 64, height: 64}}]\nexpect: {size: «32»}",
        "`size` of `expect` of asset `hero` is 32 x 32 px, and the steps make 64 x 64 px",
        "change one of them",
    ),
}


@pytest.mark.parametrize("case", EXPECT_FAULTS)
def test_a_fault_of_expect_is_told_at_its_place(case: str, workspace: Workspace) -> None:
    text, what, hint = EXPECT_FAULTS[case]
    workspace.check_fault(HEAD + hero(text), what, hint)


def test_a_fault_of_the_defaults_is_told_once_and_there(workspace: Workspace) -> None:
    marked = (
        "version: 1\ndefaults: {model: a/b, steps: [{«resize»: {fit: fill}}]}\n"
        "assets:\n  a: {prompt: a, output: a.png}\n  b: {prompt: b, output: b.png}\n"
    )
    what = "step 1 (`resize`) of `defaults` has no size"
    workspace.check_fault(marked, what, "state `width`, `height` or both")


def test_a_fault_in_a_step_hides_no_other_fault_of_the_asset(workspace: Workspace) -> None:
    text = HEAD + hero(
        "reference: nowhere.png\nsteps: [trimm, {crop: {x: -1}}]\nexpect: {size: 0}\noutput: a.gif"
    )
    told = [fault.what for fault in workspace.faults(text)]
    assert len(told) == 5
    assert sorted(
        word for word in ("nowhere", "trimm", "`x`", "size", "gif") for t in told if word in t
    )


def test_fields_beside_a_remover_mean_nothing(workspace: Workspace) -> None:
    marked = with_steps("remove_background: {using: deep, «ground»: auto}")
    line, column, _, text = place_of_mark(marked)
    workspace.write("assets.yaml", text)

    with pytest.raises(ManifestFaults) as caught:
        load(os.fspath(workspace.root / "assets.yaml"), table=TABLE, removers=Removers())
    (fault,) = caught.value.faults
    assert fault.what.startswith("`ground` of step 1 (`remove_background`)")
    assert fault.where is not None
    assert (fault.where.line, fault.where.column) == (line, column)


def test_a_remover_that_is_spelt_wrongly_is_named(workspace: Workspace) -> None:

    workspace.write("assets.yaml", with_steps("remove_background: {using: deap}"))
    with pytest.raises(ManifestFaults) as caught:
        load(os.fspath(workspace.root / "assets.yaml"), table=TABLE, removers=Removers())
    assert caught.value.faults[0].hint == "did you mean `deep`?"
