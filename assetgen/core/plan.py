"""Verdicts: one pure function decides for plan, check, build, watch and the library.

`decide` gives each asset a verdict with its reason. What it cannot know from `Facts` it asks: the
caller answers the questions and calls it again (`engine.observe.settle`), so that the action cache
and the store are only looked at where the lockfile and the outputs do not settle the matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.decision import Decision, Hold, Options, Verdict
from assetgen.core.facts import FileFact, FileState, Question
from assetgen.core.fingerprint import CONVERT_VERSION, Keyed, key_of
from assetgen.core.model import AssetReference, Generate, Source
from assetgen.core.price import FREE, Estimate
from assetgen.core.reasons import changes, what_is_wrong, why_held, why_stale
from assetgen.core.recipe import (
    changed_finish,
    finish_of,
    finished_info,
    is_derived,
    output_key,
)
from assetgen.core.value import Value, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.digest import Digest
    from assetgen.core.facts import Facts
    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Asset
    from assetgen.core.result import ActionResult, ImageInfo


class Unanswered(Exception):
    """A verdict depends on a fact that is not there yet."""

    def __init__(self, question: Question) -> None:
        self.question = question


def decide(
    assets: Iterable[Asset],
    facts: Facts,
    options: Options,
    decided: dict[str, Decision],
    buyers: dict[str, str],
) -> set[Question]:
    """Add a decision to `decided` for each of `assets` (in build order) that can be decided.

    Returns the questions whose answers the others need; empty when all are decided. Decisions that
    are already there are left as they are. `buyers` collects, by fingerprint, the first asset that
    must be generated: others with the same fingerprint share its call.
    """
    questions: set[Question] = set()
    for asset in assets:
        if asset.name in decided or any(name not in decided for name in asset.reads):
            continue
        try:
            decision = _drafted(decide_one(asset, facts, options, decided), facts, options)
        except Unanswered as unanswered:
            questions.add(unanswered.question)
            continue
        if decision.verdict is Verdict.GENERATE and decision.keyed and not decision.is_draft:
            buyer = buyers.setdefault(decision.keyed.fingerprint, asset.name)
            if buyer != asset.name:
                decision = _sharing(decision, buyer)
        decided[asset.name] = decision
    return questions


def decide_one(
    asset: Asset, facts: Facts, options: Options, decided: Mapping[str, Decision]
) -> Decision:
    """The verdict on `asset`, given those on the assets it reads.

    Raises:
        Unanswered: a fact is missing.
    """
    entry = facts.lock.entries.get(asset.name)
    forced = asset.name in options.forced
    present = facts.output(asset.output)
    if present.state is FileState.OBSTRUCTED:
        return Decision(
            asset=asset,
            verdict=Verdict.HOLD,
            hold=Hold.OBSTRUCTED,
            reason=f"{present.problem}; remove it, or choose another output",
            result=entry.result if entry is not None else None,
        )
    if asset.pinned and entry is not None and not forced:
        return _decide_pinned(asset, entry, facts, options, decided)
    digests = _input_digests(asset, facts, decided)
    if isinstance(digests, Decision):
        return replace(digests, estimate=_estimate(asset, options))
    keyed = _keyed(asset, digests, facts, options)
    if forced:
        return _make(asset, keyed, digests, facts, options, reason="asked for with `--force`")
    return _decide_by_inputs(asset, keyed, digests, facts, options)


def _keyed(asset: Asset, digests: list[Digest], facts: Facts, options: Options) -> Keyed:
    """The asset's key, made once however often it is judged before all questions are answered."""
    made = facts.keys.get(asset.name)
    if made is None or made[0] is not asset or made[1] != digests:
        keyed = key_of(asset, options.provider, digests, options.provider_version)
        made = facts.keys[asset.name] = (asset, digests, keyed)
    return made[2]


