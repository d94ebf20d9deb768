"""What is known about models on this machine, and the provider's catalogue fetched anew."""

from __future__ import annotations

import difflib
import os
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from assetgen.cache.folder import cache_root
from assetgen.cache.local import LocalCache
from assetgen.config import read_environment
from assetgen.core.catalogue import sheets
from assetgen.core.value import Value
from assetgen.errors import UsageError
from assetgen.providers.openrouter.models import load_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.catalogue import Catalogue, Sheet


class KnownModels(Value):
    """Models, and how old what is known about them is."""

    sheets: Mapping[str, Sheet]
    table_date: str
    catalogue_date: str | None
    """None when the catalogue was never fetched here."""
    unread: tuple[str, ...] = ()
    """After fetching: models whose details the provider did not tell."""


def models(pattern: str | None = None, environ: Mapping[str, str] | None = None) -> KnownModels:
    """The models whose id matches, from table, lessons and the catalogue as last fetched.

    Reads only the machine. `pattern` is an id or has `*`, `?` or `[…]` in it; None is every model.

    Raises:
        UsageError: no known model matches.
    """
    with LocalCache(_root(environ), create=False) as cache:
        return _known(cache, cache.catalogue.read(), pattern)


async def refresh_models(
    pattern: str | None = None, environ: Mapping[str, str] | None = None
) -> KnownModels:
    """Likewise, after fetching the catalogue and keeping it in the cache; needs no key.

    Raises:
        ProviderError: the catalogue cannot be had.
        CacheError: it cannot be kept.
        UsageError: as `models`, or the address cannot be used.
    """
    from assetgen.providers.http import Http  # noqa: PLC0415 - loads httpx
    from assetgen.providers.openrouter.catalogue import fetch  # noqa: PLC0415

    environ = os.environ if environ is None else environ
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    http = Http()
    try:
        catalogue, unread = await fetch(http, read_environment(environ).base_url, today)
    finally:
        await http.aclose()
    with LocalCache(_root(environ), create=True) as cache:
        cache.catalogue.write(catalogue)
        return _known(cache, catalogue, pattern, tuple(unread))


def _known(
    cache: LocalCache,
    catalogue: Catalogue | None,
    pattern: str | None,
    unread: tuple[str, ...] = (),
) -> KnownModels:
    table = load_table()
    known = sheets(table, catalogue, cache.learnt.known(), table.images_only)
    found = {
        model: sheet
        for model, sheet in known.items()
        if pattern is None or model == pattern or fnmatchcase(model, pattern)
    }
    if not found and pattern is not None:
        raise UsageError(f"no known model is called `{pattern}`", hint=_hint(pattern, known))
    date = catalogue.date if catalogue is not None else None
    return KnownModels(found, table.date, date, unread)


def _hint(pattern: str, known: Mapping[str, Sheet]) -> str:
    parts = [model for model in known if pattern.lower() in model]
    near = parts or difflib.get_close_matches(pattern, known, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(f'`{model}`' for model in near[:3])}?"
    return (
        "`assetgen models` lists them, `assetgen models --refresh` asks for news; a model that is "
        "not listed can be used all the same"
    )


def _root(environ: Mapping[str, str] | None) -> str:
    return cache_root(os.environ if environ is None else environ)
