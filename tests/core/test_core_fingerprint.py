from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.canonical import canonical
from assetgen.core.digest import digest_of
from assetgen.core.fingerprint import conversion_key, key_of
from assetgen.core.model import Asset, FileReference, Generate, Json, Limits, Parameters
from assetgen.core.value import replace
from tests.fakes import generated, sourced
from tests.properties import LAWFUL

ONE, TWO = digest_of(b"one"), digest_of(b"two")

PLAIN = generated("hero", "A lighthouse keeper")
EVERYTHING = generated(
    "hero",
    "Ein Wärter, 灯台",
    "refs/frame.png",
    "asset:keeper",
    parameters=Parameters(
        aspect_ratio="16:9",
        image_size="2K",
        quality="high",
        background="transparent",
        seed=0,
        modalities=("image",),
        extra={"b": [1, 0.5, None], "a": {"y": True, "x": "é"}},
    ),
    take=3,
)


def fingerprint(asset: Asset) -> str:
    count = len(asset.action.references) if isinstance(asset.action, Generate) else 1
    return key_of(asset, "openrouter", [ONE, TWO][:count]).fingerprint


class TestGoldenVectors:
    """A vector that changes makes every image anybody bought look stale: see `KEY_SCHEME`."""

    def test_source(self) -> None:
        keyed = key_of(sourced("logo", "hand/logo.png"), "openrouter", [ONE])
        assert keyed.fingerprint == (
            "3de334878c4bfee73f1134799e77cf64a049d589ce9cb7b37f9f74206d87e580"
        )
        assert keyed.inputs == {"source hand/logo.png": "7692c3ad3540"}

    def test_generate_that_states_only_model_and_prompt(self) -> None:
        keyed = key_of(PLAIN, "openrouter", [])
        assert keyed.fingerprint == (
            "97221aa6b6a14bd3430dc9cc94eaef5cff2a38486aac8fc8d8a14e3df30ea5e1"
        )
        assert keyed.inputs == {
            "provider": "208bec571aa2",
            "model": "ffbeb7fcd397",
            "prompt": "0b1ee04084ef",
            "take": "6b86b273ff34",
        }

    def test_generate_that_states_everything(self) -> None:
        keyed = key_of(EVERYTHING, "openrouter", [ONE, TWO])
        assert keyed.fingerprint == (
            "ce9f2ef0d1fc85a9e885c42b7cadab7945306c4bf0bc64f369b7d123f27bcfd8"
        )
        assert keyed.inputs == {
            "provider": "208bec571aa2",
            "model": "ffbeb7fcd397",
            "prompt": "d9ffcf227447",
            "take": "4e07408562be",
            "aspect_ratio": "0c607131a938",
            "image_size": "1d3b6e3caa71",
            "quality": "b57c4299afe3",
            "background": "706fc497d3b3",
            "seed": "5feceb66ffc8",
            "modalities": "8e79b7dd85a2",
            "params": "91706754ed7a",
            "reference refs/frame.png": "7692c3ad3540",
            "reference asset:keeper": "3fc4ccfe7458",
        }

    def test_draft(self) -> None:
        asset = generated("hero", "A lighthouse keeper", "refs/frame.png", model="")
        keyed = key_of(asset, "draft", [ONE])
        assert keyed.fingerprint == (
            "bc066010fe8084f43464c6e41819221d9b0c49a9503dc1345c832fcd311ac825"
        )
        assert keyed.inputs == {
            "provider": "6ae048f08fca",
            "model": "12ae32cb1ec0",
            "prompt": "0b1ee04084ef",
            "take": "6b86b273ff34",
            "renderer": "6b86b273ff34",
            "reference refs/frame.png": "7692c3ad3540",
        }

    def test_conversion(self) -> None:
        assert conversion_key(ONE, "webp") == (
            "8f46107940dae647b50d635f504882c11a3b8448163385b44fe456080cb749cc"
        )

    def test_canonical_text(self) -> None:
        assert canonical({"b": [1, 0.5, None, True], "a": "灯\n"}) == (
            '{"a":"灯\\n","b":[1,0.5,null,true]}'.encode()
        )


def with_parameters(**fields: object) -> Asset:
    assert isinstance(EVERYTHING.action, Generate)
    parameters = replace(EVERYTHING.action.parameters, **fields)  # type: ignore[arg-type]
    return replace(EVERYTHING, action=replace(EVERYTHING.action, parameters=parameters))


def with_action(asset: Asset = EVERYTHING, **fields: object) -> Asset:
    assert isinstance(asset.action, Generate)
    return replace(asset, action=replace(asset.action, **fields))  # type: ignore[arg-type]


