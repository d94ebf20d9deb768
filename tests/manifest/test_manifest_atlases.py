"""`atlases` and `exports`: who is in them, and every fault before anything is bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assetgen.core.finish import Atlas, Export
from tests.manifest.support import HEAD

if TYPE_CHECKING:
    from tests.manifest.support import Workspace

ASSETS = """\
assets:
  hero: {prompt: a, output: public/hero.png}
  walk-2: {prompt: b, output: public/walk2.png, tags: [icons]}
  walk-1: {prompt: c, output: public/walk1.png, tags: [icons]}
  sheet:
    prompt: d
    output: public/sheet.png
    steps: [slice: {columns: 2, output: "public/sheet/${frame}.png"}]
"""


def atlas(text: str) -> str:
    """A manifest with an atlas `ui`."""
    return f"{HEAD}vars: {{out: public}}\natlases:\n  ui: {{{text}}}\n{ASSETS}"


def export(text: str, more: str = "") -> str:
    """A manifest with an export `web`."""
    return f"{HEAD}vars: {{out: src}}\nexports:\n  web: {{{text}}}\n{more}{ASSETS}"


def test_an_atlas_is_read_with_its_members_in_manifest_order(workspace: Workspace) -> None:
    text = (
        'assets: ["tag:icons", "h*", walk-1], output: "${out}/ui-${page}.webp", '
        'data: {json-hash: "public/ui-${page}.json", css: public/ui.css, json: a.json}, '
        "trim: false, padding: 0, extrude: 1, power_of_two: true, max_size: 4096, max_pages: 2, "
        'animations: {walk: [walk-1, "walk-*", walk-1]}'
    )
    (found,) = workspace.load(atlas(text)).atlases
    assert found == Atlas(
        name="ui",
        members=("hero", "walk-2", "walk-1"),
        output="public/ui-${page}.webp",
        format="webp",
        data={"json-hash": "public/ui-${page}.json", "css": "public/ui.css", "json": "a.json"},
        trim=False,
        padding_px=0,
        extrude_px=1,
        power_of_two=True,
        max_px=4096,
        max_pages=2,
        animations={"walk": ("walk-1", "walk-2", "walk-1", "walk-1")},
    )
    assert found.where is not None
    assert found.where.path == "atlases.ui"


def test_an_atlas_needs_no_more_than_members_and_a_page(workspace: Workspace) -> None:
    (found,) = workspace.load(atlas("assets: sheet, output: ui.png")).atlases
    assert found == Atlas(name="ui", members=("sheet",), output="ui.png", format="png", data={})


def test_an_export_tells_of_everything_unless_it_says_otherwise(workspace: Workspace) -> None:
    more = "atlases:\n  ui: {assets: hero, output: ui.png}\n"
    (found,) = workspace.load(export('format: json, output: "${out}/a.json"', more)).exports
    assert found == Export(
        name="web",
        format="json",
        output="src/a.json",
        members=("hero", "walk-2", "walk-1", "sheet"),
        atlases=("ui",),
    )
    (html,) = workspace.load(export("format: html, output: a.html", more)).exports
    assert html.atlases == ()


def test_an_export_is_read_with_all_its_fields(workspace: Workspace) -> None:
    text = (
        'format: html, output: src/a.html, assets: ["walk-*"], base: /img/, root: public/, '
        "sizes: (min-width: 60rem) 50vw"
    ).replace("sizes: (min-width: 60rem) 50vw", 'sizes: "(min-width: 60rem)  50vw"')
    (found,) = workspace.load(export(text)).exports
    assert found == Export(
        name="web",
        format="html",
        output="src/a.html",
        members=("walk-2", "walk-1"),
        atlases=(),
        base="/img/",
        root="public",
        sizes="(min-width: 60rem) 50vw",
    )


@pytest.mark.parametrize("empty", ["atlases:", "exports:", "atlases: {}\nexports: {}"])
def test_sections_may_be_empty(empty: str, workspace: Workspace) -> None:
    project = workspace.load(f"{HEAD}{empty}\n{ASSETS}")
    assert (project.atlases, project.exports) == ((), ())


ATLAS_FAULTS: dict[str, tuple[str, str, str | None]] = {
    "unknown field": (
        "assets: hero, output: ui.png, «paddin»: 3",
        "unknown field `paddin` in atlas `ui`",
        "did you mean `padding`?",
    ),
    "unknown data": (
        "assets: hero, output: ui.png, data: {«json-array»: a.json}",
        "unknown field `json-array` in `data` of atlas `ui`",
        "did you mean `json-hash`?",
    ),
    "no output": (
        "assets: hero",
        "atlas `ui` has no `output`",
        "say where the page goes, such as `output: public/ui.png`",
    ),
    "no assets": (
        "output: ui.png",
        "atlas `ui` has no `assets`",
        'say what is on it, such as `assets: ["tag:icons", "hero*"]`',
    ),
    "nothing on it": (
        "assets: «[]», output: ui.png",
        "`assets` of atlas `ui` names no asset",
        'write it like `["tag:icons", "hero*"]`',
    ),
    "selector without match": (
        "assets: [hero, «herro»], output: ui.png",
        "`assets` of atlas `ui` names `herro`, which matches no asset",
        "did you mean `hero`?",
    ),
    "tag without match": (
        'assets: [«"tag:icon"»], output: ui.png',
        "`assets` of atlas `ui` names `tag:icon`, which matches no asset",
        "did you mean `tag:icons`?",
    ),
    "pattern without match": (
        'assets: [«"zz*"»], output: ui.png',
        "`assets` of atlas `ui` names `zz*`, which matches no asset",
        "write the name of an asset, a pattern such as `icon-*`, or `tag:NAME`",
    ),
    "no image": (
        "assets: hero, output: «ui.json»",
        "`output` of atlas `ui` names `ui.json`, which has no extension of an image",
        "write one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`",
    ),
    "pages on one path": (
        "assets: hero, output: «ui.png», max_pages: 2",
        "`output` of atlas `ui` has no `${page}`, and there may be 2 pages",
        "put `${page}` into it",
    ),
    "data of pages on one path": (
        'assets: hero, output: "ui${page}.png", max_pages: 2, data: {json-hash: «ui.json»}',
        "`json-hash` of `data` of atlas `ui` has no `${page}`, and there may be 2 pages, with a "
        "file each",
        "put `${page}` into it",
    ),
    "pages in a file of all": (
        'assets: hero, output: ui.png, data: {css: "ui«${page}».css"}',
        "unknown variable `${page}` in `css` of `data` of atlas `ui`",
        "variables here are `out`",
    ),
    "data with another extension": (
        "assets: hero, output: ui.png, data: {css: «ui.json»}",
        "`css` of `data` of atlas `ui` names `ui.json`, which has not the extension of its format",
        "let it end in `.css`",
    ),
    "data without a name": (
        "assets: hero, output: ui.png, data: {css: «a/.css»}",
        "`css` of `data` of atlas `ui` names `a/.css`, which has not the extension of its format",
        "let it end in `.css`",
    ),
    "data outside": (
        'assets: hero, output: ui.png, data: {css: «"../ui.css"»}',
        "`css` of `data` of atlas `ui` names `../ui.css`, which is outside the project",
        "everything read or written stays in the manifest's folder",
    ),
    "data in git": (
        "assets: hero, output: ui.png, data: {css: «.git/ui.css»}",
        "`css` of `data` of atlas `ui` names `.git/ui.css`, which is inside git's own folder",
        "choose another folder of the project",
    ),
    "data on one path": (
        "assets: hero, output: ui.png, data: {json-hash: a.json, json: «a.json»}",
        "`json` of atlas `ui` may be written to `a.json`, which is `json-hash` of atlas `ui`",
        "the first is at {file}:5:56: choose another path for one of them",
    ),
    "page on an output": (
        "assets: hero, output: «public/HERO.png»",
        "a page of atlas `ui` may be written to `public/HERO.png`, which is the output of asset "
        "`hero`",
        "that is at {file}:7:29: choose another path",
    ),
    "page on a frame": (
        "assets: hero, output: «public/sheet/1.png»",
        "a page of atlas `ui` may be written to `public/sheet/1.png`, which is a frame of asset "
        "`sheet`",
        "the first is at {file}:13:41: choose another path for one of them",
    ),
    "animation off the atlas": (
        "assets: hero, output: ui.png, animations: {walk: [«walk-1»]}",
        "`walk` of `animations` of atlas `ui` names `walk-1`, which is not on the atlas",
        "add it to `assets` of the atlas",
    ),
    "animation without match": (
        'assets: hero, output: ui.png, animations: {walk: [«"run-*"»]}',
        "`walk` of `animations` of atlas `ui` names `run-*`, which matches no asset",
        "write the name of an asset, a pattern such as `icon-*`, or `tag:NAME`",
    ),
    "animation of nothing": (
        "assets: hero, output: ui.png, animations: {walk: «[]»}",
        "`walk` of `animations` of atlas `ui` shows nothing",
        'write it like `["walk-*"]`',
    ),
    "animation that is there already": (
        "assets: [hero, sheet], output: ui.png, animations: {«sheet»: [hero]}",
        "`sheet` of `animations` of atlas `ui` is there already: asset `sheet` is an animation of "
        "its own",
        "choose another name",
    ),
    "impossible size": (
        "assets: hero, output: ui.png, max_size: «0»",
        "`max_size` of atlas `ui` must be at least 1, not `0`",
        None,
    ),
}


@pytest.mark.parametrize("case", ATLAS_FAULTS)
def test_a_fault_of_an_atlas_is_told_at_its_place(case: str, workspace: Workspace) -> None:
    text, what, hint = ATLAS_FAULTS[case]
    manifest = atlas(text)
    if case.startswith("no ") and "«" not in text:
        manifest = manifest.replace("  ui:", "  «ui»:")
    file = str(workspace.root / "assets.yaml")
    workspace.check_fault(manifest, what, hint and hint.replace("{file}", file))


def test_a_name_of_an_atlas_is_like_that_of_an_asset(workspace: Workspace) -> None:
    manifest = atlas("assets: hero, output: ui.png").replace("  ui:", "  «-ui»:")
    what = "`-ui` is not a name for an atlas"
    (fault,) = workspace.faults(manifest.replace("«", "").replace("»", ""))
    assert fault.what == what
    assert fault.where is not None
    assert (fault.where.line, fault.where.column) == (5, 3)


def test_two_frames_of_one_name_are_refused(workspace: Workspace) -> None:
    extra = "  sheet-1: {prompt: e, output: e.png}\n"
    manifest = atlas('assets: «["sheet*"]», output: ui.png') + extra
    what = (
        "`assets` of atlas `ui` brings two frames called `sheet-1`: the asset, and one of `sheet`"
    )
    workspace.check_fault(manifest, what, "rename the asset, or leave it out")


EXPORT_FAULTS: dict[str, tuple[str, str, str | None]] = {
    "unknown format": (
        "format: «yaml», output: a.yaml",
        "`format` of export `web` must be one of `json`, `typescript`, `python`, `html`, not "
        "`yaml`",
        None,
    ),
    "no format": (
        "output: a.json",
        "export `web` has no `format`",
        "write `json`, `typescript`, `python` or `html`",
    ),
    "no output": (
        "format: json",
        "export `web` has no `output`",
        "say where the file goes, such as `output: src/assets.ts`",
    ),
    "another extension": (
        "format: typescript, output: «a.js»",
        "`output` of export `web` names `a.js`, which has not the extension of its format",
        "let it end in `.ts` or `.mts`",
    ),
    "declarations": (
        "format: typescript, output: «a.d.ts»",
        "`output` of export `web` names `a.d.ts`, which holds declarations only",
        "the export has values: let it end in `.ts` alone",
    ),
    "outside": (
        'format: json, output: «"../a.json"»',
        "`output` of export `web` names `../a.json`, which is outside the project",
        "everything read or written stays in the manifest's folder",
    ),
    "selector without match": (
        "format: json, output: a.json, assets: [«herro»]",
        "`assets` of export `web` names `herro`, which matches no asset",
        "did you mean `hero`?",
    ),
    "atlas that is none": (
        "format: json, output: a.json, atlases: [«ui»]",
        "`atlases` of export `web` names `ui`, which matches no atlas",
        "declare it under `atlases`",
    ),
    "nothing": (
        "format: json, output: a.json, assets: []",
        "export `web` tells of nothing",
        "name assets or atlases in it",
    ),
    "atlases in HTML": (
        "format: html, output: a.html, «atlases»: [ui]",
        "`atlases` of export `web` means nothing in `html`",
        "remove it: an atlas is no picture of a page",
    ),
    "sizes elsewhere": (
        "format: json, output: a.json, «sizes»: 50vw",
        "`sizes` of export `web` means nothing in `json`",
        "remove it: it is for `html`",
    ),
    "base without end": (
        "format: json, output: a.json, base: «/img»",
        "`base` of export `web` is `/img`, which does not end in `/`",
        "write `/img/`",
    ),
    "base that is no address": (
        'format: json, output: a.json, base: «"/a b/"»',
        "`base` of export `web` is `/a b/`, which is no address",
        "write it like `/img/`",
    ),
    "root outside": (
        'format: json, output: a.json, root: «".."»',
        "`root` of export `web` names `..`, which is outside the project",
        "everything read or written stays in the manifest's folder",
    ),
    "file outside the root": (
        "format: json, output: a.json, root: «pub»",
        "`root` of export `web` is `pub`, and the output of asset `hero` is outside: "
        "`public/hero.png`",
        "write that file into the folder, leave it out of `assets`, or remove `root`",
    ),
}


@pytest.mark.parametrize("case", EXPORT_FAULTS)
def test_a_fault_of_an_export_is_told_at_its_place(case: str, workspace: Workspace) -> None:
    text, what, hint = EXPORT_FAULTS[case]
    manifest = export(text)
    if "«" not in text:
        manifest = manifest.replace("  web:", "  «web»:")
    workspace.check_fault(manifest, what, hint)


def test_an_output_may_be_outside_the_root_when_variants_stand_for_it(
    workspace: Workspace,
) -> None:
    hero = "  hero:\n    source: hand/hero.png\n    output: art/hero.png\n    variants:\n"
    hero += "      {widths: [9], formats: [webp], output: 'pub/${width}.${format}'}\n"
    workspace.write("hand/hero.png")
    web = "exports:\n  web: {format: json, output: a.json, root: pub}\n"
    project = workspace.load(f"{HEAD}{web}assets:\n{hero}")
    assert project.exports[0].root == "pub"


def test_two_exports_on_one_path_are_refused(workspace: Workspace) -> None:
    text = (
        f"{HEAD}exports:\n  a: {{format: json, output: a.json}}\n"
        f"  b: {{format: json, output: «A.json»}}\n{ASSETS}"
    )
    file = workspace.root / "assets.yaml"
    what = "export `b` may be written to `A.json`, which is export `a`"
    hint = f"the first is at {file}:4:29: choose another path for one of them"
    workspace.check_fault(text, what, hint)


def test_a_refused_atlas_is_not_missed_by_exports(workspace: Workspace) -> None:
    more = "atlases:\n  ui: {assets: hero, output: «ui.txt»}\n"
    text = export("format: json, output: a.json, atlases: [ui]", more)
    what = "`output` of atlas `ui` names `ui.txt`, which has no extension of an image"
    workspace.check_fault(text, what, "write one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`")


def test_a_refused_asset_is_not_missed_by_atlases(workspace: Workspace) -> None:
    text = (
        atlas('assets: [bad, "tag:gone"], output: ui.png') + "  bad: {prompt: x, output: «a.gif»}\n"
    )
    what = "`output` of asset `bad` names `a.gif`, which has no extension of an image"
    hint = "animated images are not part of version 1: write a `.png` or `.webp`"
    workspace.check_fault(text, what, hint)


def test_faults_of_all_sections_are_told_together(workspace: Workspace) -> None:
    text = (
        f"{HEAD}atlases:\n  ui: {{assets: nope, output: a.png}}\n"
        "exports:\n  web: {format: json, output: a.ts}\n"
        "assets:\n  a: {prompt: a, output: a.png, steps: [resize]}\n"
        "  b: {prompt: a, output: b.png, variants: {widths: [1, 2], formats: [webp], "
        "output: c.webp}}\n"
    )
    told = [fault.where.line for fault in workspace.faults(text) if fault.where is not None]
    assert told == [4, 6, 8, 9]
