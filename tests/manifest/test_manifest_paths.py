"""Outputs, references, sources and includes: portable, present, and inside the project."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.model import FileReference, Source
from assetgen.errors import UsageError
from assetgen.manifest.load import load
from assetgen.manifest.paths import checked_path, is_plain
from tests.manifest.support import HEAD, TABLE, Workspace, hero, place_of_mark
from tests.properties import LAWFUL

STAYS = "everything read or written stays in the manifest's folder"
RELATIVE = "write a path relative to the project folder, which is the manifest's"
VISIBLE = 'leave out invisible characters and `<>:"|?*`, which Windows does not allow'


@pytest.mark.parametrize(
    ("written", "path", "image_format"),
    [
        ("hero.png", "hero.png", "png"),
        ("art/hero.JPG", "art/hero.JPG", "jpeg"),
        ("./art//b/../hero.jpeg", "art/hero.jpeg", "jpeg"),
        ("a/../b.webp", "b.webp", "webp"),
        ("art/hero.v2.avif", "art/hero.v2.avif", "avif"),
        ("art/cafe\u0301.png", "art/caf\u00e9.png", "png"),
        ("art/console.png", "art/console.png", "png"),
        ("art/.hidden.png", "art/.hidden.png", "png"),
    ],
)
def test_outputs_are_normalised_and_their_extension_decides_the_format(
    workspace: Workspace, written: str, path: str, image_format: str
) -> None:
    asset = workspace.assets(hero(f"output: '{written}'"))["hero"]
    assert (asset.output, asset.format) == (path, image_format)


OUTPUT_FAULTS = {
    "/etc/a.png": ("`/etc/a.png`, which is not relative", RELATIVE),
    "~/a.png": ("`~/a.png`, which is not relative", RELATIVE),
    "C:/a.png": ("`C:/a.png`, which is not relative", RELATIVE),
    "c:a.png": ("`c:a.png`, which is not relative", RELATIVE),
    "../a.png": ("`../a.png`, which is outside the project", STAYS),
    "a/../../b.png": ("`a/../../b.png`, which is outside the project", STAYS),
    "art\\a.png": (
        "`art\\a.png`, which has a backslash",
        "separate folders with `/` on every system",
    ),
    "art/a.png/": ("`art/a.png/`, which is a folder", "name a file"),
    "art/..": ("`art/..`, which is a folder", "name a file"),
    "art/a?.png": ("`art/a?.png`, which has the character `?`", VISIBLE),
    "art/a:b.png": ("`art/a:b.png`, which has the character `:`", VISIBLE),
    "a\tb.png": ("`a\\tb.png`, which has the character `\\t`", VISIBLE),
    "a\u202eb.png": ("`a\\u202eb.png`, which has the character `\\u202e`", VISIBLE),
    "con.png": ("`con.png`, in which Windows keeps `con.png` for a device", "choose another name"),
    "art/LPT1.a.png": (
        "`art/LPT1.a.png`, in which Windows keeps `LPT1.a.png` for a device",
        "choose another name",
    ),
    "nul/a.png": ("`nul/a.png`, in which Windows keeps `nul` for a device", "choose another name"),
    "art./a.png": (
        "`art./a.png`, in which a name ends in a dot or a space",
        "Windows drops them: choose another name",
    ),
    "art /a.png": (
        "`art /a.png`, in which a name ends in a dot or a space",
        "Windows drops them: choose another name",
    ),
    ".git/a.png": (
        "`.git/a.png`, which is inside git's own folder",
        "choose another folder of the project",
    ),
    "sub/.GIT/a.png": (
        "`sub/.GIT/a.png`, which is inside git's own folder",
        "choose another folder of the project",
    ),
    "git~1/a.png": (
        "`git~1/a.png`, which is inside git's own folder",
        "choose another folder of the project",
    ),
    "art/../.assetgen/a.png": (
        "`.assetgen/a.png`, which is inside assetgen's own folder",
        "choose another folder of the project",
    ),
    "hero.svg": (
        "`hero.svg`, which has no extension of an image",
        "vector images are not part of version 1: write a `.png` or `.webp`",
    ),
    "hero.GIF": (
        "`hero.GIF`, which has no extension of an image",
        "animated images are not part of version 1: write a `.png` or `.webp`",
    ),
    "hero": (
        "`hero`, which has no extension of an image",
        "write one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`",
    ),
    ".png": (
        "`.png`, which has no extension of an image",
        "write one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`",
    ),
    "assets.lock": (
        "`assets.lock`, which has no extension of an image",
        "write one of `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`",
    ),
    "": ("no path", "write a path relative to the project folder"),
    "a" * 300 + ".png": ("a path with a part longer than 255 bytes", None),
    "a/" * 600 + "a.png": ("a path longer than 1,000 characters", None),
    "a/" * 70 + "a.png": ("a path more than 64 folders deep", None),
}


@pytest.mark.parametrize("output", OUTPUT_FAULTS, ids=lambda output: output[:20])
def test_an_output_that_is_not_portable_or_not_inside_is_a_fault(
    workspace: Workspace, output: str
) -> None:
    what, hint = OUTPUT_FAULTS[output]
    quoted = (
        '"' + output.replace("\\", "\\\\").replace("\t", "\\t").replace("\u202e", "\\u202e") + '"'
    )
    workspace.check_fault(
        HEAD + hero(f"output: «{quoted}»"),
        f"`output` of asset `hero` names {what}",
        hint,
        "assets.hero.output",
    )


def test_an_output_behind_a_link_out_of_the_project_is_a_fault(workspace: Workspace) -> None:
    (workspace.root / "art").symlink_to(workspace.root.parent)
    workspace.check_fault(
        HEAD + hero("output: «art/deep/hero.png»"),
        "`output` of asset `hero` names `art/deep/hero.png`, which leads out of the project "
        "through a symbolic link",
        STAYS,
    )


def test_an_output_behind_a_link_into_git_is_a_fault(workspace: Workspace) -> None:
    (workspace.root / ".git").mkdir()
    (workspace.root / "art").symlink_to(".git")
    fault = workspace.fault(HEAD + hero("output: art/hero.png"))
    assert "inside git's own folder" in fault.what


TWO = "assets:\n  a: {{prompt: a, output: {0}}}\n  b: {{prompt: b, output: «{1}»}}\n"


@pytest.mark.parametrize(
    ("first", "second", "also"),
    [
        ("x.png", "x.png", ""),
        ("x.png", "./y/../x.png", ""),
        ("x.png", "X.PNG", "case"),
        ("stra\u00dfe.png", "STRASSE.png", "case"),
        ("caf\u00e9.png", "cafe\u0301.png", ""),
        ("\u00c9.png", "e\u0301.png", "case"),
    ],
)
def test_two_assets_with_one_output_are_a_fault(
    workspace: Workspace, first: str, second: str, also: str
) -> None:
    marked = HEAD + TWO.format(first, second)
    line, column, length, text = place_of_mark(marked)
    fault = workspace.fault(text)
    assert fault.what.startswith("assets `a` and `b` have one output: ")
    assert fault.hint is not None
    assert fault.hint.startswith(f"the first is at {workspace.root}/assets.yaml:4:")
    assert ("ignore case" in fault.hint) == bool(also)
    assert fault.where is not None
    assert (fault.where.line, fault.where.column, fault.where.length) == (line, column, length)


def test_outputs_behind_links_to_one_folder_are_one_output(workspace: Workspace) -> None:
    (workspace.root / "real").mkdir()
    (workspace.root / "link").symlink_to("real")
    fault = workspace.fault(
        HEAD + TWO.format("real/x.png", "link/x.png").replace("«", "").replace("»", "")
    )
    assert fault.what == "assets `a` and `b` have one output: `real/x.png` or `link/x.png`"


def test_an_output_as_a_folder_of_another_is_a_fault(workspace: Workspace) -> None:
    workspace.check_fault(
        HEAD + TWO.format("x.png", "X.png/y.png"),
        "output `X.png/y.png` needs a folder where asset `a` has its output",
        "rename the folder",
        "assets.b.output",
    )


def test_an_output_onto_a_reference_is_a_fault(workspace: Workspace) -> None:
    workspace.write("refs/A.png")
    workspace.check_fault(
        HEAD + "assets:\n  a: {prompt: a, reference: refs/A.png, output: «refs/a.png»}\n",
        "output `refs/a.png` of asset `a` is the reference of asset `a`",
        "write the image to another path; `asset:NAME` refers to another asset's image",
    )


def test_an_output_onto_a_reference_behind_a_link_is_a_fault(workspace: Workspace) -> None:
    workspace.write("art/a.png")
    (workspace.root / "refs").symlink_to("art")
    fault = workspace.fault(
        HEAD + "assets:\n  a: {prompt: a, reference: refs/a.png, output: art/a.png}\n"
    )
    assert fault.what == "output `art/a.png` of asset `a` is the reference of asset `a`"


def test_an_output_onto_a_source_is_a_fault(workspace: Workspace) -> None:
    workspace.write("hand/a.png")
    workspace.check_fault(
        "version: 1\nassets:\n  a: {source: hand/a.png, output: «hand/a.png»}\n",
        "output `hand/a.png` of asset `a` is the source of asset `a`",
        "write the image to another path",
    )


def test_an_output_onto_an_included_file_is_a_fault(workspace: Workspace) -> None:
    workspace.write("more.png", "assets: {}\n")
    workspace.check_fault(
        HEAD + "include: [more.png]\n" + hero("output: «MORE.png»"),
        "output `MORE.png` of asset `hero` is an included file",
        "write the image to another path",
    )


def test_an_output_onto_the_manifest_is_a_fault(workspace: Workspace) -> None:
    workspace.write("shots.png", HEAD + hero("output: shots.png"))
    with pytest.raises(Exception, match="1 fault in the manifest") as caught:
        load(os.fspath(workspace.root / "shots.png"), table=TABLE)
    assert caught.value.faults[0].what == "output `shots.png` of asset `hero` is the manifest"  # type: ignore[attr-defined]


def test_a_missing_reference_names_the_nearest_file(workspace: Workspace) -> None:
    workspace.write("refs/icon-frame.png")
    workspace.check_fault(
        HEAD + hero("reference: «refs/icon-fram.png»"),
        "`reference` of asset `hero` names `refs/icon-fram.png`, which does not exist",
        "did you mean `refs/icon-frame.png`?",
        "assets.hero.reference",
    )


def test_a_missing_reference_in_a_list_is_shown_at_its_item(workspace: Workspace) -> None:
    workspace.write("a.png")
    workspace.check_fault(
        HEAD + hero("reference: [a.png, «zzz.png»]"),
        "`reference` of asset `hero` names `zzz.png`, which does not exist",
        "put the file into the project folder",
        "assets.hero.reference[1]",
    )


def test_a_missing_source_is_a_fault(workspace: Workspace) -> None:
    workspace.check_fault(
        "version: 1\n" + hero("source: «hand/logo.png»"),
        "`source` of asset `hero` names `hand/logo.png`, which does not exist",
        "there is no folder `hand` in the project",
    )


@pytest.mark.parametrize(
    "address", ["https://example.org/a.png", "HTTP://x/a.png", "data:image/png;base64,AAAA"]
)
def test_an_address_is_not_fetched(workspace: Workspace, address: str) -> None:
    workspace.check_fault(
        HEAD + hero(f"reference: «{address}»"),
        f"`reference` of asset `hero` is the address `{address}`; nothing is fetched from a "
        "network",
        "download it into the project, and name the file",
    )


def test_a_folder_is_no_reference(workspace: Workspace) -> None:
    (workspace.root / "refs").mkdir()
    workspace.check_fault(
        HEAD + hero("reference: «refs»"),
        "`reference` of asset `hero` names `refs`, which is not a file",
        "name a file",
    )


def test_a_pipe_is_no_reference(workspace: Workspace) -> None:
    os.mkfifo(workspace.root / "pipe.png")
    fault = workspace.fault(HEAD + hero("reference: pipe.png"))
    assert fault.what.endswith("names `pipe.png`, which is not a file")


@pytest.mark.parametrize("folder", [False, True])
def test_a_reference_behind_a_link_out_of_the_project_is_a_fault(
    workspace: Workspace, folder: bool
) -> None:
    outside = workspace.root.parent / "secret.png"
    outside.write_bytes(b"x")
    if folder:
        (workspace.root / "refs").symlink_to(workspace.root.parent)
    else:
        (workspace.root / "refs").mkdir()
        (workspace.root / "refs" / "secret.png").symlink_to(outside)
    workspace.check_fault(
        HEAD + hero("reference: «refs/secret.png»"),
        "`reference` of asset `hero` names `refs/secret.png`, which leads out of the project "
        "through a symbolic link",
        STAYS + ": copy the file into it",
    )


def test_a_reference_that_is_a_link_to_nothing_is_a_fault(workspace: Workspace) -> None:
    (workspace.root / "a.png").symlink_to("gone.png")
    workspace.check_fault(
        HEAD + hero("reference: «a.png»"),
        "`reference` of asset `hero` names `a.png`, a symbolic link to nothing",
        "link it to a file",
    )


def test_a_reference_inside_git_is_never_sent(workspace: Workspace) -> None:
    workspace.write(".git/config")
    (workspace.root / "a.png").symlink_to(".git/config")
    for path in (".git/config", "a.png"):
        fault = workspace.fault(HEAD + hero(f"reference: {path}"))
        assert "inside git's own folder" in fault.what


def test_links_inside_the_project_are_followed(workspace: Workspace) -> None:
    workspace.write("art/a.png")
    (workspace.root / "refs").symlink_to("art")
    (workspace.root / "b.png").symlink_to("art/a.png")
    found = workspace.generate("reference: [refs/a.png, b.png]")
    assert found.references == (FileReference("refs/a.png"), FileReference("b.png"))


def test_a_file_stored_in_another_unicode_form_is_found(workspace: Workspace) -> None:
    stored = unicodedata.normalize("NFD", "hand/café.png")
    workspace.write(stored)
    asset = workspace.load("version: 1\n" + hero("source: hand/café.png")).assets[0]
    assert asset.action == Source(stored)


def test_included_files_add_their_assets_in_order(workspace: Workspace) -> None:
    workspace.write("art/b.yaml", "assets:\n  b: {prompt: b, output: b.png}\n")
    workspace.write("art/a.yaml", "version: 1\nassets:\n  a: {prompt: '${x}', output: a.png}\n")
    workspace.write("art/deep/c.yaml", "assets:\n  c: {prompt: c, output: c.png}\n")
    workspace.write("art/.hidden.yaml", "nonsense")
    project = workspace.load(
        HEAD + "vars: {x: y}\ninclude: [art/*.yaml, art/a.yaml, 'art/**/*.yaml']\n" + hero("")
    )
    assert [asset.name for asset in project.assets] == ["hero", "a", "b", "c"]
    assert project.assets[1].action.prompt == "y"  # type: ignore[union-attr]
    assert project.read_files == ("assets.yaml", "art/a.yaml", "art/b.yaml", "art/deep/c.yaml")
    assert project.read_folders == ("art", "art/deep")
    where = project.assets[1].where
    assert where is not None
    assert (where.file, where.line) == (os.fspath(workspace.root / "art/a.yaml"), 3)


def test_the_root_manifest_is_never_included(workspace: Workspace) -> None:
    workspace.write("more.yaml", "assets:\n  a: {prompt: a, output: a.png}\n")
    project = workspace.load(HEAD + "include: ['*.yaml']\n" + hero(""))
    assert [asset.name for asset in project.assets] == ["hero", "a"]
    assert project.read_folders == (".",)


def test_folders_that_decide_a_match_are_recorded(workspace: Workspace) -> None:
    workspace.write("a/x.yaml", "assets: {}\n")
    workspace.write("b/y.yaml", "assets: {}\n")
    project = workspace.load(HEAD + "include: ['*/x.yaml']\n" + hero(""))
    assert project.read_folders == (".", "a", "b")


def test_paths_in_included_files_are_relative_to_the_project(workspace: Workspace) -> None:
    workspace.write("refs/a.png")
    workspace.write(
        "art/a.yaml", "assets:\n  a: {prompt: a, reference: refs/a.png, output: a.png}\n"
    )
    assert workspace.load(HEAD + "include: [art/a.yaml]\n" + hero("")).assets[1].output == "a.png"


@pytest.mark.parametrize(
    ("pattern", "what", "hint"),
    [
        (
            "gone.yaml",
            "names `gone.yaml`, which does not exist",
            "put the file into the project folder",
        ),
        (
            "'art/*.yaml'",
            "names `art/*.yaml`, which matches no file besides the manifest",
            "patterns are relative to the manifest's folder, like `art/*.yaml`",
        ),
        (
            "assets.yaml",
            "names `assets.yaml`, which matches no file besides the manifest",
            "patterns are relative to the manifest's folder, like `art/*.yaml`",
        ),
        (
            "../a.yaml",
            "names `../a.yaml`, which is outside the project",
            "write a path relative to the manifest's folder, without `..`",
        ),
        (
            "/etc/*.yaml",
            "names `/etc/*.yaml`, which is outside the project",
            "write a path relative to the manifest's folder, without `..`",
        ),
        ("art/", "names `art/`, which is a folder", "write a pattern like `art/*.yaml`"),
        (
            "art\\a.yaml",
            "names `art\\a.yaml`, which is no path",
            "separate folders with `/`",
        ),
        ("refs", "names `refs`, which is not a file", "name a file"),
    ],
)
def test_an_include_that_names_no_file_of_the_project_is_a_fault(
    workspace: Workspace, pattern: str, what: str, hint: str
) -> None:
    (workspace.root / "refs").mkdir()
    workspace.check_fault(
        f"version: 1\ninclude: [«{pattern}»]\nassets: {{}}\n",
        f"`include` {what}",
        hint,
        "include[0]",
    )


def test_an_include_behind_a_link_out_of_the_project_is_not_read(workspace: Workspace) -> None:
    (workspace.root.parent / "secret.yaml").write_text("assets: {}\n")
    (workspace.root / "out").symlink_to(workspace.root.parent)
    for pattern in ("out/secret.yaml", "out/*.yaml", "*/secret.yaml"):
        assert workspace.fault(
            f"version: 1\ninclude: ['{pattern}']\nassets: {{}}\n"
        ).what.startswith("`include` names ")


def test_faults_of_included_files_come_after_those_of_the_manifest(workspace: Workspace) -> None:
    workspace.write("b.yaml", "vars: {}\nassets:\n  hero: {prompt: a, output: a.png}\n  c: {}\n")
    workspace.write("a.yaml", "assets: [\n")
    faults = workspace.faults(
        HEAD + "include: [b.yaml, a.yaml]\n" + hero("reference: asset:maybe-in-a\nseed: x")
    )
    assert [
        (os.path.basename(fault.where.file), fault.what) for fault in faults if fault.where
    ] == [
        ("assets.yaml", "`seed` of asset `hero` must be a whole number, not `x`"),
        ("b.yaml", "unknown field `vars` in the manifest"),
        ("b.yaml", "asset `c` has no `output`"),
        ("a.yaml", "not YAML: while parsing a flow node did not find expected node content"),
    ]
    assert faults[1].hint == (
        "an included file holds only `assets`: everything else goes into the root manifest"
    )


def test_an_included_file_of_a_newer_version_is_a_fault(workspace: Workspace) -> None:
    workspace.write("b.yaml", "version: 2\nassets: {}\n")
    fault = workspace.fault(HEAD + "include: [b.yaml]\n" + hero(""))
    assert fault.what == "version 2 of the manifest is newer than this assetgen"
    assert fault.where is not None
    assert os.path.basename(fault.where.file) == "b.yaml"


def test_an_asset_name_used_in_two_files_is_a_fault(workspace: Workspace) -> None:
    workspace.write("b.yaml", "assets:\n  hero: {prompt: a, output: a.png}\n")
    fault = workspace.fault(HEAD + "include: [b.yaml]\n" + hero(""))
    assert fault.what == "asset name `hero` is used twice"
    assert fault.hint == f"the first is at {workspace.root}/assets.yaml:5:3: rename one"
    assert fault.where is not None
    assert (os.path.basename(fault.where.file), fault.where.line) == ("b.yaml", 2)


def test_places_are_named_as_the_user_names_the_manifest(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write("b.yaml", "assets:\n  b: {prompt: a, output: b.png}\n")
    workspace.write("assets.yaml", HEAD + "include: [b.yaml]\n" + hero(""))
    monkeypatch.chdir(workspace.root)
    here = load("assets.yaml", table=TABLE)
    assert [asset.where.file for asset in here.assets if asset.where] == ["assets.yaml", "b.yaml"]
    monkeypatch.chdir(workspace.root.parent)
    above = load("lantern-bay/assets.yaml", table=TABLE)
    assert [asset.where.file for asset in above.assets if asset.where] == [
        "lantern-bay/assets.yaml",
        "lantern-bay/b.yaml",
    ]
    assert here.root == above.root == os.fspath(workspace.root)
    assert here.assets == above.assets


def test_a_missing_manifest_says_how_to_write_one(workspace: Workspace) -> None:
    path = os.fspath(workspace.root / "assets.yaml")
    for missing in (path, path + "/assets.yaml"):
        with pytest.raises(UsageError, match="there is no manifest") as caught:
            load(missing, table=TABLE)
        assert caught.value.hint == "`assetgen init` writes one; `-f FILE` names another"


def test_a_folder_is_no_manifest(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="is not a regular file"):
        load(os.fspath(workspace.root), table=TABLE)


def test_a_manifest_with_an_impossible_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load("a\0b", table=TABLE)


NAMES = st.lists(
    st.sampled_from(
        ["con", "COM1", "nul", "a", "B-2", "_", ".", "..", "git~1", ".git", "/", " ", "é"]
    )
    | st.text("ab.-~/", max_size=3),
    max_size=8,
)


@LAWFUL
@given(NAMES)
def test_a_path_that_needs_one_look_is_what_every_rule_leaves(names: list[str]) -> None:
    text = "".join(names)
    if is_plain(text):
        assert checked_path(text) == text


@pytest.mark.parametrize(
    "text",
    ["con", "art/CON.png", "nul.tar/a.png", "lpt9", ".git/a", "a/../b", "a.", "x/", "", "/a"],
)
def test_a_path_that_a_rule_is_about_is_not_plain(text: str) -> None:
    assert not is_plain(text)
    assert all(is_plain(fine) for fine in ("console.png", "a/com10/b.c.png", "-x_Y.webp"))
