"""US dollars: decimal inside, plain numbers in JSON, `$0.12` for people."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

ABSURD_USD = Decimal(10) ** 9
"""No bill and no budget of ours is this large: such a number is a mistake or an attack."""
_SMALLEST = Decimal("0.0000000001")


def parse_usd(value: object) -> Decimal | None:
    """A sane non-negative amount from a decimal, an integer or text; None for anything else.

    Floats are refused: read JSON with `parse_float=Decimal`.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < ABSURD_USD else None


def json_usd(amount: Decimal | None) -> float | None:
    """The amount as JSON writes it.

    Ten places are far below any price, and within fifteen digits a float prints the decimal it
    was made from, so nothing is rounded that anyone could bill.
    """
    if amount is None:
        return None
    return float(amount.quantize(_SMALLEST).normalize())


def format_usd(amount: Decimal | None) -> str:
    """`$1.20`, `$0.0387`, or `unknown`: at least two places, no idle zeros after them."""
    if amount is None:
        return "unknown"
    text = f"{amount.quantize(Decimal('0.000001')):f}"
    whole, _, places = text.partition(".")
    return f"${whole}.{places.rstrip('0').ljust(2, '0')}"
