"""PNG files made smaller without changing a pixel. The only home of oxipng."""

from __future__ import annotations

from assetgen.errors import StepError

_LEVEL = 2
_LARGE_LEVEL = 1
_LARGE_PIXELS = 1 << 21
"""Pages of atlases: level 2 takes twice as long there for one percent."""


def optimised(png: bytes, pixel_count: int) -> bytes:
    """A PNG file with the same pixels, smaller if possible. Every option is stated.

    Colours under transparent pixels stay: what samples between pixels may read them.
    """
    import oxipng  # noqa: PLC0415 - only who writes PNG files needs it

    level = _LARGE_LEVEL if pixel_count > _LARGE_PIXELS else _LEVEL
    try:
        return oxipng.optimize_from_memory(
            png,
            level=level,
            interlace=oxipng.Interlacing.off,
            strip=oxipng.StripChunks.safe,
            optimize_alpha=False,
        )
    except oxipng.PngError as error:
        raise StepError(f"the PNG file cannot be optimised: {error}") from error
