"""About how much an image will cost, and on what ground that is said."""

from __future__ import annotations

import difflib
import statistics
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.catalogue import ModelTable
    from assetgen.core.ledger import LedgerLine
    from assetgen.core.model import Generate

_RECENT_BILLS = 10
_NEAR = 0.9
"""How alike two model names are when one is probably the other misspelt."""


class Estimate(Value):
    """US dollars for one image; None when nothing is known. `basis` says on what ground."""

    usd: Decimal | None
    basis: str


FREE = Estimate(usd=Decimal(0), basis="free")


def price_key(action: Generate) -> str:
    """What the price depends on besides the model: size, quality, number of references."""
    stated = action.parameters
    return f"{stated.image_size or ''}/{stated.quality or ''}/{len(action.references)}"


def history_of(lines: Iterable[LedgerLine]) -> dict[tuple[str, str], Decimal]:
    """The usual bill by model and price key: the upper median of the last ten.

    Bills of nothing are left out: an answer from the provider's response cache says nothing about
    the price of the next image.
    """
    bills: dict[tuple[str, str], list[Decimal]] = {}
    for line in lines:
        if line.event == "received" and line.cost_usd:
            bills.setdefault((line.model, line.size), []).append(line.cost_usd)
    return {key: statistics.median_high(costs[-_RECENT_BILLS:]) for key, costs in bills.items()}


def estimate(
    action: Generate, table: ModelTable, history: Mapping[tuple[str, str], Decimal]
) -> Estimate:
    """Price of one image: what was paid before, else the shipped price table."""
    paid = history.get((action.model, price_key(action)))
    if paid is not None:
        return Estimate(usd=paid, basis="earlier bills")
    price = table.facts(action.model).price
    if price is None:
        near = difflib.get_close_matches(action.model, table.models, n=1, cutoff=_NEAR)
        meant = f"; did you mean `{near[0]}`?" if near and near[0] != action.model else ""
        return Estimate(usd=None, basis=f"no price is known for this model{meant}")
    sizes = price.per_image_usd
    usd = sizes.get(action.parameters.image_size or "", sizes.get(""))
    if usd is None:
        return Estimate(usd=None, basis="no price is known for this size")
    usd += price.per_reference_usd * len(action.references)
    basis = f"list price: {price.basis}"
    if "price" in table.filled.get(action.model, ()):
        basis += f" ({table.source(action.model, 'price')})"
    return Estimate(usd=usd, basis=basis)
