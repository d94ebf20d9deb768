from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.decision import Decision, Hold, Options, Verdict
from assetgen.core.digest import digest_of
from assetgen.core.facts import MISSING, Facts, FileFact, FileState, Question
from assetgen.core.fingerprint import conversion_key, key_of
from assetgen.core.lock import Lock, LockEntry
from assetgen.core.model import Asset, Generate, Parameters, Source
from assetgen.core.plan import decide
from assetgen.core.price import FREE, Estimate
from assetgen.core.select import in_build_order
from assetgen.core.value import replace
from tests.fakes import PRICE, generated, lock_of, picture, result_of, sourced
from tests.properties import LAWFUL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from assetgen.core.model import ProviderName
    from assetgen.core.result import ActionResult

A_PRICE = Estimate(PRICE, "list price: x")

KEEPER = picture("keeper")
SIDE = picture("side")
FOREIGN = FileFact(FileState.IMAGE, digest_of(b"painted by hand"))
EMPTY = FileFact(FileState.EMPTY)
GARBAGE = FileFact(FileState.UNREADABLE, digest_of(b"garbage"))


def image(data: bytes) -> FileFact:
    return FileFact(FileState.IMAGE, digest_of(data))


def pointer(data: bytes) -> FileFact:
    return FileFact(FileState.POINTER, digest_of(data))


def draft(key: str) -> FileFact:
    return FileFact(FileState.DRAFT, digest_of(key.encode()), key)


def made(
    asset: Asset,
    data: bytes = KEEPER,
    reads: Iterable[bytes] = (),
    *,
    provider: ProviderName = "openrouter",
    output: bytes | None = None,
) -> LockEntry:
    """What the lockfile says of an asset that was made from `reads`; `output` if converted."""
    keyed = key_of(asset, provider, [digest_of(read) for read in reads])
    result = result_of(data)
    if isinstance(asset.action, Source):
        result = replace(result, model="", provider=None, generation_id=None, date="")
    return LockEntry(
        name=asset.name,
        output=asset.output,
        digest=digest_of(output) if output is not None else result.image,
        fingerprint=keyed.fingerprint,
        inputs=keyed.inputs,
        result=result,
        take=asset.action.take if isinstance(asset.action, Generate) else 1,
    )


@dataclass(frozen=True)
class World:
    """What a verdict may look at, with the answers that only the caches know."""

    lock: Lock = field(default_factory=Lock)
    outputs: Mapping[str, FileFact] = field(default_factory=dict)
    inputs: Mapping[str, FileFact] = field(default_factory=dict)
    journal: Mapping[str, str] = field(default_factory=dict)
    placeholders: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, ActionResult] = field(default_factory=dict)
    here: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()

    def decide(self, *assets: Asset, **options: object) -> dict[str, Decision]:
        """Verdicts by name."""
        return self.decide_noting_questions(assets, **options)[0]

    def decide_one(self, asset: Asset, **options: object) -> Decision:
        """The verdict on one asset that reads no other."""
        return self.decide(asset, **options)[asset.name]

    def decide_noting_questions(
        self, assets: Iterable[Asset], **options: object
    ) -> tuple[dict[str, Decision], list[set[Question]]]:
        """Verdicts, and the questions of each round."""
        facts = Facts(
            lock=self.lock,
            outputs=self.outputs,
            inputs=self.inputs,
            journal=self.journal,
            placeholders=self.placeholders,
        )
        chosen = Options(
            **{"provider": "openrouter", "estimate": lambda _: A_PRICE, **options}  # type: ignore[arg-type]
        )
        decided: dict[str, Decision] = {}
        buyers: dict[str, str] = {}
        rounds: list[set[Question]] = []
        while questions := decide(in_build_order(list(assets)), facts, chosen, decided, buyers):
            rounds.append(questions)
            for question in questions:
                if question.kind == "result":
                    assert question.key not in facts.results
                    facts.results[question.key] = self.results.get(question.key)
                elif question.kind == "here":
                    assert question.key not in facts.here
                    facts.here[question.key] = question.key in self.here
                else:
                    assert question.key not in facts.ours
                    facts.ours[question.key] = question.key in self.ours
        return decided, rounds


HERO = generated("hero", "A lighthouse keeper")
HERO_SIDE = generated("hero-side", "The same keeper", "asset:hero")
FRAMED = generated("framed", "An icon", "refs/frame.png")
LOGO = sourced("logo", "hand/logo.png")
WEBP = generated("hero", "A lighthouse keeper", output="art/hero.webp")

FRAME = b"frame"
HERO_KEY = key_of(HERO, "openrouter", []).fingerprint


def fresh(*entries: LockEntry) -> World:
    """Everything in the lockfile, outputs as it says, nothing in any cache."""
    return World(
        lock=lock_of(*entries),
        outputs={entry.output: FileFact(FileState.IMAGE, entry.digest) for entry in entries},
    )


# Up to date


