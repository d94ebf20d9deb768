"""A colour scheme by name: one hue, a neighbour of it, and an accent from across the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from assetgen.core.drawing import Colour
    from assetgen.providers.draft.dice import Dice


class Tones(Value):
    """One hue from dark to light."""

    ink: Colour
    deep: Colour
    mid: Colour
    bright: Colour
    pale: Colour


class Scheme(Value):
    """The colours of one draft."""

    main: Tones
    neighbour: Tones
    accent: Tones


# Computed once from OKLCH, which keeps lightness even over the hues: every 15 degrees from 20, with
# lightness 0.27, 0.44, 0.64, 0.80, 0.95 and chroma 0.065, 0.12, 0.165, 0.135, 0.03, chroma lowered
# where sRGB ends. Constants, because the last bit of a cosine differs between machines.
_WHEEL = (
    (0x411719, 0x883136, 0xDE5A61, 0xFEA09F, 0xFEE9E8),
    (0x40190F, 0x88341F, 0xDD5F40, 0xFEA28B, 0xFEE9E4),
    (0x3F1B04, 0x833B01, 0xD8670E, 0xFEA572, 0xFEEADF),
    (0x3A1F00, 0x774501, 0xC67702, 0xF9AA58, 0xFDEBDA),
    (0x342301, 0x6C4C02, 0xB58207, 0xEBB34B, 0xF9EDD9),
    (0x2F2600, 0x625101, 0xA58A02, 0xD9BC4A, 0xF5EFD8),
    (0x282900, 0x565600, 0x929203, 0xC3C555, 0xEFF1DA),
    (0x1F2C02, 0x455C01, 0x769C07, 0xAACD67, 0xEAF2DD),
    (0x132E0D, 0x28621A, 0x4EA339, 0x8DD37E, 0xE4F4E1),
    (0x022F18, 0x026337, 0x06A760, 0x6ED797, 0xE0F5E6),
    (0x012F22, 0x03614B, 0x0BA480, 0x4CD9B0, 0xDCF5EB),
    (0x012E29, 0x056058, 0x0DA295, 0x27D9C9, 0xD9F6F1),
    (0x012D2F, 0x035E63, 0x0D9FA6, 0x0CD7E0, 0xD8F5F6),
    (0x012C35, 0x065D6D, 0x009DB7, 0x28D3F4, 0xD9F4FB),
    (0x012B3B, 0x055B79, 0x0399CA, 0x59CCFE, 0xDCF3FE),
    (0x022944, 0x02578B, 0x0093E6, 0x81C5FE, 0xE2F1FE),
    (0x122646, 0x285094, 0x4C89EF, 0x98BFFE, 0xE6EFFE),
    (0x1E2346, 0x414A94, 0x7180EF, 0xABB9FE, 0xEAEEFE),
    (0x262044, 0x53448F, 0x8D76E8, 0xBCB2FE, 0xEEECFE),
    (0x2E1D40, 0x623E87, 0xA46EDB, 0xD0A9FE, 0xF3EAFE),
    (0x341B3A, 0x6F397B, 0xB766C9, 0xE4A0F4, 0xF8E8FB),
    (0x391933, 0x79346C, 0xC760B3, 0xF39BE0, 0xFCE7F7),
    (0x3D172B, 0x81315C, 0xD35B9A, 0xFE98CA, 0xFEE7F1),
    (0x401722, 0x86304A, 0xDB597F, 0xFE9DB3, 0xFFE8EC),
)
HUES = len(_WHEEL)

_NEIGHBOURS = (-3, -2, 2, 3)
_ACCENTS = (9, 10, 12, 14, 15)
"""Steps of 15 degrees: near enough to belong together, or far enough to stand out."""


def scheme_of(dice: Dice) -> Scheme:
    """A scheme drawn from `dice`."""
    hue = dice.roll(HUES)
    return Scheme(
        main=tones(hue),
        neighbour=tones(hue + dice.choose(_NEIGHBOURS)),
        accent=tones(hue + dice.choose(_ACCENTS)),
    )


def tones(hue: int) -> Tones:
    """The tones of one hue; hues count in steps of 15 degrees and wrap around."""
    ink, deep, mid, bright, pale = (_rgb(value) for value in _WHEEL[hue % HUES])
    return Tones(ink=ink, deep=deep, mid=mid, bright=bright, pale=pale)


def mixed(one: Colour, other: Colour, part: int, whole: int) -> Colour:
    """`part` of `whole` on the way from `one` to `other`, in whole numbers."""
    red, green, blue = (
        (a * (whole - part) + b * part + whole // 2) // whole
        for a, b in zip(one, other, strict=True)
    )
    return red, green, blue


def _rgb(value: int) -> Colour:
    return value >> 16, value >> 8 & 0xFF, value & 0xFF