def _decide_by_inputs(
    asset: Asset, keyed: Keyed, digests: list[Digest], facts: Facts, options: Options
) -> Decision:
    """The verdict on an asset all of whose inputs are known."""
    entry, present = facts.lock.entries.get(asset.name), facts.output(asset.output)
    known = _known(asset, keyed, facts, options)
    target = _target(asset, keyed, known, facts, options) if known is not None else None
    if target is not None and target.is_there:
        return _kept(asset, keyed, target.result, facts, target.finished)
    if present.is_image and present.digest not in digests and not _is_ours(present, facts):
        return _held_as_edited(asset, keyed, entry, known, options)
    if asset.pinned and present.is_image:
        return _held_as_pinned_unrecorded(asset, keyed, present, facts)
    if target is None:
        reason = why_stale(entry, keyed, present)
        return _make(asset, keyed, digests, facts, options, reason=reason)
    if entry is not None and entry.fingerprint != keyed.fingerprint:
        reason = f"{changes(entry.inputs, keyed.inputs)}; this image was made before"
    elif entry is not None and entry.finish != finish_of(asset):
        reason = changed_finish(entry.finish, finish_of(asset))
    else:
        reason = what_is_wrong(present)
    found = _bring_back(asset, keyed, target, facts, reason=reason)
    if found is not None:
        return found
    if isinstance(asset.action, Source) or _is_repeatable(target.result, options):
        return _make(asset, keyed, digests, facts, options, reason=reason)
    if options.rebuy:
        again = f"{reason}; bought before, not here (`--rebuy`)"
        return _make(asset, keyed, digests, facts, options, reason=again)
    return _held_as_not_here(asset, keyed, target, options, reason)


# What the asset reads


def _input_digests(
    asset: Asset, facts: Facts, decided: Mapping[str, Decision]
) -> list[Digest] | Decision:
    """Digests of what the action reads, or the verdict when one cannot be known."""
    if isinstance(asset.action, Source):
        return [_digest_of_file(asset.action.path, facts)]
    digests: list[Digest] = []
    for reference in asset.action.references:
        if not isinstance(reference, AssetReference):
            digests.append(_digest_of_file(reference.path, facts))
            continue
        read = decided[reference.name]
        if read.image is not None:
            digests.append(read.image)
        elif read.verdict is Verdict.HOLD and read.hold is not Hold.REAL_IMAGE:
            reason = f"reads `{reference.name}`, which is held: {read.reason}"
            return Decision(asset=asset, verdict=Verdict.HOLD, hold=Hold.BLOCKED, reason=reason)
        else:
            reason = f"reads `{reference.name}`, which will be made first"
            return Decision(asset=asset, verdict=Verdict.WAIT, reason=reason)
    return digests


def key_today(
    asset: Asset, facts: Facts, options: Options, decided: Mapping[str, Decision]
) -> Keyed | Decision:
    """The key of the inputs as they are, also where the verdict looks at the recorded ones.

    The verdict instead, `wait` or `hold` with its reason, while it cannot be known.
    """
    digests = _input_digests(asset, facts, decided)
    if isinstance(digests, Decision):
        return digests
    return _keyed(asset, digests, facts, options)


def _digest_of_file(path: str, facts: Facts) -> Digest:
    digest = facts.inputs[path].digest
    if digest is None:
        raise AssertionError(f"no digest was observed for `{path}`")
    return digest


# What is already known for these inputs


class _Known(Value):
    """The image that belongs to today's inputs, and the output recorded for it, if any."""

    result: ActionResult
    digest: Digest | None
    finished: ImageInfo | None = None
    """What the recorded output is, where steps decide it."""


def _known(asset: Asset, keyed: Keyed, facts: Facts, options: Options) -> _Known | None:
    """The lockfile's own entry first, then any other entry with these inputs, then the caches."""
    own = facts.lock.entries.get(asset.name)
    others = facts.lock.by_fingerprint.get(keyed.fingerprint)
    entry = own if own is not None and own.fingerprint == keyed.fingerprint else others
    if entry is not None:
        return _newer_here(asset, keyed, entry, facts, options) or _Known(
            result=entry.result,
            digest=_recorded_output(entry, asset),
            finished=_recorded_info(entry, asset),
        )
    if isinstance(asset.action, Source):
        return None
    result = _ask_result(keyed.fingerprint, facts)
    return _Known(result=result, digest=None) if result is not None else None


