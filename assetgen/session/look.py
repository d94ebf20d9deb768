"""What one asset is and was: `explain` and `history`. Nothing is written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.core.digest import digest_of
from assetgen.core.explain import Explanation, explain, recorded_entry
from assetgen.core.explain_product import ProductExplanation, explain_product
from assetgen.core.fingerprint import Keyed
from assetgen.core.history import Found, History, Past, past_images
from assetgen.core.inputs import Inputs, parse_inputs
from assetgen.core.plan import key_today
from assetgen.core.product import products_of
from assetgen.errors import CacheError, UsageError
from assetgen.session.settings import Settings
from assetgen.session.survey import Survey, survey

if TYPE_CHECKING:
    from assetgen.core.lock import Lock, LockEntry
    from assetgen.core.model import Asset
    from assetgen.session.adapters import Adapters


def survey_of(adapters: Adapters, name: str, lock: Lock) -> Survey:
    """The survey of one asset and what it reads: the same that `plan NAME` makes.

    Raises:
        UsageError: `name` is not the name of an asset.
        ManifestFaults, OutputError, CacheError.
    """
    found = survey(adapters, Settings(selectors=(name,)), lock)
    if name not in found.decided:
        raise UsageError(
            f"`{name}` is not the name of an asset",
            hint="this command takes one name; `assetgen plan` lists the assets",
        )
    return found


def explain_asset(adapters: Adapters, name: str, lock: Lock) -> Explanation:
    """Everything about one asset: see `core.explain`."""
    found = survey_of(adapters, name, lock)
    return explain(
        found.plan.project,
        name,
        facts=found.facts,
        options=found.options,
        decided=found.decided,
        words=lambda fingerprint: words_of(adapters, fingerprint),
    )


def explain_one_product(adapters: Adapters, name: str, lock: Lock) -> ProductExplanation:
    """Everything about one product: see `core.explain_product`."""
    found = survey(adapters, Settings(selectors=(name,)), lock)
    if name not in found.made:
        raise UsageError(
            f"`{name}` is not the name of a product",
            hint="this command takes one name; `assetgen plan` lists the products",
        )
    whole = {product.name: product for product in products_of(found.plan.project)}
    readers = tuple(one.name for one in whole.values() if name in one.after)
    return explain_product(found.made[name], found.facts, readers)


def words_of(adapters: Adapters, fingerprint: str) -> Inputs | None:
    """The inputs behind a fingerprint; None where they are not known in words."""
    try:
        document = adapters.cache().inputs.get(fingerprint)
    except (CacheError, ValueError):  # a damaged lockfile may name no fingerprint
        return None
    return parse_inputs(document) if document is not None else None


def history_of_asset(adapters: Adapters, name: str, lock: Lock) -> History:
    """Every image of one asset that is still here."""
    return history_in(adapters, survey_of(adapters, name, lock), name)


def history_in(adapters: Adapters, found: Survey, name: str) -> History:
    """The history of an asset that was surveyed."""
    asset = found.decided[name].asset
    key = key_today(asset, found.facts, found.options, found.decided)
    keyed = key if isinstance(key, Keyed) else None
    entry = recorded_entry(asset, found.facts, keyed)
    fingerprints = {entry.fingerprint} if entry is not None else set()
    fingerprints |= {keyed.fingerprint} if keyed is not None else set()
    cache = adapters.cache()
    past = past_images(
        name,
        found.plan.project.name,
        lines=cache.ledger.lines(),
        fingerprints=frozenset(fingerprints),
        cached=cache.actions.get_many(fingerprints),
        entry=entry,
    )
    images = []
    for one in past:
        path = _path_of(adapters, asset, entry, one)
        if path is not None:
            images.append(
                Found(
                    past=one,
                    path=path,
                    is_current=entry is not None and entry.result.image == one.result.image,
                    is_of_today=keyed is not None and one.fingerprint == keyed.fingerprint,
                    words=words_of(adapters, one.fingerprint),
                )
            )
    return History(asset=asset, images=tuple(images), gone=len(past) - len(images))


def _path_of(adapters: Adapters, asset: Asset, entry: LockEntry | None, past: Past) -> str | None:
    """A file with the image: in the store, else the output."""
    digest = past.result.image
    path = adapters.cache().blobs.path_of(digest)
    if path is not None or entry is None or entry.digest != digest:
        return path
    data = adapters.files.read(asset.output)
    is_there = data is not None and digest_of(data) == digest
    return os.path.join(adapters.root, asset.output) if is_there else None
