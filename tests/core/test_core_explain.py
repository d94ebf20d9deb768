"""What `explain` tells: today's inputs beside the recorded ones, and never a second opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assetgen.core.digest import digest_of
from assetgen.core.events import Warned
from assetgen.core.explain import Explanation, explain, explanation_json
from assetgen.core.inputs import Inputs, parse_inputs
from assetgen.core.model import Parameters
from assetgen.core.schemas.images import explain_json_schema
from assetgen.errors import CacheError
from tests.fakes import Machine, generated, picture, project_of, sourced
from tests.memory import MemoryInputs
from tests.properties import BUILDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.model import Asset, ProviderName

HERO = generated("hero", "A lighthouse keeper, full body")
SIDE = generated("side", "Her side", "refs/one.png", "asset:hero")
FAR = generated("far", "From afar", "asset:side")
SCHEMA = Draft202012Validator(explain_json_schema())


def machine() -> Machine:
    found = Machine()
    for path in ("refs/one.png", "refs/two.png", "hand/logo.png"):
        found.files.put(path, picture(path))
    return found


def explained(
    machine: Machine, name: str, *assets: Asset, provider: ProviderName = "openrouter"
) -> Explanation:
    survey = machine.plan(project_of(*assets, provider=provider))

    def words(fingerprint: str) -> Inputs | None:
        document = machine.inputs.get(fingerprint)
        return parse_inputs(document) if document is not None else None

    explanation = explain(
        survey.plan.project,
        name,
        facts=survey.facts,
        options=survey.options,
        decided=survey.decided,
        words=words,
    )
    assert explanation.decision == survey.decided[name], "no second opinion"
    SCHEMA.validate(explanation_json(explanation))
    return explanation


def states(explanation: Explanation) -> dict[str, str]:
    return {one.name: one.state for one in explanation.inputs}


def built(*assets: Asset) -> Machine:
    found = machine()
    found.build(project_of(*assets))
    return found


def test_before_the_first_build_every_input_is_new() -> None:
    explanation = explained(machine(), "side", HERO, SIDE)
    assert explanation.entry is None
    assert states(explanation) == {
        "provider": "new",
        "model": "new",
        "prompt": "new",
        "take": "new",
        "reference refs/one.png": "new",
        "reference asset:hero": "unknown",
    }
    assert explanation.fingerprint is None


def test_a_new_prompt_is_shown_word_by_word() -> None:
    here = built(HERO)
    explanation = explained(here, "hero", generated("hero", "A lighthouse captain, full body"))
    assert explanation.decision.reason == "prompt changed"
    marked = [(p.kind, p.text) for p in explanation.prompt_diff if p.kind != "both"]
    assert marked == [("old", "keeper,"), ("new", "captain,")]


def test_without_the_document_the_names_of_what_changed_are_still_there() -> None:
    there = built(HERO).fresh_clone()
    there.files.put("refs/one.png", picture("refs/one.png"))
    explanation = explained(there, "hero", generated("hero", "Other words"))
    (prompt,) = (one for one in explanation.inputs if one.name == "prompt")
    assert prompt.state == "changed"
    assert prompt.then is not None
    assert prompt.then.value is None
    assert prompt.then.short
    assert not explanation.has_words
    assert explanation.prompt_diff == ()


def test_a_reference_that_changed_has_both_digests() -> None:
    here = built(HERO, SIDE)
    before = picture("refs/one.png")
    here.files.put("refs/one.png", picture("another"))
    explanation = explained(here, "side", HERO, SIDE)
    (one,) = (one for one in explanation.inputs if one.state == "changed")
    assert one.name == "reference refs/one.png"
    assert one.then is not None
    assert one.now is not None
    assert one.then.value == digest_of(before)
    assert one.now.value == digest_of(picture("another"))


def test_references_in_another_order_are_told_with_both_orders() -> None:
    one, two = picture("one"), picture("two")
    here = machine()
    here.files.put("refs/one.png", one)
    here.files.put("refs/two.png", two)
    there = generated("side", "x", "refs/one.png", "refs/two.png")
    here.build(project_of(there))
    explanation = explained(here, "side", generated("side", "x", "refs/two.png", "refs/one.png"))
    assert explanation.decision.reason == "order of the references changed"
    order = explanation.inputs[-1]
    assert (order.name, order.state) == ("order of the references", "changed")
    assert order.then is not None
    assert order.then.value == ["refs/one.png", "refs/two.png"]
    assert order.now is not None
    assert order.now.value == ["refs/two.png", "refs/one.png"]


def test_an_image_that_is_not_made_yet_is_unknown_and_nothing_else_is() -> None:
    here = built(HERO, SIDE)
    explanation = explained(here, "side", generated("hero", "new"), SIDE)
    assert {name for name, state in states(explanation).items() if state == "unknown"} == {
        "reference asset:hero"
    }
    assert set(states(explanation).values()) == {"same", "unknown"}


def test_a_pinned_asset_shows_todays_inputs_although_it_keeps_its_image() -> None:
    here = built(HERO)
    explanation = explained(here, "hero", generated("hero", "new words", pinned=True))
    assert explanation.decision.verdict.value == "hold"
    assert states(explanation)["prompt"] == "changed"


def test_readers_are_told_directly_and_all() -> None:
    explanation = explained(machine(), "hero", HERO, SIDE, FAR)
    assert explanation.readers == ("side",)
    assert explanation.all_readers == ("side", "far")


def test_a_source_is_explained_by_its_file() -> None:
    logo = sourced("logo")
    here = built(logo)
    assert states(explained(here, "logo", logo)) == {"source hand/logo.png": "same"}
    here.files.put("hand/logo.png", picture("repainted"))
    assert states(explained(here, "logo", logo)) == {"source hand/logo.png": "changed"}


def test_another_provider_is_one_change() -> None:
    here = built(HERO)
    explanation = explained(here, "hero", HERO, provider="draft")
    assert {n for n, s in states(explanation).items() if s != "same"} == {"provider"}


EDITS = st.fixed_dictionaries(
    {
        "prompt": st.sampled_from(["one", "two"]),
        "model": st.sampled_from(["a/a", "b/b"]),
        "take": st.integers(1, 2),
        "parameters": st.builds(
            Parameters,
            seed=st.sampled_from([None, 1, 2]),
            quality=st.sampled_from([None, "high"]),
            extra=st.sampled_from([{}, {"x": 1}]),
        ),
        "reads": st.lists(st.sampled_from(["refs/one.png", "refs/two.png"]), max_size=3),
    }
)


@given(then=EDITS, now=EDITS)
@BUILDING
def test_what_is_said_to_have_changed_is_the_reason_of_the_plan(
    then: dict[str, object], now: dict[str, object]
) -> None:
    def asset(edit: dict[str, object]) -> Asset:
        fields = dict(edit)
        return generated("hero", str(fields.pop("prompt")), *fields.pop("reads"), **fields)  # type: ignore[misc,arg-type]

    here = built(asset(then))
    explanation = explained(here, "hero", asset(now))
    parts = []
    for word in ("changed", "added", "removed"):
        names = [one.name for one in explanation.inputs if one.state == word]
        if names:
            parts.append(", ".join([*names[:-2], " and ".join(names[-2:])]) + f" {word}")
    said = ", ".join([*parts[:-2], " and ".join(parts[-2:])])
    assert (said or "up to date") == explanation.decision.reason
    assert all(
        one.then is not None and one.then.value is not None
        for one in explanation.inputs
        if one.state in {"same", "changed", "removed"}
    )


def test_inputs_of_another_kind_or_in_pieces_are_no_inputs() -> None:
    for document in (b"", b"[]", b"{}", b'{"kind":"source"}', b"\xff", b"[" * 100_000):
        assert parse_inputs(document) is None


class FullInputs(MemoryInputs):
    """A disk on which nothing fits."""

    def put_many(self, documents: Iterable[bytes]) -> None:  # noqa: ARG002 - the port
        raise CacheError("cannot write: No space left on device")


def test_a_full_disk_costs_the_words_and_nothing_else() -> None:
    here = machine()
    here.inputs = FullInputs()
    assert here.build(project_of(HERO, SIDE)).exit_code == 0
    warnings = [event.message for event in here.events if isinstance(event, Warned)]
    assert warnings == [
        "`explain` will not know these inputs in words: cannot write: No space left on device"
    ]
    assert explained(here, "hero", HERO, SIDE).decision.verdict.value == "keep"
