"""Saying which image an asset has, and clearing up: `use`, `adopt`, `clean`. Buys nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assetgen.core.decision import Verdict
from assetgen.core.digest import parse_digest, short
from assetgen.core.history import digits_to_tell, matching
from assetgen.core.result import ActionResult
from assetgen.core.select import in_build_order, select
from assetgen.core.value import Value
from assetgen.engine.choose import Chooser
from assetgen.engine.clean import Cleaner
from assetgen.engine.deliver import Delivery
from assetgen.errors import AssetgenError, UsageError
from assetgen.session.look import history_in, survey_of
from assetgen.session.settings import Settings
from assetgen.session.survey import Survey, load, survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assetgen.core.decision import Decision
    from assetgen.core.digest import Digest
    from assetgen.core.history import Found, History
    from assetgen.core.ledger import LedgerLine
    from assetgen.core.model import Json
    from assetgen.core.orphan import Orphan
    from assetgen.core.ports import Emit
    from assetgen.session.adapters import Adapters

_PREFIX = re.compile(r"(?:sha256:)?[0-9a-f]{1,64}", re.IGNORECASE)


class Choice(Value):
    """What became of one asset that was to be given an image."""

    name: str
    output: str
    is_done: bool
    """False when the asset was refused: `message` says why."""
    is_new: bool = False
    """Whether anything changed."""
    image: Digest | None = None
    """The image it has now."""
    message: str = ""
    hint: str | None = None
    readers: tuple[str, ...] = ()
    """Assets that read its image, and are made again by the next build if it changed."""


def use_image(adapters: Adapters, name: str, prefix: str, emit: Emit) -> Choice:
    """Give the asset `name` the one of its images whose digest starts with `prefix`.

    Raises:
        UsageError: no image, or several; or the asset's inputs cannot be known.
        ManifestFaults, LockfileError, OutputError, ImageError, CacheError.
    """
    if not _PREFIX.fullmatch(prefix):
        raise UsageError(
            f"`{prefix}` is not the beginning of a digest",
            hint=f"`assetgen history {name}` lists the images and their digests",
        )
    found = survey_of(adapters, name, adapters.lockfile.read())
    history = history_in(adapters, found, name)
    result = _kept(adapters, prefix) or _only(history, prefix).past.result
    chooser = _chooser(adapters, found, frozenset({name}), emit, lines=())
    before = found.decided[name]
    chooser.use(history.asset, result)
    chooser.finish()
    image = result.image
    return Choice(
        name=name,
        output=history.asset.output,
        is_done=True,
        is_new=before.verdict is not Verdict.KEEP or before.image != image,
        image=image,
        readers=_readers(found, before, image),
    )


def _kept(adapters: Adapters, digest: str) -> ActionResult | None:
    """The user's own bytes that were put aside, when `digest` is theirs in full, as it was told."""
    whole = parse_digest(f"sha256:{digest.removeprefix('sha256:')}")
    blobs = adapters.cache().blobs
    if whole is None or blobs.wrote(whole):
        return None
    data = blobs.get(whole)
    return None if data is None else ActionResult(whole, adapters.images().inspect(data))


def _only(history: History, prefix: str) -> Found:
    name, found = history.asset.name, matching(history.images, prefix)
    if len(found) == 1:
        return found[0]
    if not found:
        gone = f"; {history.gone} of its images are no longer in the store" if history.gone else ""
        raise UsageError(
            f"no image of `{name}` has a digest that starts with `{prefix}`{gone}",
            hint=f"`assetgen history {name}` lists the images that are here",
        )
    digits = digits_to_tell([one.past.result.image for one in found])
    which = ", ".join(f"`{short(one.past.result.image, digits)}`" for one in found)
    raise UsageError(
        f"{len(found)} images of `{name}` have a digest that starts with `{prefix}`: {which}",
        hint="give more digits",
    )


