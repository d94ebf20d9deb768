"""`variants`, and every path that something is written to: one for each file, and inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assetgen.core.finish import Variants
from tests.manifest.support import HEAD, hero

if TYPE_CHECKING:
    from tests.manifest.support import Workspace


def variants(text: str, more: str = "") -> str:
    """A manifest with an asset `hero` that has these variants."""
    return HEAD + hero(f"output: hero.png\nvariants: {{{text}}}\n{more}")


def test_variants_are_read_with_the_quality_of_each_format(workspace: Workspace) -> None:
    text = (
        "widths: [960, 480], formats: [avif, webp, jpg, png], quality: {avif: 55}, "
        'output: "public/img/hero-${width}.${hash}.${format}"'
    )
    assert workspace.load(variants(text)).assets[0].variants == Variants(
        widths=(480, 960),
        formats=("avif", "webp", "jpeg", "png"),
        output="public/img/hero-${width}.${hash}.${format}",
        quality={"avif": 55, "webp": 80, "jpeg": 82},
    )


def test_one_quality_is_for_all_formats_and_one_file_needs_no_pattern(workspace: Workspace) -> None:
    found = workspace.load(variants("widths: [9], formats: [webp], quality: 3, output: a.webp"))
    assert found.assets[0].variants == Variants((9,), ("webp",), "a.webp", {"webp": 3})


def test_variants_of_the_defaults_name_each_asset(workspace: Workspace) -> None:
    head = (
        "version: 1\ndefaults: {model: a/b, variants: {widths: [9, 8], formats: [webp], "
        'output: "img/${asset}-${width}.webp"}}\n'
    )
    tail = (
        "assets:\n  a: {prompt: a, output: a.png}\n  b: {prompt: b, output: b.png, variants: ~}\n"
    )
    first, second = workspace.load(head + tail).assets
    assert first.variants is not None
    assert first.variants.output == "img/a-${width}.webp"
    assert second.variants is None


def test_the_name_of_an_asset_is_no_secret_to_its_output(workspace: Workspace) -> None:
    text = 'version: 1\n{}assets:\n  hero: {{prompt: a, model: a/b, output: "a/${{asset}}.png"}}\n'
    assert workspace.load(text.format("")).assets[0].output == "a/hero.png"
    assert workspace.load(text.format("vars: {asset: mine}\n")).assets[0].output == "a/mine.png"


GOOD = 'widths: [9, 8], formats: [avif, webp], output: "a-${width}.${format}"'
OF_HERO = "of `variants` of asset `hero`"

FAULTS: dict[str, tuple[str, str, str | None]] = {
    "no widths": (
        "«variants»: {formats: [webp], output: a.webp}",
        "`variants` of asset `hero` has no `widths`",
        "say how wide the files are, such as `widths: [480, 960]`",
    ),
    "no formats": (
        "«variants»: {widths: [9], output: a.webp}",
        "`variants` of asset `hero` has no `formats`",
        "say in which formats, such as `formats: [avif, webp]`",
    ),
    "no output": (
        "«variants»: {widths: [9], formats: [webp]}",
        "`variants` of asset `hero` has no `output`",
        'say where they go, such as `output: "img/${asset}-${width}.${format}"`',
    ),
    "empty widths": (
        "variants: {widths: «[]», formats: [webp], output: a.webp}",
        f"`widths` {OF_HERO} must be a list with a width at least, not nothing",
        "write it like `[480, 960]`",
    ),
    "a width twice": (
        'variants: {widths: [9, «9»], formats: [webp], output: "a${width}.webp"}',
        f"`widths` {OF_HERO} has `9` twice",
        "remove one of them",
    ),
    "a format twice": (
        'variants: {widths: [9], formats: [jpg, «jpeg»], output: "a.${format}"}',
        f"`formats` {OF_HERO} has `jpeg` twice",
        "remove one of them",
    ),
    "unknown format": (
        "variants: {widths: [9], formats: [«gif»], output: a.gif}",
        f"`formats` {OF_HERO} must be one of `avif`, `webp`, `png`, `jpeg`, `jpg`, not `gif`",
        None,
    ),
    "impossible width": (
        "variants: {widths: [«0»], formats: [webp], output: a.webp}",
        f"`widths` {OF_HERO} must be at least 1, not `0`",
        None,
    ),
    "quality out of range": (
        "variants: {widths: [9], formats: [webp], quality: «101», output: a.webp}",
        f"`quality` {OF_HERO} must be at most 100, not `101`",
        None,
    ),
    "quality of what has none": (
        "variants: {widths: [9], formats: [png], quality: {«png»: 3}, output: b.png}",
        f"`quality` {OF_HERO} has `png`, which is no format with a quality",
        "formats with a quality are `avif`, `webp`, `jpeg`",
    ),
    "quality of what is not made": (
        "variants: {widths: [9], formats: [webp], quality: {avif: «3»}, output: a.webp}",
        f"`avif` of `quality` {OF_HERO} is for a format that is not made",
        "add it to `formats`, or remove it",
    ),
    "widths on one path": (
        'variants: {widths: [9, 8], formats: [webp], output: «"a.${format}"»}',
        f"`output` {OF_HERO} has no `${{width}}`, and there are 2 widths",
        "put `${width}` into it",
    ),
    "formats on one path": (
        'variants: {widths: [9], formats: [webp, avif], output: «"a${width}.webp"»}',
        f"`output` {OF_HERO} has no `${{format}}`, and there are 2 formats",
        "put `${format}` into it",
    ),
    "extension of another format": (
        "variants: {widths: [9], formats: [webp], output: «a.avif»}",
        f"`output` {OF_HERO} names `a.avif`, whose extension is that of avif, for a file in webp",
        "let it end in `.${format}`",
    ),
    "no extension": (
        'variants: {widths: [9], formats: [webp], output: «"a-${format}"»}',
        f"`output` {OF_HERO} names `a-webp`, which has no extension of an image",
        "write one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`",
    ),
    "outside": (
        'variants: {widths: [9], formats: [webp], output: «"../a.webp"»}',
        f"`output` {OF_HERO} names `../a.webp`, which is outside the project",
        "everything read or written stays in the manifest's folder",
    ),
    "a frame": (
        'variants: {widths: [9], formats: [webp], output: "a-«${frame}».webp"}',
        f"unknown variable `${{frame}}` in `output` {OF_HERO}",
        "variables here are `asset`, `format`, `hash`, `width`",
    ),
    "on its own output": (
        "variants: {widths: [9], formats: [png], output: «hero.png»}",
        "a variant of asset `hero` may be written to `hero.png`, which is the output of asset "
        "`hero`",
        "that is at {file}:6:13: choose another path",
    ),
    "on the manifest's lockfile": (
        "variants: {widths: [9], formats: [webp], output: «ref.webp»}\nreference: REF.webp",
        "a variant of asset `hero` may be written to `ref.webp`, which is the reference of asset "
        "`hero`",
        "choose another path",
    ),
    "where a file is a folder": (
        "variants: {widths: [9], formats: [webp], output: «hero.png/a.webp»}",
        "a variant of asset `hero` needs the folder `hero.png`, which is the output of asset "
        "`hero`",
        "rename the folder",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_of_variants_is_told_at_its_place(case: str, workspace: Workspace) -> None:
    workspace.write("REF.webp")
    fields, what, hint = FAULTS[case]
    file = workspace.root / "assets.yaml"
    text = HEAD + hero(f"output: hero.png\n{fields}")
    workspace.check_fault(text, what, hint and hint.replace("{file}", str(file)))


TWO = """\
assets:
  hero:
    prompt: a
    output: hero.png
    variants: {widths: [480], formats: [webp], output: "%s"}
  other:
    prompt: b
    output: "%s"