class TestKeep:
    def test_what_lockfile_and_output_agree_on_needs_no_cache(self) -> None:
        world = fresh(made(HERO), made(HERO_SIDE, SIDE, [KEEPER]))
        decided, questions = world.decide_noting_questions([HERO, HERO_SIDE])
        assert {d.verdict for d in decided.values()} == {Verdict.KEEP}
        assert {d.reason for d in decided.values()} == {"up to date"}
        assert questions == []

    def test_a_source_whose_copy_is_there(self) -> None:
        world = replace(
            fresh(made(LOGO, KEEPER, [KEEPER])), inputs={"hand/logo.png": image(KEEPER)}
        )
        assert world.decide_one(LOGO).verdict is Verdict.KEEP

    def test_a_git_lfs_pointer_to_the_image(self) -> None:
        world = replace(fresh(made(HERO)), outputs={HERO.output: pointer(KEEPER)})
        assert world.decide_one(HERO).verdict is Verdict.KEEP

    def test_a_reference_that_is_a_git_lfs_pointer_stands_for_its_bytes(self) -> None:
        world = replace(
            fresh(made(FRAMED, KEEPER, [FRAME])), inputs={"refs/frame.png": pointer(FRAME)}
        )
        assert world.decide_one(FRAMED).verdict is Verdict.KEEP

    def test_a_source_that_is_a_git_lfs_pointer_stands_for_its_bytes(self) -> None:
        world = replace(
            fresh(made(LOGO, KEEPER, [KEEPER])), inputs={"hand/logo.png": pointer(KEEPER)}
        )
        assert world.decide_one(LOGO).verdict is Verdict.KEEP

    def test_a_renamed_asset_whose_output_stays(self) -> None:
        renamed = replace(HERO, name="keeper")
        decision = fresh(made(HERO)).decide_one(renamed)
        assert decision.verdict is Verdict.KEEP
        assert decision.result == result_of(KEEPER)

    def test_a_moved_asset_whose_file_was_moved_too(self) -> None:
        moved = replace(HERO, output="new/hero.png")
        world = World(lock=lock_of(made(HERO)), outputs={"new/hero.png": image(KEEPER)})
        assert world.decide_one(moved).verdict is Verdict.KEEP

    def test_a_renamed_reference_with_the_same_bytes(self) -> None:
        renamed = generated("framed", "An icon", "refs/renamed.png")
        world = replace(
            fresh(made(FRAMED, KEEPER, [FRAME])), inputs={"refs/renamed.png": image(FRAME)}
        )
        assert world.decide_one(renamed).verdict is Verdict.KEEP

    def test_an_image_known_only_to_the_caches_whose_file_is_right(self) -> None:
        world = World(outputs={HERO.output: image(KEEPER)}, results={HERO_KEY: result_of(KEEPER)})
        assert world.decide_one(HERO).verdict is Verdict.KEEP

    def test_a_converted_output(self) -> None:
        entry = made(WEBP, KEEPER, output=b"webp")
        decision = fresh(entry).decide_one(WEBP)
        assert decision.verdict is Verdict.KEEP
        assert decision.digest == digest_of(b"webp")

    def test_a_conversion_by_the_encoder_of_this_machine(self) -> None:
        entry = made(WEBP, KEEPER, output=b"webp")
        world = replace(
            fresh(entry),
            outputs={WEBP.output: image(b"webp by another zlib")},
            journal={digest_of(b"webp by another zlib"): conversion_key(digest_of(KEEPER), "webp")},
        )
        decided, questions = world.decide_noting_questions([WEBP])
        assert decided["hero"].verdict is Verdict.KEEP
        assert questions == []

    def test_a_draft_product_packed_by_the_zlib_of_this_machine(self) -> None:
        entry = made(HERO, KEEPER, provider="draft")
        world = replace(
            fresh(entry),
            outputs={HERO.output: image(b"other zlib")},
            journal={digest_of(b"other zlib"): entry.fingerprint},
        )
        assert world.decide_one(HERO, provider="draft").verdict is Verdict.KEEP


# Free


