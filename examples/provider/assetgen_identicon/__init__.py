"""An assetgen provider of its own: a symmetric pattern for each prompt, drawn on this machine.

Everything assetgen asks of a provider is in this file: `Identicon.generate` makes one image for one
request, and `PLUGIN` says what must be known before it is called. Only what is in
`request.generate` and `request.references` may decide about the picture, because only that is in
the fingerprint.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from decimal import Decimal
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from assetgen import Generated, ProviderPlugin, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen import Generate, Request

CELLS = 5
SIZES_PX = {None: 320, "0.5K": 510, "1K": 1025, "2K": 2050, "4K": 4095}


class Identicon:
    """Draws; there is nothing to connect to and nothing to close."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """The environment is where a service's key would come from."""

    async def generate(self, request: Request) -> Generated:
        """The picture of one request, off the event loop: other calls go on meanwhile.

        Raises:
            Refused: a shape other than a square is asked for.
        """
        ratio = request.generate.parameters.aspect_ratio
        if ratio not in {None, "auto", "1:1"}:
            raise Refused(
                f"identicons are square, not {ratio}", hint="remove `aspect_ratio`, or write `1:1`"
            )
        data = await asyncio.to_thread(draw, request)
        return Generated(images=(data,), cost_usd=Decimal(0), provider="identicon")


def draw(request: Request) -> bytes:
    """A PNG. What a reference shows gives the colour; without one, the prompt does."""
    action: Generate = request.generate
    seed = f"{action.prompt}\n{action.take}\n{action.parameters.seed}"
    dice = hashlib.sha256(seed.encode()).digest()
    colour = _colour_of(request.references[0].data) if request.references else tuple(dice[:3])
    side = SIZES_PX[action.parameters.image_size]
    picture = Image.new("RGB", (side, side), "white")
    pen, cell = ImageDraw.Draw(picture), side // CELLS
    for row in range(CELLS):
        for column in range((CELLS + 1) // 2):
            if dice[3 + row * CELLS + column] % 2:
                for x in {column, CELLS - 1 - column}:
                    left, top = x * cell, row * cell
                    pen.rectangle((left, top, left + cell - 1, top + cell - 1), fill=colour)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _colour_of(data: bytes) -> tuple[int, ...]:
    with Image.open(io.BytesIO(data)) as reference:
        return tuple(reference.convert("RGB").resize((1, 1)).tobytes())


PLUGIN = ProviderPlugin(
    create=Identicon,
    is_paid=False,
    is_repeatable=True,
    needs_model=False,
    version="1",  # raise it when `draw` draws other pixels: every identicon is then stale
)
