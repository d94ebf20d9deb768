"""Drafts: labelled pictures drawn offline, the same pixels everywhere for one renderer version.

size.py       how many pixels, from aspect ratio and image size
lettering.py  any text to lines of a fixed bitmap font
dice.py       choices that follow from a name
colour.py     a colour scheme by name
emblem.py     a picture by name, unlike its neighbours even at 32 pixels
sheet.py      a request to a drawing: what is shown, and where
marker.py     the mark that tells a placeholder from everything else
provider.py   class `DraftProvider`
"""

from __future__ import annotations

from assetgen.providers.draft.marker import mark, marked_key
from assetgen.providers.draft.provider import DraftProvider
from assetgen.providers.draft.sheet import drawing_of, placeholder_key

__all__ = [
    "DraftProvider",
    "drawing_of",
    "mark",
    "marked_key",
    "placeholder_key",
]