class TestRestore:
    @pytest.mark.parametrize(
        ("present", "reason"),
        [
            (MISSING, "the output is missing"),
            (EMPTY, "the output is empty"),
            (GARBAGE, "the output is not a readable image"),
            (draft("x"), "only a draft is there"),
        ],
        ids=["missing", "empty", "unreadable", "draft"],
    )
    def test_an_output_that_is_no_image(self, present: FileFact, reason: str) -> None:
        world = replace(
            fresh(made(HERO)),
            outputs={HERO.output: present},
            here=frozenset({digest_of(KEEPER)}),
        )
        decision = world.decide_one(HERO)
        assert (decision.verdict, decision.reason) == (Verdict.RESTORE, reason)
        assert decision.digest == digest_of(KEEPER)

    @pytest.mark.parametrize("make", [image, pointer], ids=["image", "pointer"])
    def test_another_asset_s_image_in_the_place_of_this_one(
        self, make: Callable[[bytes], FileFact]
    ) -> None:
        world = replace(
            fresh(made(HERO), made(FRAMED, SIDE, [FRAME])),
            outputs={HERO.output: make(SIDE)},
            here=frozenset({digest_of(KEEPER)}),
        )
        decision = world.decide_one(HERO)
        assert decision.verdict is Verdict.RESTORE
        assert "another of its images" in decision.reason

    def test_an_output_that_a_crashed_build_wrote(self) -> None:
        world = World(
            outputs={HERO.output: image(SIDE)},
            journal={digest_of(SIDE): "f" * 64},
            results={HERO_KEY: result_of(KEEPER)},
            here=frozenset({digest_of(KEEPER)}),
        )
        assert world.decide_one(HERO).verdict is Verdict.RESTORE

    def test_an_earlier_image_that_only_the_store_remembers(self) -> None:
        world = replace(
            fresh(made(HERO)),
            outputs={HERO.output: image(b"older")},
            ours=frozenset({digest_of(b"older")}),
            here=frozenset({digest_of(KEEPER)}),
        )
        assert world.decide_one(HERO).verdict is Verdict.RESTORE

    def test_going_back_to_inputs_that_were_bought_before(self) -> None:
        later = generated("hero", "A ship")
        world = replace(
            fresh(made(later, SIDE)),
            results={HERO_KEY: result_of(KEEPER)},
            here=frozenset({digest_of(KEEPER)}),
        )
        decision = world.decide_one(HERO)
        assert decision.verdict is Verdict.RESTORE
        assert decision.reason == "prompt changed; this image was made before"

    def test_a_moved_output(self) -> None:
        moved = replace(HERO, output="new/hero.png")
        world = replace(fresh(made(HERO)), here=frozenset({digest_of(KEEPER)}))
        decision = world.decide_one(moved)
        assert (decision.verdict, decision.reason) == (Verdict.RESTORE, "the output is missing")

    def test_an_asset_whose_inputs_an_orphan_had(self) -> None:
        orphan = replace(made(HERO), name="old", output="old.png", is_orphan=True)
        world = World(lock=lock_of(orphan), here=frozenset({digest_of(KEEPER)}))
        assert world.decide_one(HERO).verdict is Verdict.RESTORE

    def test_the_known_bytes_of_a_conversion(self) -> None:
        world = replace(
            fresh(made(WEBP, KEEPER, output=b"webp")),
            outputs={},
            here=frozenset({digest_of(b"webp"), digest_of(KEEPER)}),
        )
        decision = world.decide_one(WEBP)
        assert decision.verdict is Verdict.RESTORE
        assert decision.digest == digest_of(b"webp")

    def test_a_missing_source_output_from_the_lockfile(self) -> None:
        world = replace(
            fresh(made(LOGO, KEEPER, [KEEPER])),
            outputs={},
            inputs={"hand/logo.png": image(KEEPER)},
            here=frozenset({digest_of(KEEPER)}),
        )
        assert world.decide_one(LOGO).verdict is Verdict.RESTORE


class TestDerive:
    def test_a_new_source_is_copied(self) -> None:
        world = World(inputs={"hand/logo.png": image(KEEPER)})
        decision = world.decide_one(LOGO)
        assert (decision.verdict, decision.reason) == (Verdict.DERIVE, "not made yet")
        assert decision.estimate == FREE

    def test_a_changed_source_is_copied_again(self) -> None:
        world = replace(fresh(made(LOGO, SIDE, [SIDE])), inputs={"hand/logo.png": image(KEEPER)})
        decision = world.decide_one(LOGO)
        assert decision.verdict is Verdict.DERIVE
        assert decision.reason == "source hand/logo.png changed"

    def test_a_source_whose_output_is_the_same_file_already(self) -> None:
        world = World(inputs={"hand/logo.png": image(KEEPER)}, outputs={LOGO.output: image(KEEPER)})
        assert world.decide_one(LOGO).verdict is Verdict.DERIVE

    def test_a_conversion_whose_bytes_are_lost_but_whose_image_is_here(self) -> None:
        world = replace(
            fresh(made(WEBP, KEEPER, output=b"webp")),
            outputs={},
            here=frozenset({digest_of(KEEPER)}),
        )
        decision = world.decide_one(WEBP)
        assert (decision.verdict, decision.reason) == (Verdict.DERIVE, "the output is missing")

    def test_another_format_of_an_image_that_was_bought(self) -> None:
        world = replace(fresh(made(HERO)), here=frozenset({digest_of(KEEPER)}))
        decision = world.decide_one(WEBP)
        assert decision.verdict is Verdict.DERIVE

    def test_a_lost_source_output_that_was_converted(self) -> None:
        webp = sourced("logo", "hand/logo.png", "public/logo.webp")
        world = replace(
            fresh(made(webp, KEEPER, [KEEPER], output=b"webp")),
            outputs={},
            inputs={"hand/logo.png": image(KEEPER)},
        )
        assert world.decide_one(webp).verdict is Verdict.DERIVE


# Money


