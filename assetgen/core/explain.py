"""Everything about one asset, for people: its inputs then and now, its image, its neighbours.

The verdict and its reason are the plan's own. What changed is found by the function that finds the
plan's reason (`core.reasons.differences`); here its findings only get their words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from assetgen.core.digest import short
from assetgen.core.fingerprint import Keyed, short_of_value, stated_values
from assetgen.core.model import AssetReference, Generate, Source
from assetgen.core.money import json_usd
from assetgen.core.plan import key_today
from assetgen.core.product import products_of
from assetgen.core.reasons import ORDER, Difference, differences
from assetgen.core.recipe import finish_differences, finish_of
from assetgen.core.select import with_dependants
from assetgen.core.textdiff import diff_words
from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from assetgen.core.decision import Decision, Options
    from assetgen.core.digest import Digest
    from assetgen.core.facts import Facts, FileFact
    from assetgen.core.inputs import Inputs
    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Asset, Json, Project
    from assetgen.core.result import ActionResult
    from assetgen.core.textdiff import Piece

InputState = Literal["new", "unknown"] | Difference
"""`new`: there is no recorded image to compare with; `unknown`: what it reads is not made yet."""


class Known(Value):
    """What is known of an input at one of the two times."""

    short: str
    """Its short digest, as lockfiles have it."""
    value: Json = None
    """In words, or the whole digest of a file or image; None where only `short` is known."""


class Input(Value):
    """One input, then (of the recorded image) and now; None where there is none."""

    name: str
    state: InputState
    then: Known | None = None
    now: Known | None = None


class Explanation(Value):
    """One asset, explained."""

    decision: Decision
    present: FileFact
    """What is at the output."""
    entry: LockEntry | None
    """The recorded image; of another asset where it is recorded under these inputs only there."""
    fingerprint: str | None
    """Today's; None while an image it reads does not exist."""
    inputs: tuple[Input, ...]
    has_words: bool
    """Whether the recorded image's inputs are known in words, and not by their digests only."""
    prompt_diff: tuple[Piece, ...]
    """Empty unless the prompt changed and both texts are known."""
    readers: tuple[str, ...]
    """Assets that read this one's image, in the order of the manifest."""
    all_readers: tuple[str, ...]
    """The same, and every asset that reads one of those, and so on."""
    steps: tuple[tuple[str, Difference], ...] = ()
    """Steps and expectations by name, against those that made the recorded output."""
    products: tuple[str, ...] = ()
    """What is made from its finished picture, or tells of it."""

    @property
    def asset(self) -> Asset:
        """The asset as the manifest declares it."""
        return self.decision.asset

    @property
    def recorded(self) -> ActionResult | None:
        """The image of the lockfile."""
        return self.entry.result if self.entry is not None else None


def explain(
    project: Project,
    name: str,
    *,
    facts: Facts,
    options: Options,
    decided: Mapping[str, Decision],
    words: Callable[[str], Inputs | None],
) -> Explanation:
    """Explain the asset `name`; `words` finds inputs in words by their fingerprint."""
    decision = decided[name]
    asset = decision.asset
    key = key_today(asset, facts, options, decided)
    keyed = key if isinstance(key, Keyed) else None
    entry = recorded_entry(asset, facts, keyed)
    document = words(entry.fingerprint) if entry is not None else None
    inputs = _compared(entry, document, _now(asset, facts, options, decided))
    is_stale = entry is not None and keyed is not None and entry.fingerprint != keyed.fingerprint
    if entry is not None and is_stale and all(one.state == "same" for one in inputs):
        inputs.append(_order(asset, entry, document))
    everyone = with_dependants(project.assets, [name]) - {name}
    return Explanation(
        decision=decision,
        present=facts.output(asset.output),
        entry=entry,
        fingerprint=keyed.fingerprint if keyed is not None else None,
        inputs=tuple(inputs),
        has_words=document is not None or isinstance(asset.action, Source),
        prompt_diff=_prompt_diff(inputs),
        readers=tuple(a.name for a in project.assets if name in a.reads),
        all_readers=tuple(a.name for a in project.assets if a.name in everyone),
        steps=finish_differences(entry.finish if entry is not None else "", finish_of(asset)),
        products=tuple(p.name for p in products_of(project) if asset in p.reads),
    )


def recorded_entry(asset: Asset, facts: Facts, keyed: Keyed | None) -> LockEntry | None:
    """The asset's own entry, else one that another name has for the same inputs."""
    own = facts.lock.entries.get(asset.name)
    if own is not None or keyed is None:
        return own
    return facts.lock.by_fingerprint.get(keyed.fingerprint)