def adopt_files(adapters: Adapters, selectors: Sequence[str], emit: Emit) -> list[Choice]:
    """Take the files at the outputs of the selected assets as their images, one after another.

    Raises:
        UsageError: a selector matches nothing.
        ManifestFaults, LockfileError, OutputError, CacheError.
    """
    found = survey(adapters, Settings(selectors=tuple(selectors)), adapters.lockfile.read())
    names = select(found.plan.project.assets, selectors)
    lines = tuple(adapters.cache().ledger.lines())
    chooser = _chooser(adapters, found, frozenset(), emit, lines=lines)
    choices = {}
    try:
        for asset in in_build_order(found.plan.project.assets):
            if asset.name in names:
                choices[asset.name] = _adopt(chooser, found, asset.name)
    finally:
        chooser.finish()
    return [choices[a.name] for a in found.plan.project.assets if a.name in choices]


def _adopt(chooser: Chooser, found: Survey, name: str) -> Choice:
    before = found.decided[name]
    asset = before.asset
    try:
        is_new = chooser.adopt(asset)
    except AssetgenError as error:
        return Choice(name, asset.output, is_done=False, message=error.what, hint=error.hint)
    image = found.decided[name].image
    return Choice(
        name=name,
        output=asset.output,
        is_done=True,
        is_new=is_new,
        image=image,
        readers=_readers(found, before, image),
    )


def _readers(found: Survey, before: Decision, image: Digest | None) -> tuple[str, ...]:
    """Assets that read the image, when it is another than they have read so far."""
    name = before.asset.name
    entry = found.facts.lock.entries.get(name)
    if image == (entry.result.image if entry is not None else before.image):
        return ()
    return tuple(asset.name for asset in found.plan.project.assets if name in asset.reads)


def _chooser(
    adapters: Adapters,
    found: Survey,
    forced: frozenset[str],
    emit: Emit,
    *,
    lines: Sequence[LedgerLine],
) -> Chooser:
    cache, supplier = adapters.cache(), found.supplier
    if supplier is None:
        raise AssertionError("choosing needs what only a survey with caches finds")
    return Chooser(
        project=found.plan.project,
        facts=found.facts,
        options=found.options,
        decided=found.decided,
        files=adapters.files,
        images=adapters.images(),
        delivery=Delivery(
            files=adapters.files,
            finishing=adapters.finishing(),
            blobs=cache.blobs,
            actions=cache.actions,
            journal=adapters.journal,
            observer=found.observer,
            facts=found.facts,
            forced=forced,
            emit=emit,
        ),
        supplier=supplier,
        blobs=cache.blobs,
        ledger=cache.ledger,
        actions=cache.actions,
        inputs=cache.inputs,
        locks=adapters.lockfile,
        clock=adapters.clock,
        lines=lines,
    )


def clean_up(adapters: Adapters, *, remove: bool) -> list[Orphan]:
    """What moved and removed assets left behind; with `remove` it goes.

    Raises:
        ManifestFaults, LockfileError, OutputError, CacheError.
    """
    project, _ = load(adapters)
    cache = adapters.cache()
    cleaner = Cleaner(
        project=project,
        lock=adapters.lockfile.read(),
        lockfile=adapters.lockfile_name,
        journal=frozenset(adapters.journal.read()),
        files=adapters.files,
        blobs=cache.blobs,
        ledger=cache.ledger,
        actions=cache.actions,
        locks=adapters.lockfile,
        observer=adapters.observer(use_record=False),
        clock=adapters.clock,
    )
    found = cleaner.look()
    return cleaner.remove(found) if remove else found


def choices_json(choices: Iterable[Choice]) -> dict[str, Json]:
    """`use --json` and `adopt --json`."""
    return {
        "version": 1,
        "assets": [
            {
                "name": choice.name,
                "output": choice.output,
                "status": _status(choice),
                "image": choice.image,
                "message": choice.message,
                "hint": choice.hint,
                "readers": list(choice.readers),
            }
            for choice in choices
        ],
    }


def _status(choice: Choice) -> str:
    if not choice.is_done:
        return "refused"
    return "recorded" if choice.is_new else "unchanged"