class TestGenerate:
    def test_what_was_never_made(self) -> None:
        decision = World().decide_one(HERO)
        assert (decision.verdict, decision.reason) == (Verdict.GENERATE, "not made yet")
        assert decision.estimate == A_PRICE
        assert decision.is_purchase

    @pytest.mark.parametrize("present", [MISSING, EMPTY, GARBAGE], ids=lambda f: f.state.value)
    def test_what_was_never_made_whatever_is_there_instead_of_an_image(
        self, present: FileFact
    ) -> None:
        world = World(outputs={HERO.output: present})
        assert world.decide_one(HERO).verdict is Verdict.GENERATE

    def test_where_only_a_draft_is(self) -> None:
        decision = World(outputs={HERO.output: draft("x")}).decide_one(HERO)
        assert (decision.verdict, decision.reason) == (Verdict.GENERATE, "only a draft is there")

    @pytest.mark.parametrize(
        ("before", "after", "reason"),
        [
            ({}, {"prompt": "another"}, "prompt changed"),
            ({}, {"model": "vendor/other"}, "model changed"),
            ({}, {"take": 2}, "take changed"),
            ({}, {"parameters": Parameters(seed=1)}, "seed added"),
            ({"parameters": Parameters(seed=1)}, {}, "seed removed"),
            (
                {"parameters": Parameters(seed=1)},
                {"parameters": Parameters(seed=2)},
                "seed changed",
            ),
            ({}, {"parameters": Parameters(extra={"x": 1})}, "params added"),
            (
                {"parameters": Parameters(aspect_ratio="1:1")},
                {"prompt": "another", "model": "vendor/other"},
                "model and prompt changed and aspect_ratio removed",
            ),
            (
                {},
                {"parameters": Parameters(aspect_ratio="1:1", image_size="2K", seed=1)},
                "aspect_ratio, image_size and seed added",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_says_which_input_changed(
        self, before: dict[str, str], after: dict[str, str], reason: str
    ) -> None:
        old = generated("hero", **{"prompt": "one", **before})  # type: ignore[arg-type]
        new = generated("hero", **{"prompt": "one", **after})  # type: ignore[arg-type]
        decision = fresh(made(old)).decide_one(new)
        assert (decision.verdict, decision.reason) == (Verdict.GENERATE, reason)

    def test_says_which_reference_changed(self) -> None:
        world = replace(
            fresh(made(FRAMED, KEEPER, [FRAME])), inputs={"refs/frame.png": image(b"new frame")}
        )
        decision = world.decide_one(FRAMED)
        assert decision.verdict is Verdict.GENERATE
        assert decision.reason == "reference refs/frame.png changed"

    def test_says_that_the_image_it_reads_changed(self) -> None:
        new = picture("new hero")
        world = replace(
            fresh(made(HERO, new), made(HERO_SIDE, SIDE, [KEEPER])),
            here=frozenset({digest_of(new)}),
        )
        decision = world.decide(HERO, HERO_SIDE)["hero-side"]
        assert decision.verdict is Verdict.GENERATE
        assert decision.reason == "reference asset:hero changed"

    def test_says_that_the_order_of_references_changed(self) -> None:
        old = generated("x", "p", "a.png", "b.png")
        new = generated("x", "p", "b.png", "a.png")
        world = replace(
            fresh(made(old, KEEPER, [b"a", b"b"])),
            inputs={"a.png": image(b"a"), "b.png": image(b"b")},
        )
        decision = world.decide_one(new)
        assert decision.verdict is Verdict.GENERATE
        assert decision.reason == "order of the references changed"

    def test_what_was_asked_for_with_force(self) -> None:
        decision = fresh(made(HERO)).decide_one(HERO, forced=frozenset({"hero"}))
        assert decision.verdict is Verdict.GENERATE
        assert "--force" in decision.reason

    def test_force_goes_over_edits_and_pins(self) -> None:
        forced = frozenset({"hero"})
        world = replace(fresh(made(HERO)), outputs={HERO.output: FOREIGN})
        assert world.decide_one(HERO, forced=forced).verdict is Verdict.GENERATE
        pinned = replace(HERO, pinned=True)
        assert world.decide_one(pinned, forced=forced).verdict is Verdict.GENERATE

    def test_rebuy_buys_what_is_not_here(self) -> None:
        decision = replace(fresh(made(HERO)), outputs={}).decide_one(HERO, rebuy=True)
        assert decision.verdict is Verdict.GENERATE
        assert "--rebuy" in decision.reason

    def test_rebuy_buys_nothing_that_is_here(self) -> None:
        world = replace(fresh(made(HERO)), outputs={}, here=frozenset({digest_of(KEEPER)}))
        assert world.decide_one(HERO, rebuy=True).verdict is Verdict.RESTORE
        assert fresh(made(HERO)).decide_one(HERO, rebuy=True).verdict is Verdict.KEEP

    def test_a_draft_product_that_is_not_here_is_drawn_again_unasked(self) -> None:
        world = replace(fresh(made(HERO, provider="draft")), outputs={})
        decision = world.decide_one(HERO, provider="draft")
        assert decision.verdict is Verdict.GENERATE
        assert decision.estimate == FREE

    def test_switching_the_provider_makes_images_anew(self) -> None:
        world = fresh(made(HERO, provider="draft"))
        decision = world.decide_one(HERO)
        assert decision.verdict is Verdict.GENERATE
        assert decision.reason == "provider changed"

    def test_a_pinned_asset_that_never_existed(self) -> None:
        assert World().decide_one(replace(HERO, pinned=True)).verdict is Verdict.GENERATE


class TestSharing:
    TWIN = replace(HERO, name="twin", output="art/twin.png")

    def test_equal_inputs_are_one_call(self) -> None:
        decided = World().decide(HERO, self.TWIN)
        assert decided["hero"].is_purchase
        assert decided["hero"].shares_with is None
        twin = decided["twin"]
        assert twin.verdict is Verdict.GENERATE
        assert not twin.is_purchase
        assert twin.shares_with == "hero"
        assert twin.estimate == FREE
        assert "`hero`" in twin.reason
        assert "`take`" in twin.reason

    def test_another_take_is_another_call(self) -> None:
        other = generated("twin", "A lighthouse keeper", take=2)
        decided = World().decide(HERO, other)
        assert all(decision.is_purchase for decision in decided.values())

    def test_a_twin_of_an_asset_that_is_there_gets_its_image(self) -> None:
        world = replace(fresh(made(HERO)), here=frozenset({digest_of(KEEPER)}))
        assert world.decide(HERO, self.TWIN)["twin"].verdict is Verdict.RESTORE

    def test_drafts_share_nothing_because_each_shows_its_name(self) -> None:
        decided = World().decide(HERO, self.TWIN, provider="draft")
        assert {d.shares_with for d in decided.values()} == {None}


# Not known yet


class TestWait:
    def test_for_an_image_that_will_be_made(self) -> None:
        decision = World().decide(HERO, HERO_SIDE)["hero-side"]
        assert decision.verdict is Verdict.WAIT
        assert decision.reason == "reads `hero`, which will be made first"
        assert decision.estimate == A_PRICE
        assert decision.is_purchase

    def test_although_everything_was_made_from_the_former_image(self) -> None:
        edited = generated("hero", "Other words")
        world = fresh(made(HERO), made(HERO_SIDE, SIDE, [KEEPER]))
        assert world.decide(edited, HERO_SIDE)["hero-side"].verdict is Verdict.WAIT

    def test_all_the_way_down_a_chain(self) -> None:
        third = generated("third", "x", "asset:hero-side")
        decided = World().decide(third, HERO_SIDE, HERO)
        assert [decided[n].verdict for n in ("hero-side", "third")] == [Verdict.WAIT] * 2

    def test_only_where_the_image_is_unknown(self) -> None:
        world = replace(
            fresh(made(HERO), made(HERO_SIDE, SIDE, [KEEPER])),
            outputs={HERO_SIDE.output: image(SIDE)},
            here=frozenset({digest_of(KEEPER)}),
        )
        decided = world.decide(HERO, HERO_SIDE)
        assert decided["hero"].verdict is Verdict.RESTORE
        assert decided["hero-side"].verdict is Verdict.KEEP

    def test_not_at_all_when_a_new_image_has_the_same_bytes(self) -> None:
        """Early cut-off: a dependant is keyed by the image and not by what made it."""
        again = generated("hero", "Other words, same picture")
        world = fresh(made(again), made(HERO_SIDE, SIDE, [KEEPER]))
        assert world.decide(again, HERO_SIDE)["hero-side"].verdict is Verdict.KEEP


# Not unasked


class TestHold:
    def test_an_edited_output(self) -> None:
        world = replace(fresh(made(HERO)), outputs={HERO.output: FOREIGN})
        decision = world.decide_one(HERO)
        assert (decision.verdict, decision.hold) == (Verdict.HOLD, Hold.EDITED)
        assert decision.reason.startswith("edited by hand; ")
        assert "`assetgen build --force hero`" in decision.reason

    def test_an_edited_output_although_the_inputs_changed_too(self) -> None:
        world = replace(fresh(made(HERO)), outputs={HERO.output: FOREIGN})
        assert world.decide_one(generated("hero", "new")).hold is Hold.EDITED

    def test_an_image_that_was_there_first(self) -> None:
        decision = World(outputs={HERO.output: FOREIGN}).decide_one(HERO)
        assert decision.hold is Hold.EDITED
        assert decision.reason.startswith("an image that assetgen did not make is there")

    def test_a_git_lfs_pointer_to_somebody_s_image(self) -> None:
        world = replace(fresh(made(HERO)), outputs={HERO.output: pointer(b"edited")})
        assert world.decide_one(HERO).hold is Hold.EDITED

    def test_dependants_of_an_edited_asset_use_the_recorded_image(self) -> None:
        world = replace(
            fresh(made(HERO), made(HERO_SIDE, SIDE, [KEEPER])),
            outputs={HERO.output: FOREIGN, HERO_SIDE.output: image(SIDE)},
        )
        decided = world.decide(HERO, HERO_SIDE)
        assert decided["hero"].hold is Hold.EDITED
        assert decided["hero-side"].verdict is Verdict.KEEP

    def test_dependants_of_an_image_that_was_there_first_are_blocked(self) -> None:
        decision = World(outputs={HERO.output: FOREIGN}).decide(HERO, HERO_SIDE)["hero-side"]
        assert decision.hold is Hold.BLOCKED
        assert decision.reason.startswith("reads `hero`, which is held: ")

    def test_a_pinned_image_whose_inputs_changed(self) -> None:
        pinned = generated("hero", "new words", pinned=True)
        decision = fresh(made(HERO)).decide_one(pinned)
        assert decision.hold is Hold.PINNED
        assert "prompt changed" in decision.reason
        assert "remove `pinned`" in decision.reason

    def test_a_pinned_image_whose_inputs_are_not_known_yet(self) -> None:
        side = replace(HERO_SIDE, pinned=True)
        world = fresh(made(side, SIDE, [KEEPER]))
        decided = world.decide(HERO, side)
        assert decided["hero"].verdict is Verdict.GENERATE
        assert decided["hero-side"].hold is Hold.PINNED

    def test_a_pinned_image_with_its_inputs_is_simply_up_to_date(self) -> None:
        assert fresh(made(HERO)).decide_one(replace(HERO, pinned=True)).verdict is Verdict.KEEP

    def test_a_missing_pinned_image_is_restored_whatever_its_inputs_are(self) -> None:
        pinned = generated("hero", "new words", pinned=True)
        world = replace(fresh(made(HERO)), outputs={}, here=frozenset({digest_of(KEEPER)}))
        decision = world.decide_one(pinned)
        assert decision.verdict is Verdict.RESTORE
        assert decision.digest == digest_of(KEEPER)

    def test_an_edited_pinned_image(self) -> None:
        world = replace(fresh(made(HERO)), outputs={HERO.output: FOREIGN})
        assert world.decide_one(replace(HERO, pinned=True)).hold is Hold.EDITED

    def test_dependants_of_a_pinned_asset_use_its_image(self) -> None:
        pinned = generated("hero", "new words", pinned=True)
        world = fresh(made(HERO), made(HERO_SIDE, SIDE, [KEEPER]))
        assert world.decide(pinned, HERO_SIDE)["hero-side"].verdict is Verdict.KEEP

    @pytest.mark.parametrize("pinned", [False, True])
    def test_what_was_bought_and_is_nowhere_here(self, pinned: bool) -> None:
        world = replace(fresh(made(HERO)), outputs={})
        decision = world.decide_one(replace(HERO, pinned=pinned))
        assert decision.hold is Hold.NOT_HERE
        assert decision.reason.startswith("the output is missing; ")
        assert "`assetgen build --rebuy hero`" in decision.reason
        assert not Hold.NOT_HERE.leaves_output_usable

    def test_dependants_of_what_is_not_here_stay_up_to_date(self) -> None:
        world = replace(
            fresh(made(HERO), made(HERO_SIDE, SIDE, [KEEPER])),
            outputs={HERO_SIDE.output: image(SIDE)},
        )
        decided = world.decide(HERO, HERO_SIDE)
        assert decided["hero"].hold is Hold.NOT_HERE
        assert decided["hero-side"].verdict is Verdict.KEEP

    def test_a_reference_whose_bytes_must_be_sent_and_are_a_pointer(self) -> None:
        decision = World(inputs={"refs/frame.png": pointer(FRAME)}).decide_one(FRAMED)
        assert decision.hold is Hold.BLOCKED
        assert "`refs/frame.png`" in decision.reason
        assert "`git lfs pull`" in decision.reason

    def test_a_reference_that_is_a_pointer_is_enough_for_a_draft(self) -> None:
        world = World(inputs={"refs/frame.png": pointer(FRAME)})
        assert world.decide_one(FRAMED, provider="draft").verdict is Verdict.GENERATE

    def test_a_source_whose_bytes_are_needed_and_are_a_pointer(self) -> None:
        decision = World(inputs={"hand/logo.png": pointer(KEEPER)}).decide_one(LOGO)
        assert decision.hold is Hold.BLOCKED
        assert "`git lfs pull`" in decision.reason


# Placeholder drafts


class TestDraft:
    KEYS: Mapping[str, str] = {"hero": "today", "hero-side": "today too", "framed": "framed"}

    def world(self, **fields: object) -> World:
        return World(placeholders=self.KEYS, **fields)  # type: ignore[arg-type]

    def test_fills_what_has_no_image_and_costs_nothing(self) -> None:
        decided = self.world().decide(HERO, HERO_SIDE, draft=True)
        assert {d.verdict for d in decided.values()} == {Verdict.GENERATE}
        assert all(d.is_draft and not d.is_purchase for d in decided.values())
        assert all(d.estimate == FREE for d in decided.values())
        assert decided["hero"].reason == "draft: not made yet"

    def test_is_up_to_date_while_it_shows_today_s_words(self) -> None:
        outputs = {HERO.output: draft("today"), HERO_SIDE.output: draft("today too")}
        decided = self.world(outputs=outputs).decide(HERO, HERO_SIDE, draft=True)
        assert {d.verdict for d in decided.values()} == {Verdict.KEEP}

    def test_is_drawn_again_when_the_words_changed(self) -> None:
        world = self.world(outputs={HERO.output: draft("yesterday")})
        decision = world.decide_one(HERO, draft=True)
        assert decision.verdict is Verdict.GENERATE
        assert decision.is_draft

    def test_leaves_real_images_alone_and_says_so(self) -> None:
        world = replace(fresh(made(HERO)), placeholders=self.KEYS)
        decision = world.decide_one(generated("hero", "new words"), draft=True)
        assert decision.hold is Hold.REAL_IMAGE
        assert decision.reason == "prompt changed; `--draft` leaves real images alone"
        assert decision.estimate == FREE

    def test_restores_a_real_image_that_is_here(self) -> None:
        world = self.world(
            lock=lock_of(made(HERO)),
            outputs={HERO.output: draft("today")},
            here=frozenset({digest_of(KEEPER)}),
        )
        assert world.decide_one(HERO, draft=True).verdict is Verdict.RESTORE

    def test_stands_in_for_what_was_bought_and_is_not_here(self) -> None:
        decision = self.world(lock=lock_of(made(HERO))).decide_one(HERO, draft=True)
        assert decision.verdict is Verdict.GENERATE
        assert decision.is_draft

    def test_stands_in_for_what_cannot_be_made_for_want_of_a_reference(self) -> None:
        world = self.world(inputs={"refs/frame.png": pointer(FRAME)})
        decision = world.decide_one(FRAMED, draft=True)
        assert decision.verdict is Verdict.GENERATE
        assert decision.is_draft

    def test_never_replaces_what_somebody_edited(self) -> None:
        world = self.world(lock=lock_of(made(HERO)), outputs={HERO.output: FOREIGN})
        assert world.decide_one(HERO, draft=True).hold is Hold.EDITED

    def test_never_stands_in_for_a_file_the_user_has(self) -> None:
        world = self.world(inputs={"hand/logo.png": image(KEEPER)})
        decision = world.decide_one(LOGO, draft=True)
        assert decision.verdict is Verdict.DERIVE
        assert not decision.is_draft

    def test_is_overwritten_freely_by_the_real_image(self) -> None:
        world = World(outputs={HERO.output: draft("today")})
        decision = world.decide_one(HERO)
        assert decision.verdict is Verdict.GENERATE
        assert not decision.is_draft

    def test_means_nothing_more_when_drafts_are_the_product(self) -> None:
        decision = self.world().decide_one(HERO, provider="draft", draft=True)
        assert decision.verdict is Verdict.GENERATE
        assert not decision.is_draft


# What is asked


class TestQuestions:
    def test_the_action_cache_is_asked_once_for_all_that_is_unknown(self) -> None:
        assets = [generated(f"a{n}", f"prompt {n}") for n in range(5)]
        _, rounds = World().decide_noting_questions(assets)
        assert len(rounds) == 1
        assert {question.kind for question in rounds[0]} == {"result"}
        assert len(rounds[0]) == 5

    def test_the_store_is_asked_only_for_what_is_to_be_written(self) -> None:
        world = replace(
            fresh(made(HERO), made(FRAMED, SIDE, [FRAME])),
            outputs={FRAMED.output: image(SIDE)},
            inputs={"refs/frame.png": image(FRAME)},
        )
        _, rounds = world.decide_noting_questions([HERO, FRAMED])
        assert rounds[0] == {Question("here", digest_of(KEEPER))}
        assert [{q.kind for q in asked} for asked in rounds[1:]] == [{"result"}]

    def test_whose_image_it_is_is_asked_only_for_unknown_bytes(self) -> None:
        world = replace(fresh(made(HERO)), outputs={HERO.output: FOREIGN})
        _, rounds = world.decide_noting_questions([HERO])
        assert rounds == [{Question("ours", FOREIGN.digest or "")}]

    def test_a_chain_of_ten_thousand_that_is_up_to_date_is_decided_at_once(self) -> None:
        assets = [generated("a0")]
        entries = [made(assets[0])]
        for n in range(1, 10_000):
            assets.append(generated(f"a{n}", "x", f"asset:a{n - 1}"))
            entries.append(made(assets[-1], KEEPER, [KEEPER]))
        decided, rounds = fresh(*entries).decide_noting_questions(assets)
        assert len(decided) == 10_000
        assert {d.verdict for d in decided.values()} == {Verdict.KEEP}
        assert rounds == []


# Laws

DATA = [picture(str(number)) for number in range(3)]
FACTS = st.sampled_from(
    [
        MISSING,
        EMPTY,
        GARBAGE,
        FOREIGN,
        draft("today"),
        draft("old"),
        *map(image, DATA),
        pointer(DATA[0]),
    ]
)
DIGESTS = [digest_of(data) for data in DATA]
SOME = st.frozensets(st.sampled_from([*DIGESTS, FOREIGN.digest or "", digest_of(b"webp")]))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Asset], World]:
    """Any project, and anything at all on the disk, in the lockfile and in the caches."""
    assets: list[Asset] = []
    for number in range(draw(st.integers(1, 5))):
        name = f"a{number}"
        suffix = draw(st.sampled_from(["png", "webp"]))
        output, pinned = f"art/{name}.{suffix}", draw(st.booleans())
        if draw(st.integers(0, 4)) == 0:
            assets.append(sourced(name, "ref.png", output, pinned=pinned))
            continue
        reads = draw(
            st.lists(st.sampled_from(["ref.png", *(f"asset:{a.name}" for a in assets)]), max_size=2)
        )
        prompt = draw(st.sampled_from(["one", "two"]))
        assets.append(generated(name, prompt, *reads, output=output, pinned=pinned))
    entries: list[LockEntry] = []
    results: dict[str, ActionResult] = {}
    journal: dict[str, str] = {}
    for asset in assets:
        count = len(asset.action.references) if isinstance(asset.action, Generate) else 1
        before = _with_prompt(asset, "one")
        reads_ = [draw(st.sampled_from(DATA)) for _ in range(count)]
        came = draw(st.sampled_from(DATA))
        entry = made(before, came, reads_, output=draw(st.sampled_from([came, b"webp"])))
        match draw(st.sampled_from(["lock", "orphan", "cache", "journal", "nothing"])):
            case "lock":
                entries.append(entry)
            case "orphan":
                entries.append(replace(entry, name="gone", is_orphan=True))
            case "cache":
                results[entry.fingerprint] = entry.result
            case "journal":
                journal[entry.digest] = conversion_key(entry.result.image, "webp")
    world = World(
        lock=lock_of(*entries),
        outputs={asset.output: draw(FACTS) for asset in assets},
        inputs={"ref.png": draw(st.sampled_from([image(DATA[0]), pointer(DATA[1])]))},
        journal=journal,
        placeholders={asset.name: "today" for asset in assets},
        results=results,
        here=draw(SOME),
        ours=draw(SOME),
    )
    return assets, world


def _with_prompt(asset: Asset, prompt: str) -> Asset:
    if isinstance(asset.action, Source):
        return asset
    return replace(asset, action=replace(asset.action, prompt=prompt))


OPTIONS = st.fixed_dictionaries(
    {
        "provider": st.sampled_from(["openrouter", "draft"]),
        "draft": st.booleans(),
        "rebuy": st.booleans(),
        "forced": st.frozensets(st.sampled_from(["a0", "a1", "a2"])),
    }
)


@LAWFUL
@given(worlds(), OPTIONS)
def test_every_asset_gets_one_verdict_with_a_reason(
    given_world: tuple[list[Asset], World], options: dict[str, object]
) -> None:
    assets, world = given_world
    decided, rounds = world.decide_noting_questions(assets, **options)
    assert decided.keys() == {asset.name for asset in assets}
    assert len(rounds) <= 4 * len(assets)
    for decision in decided.values():
        assert decision.reason
        assert (decision.hold is not None) == (decision.verdict is Verdict.HOLD)
        if decision.verdict is Verdict.RESTORE:
            assert decision.digest in world.here
            assert decision.result is not None
        if decision.verdict is Verdict.GENERATE and not decision.is_draft:
            assert decision.keyed is not None
        if decision.is_draft or decision.shares_with is not None:
            assert decision.estimate == FREE


@LAWFUL
@given(worlds(), OPTIONS)
def test_nobody_s_image_is_replaced_unasked(
    given_world: tuple[list[Asset], World], options: dict[str, object]
) -> None:
    assets, world = given_world
    decided = world.decide(*assets, **options)
    read = {fact.digest for fact in world.inputs.values()}
    for asset in assets:
        present = world.outputs[asset.output]
        is_ours = (
            present.digest in world.lock.digests
            or present.digest in world.journal
            or present.digest in world.ours
            or present.digest in read
            or present.digest in DIGESTS
        )
        if present.is_image and not is_ours and asset.name not in options["forced"]:  # type: ignore[operator]
            assert decided[asset.name].verdict in {Verdict.HOLD, Verdict.KEEP, Verdict.WAIT}


@LAWFUL
@given(worlds(), OPTIONS)
def test_nothing_is_bought_that_is_known_unless_it_is_asked_for(
    given_world: tuple[list[Asset], World], options: dict[str, object]
) -> None:
    assets, world = given_world
    plain = {**options, "rebuy": False, "forced": frozenset()}
    for decision in world.decide(*assets, **plain).values():
        if decision.verdict is Verdict.GENERATE and plain["provider"] != "draft":
            assert decision.keyed is not None or decision.is_draft
            known = decision.keyed is not None and (
                decision.keyed.fingerprint in world.lock.by_fingerprint
                or decision.keyed.fingerprint in world.results
            )
            assert decision.is_draft or not known


@LAWFUL
@given(worlds())
def test_with_draft_nothing_is_ever_bought(given_world: tuple[list[Asset], World]) -> None:
    assets, world = given_world
    decided = world.decide(*assets, draft=True)
    assert not any(decision.is_purchase for decision in decided.values())
    assert sum(decision.estimate.usd or Decimal(0) for decision in decided.values()) == 0


@LAWFUL
@given(worlds(), OPTIONS)
def test_one_fingerprint_is_one_call(
    given_world: tuple[list[Asset], World], options: dict[str, object]
) -> None:
    assets, world = given_world
    bought = [
        decision.keyed.fingerprint
        for decision in world.decide(*assets, **options).values()
        if decision.is_purchase and decision.keyed is not None
    ]
    assert len(bought) == len(set(bought))