def _newer_here(
    asset: Asset, keyed: Keyed, entry: LockEntry, facts: Facts, options: Options
) -> _Known | None:
    """An image for the same inputs that was made here after the lockfile was written.

    The journal notes what this machine wrote and the lockfile does not name yet: after a crash
    between the two, the newer image is the one that was asked and paid for. What is repeatable is
    the same picture however often it is made, so for it the lockfile's word stays.
    """
    if options.is_repeatable:
        return None
    present = facts.output(asset.output).digest
    key = facts.journal.get(present) if present is not None else None
    if key is None or present is None or present in facts.lock.by_digest:
        return None
    if key == output_key(entry.result.image, asset):
        return None  # the recorded image, written by another encoder
    result = _ask_result(keyed.fingerprint, facts)
    if result is None or result.image == entry.result.image:
        return None
    is_its_output = key == keyed.fingerprint and result.image == present
    if is_its_output or key == output_key(result.image, asset):
        derived = _ask_result(output_key(result.image, asset), facts) if asset.steps else None
        info = finished_info(asset, result.info, derived.info if derived is not None else None)
        return _Known(result=result, digest=present, finished=info)
    return None


def _recorded_info(entry: LockEntry, asset: Asset) -> ImageInfo | None:
    return entry.finished if entry.finish == finish_of(asset) else None


def _recorded_output(entry: LockEntry, asset: Asset) -> Digest | None:
    """The recorded output, when the same is done to its image today."""
    if _format_of(entry.output) != _format_of(asset.output):
        return None
    if entry.finish != finish_of(asset):
        return None
    is_converted = entry.digest != entry.result.image
    return entry.digest if not is_converted or entry.convert_version == CONVERT_VERSION else None


def _format_of(path: str) -> str:
    suffix = path.rpartition(".")[2].lower()
    return "jpeg" if suffix == "jpg" else suffix


def _is_repeatable(result: ActionResult, options: Options) -> bool:
    """Whether making the image again gives the same picture: not one that was adopted."""
    return options.is_repeatable and result.date != ""


class _Target(Value):
    """What the output should be."""

    result: ActionResult
    digest: Digest | None
    """Known bytes of the output; None when they must be derived from the image."""
    needs_derivation: bool
    is_there: bool
    finished: ImageInfo | None


def _target(asset: Asset, keyed: Keyed, known: _Known, facts: Facts, options: Options) -> _Target:
    image = known.result.image
    needs_derivation = is_derived(asset, known.result.info)
    digest = known.digest if needs_derivation else image
    recorded = known.finished
    if digest is None:
        derived = _ask_result(output_key(image, asset), facts)
        digest = derived.image if derived is not None else None
        recorded = derived.info if derived is not None else None
    present = facts.output(asset.output)
    is_there = present.is_image and present.digest is not None and present.digest == digest
    if present.is_image and present.digest is not None and not is_there:
        # The same work may have written other bytes here: another encoder, another zlib.
        made_by = facts.journal.get(present.digest)
        if needs_derivation:
            is_there = made_by == output_key(image, asset)
        elif _is_repeatable(known.result, options):
            is_there = made_by == keyed.fingerprint
    finished = finished_info(asset, known.result.info, recorded)
    return _Target(known.result, digest, needs_derivation, is_there, finished)


# Verdicts


def _kept(
    asset: Asset,
    keyed: Keyed | None,
    result: ActionResult,
    facts: Facts,
    finished: ImageInfo | None,
) -> Decision:
    return Decision(
        asset=asset,
        verdict=Verdict.KEEP,
        reason="up to date",
        keyed=keyed,
        result=result,
        digest=facts.output(asset.output).digest,
        finished=finished,
    )


