"""How foreign bytes are refused: by the sizes no picture may have, and in words of ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from assetgen.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PIXELS = 100_000_000
MAX_SIDE_PX = 16_384
MIN_SIDE_PX = 2
"""Services answer failures with a single transparent pixel; that is no picture."""


@contextmanager
def our_errors(what: str) -> Iterator[None]:
    """Turn whatever a parser or encoder raises into an `ImageError` that begins with `what`."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:
        detail = printable(str(error)) or type(error).__name__
        raise ImageError(f"{what}: {detail}") from error


def printable(text: str, limit: int = 80) -> str:
    """`text` on one line, safe for a terminal, at most `limit` characters."""
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def check_size(format_name: str, size: tuple[int, int]) -> None:
    """Refuse sizes before memory is spent on them."""
    width_px, height_px = size
    if min(size) < MIN_SIDE_PX:
        raise ImageError(
            f"the {format_name} image holds no picture: it is {width_px}x{height_px} px",
            hint=f"each side must be at least {MIN_SIDE_PX} px",
        )
    if max(size) > MAX_SIDE_PX or width_px * height_px > MAX_PIXELS:
        raise ImageError(
            f"the {format_name} image is too large: {width_px}x{height_px} px",
            hint=f"at most {MAX_SIDE_PX} px a side and {MAX_PIXELS // 1_000_000} megapixels",
        )
