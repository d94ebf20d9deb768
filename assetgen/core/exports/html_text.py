"""Assets as fragments of a page: `<picture>` with a source for each format, and the output last.

Browsers take the first format they know (HTML, section 4.8.4); widths let them choose a file, and
width and height keep the place free until it has come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.addresses import percent_encoded, under
from assetgen.core.sheet_text import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetgen.core.finish import Export
    from assetgen.core.listing import ListedAsset, ListedFile, Listing

_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\r": "&#13;"}
)


def html_text(export: Export, listing: Listing) -> str:
    """A fragment for each asset, marked with its name."""
    lines = [f"<!-- {GENERATED} -->"]
    for asset in listing.assets:
        lines += _picture(export, asset)
    return "\n".join(lines) + "\n"


def _picture(export: Export, asset: ListedAsset) -> Iterator[str]:
    yield f'<picture data-asset="{escaped(asset.name)}">'
    by_format: dict[str, list[ListedFile]] = {}
    for file in asset.variants:
        by_format.setdefault(file.format, []).append(file)
    for image_format, files in by_format.items():
        candidates = ", ".join(f"{_address(export, f.path)} {f.width_px}w" for f in files)
        sizes = f' sizes="{escaped(export.sizes)}"' if export.sizes else ""
        yield f'  <source type="image/{image_format}" srcset="{escaped(candidates)}"{sizes}>'
    yield f"  <img {' '.join(_attributes(export, asset))}>"
    yield "</picture>"


def _attributes(export: Export, asset: ListedAsset) -> Iterator[str]:
    file = asset.file_in(export.root)
    yield f'src="{escaped(_address(export, file.path))}"'
    yield f'width="{file.width_px}" height="{file.height_px}"'
    yield f'alt="{escaped(" ".join(asset.description.split()))}"'
    yield 'loading="lazy" decoding="async"'
    if asset.colour is not None and not asset.has_alpha:
        yield f'style="background-color: {escaped(asset.colour)}"'


def escaped(text: str) -> str:
    """`text` inside an attribute in double quotes."""
    return text.translate(_ESCAPES)


def _address(export: Export, path: str) -> str:
    return export.base + percent_encoded(under(path, export.root, ""))