def _decide_pinned(
    asset: Asset,
    entry: LockEntry,
    facts: Facts,
    options: Options,
    decided: Mapping[str, Decision],
) -> Decision:
    """An existing image is never replaced; a missing one is restored."""
    digests = _input_digests(asset, facts, decided)
    keyed = None if isinstance(digests, Decision) else _keyed(asset, digests, facts, options)
    newer = _newer_here(asset, keyed, entry, facts, options) if keyed is not None else None
    if newer is not None:
        return _kept(asset, keyed, newer.result, facts, newer.finished)
    recorded = Keyed(fingerprint=entry.fingerprint, inputs=entry.inputs)
    known = _Known(
        result=entry.result,
        digest=_recorded_output(entry, asset),
        finished=_recorded_info(entry, asset),
    )
    target = _target(asset, recorded, known, facts, options)
    present = facts.output(asset.output)
    if not target.is_there and present.is_image and not _is_ours(present, facts):
        return _held_as_edited(asset, recorded, entry, known, options)
    if not target.is_there:
        reason = what_is_wrong(present)
        found = _bring_back(asset, recorded, target, facts, reason=reason)
        if found is not None:
            return found
        makes_again = options.rebuy or _is_repeatable(entry.result, options)
        if makes_again and keyed is not None and not isinstance(digests, Decision):
            # Made from today's inputs, so it must be known by them.
            return _make(asset, keyed, digests, facts, options, reason=reason)
        return _held_as_not_here(asset, recorded, target, options, reason)
    if keyed is not None and keyed.fingerprint == entry.fingerprint:
        return _kept(asset, keyed, entry.result, facts, target.finished)
    changed = "its inputs may change" if keyed is None else changes(entry.inputs, keyed.inputs)
    return Decision(
        asset=asset,
        verdict=Verdict.HOLD,
        hold=Hold.PINNED,
        reason=f"pinned, although {changed}; remove `pinned` to make it again",
        keyed=recorded,
        result=entry.result,
        digest=present.digest,
        finished=target.finished,
    )


def _held_as_edited(
    asset: Asset, keyed: Keyed, entry: LockEntry | None, known: _Known | None, options: Options
) -> Decision:
    """Somebody's picture is in the way; dependants go on with the recorded image."""
    recorded = entry.result if entry is not None else known.result if known is not None else None
    finished = None
    if recorded is not None:
        info = _recorded_info(entry, asset) if entry is not None else None
        finished = finished_info(asset, recorded.info, info)
    return Decision(
        asset=asset,
        verdict=Verdict.HOLD,
        hold=Hold.EDITED,
        reason=why_held(asset, is_recorded=entry is not None, knows_store=options.knows_store),
        keyed=keyed,
        result=recorded,
        finished=finished,
    )


def _held_as_pinned_unrecorded(
    asset: Asset, keyed: Keyed, present: FileFact, facts: Facts
) -> Decision:
    """A pinned asset under a name that the lockfile does not know, as after renaming it."""
    entries = facts.lock.by_digest.get(present.digest or "", [])
    return Decision(
        asset=asset,
        verdict=Verdict.HOLD,
        hold=Hold.PINNED,
        reason="pinned: the image that is there stays; remove `pinned` to make it again",
        keyed=keyed,
        result=entries[0].result if entries else None,
    )


def _held_as_not_here(
    asset: Asset, keyed: Keyed, target: _Target, options: Options, reason: str
) -> Decision:
    made, again = ("bought", "buy it again") if options.takes_money else ("made", "make another")
    return Decision(
        asset=asset,
        verdict=Verdict.HOLD,
        hold=Hold.NOT_HERE,
        reason=f"{reason}; it was {made} and its bytes are not on this machine: get the file back "
        f"from git or a teammate, or {again} with `assetgen build --rebuy {asset.name}`",
        keyed=keyed,
        result=target.result,
    )


def _make(
    asset: Asset,
    keyed: Keyed,
    digests: list[Digest],
    facts: Facts,
    options: Options,
    *,
    reason: str,
) -> Decision:
    """Generate or derive, unless something it reads is only named here and not here itself."""
    if isinstance(asset.action, Source):
        fact = facts.inputs[asset.action.path]
        if fact.state is FileState.POINTER:
            return _pointer_hold(asset, keyed, asset.action.path)
        return Decision(
            asset=asset,
            verdict=Verdict.DERIVE,
            reason=reason,
            keyed=keyed,
            source_image=digests[0],
        )
    for reference, digest in zip(asset.action.references, digests, strict=True):
        if not options.sends_references:
            break
        if not isinstance(reference, AssetReference):
            if facts.inputs[reference.path].state is FileState.POINTER:
                return _pointer_hold(asset, keyed, reference.path)
        elif not _ask_here(digest, facts):
            return _unsendable_hold(asset, keyed, reference.name)
    return Decision(
        asset=asset,
        verdict=Verdict.GENERATE,
        reason=reason,
        keyed=keyed,
        estimate=_estimate(asset, options),
    )


