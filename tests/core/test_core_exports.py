"""Exports: what code imports says the same as the listing, whatever the texts hold."""

from __future__ import annotations

import ast
import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from assetgen.core.export_text import export_text
from assetgen.core.exports.literal import python_literal, typescript_literal
from assetgen.core.listing import ListedFile
from assetgen.core.schemas.products import assets_json_schema
from assetgen.core.value import replace
from tests.core.golden import check_golden
from tests.core.listings import EMPTY, LISTING, TEXT, export, listings

if TYPE_CHECKING:
    from pathlib import Path

    from assetgen.core.listing import Listing

few = settings(max_examples=20, deadline=None)
VALIDATOR = Draft202012Validator(assets_json_schema())


@pytest.mark.parametrize(
    ("name", "export_format"),
    [
        ("export.json", "json"),
        ("export.ts", "typescript"),
        ("export.py.txt", "python"),
        ("export.html", "html"),
    ],
)
def test_an_export_is_written_as_before(name: str, export_format: Any) -> None:
    text = export_text(export(export_format, sizes="(min-width: 60rem) 50vw, 100vw"), LISTING)
    check_golden(name, text)


@pytest.mark.parametrize("export_format", ["json", "typescript", "python", "html"])
def test_an_export_of_nothing_is_written_too(export_format: Any) -> None:
    text = export_text(export(export_format), EMPTY)
    assert text.endswith("\n")
    if export_format == "python":
        assert run(text)["ASSETS"] == {}


@few
@given(listings())
def test_json_gives_back_what_was_listed(listing: Listing) -> None:
    data = json.loads(export_text(export("json"), listing))
    VALIDATOR.validate(data)
    assert list(data["assets"]) == [asset.name for asset in listing.assets]
    for asset in listing.assets:
        found = data["assets"][asset.name]
        assert found["path"] == "/site/" + asset.file.path.removeprefix("public/")
        assert found["description"] == asset.description
        assert [v["width"] for v in found["variants"]] == [v.width_px for v in asset.variants]
    assert list(data["atlases"]) == [atlas.sheet.name for atlas in listing.atlases]


def run(text: str) -> dict[str, Any]:
    """The names that a module of Python defines."""
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec", dont_inherit=True), names)  # noqa: S102 - our own text is what is tested
    return names


@few
@given(listings())
def test_python_gives_back_what_was_listed(listing: Listing) -> None:
    exported = run(export_text(export("python"), listing))
    for asset in listing.assets:
        found = exported["ASSETS"][asset.name]
        assert found.name == asset.name
        assert found.file.path == "/site/" + asset.file.path.removeprefix("public/")
        assert (found.description, found.tags) == (asset.description, asset.tags)
        assert len(found.frames) == len(asset.frames)
    for atlas in listing.atlases:
        sheet = atlas.sheet
        found = exported["ATLASES"][sheet.name]
        assert dict(found.animations) == dict(sheet.animations)
        assert list(found.frames) == [frame.name for frame in sheet.frames]
    with pytest.raises(TypeError):
        exported["ASSETS"]["new"] = None


@given(TEXT)
def test_a_literal_of_python_is_the_text_and_shows_all_of_it(text: str) -> None:
    literal = python_literal(text)
    assert ast.literal_eval(literal) == text
    assert literal.isprintable()


@given(TEXT)
def test_a_literal_of_typescript_is_the_text_and_shows_all_of_it(text: str) -> None:
    literal = typescript_literal(text)
    assert json.loads(literal) == text
    assert literal.isprintable()


class Tags(HTMLParser):
    """All tags and their attributes, and any text that stands between them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@few
@given(listings())
def test_html_has_a_picture_for_each_asset_and_nothing_else(listing: Listing) -> None:
    found = Tags(export_text(export("html"), listing))
    assert found.text.strip() == ""
    pictures = [
        attributes["data-asset"] or "" for tag, attributes in found.tags if tag == "picture"
    ]
    names = [
        asset.name for asset in listing.assets
    ]  # of NUL parsers make U+FFFD, Python's new ones
    assert [text.replace("\x00", "\ufffd") for text in pictures] == [
        name.replace("\x00", "\ufffd") for name in names
    ]
    images = [attributes for tag, attributes in found.tags if tag == "img"]
    for asset, attributes in zip(listing.assets, images, strict=True):
        assert attributes["width"] == str(asset.file.width_px)
        alt = attributes["alt"]
        assert alt is not None
        assert alt.split() == asset.description.split()
    formats = [len({v.format for v in asset.variants}) for asset in listing.assets]
    assert sum(tag == "source" for tag, _ in found.tags) == sum(formats)


def test_a_candidate_of_srcset_is_one_address_whatever_the_file_is_called() -> None:
    found = Tags(export_text(export("html", sizes="50vw"), LISTING))
    sources = [attributes for tag, attributes in found.tags if tag == "source"]
    assert [source["type"] for source in sources] == ["image/avif", "image/webp"]
    assert sources[0]["srcset"] == "/site/img/hero%20480.avif 480w, /site/img/hero%20960.avif 960w"
    assert {source["sizes"] for source in sources} == {"50vw"}


def test_no_colour_is_put_behind_a_transparent_picture() -> None:
    found = Tags(export_text(export("html"), LISTING))
    styles = [attributes.get("style") for tag, attributes in found.tags if tag == "img"]
    assert styles == ["background-color: #1a2b3c", None]


@pytest.mark.slow
def test_the_module_of_python_is_typed_throughout(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    (tmp_path / "full.py").write_text(export_text(export("python"), LISTING), encoding="utf-8")
    (tmp_path / "empty.py").write_text(export_text(export("python"), EMPTY), encoding="utf-8")
    (tmp_path / "use.py").write_text(
        "from full import ASSETS, ATLASES, AssetName\n"
        'name: AssetName = "hero"\n'
        'total: int = ASSETS[name].file.width + ATLASES["ui"].frames["1up"].x\n'
        'ASSETS["herro"]  # type: ignore[index]\n'
        'ASSETS[name].name = "hero"  # type: ignore[misc]\n',
        encoding="utf-8",
    )
    files = [str(tmp_path / name) for name in ("use.py", "full.py", "empty.py")]
    out, err, code = api.run(["--strict", "--config-file=", "--cache-dir", str(tmp_path), *files])
    assert code == 0, out + err


@pytest.mark.parametrize("export_format", ["json", "typescript", "python", "html"])
def test_an_output_that_is_not_shipped_stands_behind_its_largest_variant(
    export_format: Any,
) -> None:
    hero, icon = LISTING.assets
    master = replace(hero, file=ListedFile("art/hero.png", "png", 1024, 683))
    text = export_text(export(export_format), replace(LISTING, assets=(master, icon)))
    assert "art/hero.png" not in text
    assert master.file_in("public") == hero.variants[-1]
    assert master.file_in("") == master.file