"""


@pytest.mark.parametrize(
    ("pattern", "output"),
    [
        ("a-${width}.webp", "a-480.webp"),
        ("a-${width}.webp", "A-480.WEBP"),
        ("x/../a-${width}.webp", "a-480.webp"),
        ("a-${width}.webp", "a-32.webp"),
        ("a-${hash}.webp", "a-0123abcd.webp"),
        ("a-${width}.${hash}.webp", "a-7.deadbeef.webp"),
        ("${width}/a.webp", "99/a.webp"),
        ("a1${width}.webp", "a1480.webp"),
    ],
)
def test_a_variant_that_may_come_to_be_another_output_is_refused(
    pattern: str, output: str, workspace: Workspace
) -> None:
    (fault,) = workspace.faults(HEAD + TWO % (pattern, output))
    assert "which is the output of asset `other`" in fault.what
    assert fault.where is not None
    assert fault.where.path == "assets.hero.variants.output"


@pytest.mark.parametrize(
    ("pattern", "output"),
    [
        ("a-${width}.webp", "a-x.webp"),
        ("a-${width}.webp", "a-123456.webp"),
        ("a-${hash}.webp", "a-0123abc.webp"),
        ("a-${hash}.webp", "a-0123abcg.webp"),
        ("b/a-${width}.webp", "a-480.webp"),
    ],
)
def test_a_variant_that_cannot_come_to_be_another_output_is_fine(
    pattern: str, output: str, workspace: Workspace
) -> None:
    assert len(workspace.load(HEAD + TWO % (pattern, output)).assets) == 2


def test_two_assets_with_one_pattern_are_refused_with_the_way_out(workspace: Workspace) -> None:
    head = (
        "version: 1\ndefaults: {model: a/b, variants: {widths: [9], formats: [webp], "
        'output: «"img/${hash}.webp"»}}\n'
    )
    tail = "assets:\n  a: {prompt: a, output: a.png}\n  b: {prompt: b, output: b.png}\n"
    what = (
        "a variant of asset `b` may be written to `img/${hash}.webp`, which is a variant of "
        "asset `a`"
    )
    workspace.check_fault(head + tail, what, "put `${asset}` into it")


def test_a_pattern_whose_widths_may_meet_is_refused(workspace: Workspace) -> None:
    text = HEAD + (
        "assets:\n"
        "  a: {prompt: a, output: a.png, variants: {widths: [480], formats: [webp], "
        'output: "x-${width}.webp"}}\n'
        "  b: {prompt: b, output: b.png, variants: {widths: [960], formats: [webp], "
        'output: "x-${width}.webp"}}\n'
    )
    (fault,) = workspace.faults(text)
    assert fault.what == (
        "a variant of asset `b` may be written to `x-${width}.webp`, which is a variant of asset "
        "`a`"
    )


def test_a_matrix_that_gives_frames_one_path_is_refused(workspace: Workspace) -> None:
    text = HEAD + (
        "assets:\n  a-${n}:\n    matrix: {n: [1, 2]}\n    prompt: a\n"
        '    output: "a${n}.png"\n'
        '    steps: [slice: {columns: 2, output: «"f/${frame}.png"»}]\n'
    )
    what = "a frame of asset `a-2` may be written to `f/0.png`, which is a frame of asset `a-1`"
    workspace.check_fault(text, what, "put `${asset}` into it, or the variables that the name has")


def test_a_variant_through_a_link_out_of_the_project_is_refused(workspace: Workspace) -> None:
    (workspace.root / "img").symlink_to("/")
    (fault,) = workspace.faults(variants("widths: [9], formats: [webp], output: img/a.webp"))
    assert "leads out of the project through a symbolic link" in fault.what


def test_a_frame_on_the_palette_is_refused(workspace: Workspace) -> None:
    workspace.write("0.hex.png", "x")
    workspace.write("p.hex", "ff00ff\n00ff00\n")
    text = HEAD + hero("output: p.hex/a.png\nsteps: [palette: {file: p.hex}]")
    assert workspace.load(text).read_files == ("assets.yaml", "p.hex")


def test_more_files_than_are_sane_are_refused_before_they_are_listed(workspace: Workspace) -> None:
    text = (
        "version: 1\ndefaults:\n  model: a/b\n"
        '  steps: [slice: {columns: 64, rows: 64, output: "f/${asset}/${frame}.png"}]\n'
        "assets:\n  a-${n}-${m}:\n    prompt: a\n    matrix:\n"
        f"      n: {list(range(40))}\n      m: {list(range(40))}\n"
        '    output: "a-${n}-${m}.png"\n'
    )
    fault = workspace.fault(text)
    assert fault.what == "what is made from all images together is too much"