def _unsendable_hold(asset: Asset, keyed: Keyed, name: str) -> Decision:
    return Decision(
        asset=asset,
        verdict=Verdict.HOLD,
        hold=Hold.BLOCKED,
        reason=f"the image of `{name}`, which it reads, is not on this machine as it came: "
        "run `git lfs pull`, get a teammate's store, or make it anew with "
        f"`assetgen build --force {name}`",
        keyed=keyed,
    )


def _pointer_hold(asset: Asset, keyed: Keyed, path: str) -> Decision:
    return Decision(
        asset=asset,
        verdict=Verdict.HOLD,
        hold=Hold.BLOCKED,
        reason=f"`{path}` is a Git LFS pointer and its bytes are needed; run `git lfs pull`",
        keyed=keyed,
    )


def _bring_back(
    asset: Asset, keyed: Keyed, target: _Target, facts: Facts, *, reason: str
) -> Decision | None:
    """Restore or derive from what is on this machine; None when nothing is."""
    decision = Decision(
        asset=asset, verdict=Verdict.RESTORE, reason=reason, keyed=keyed, result=target.result
    )
    if target.digest is not None and _ask_here(target.digest, facts):
        return replace(decision, digest=target.digest, finished=target.finished)
    if target.needs_derivation and _ask_here(target.result.image, facts):
        return replace(decision, verdict=Verdict.DERIVE)
    if isinstance(asset.action, Source):
        return None
    # Bought again since the lockfile was written, and not yet recorded there.
    newer = _ask_result(keyed.fingerprint, facts)
    if newer is None or newer.image == target.result.image or not _ask_here(newer.image, facts):
        return None
    if not is_derived(asset, newer.info):
        finished = finished_info(asset, newer.info, None)
        return replace(decision, result=newer, digest=newer.image, finished=finished)
    return replace(decision, verdict=Verdict.DERIVE, result=newer)


def _sharing(decision: Decision, buyer: str) -> Decision:
    return replace(
        decision,
        reason=f"same inputs as `{buyer}`: one call for both (raise `take` for another image)",
        shares_with=buyer,
        estimate=FREE,
    )


def _drafted(decision: Decision, facts: Facts, options: Options) -> Decision:
    """What `--draft` makes of a decision: placeholders where there is no image, else nothing."""
    lacks_image = decision.verdict in {Verdict.GENERATE, Verdict.WAIT} or decision.hold in {
        Hold.NOT_HERE,
        Hold.BLOCKED,
    }
    is_generate = isinstance(decision.asset.action, Generate)
    if not options.draft or options.provider == "draft" or not lacks_image or not is_generate:
        return decision
    present = facts.output(decision.asset.output)
    if present.is_image:
        return replace(
            decision,
            verdict=Verdict.HOLD,
            hold=Hold.REAL_IMAGE,
            reason=f"{decision.reason}; `--draft` leaves real images alone",
            estimate=FREE,
        )
    key = facts.placeholders.get(decision.asset.name)
    if present.state is FileState.DRAFT and present.draft_key == key:
        return replace(
            decision,
            verdict=Verdict.KEEP,
            hold=None,
            reason="draft",
            is_draft=True,
            estimate=FREE,
        )
    return replace(
        decision,
        verdict=Verdict.GENERATE,
        hold=None,
        reason=f"draft: {decision.reason}",
        is_draft=True,
        estimate=FREE,
    )


def _estimate(asset: Asset, options: Options) -> Estimate:
    if not isinstance(asset.action, Generate) or not options.is_paid:
        return FREE
    return options.estimate(asset.action)


# Questions


def _ask_result(fingerprint: str, facts: Facts) -> ActionResult | None:
    if fingerprint not in facts.results:
        raise Unanswered(Question("result", fingerprint))
    return facts.results[fingerprint]


def _ask_here(digest: Digest, facts: Facts) -> bool:
    if digest not in facts.here:
        raise Unanswered(Question("here", digest))
    return facts.here[digest]


def _is_ours(present: FileFact, facts: Facts) -> bool:
    """Whether assetgen made the image that is there, so that it may be replaced."""
    digest = present.digest
    if digest is None or digest in facts.known:
        return True
    if digest not in facts.ours:
        raise Unanswered(Question("ours", digest))
    return facts.ours[digest]