CHANGES = {
    "model": with_action(model="vendor/other"),
    "prompt": with_action(prompt="Ein Wärter, 灯台."),
    "take": with_action(take=4),
    **{
        name: with_parameters(**{name: value})
        for name, value in {
            "aspect_ratio": "1:1",
            "image_size": "4K",
            "quality": "low",
            "background": "opaque",
            "seed": 1,
            "modalities": ("image", "text"),
        }.items()
    },
    "params": with_parameters(extra={"b": [1, 0.5, 0]}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_declared_input_changes_the_fingerprint_and_is_named(name: str) -> None:
    before = key_of(EVERYTHING, "openrouter", [ONE, TWO])
    after = key_of(CHANGES[name], "openrouter", [ONE, TWO])
    assert after.fingerprint != before.fingerprint
    assert {key for key in before.inputs if after.inputs[key] != before.inputs[key]} == {name}


@pytest.mark.parametrize(
    "name", ["aspect_ratio", "image_size", "quality", "background", "seed", "modalities"]
)
def test_taking_a_parameter_away_changes_the_fingerprint(name: str) -> None:
    after = key_of(with_parameters(**{name: None}), "openrouter", [ONE, TWO])
    assert after.fingerprint != fingerprint(EVERYTHING)
    assert name not in after.inputs


def test_the_bytes_of_a_reference_change_the_fingerprint() -> None:
    changed = key_of(EVERYTHING, "openrouter", [ONE, ONE])
    assert changed.fingerprint != fingerprint(EVERYTHING)
    assert changed.inputs["reference asset:keeper"] == changed.inputs["reference refs/frame.png"]


def test_the_order_of_references_changes_the_fingerprint() -> None:
    straight = key_of(EVERYTHING, "openrouter", [ONE, TWO])
    crossed = key_of(EVERYTHING, "openrouter", [TWO, ONE])
    assert straight.fingerprint != crossed.fingerprint


def test_the_provider_changes_the_fingerprint() -> None:
    assert key_of(PLAIN, "draft", []).fingerprint != fingerprint(PLAIN)


def test_the_bytes_of_a_source_change_the_fingerprint() -> None:
    logo = sourced("logo")
    assert (
        key_of(logo, "openrouter", [ONE]).fingerprint
        != key_of(logo, "openrouter", [TWO]).fingerprint
    )


@pytest.mark.parametrize(
    "same",
    [
        replace(EVERYTHING, name="other"),
        replace(EVERYTHING, tags=("icons",)),
        replace(EVERYTHING, description="the keeper"),
        replace(EVERYTHING, output="art/other.webp", format="webp"),
        replace(EVERYTHING, pinned=True),
        with_action(limits=Limits(max_tokens=99, timeout_s=5.0)),
        with_action(route="images"),
        with_parameters(extra={"a": {"x": "é", "y": True}, "b": [1, 0.5, None]}),
        with_action(references=(FileReference("refs/renamed.png"), FileReference("b.png"))),
    ],
    ids=[
        "name",
        "tags",
        "description",
        "output",
        "pinned",
        "limits",
        "route",
        "order of params",
        "path of a reference",
    ],
)
def test_what_does_not_reach_the_model_is_not_in_the_fingerprint(same: Asset) -> None:
    assert fingerprint(same) == fingerprint(EVERYTHING)


def test_name_is_an_input_of_a_draft_because_it_is_drawn() -> None:
    renamed = replace(PLAIN, name="other")
    assert key_of(renamed, "draft", []).fingerprint != key_of(PLAIN, "draft", []).fingerprint


def test_labels_of_references_are_inputs_of_a_draft_because_they_are_drawn() -> None:
    asset = generated("hero", "x", "a.png")
    other = generated("hero", "x", "b.png")
    assert key_of(asset, "draft", [ONE]).fingerprint != key_of(other, "draft", [ONE]).fingerprint


JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
).filter(lambda value: not _has_infinity(value))

WORDS = st.text(min_size=1, max_size=8)
PARAMETERS = st.builds(
    Parameters,
    aspect_ratio=st.none() | st.sampled_from(["1:1", "16:9", "auto"]),
    image_size=st.none() | st.sampled_from(["1K", "2K"]),
    quality=st.none() | st.sampled_from(["high", "low"]),
    background=st.none() | st.sampled_from(["high", "low"]),
    seed=st.none() | st.integers(0, 3),
    modalities=st.none() | st.sampled_from([("image",), ("image", "text")]),
    extra=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
)
ACTIONS = st.builds(
    Generate, model=WORDS, prompt=WORDS, parameters=PARAMETERS, take=st.integers(1, 3)
)


def _has_infinity(value: Json) -> bool:
    if isinstance(value, dict):
        return any(map(_has_infinity, value.values()))
    if isinstance(value, list):
        return any(map(_has_infinity, value))
    return isinstance(value, float) and value in {float("inf"), float("-inf")}


@LAWFUL
@given(ACTIONS, ACTIONS)
def test_two_actions_share_a_fingerprint_only_when_they_say_the_same(
    one: Generate, other: Generate
) -> None:
    same = canonical(_said(one)) == canonical(_said(other))
    assert (fingerprint(with_given(one)) == fingerprint(with_given(other))) is same


@LAWFUL
@given(ACTIONS)
def test_the_order_in_which_params_are_written_is_not_in_the_fingerprint(action: Generate) -> None:
    backwards = dict(reversed(list(action.parameters.extra.items())))
    turned = replace(action, parameters=replace(action.parameters, extra=backwards))
    assert fingerprint(with_given(turned)) == fingerprint(with_given(action))


def with_given(action: Generate) -> Asset:
    return replace(PLAIN, action=action)


def _said(action: Generate) -> list[Json]:
    """Everything an action states, told apart by its place instead of its name."""
    stated = action.parameters
    return [
        action.model,
        action.prompt,
        action.take,
        stated.aspect_ratio,
        stated.image_size,
        stated.quality,
        stated.background,
        stated.seed,
        list(stated.modalities) if stated.modalities is not None else None,
        dict(stated.extra),
    ]
