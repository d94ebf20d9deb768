"""The offline provider: every request is answered with its drawing, free of charge."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core.call import Generated
from assetgen.providers.draft.sheet import drawing_of

if TYPE_CHECKING:
    from assetgen.core.call import Request
    from assetgen.core.ports import Images


class DraftProvider:
    """`core.ports.Provider` without a network."""

    def __init__(self, images: Images) -> None:
        self._images = images

    async def generate(self, request: Request) -> Generated:
        """The request's drawing in the format that is asked for.

        Raises:
            Refused: the aspect ratio or image size cannot be drawn.
        """
        data = await asyncio.to_thread(self._paint, request)
        return Generated(
            images=(data,),
            cost_usd=Decimal(0),
            provider="draft",
            model=request.generate.model or "draft",
        )

    def _paint(self, request: Request) -> bytes:
        return self._images.paint(drawing_of(request), request.format)
