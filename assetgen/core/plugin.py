"""What an installed package says about a provider of its own, as one plain value.

A package names such a value in its entry point of the group `assetgen.providers`; a manifest
chooses it by the entry point's name. docs/embedding.md tells authors how, and
`examples/provider/` is a whole one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from assetgen.core.model import Generate
    from assetgen.core.ports import Provider

ENTRY_POINT_GROUP = "assetgen.providers"


class ProviderPlugin(Value, kw_only=True):
    """A provider that is not built in: how to make it, and what must be known before a call."""

    create: Callable[[Mapping[str, str]], Provider]
    """Makes the provider from the environment variables of the process, once for a build that
    calls it. It may have an `async def aclose(self)`, which ends its connections."""
    is_paid: bool = True
    """Whether a call may cost money: such calls are booked, and budgets hold for them."""
    is_repeatable: bool = False
    """Whether the same request always gives the same picture. Of a free provider, a lost image is
    then made again unasked; otherwise it is gone like a bought one, and `--rebuy` makes another."""
    needs_model: bool = True
    """Whether an asset without a `model` is a fault of the manifest."""
    keys: tuple[str, ...] = ()
    """Environment variables without which no image can be made."""
    version: str = ""
    """Part of every fingerprint: raise it when your own code draws other pixels, and every image
    is stale. Leave it empty where a service makes the images."""
    estimate_usd: Callable[[Generate], Decimal | None] | None = None
    """About what an image costs, without asking a network; None where that is not known. Without
    it, what was paid for the same model before is the estimate."""