def _now(
    asset: Asset, facts: Facts, options: Options, decided: Mapping[str, Decision]
) -> dict[str, Known | None]:
    """Today's inputs by name; None where an image does not exist yet."""
    action = asset.action
    if isinstance(action, Source):
        return {f"source {action.path}": _known(facts.inputs[action.path].digest)}
    now: dict[str, Known | None] = {
        name: Known(short_of_value(value), value)
        for name, value in stated_values(action, options.provider, options.provider_version).items()
    }
    for reference in action.references:
        digest = (
            decided[reference.name].image
            if isinstance(reference, AssetReference)
            else facts.inputs[reference.path].digest
        )
        now[f"reference {reference}"] = _known(digest)
    return now


def _known(digest: Digest | None) -> Known | None:
    return Known(short(digest), digest) if digest is not None else None


def _then(entry: LockEntry, document: Inputs | None) -> dict[str, Known]:
    """The recorded image's inputs by name."""
    values: dict[str, Json] = {}
    if document is not None:
        shorts = {short(digest): digest for digest in document.references}
        values = {name: shorts.get(found) for name, found in entry.inputs.items()}
        values |= document.values
    return {name: Known(found, values.get(name)) for name, found in entry.inputs.items()}


def _compared(
    entry: LockEntry | None, document: Inputs | None, now: Mapping[str, Known | None]
) -> list[Input]:
    if entry is None:
        return [
            Input(name, "new" if known is not None else "unknown", now=known)
            for name, known in now.items()
        ]
    then = _then(entry, document)
    states: dict[str, InputState] = dict(
        differences(entry.inputs, {n: known.short if known else "" for n, known in now.items()})
    )
    states |= {name: "unknown" for name, known in now.items() if known is None}
    return [Input(name, state, then.get(name), now.get(name)) for name, state in states.items()]


def _order(asset: Asset, entry: LockEntry, document: Inputs | None) -> Input:
    """What differs when no input does by itself."""
    labels = {found: name for name, found in entry.inputs.items() if name.startswith("reference ")}
    before: Json = None
    if document is not None:
        shorts = [short(digest) for digest in document.references]
        before = [labels.get(found, found).removeprefix("reference ") for found in shorts]
    action = asset.action
    after: list[Json] = [str(r) for r in action.references] if isinstance(action, Generate) else []
    return Input(ORDER, "changed", Known("", before), Known("", after))


def _prompt_diff(inputs: Sequence[Input]) -> tuple[Piece, ...]:
    for one in inputs:
        if one.name == "prompt" and one.state == "changed" and one.then and one.now:
            old, new = one.then.value, one.now.value
            if isinstance(old, str) and isinstance(new, str):
                return diff_words(old, new)
    return ()


def explanation_json(explanation: Explanation) -> dict[str, Json]:
    """`explain --json`: see schemas/explain.schema.json."""
    decision, present, asset = explanation.decision, explanation.present, explanation.asset
    return {
        "version": 1,
        "name": asset.name,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "output": {"path": asset.output, "state": present.state.value, "digest": present.digest},
        "fingerprint": explanation.fingerprint,
        "inputs": [_input_json(one) for one in explanation.inputs],
        "prompt_diff": [{"kind": p.kind, "text": p.text} for p in explanation.prompt_diff],
        "image": image_json(explanation.recorded) if explanation.recorded is not None else None,
        "reads": list(asset.reads),
        "readers": list(explanation.readers),
        "all_readers": list(explanation.all_readers),
        "steps": [{"name": name, "state": state} for name, state in explanation.steps],
        "products": list(explanation.products),
    }


def _input_json(one: Input) -> dict[str, Json]:
    return {
        "name": one.name,
        "state": one.state,
        "then": one.then.value if one.then is not None else None,
        "now": one.now.value if one.now is not None else None,
        "then_digest": (one.then.short or None) if one.then is not None else None,
        "now_digest": (one.now.short or None) if one.now is not None else None,
    }


def image_json(result: ActionResult) -> dict[str, Json]:
    """An image and its provenance, as `explain` and `history` say it."""
    return {
        "digest": result.image,
        "format": result.info.format,
        "width_px": result.info.width_px,
        "height_px": result.info.height_px,
        "model": result.model or None,
        "provider": result.provider,
        "generation_id": result.generation_id,
        "cost_usd": json_usd(result.cost_usd),
        "date": result.date or None,
    }
