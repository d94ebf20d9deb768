"""Variants, frames, atlases and exports through a whole build on a machine in memory."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from assetgen.core.digest import digest_of
from assetgen.core.finish import Atlas, Expect, Export, Frames, Variants
from assetgen.core.lock_text import salvage_lock, salvage_products
from assetgen.core.step import Crop, Pixelate, RemoveBackground, Resize
from assetgen.core.value import replace
from assetgen.engine.rebuild import rebuilt_lock
from tests.fakes import FakeFinisher, FakeProvider, Machine, generated, picture, project_of, sourced

if TYPE_CHECKING:
    from assetgen.core.model import Asset, Project
    from assetgen.core.report import Outcome, Report

VARIANTS = Variants(
    widths=(4, 8),
    formats=("webp", "png"),
    output="web/hero-${width}.${format}",
    quality={"webp": 80},
)
HASHED = replace(VARIANTS, output="web/hero-${width}.${hash}.${format}")
FRAMES = Frames(columns=2, rows=1, output="art/walk/${frame}.png", format="png", count=2)
HERO = replace(generated("hero"), variants=VARIANTS)
WALK = replace(generated("walk", "walking"), frames=FRAMES)
ICON = generated("icon", "an icon")
UI = Atlas(
    name="ui",
    members=("walk", "icon"),
    output="web/ui.png",
    format="png",
    data={"json": "web/ui.json"},
)
LIST = Export(
    name="list",
    format="json",
    output="web/assets.json",
    members=("hero", "walk", "icon"),
    atlases=("ui",),
)
NAMES = ["variants:hero", "frames:walk", "atlas:ui", "export:list"]
FILES = [
    "art/walk/0.png",
    "art/walk/1.png",
    "web/assets.json",
    "web/hero-4.png",
    "web/hero-4.webp",
    "web/hero-8.png",
    "web/hero-8.webp",
    "web/ui.json",
    "web/ui.png",
]


def whole(hero: Asset = HERO, walk: Asset = WALK, icon: Asset = ICON) -> Project:
    return replace(project_of(hero, walk, icon), atlases=(UI,), exports=(LIST,))


def only(asset: Asset) -> Project:
    return project_of(asset)


def statuses(report: Report) -> dict[str, str]:
    return {outcome.name: outcome.status.value for outcome in report.outcomes}


def of(report: Report, name: str) -> Outcome:
    (found,) = [outcome for outcome in report.outcomes if outcome.name == name]
    return found


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def built(machine: Machine) -> Machine:
    machine.build(whole())
    machine.clock.tick()
    machine.provider.calls.clear()
    machine.finisher.applied.clear()
    machine.files.writes.clear()
    machine.locks.writes = 0
    return machine


class TestMaking:
    def test_everything_is_made_in_one_build_and_recorded(self, machine: Machine) -> None:
        report = machine.build(whole())
        assert {name: statuses(report)[name] for name in NAMES} == dict.fromkeys(NAMES, "derived")
        assert set(FILES) <= machine.files.paths()
        lock = machine.locks.read()
        assert sorted(lock.products) == sorted(NAMES)
        recorded = {path: d for one in lock.products.values() for path, d in one.files.items()}
        assert recorded == {path: digest_of(machine.files.peek(path) or b"") for path in FILES}

    def test_drafts_that_another_zlib_packs_give_their_products_in_the_same_build(
        self, machine: Machine
    ) -> None:
        project = replace(whole(), provider="draft")
        machine.provider.cost_usd = Decimal(0)
        machine.build(project)
        clone = machine.fresh_clone()
        clone.provider = FakeProvider(paint=lambda one: picture(f"packed anew {one.fingerprint}"))
        clone.provider.cost_usd = Decimal(0)
        for path in clone.files.paths():
            if path != "assets.yaml":
                clone.files.remove(path)
        report = clone.build(project)
        assert {name: statuses(report)[name] for name in NAMES} == dict.fromkeys(NAMES, "derived")
        assert report.exit_code == 0

    def test_a_plan_says_that_products_wait_for_images_and_are_free(self, machine: Machine) -> None:
        survey = machine.plan(whole())
        assert {name: survey.verdicts()[name] for name in NAMES} == dict.fromkeys(NAMES, "wait")
        assert all(product.estimate.usd == 0 for product in survey.plan.products)

    def test_a_second_build_does_nothing(self, built: Machine) -> None:
        report = built.build(whole())
        assert set(statuses(report).values()) == {"kept"}
        assert built.finisher.applied == []
        assert built.files.writes == []
        assert built.locks.writes == 0

    def test_what_a_plan_calls_work_is_what_a_build_runs(self, built: Machine) -> None:
        built.files.put("web/ui.json", b"")
        built.files.remove("web/hero-4.webp")
        project = whole(icon=replace(ICON, steps=(Resize(4, 4),)))
        planned = built.plan(project)
        work = {one.name for one in planned.plan.everything if one.is_work}
        ran = {name for name, said in statuses(built.build(project)).items() if said != "kept"}
        assert ran <= work
        assert {"icon", "atlas:ui", "variants:hero"} <= ran

    def test_exports_tell_of_files_that_are_there(self, built: Machine) -> None:
        text = json.loads(built.files.peek("web/assets.json") or b"")
        told = json.dumps(text)
        assert all(path in told for path in FILES if path != "web/assets.json")

    def test_a_picture_is_never_enlarged_and_no_width_made_twice(self, machine: Machine) -> None:
        machine.build(only(replace(HERO, variants=replace(VARIANTS, widths=(8, 900, 1200)))))
        assert [p for p in sorted(machine.files.paths()) if p.startswith("web/")] == [
            "web/hero-16.png",
            "web/hero-16.webp",
            "web/hero-8.png",
            "web/hero-8.webp",
        ]


class TestPaidOnce:
    def test_changing_steps_variants_atlas_and_export_costs_no_call(self, built: Machine) -> None:
        hero = replace(HERO, steps=(Resize(12, 12),), variants=replace(VARIANTS, widths=(4, 6)))
        project = whole(hero, icon=replace(ICON, steps=(Crop(8, 8),)))
        project = replace(
            project,
            atlases=(replace(UI, padding_px=5),),
            exports=(replace(LIST, base="/img/"),),
        )
        report = built.build(project)
        assert built.provider.calls == []
        assert report.spent_usd == 0
        assert statuses(report)["variants:hero"] == "derived"

    def test_a_failing_step_loses_nothing_that_was_bought(self, machine: Machine) -> None:
        broken = replace(HERO, steps=(Crop(0, 8),))
        report = machine.build(only(broken))
        assert statuses(report) == {"hero": "failed", "variants:hero": "blocked"}
        assert "kept" in (of(report, "hero").hint or "")
        machine.provider.calls.clear()
        again = machine.build(only(replace(HERO, steps=(Crop(8, 8),))))
        assert machine.provider.calls == []
        assert statuses(again) == {"hero": "derived", "variants:hero": "derived"}

    def test_what_is_not_as_expected_fails_with_what_was_measured(self, machine: Machine) -> None:
        machine.finisher.unmet_words = ["expected 9x9 px, got 16x16 px"]
        asset = replace(HERO, expect=Expect(width_px=9, height_px=9))
        report = machine.build(only(asset))
        assert "expected 9x9 px, got 16x16 px" in of(report, "hero").message
        assert HERO.output not in machine.files.paths()
        machine.finisher.unmet_words = []
        machine.provider.calls.clear()
        assert statuses(machine.build(only(asset)))["hero"] == "derived"
        assert machine.provider.calls == []

    def test_a_new_expectation_is_looked_into_although_the_output_is_there(
        self, machine: Machine
    ) -> None:
        machine.build(only(HERO))
        machine.finisher.unmet_words = ["expected transparent pixels, got none"]
        asset = replace(HERO, expect=Expect(alpha=True))
        assert machine.plan(only(asset)).verdicts()["hero"] == "derive"
        assert statuses(machine.build(only(asset)))["hero"] == "failed"
        machine.finisher.unmet_words = []
        assert statuses(machine.build(only(asset)))["hero"] == "derived"
        assert set(statuses(machine.build(only(asset))).values()) == {"kept"}


class TestOnlyWhatFollows:
    def test_an_edited_step_runs_again_with_those_behind_it_only(self, machine: Machine) -> None:
        steps = (RemoveBackground(), Pixelate(8), Resize(32, 32))
        machine.build(only(replace(generated("hero"), steps=steps)))
        assert machine.finisher.applied == ["remove_background", "pixelate", "resize"]
        machine.finisher.applied.clear()
        edited = (*steps[:2], Resize(64, 64))
        machine.build(only(replace(generated("hero"), steps=edited)))
        assert machine.finisher.applied == ["resize"]

    def test_the_reason_names_the_step_that_changed(self, machine: Machine) -> None:
        machine.build(only(replace(generated("hero"), steps=(Resize(8, 8), Crop(4, 4)))))
        asset = replace(generated("hero"), steps=(Resize(9, 9), Crop(4, 4)))
        (decision,) = machine.plan(only(asset)).plan.decisions
        assert decision.reason == "step `resize` changed"

    def test_an_added_width_makes_no_other_again(self, built: Machine) -> None:
        hero = replace(HERO, variants=replace(VARIANTS, widths=(2, 4, 8)))
        built.build(whole(hero))
        assert sorted(built.finisher.applied) == ["2.png", "2.webp"]

    def test_other_paths_make_nothing_again(self, built: Machine) -> None:
        moved = replace(VARIANTS, output="img/${width}.${format}")
        report = built.build(whole(replace(HERO, variants=moved)))
        assert built.finisher.applied == []
        assert statuses(report)["variants:hero"] == "restored"
        assert "img/4.webp" in built.files.paths()

    def test_another_image_of_the_same_bytes_stops_there(self, built: Machine) -> None:
        again = built.build(whole(), forced=["icon"])
        assert statuses(again)["icon"] == "generated"
        assert statuses(again)["variants:hero"] == "kept"


class TestBringingBack:
    @pytest.mark.parametrize("path", FILES)
    def test_a_deleted_file_comes_back_as_it_was(self, built: Machine, path: str) -> None:
        before = built.files.peek(path)
        built.files.remove(path)
        built.build(whole())
        assert built.files.peek(path) == before
        assert built.finisher.applied == []
        assert built.locks.writes == 0

    @pytest.mark.parametrize("path", FILES)
    def test_a_file_edited_by_hand_is_held_and_stays(self, built: Machine, path: str) -> None:
        mine = picture("mine") if path.endswith((".png", ".webp")) else b"mine"
        built.files.put(path, mine)
        built.clock.tick()
        report = built.build(whole())
        held = [o for o in report.outcomes if o.status.value == "held"]
        assert len(held) == 1
        assert path in held[0].message
        assert built.files.peek(path) == mine
        assert report.exit_code == 0

    def test_forcing_a_product_replaces_what_was_edited_and_keeps_it(self, built: Machine) -> None:
        mine = picture("mine")
        built.files.put("web/ui.png", mine)
        report = built.build(whole(), forced=["atlas:ui"])
        assert statuses(report)["atlas:ui"] == "derived"
        assert built.files.peek("web/ui.png") != mine
        assert built.is_known(mine)

    def test_somebody_elses_file_is_never_written_over(self, machine: Machine) -> None:
        machine.files.put("web/assets.json", b"{}")
        report = machine.build(whole())
        assert statuses(report)["export:list"] == "held"
        assert machine.files.peek("web/assets.json") == b"{}"

    def test_somebody_elses_file_at_a_path_that_only_the_picture_tells(
        self, machine: Machine
    ) -> None:
        machine.build(only(replace(HERO, variants=HASHED)))
        (path,) = [p for p in machine.files.paths() if p.startswith("web/hero-4.") and "webp" in p]
        other = Machine()
        other.provider.paint = machine.provider.paint
        mine = picture("mine")
        other.files.put(path, mine)
        other.build(only(replace(HERO, variants=HASHED)))
        assert other.files.peek(path) == mine

    def test_a_fresh_clone_is_up_to_date_without_any_store(self, built: Machine) -> None:
        clone = built.fresh_clone()
        report = clone.build(whole())
        assert set(statuses(report).values()) == {"kept"}
        assert clone.locks.text == built.locks.text

    def test_another_encoder_does_not_rewrite_the_lockfile(self, built: Machine) -> None:
        clone = built.fresh_clone()
        image = built.files.peek(HERO.output) or b""
        clone.blobs.put(image)
        clone.finisher = OtherEncoder(clone.images)
        clone.files.remove("web/hero-4.webp")
        report = clone.build(whole())
        assert statuses(report)["variants:hero"] == "derived"
        assert "web/hero-4.webp" in clone.files.paths()
        assert clone.locks.text == built.locks.text
        assert set(statuses(clone.build(whole())).values()) == {"kept"}

    def test_an_image_that_is_not_here_holds_its_products(self, built: Machine) -> None:
        hero = replace(HERO, output="art/hero.webp", format="webp", steps=(Resize(8, 8),))
        built.build(whole(hero))
        clone = built.fresh_clone()
        clone.files.remove("web/hero-4.webp")
        clone.files.remove(HERO.output)  # the image as it came, which nothing needs any more
        report = clone.build(whole(hero))
        assert statuses(report)["variants:hero"] == "held"
        assert "not on this machine" in of(report, "variants:hero").message
        assert report.exit_code == 4


class OtherEncoder(FakeFinisher):
    """Writes other bytes for the same pictures."""

    def _words(self, words: str) -> str:
        return f"{words} by another encoder"


class TestOrphans:
    def test_files_of_a_former_image_are_left_as_orphans(self, machine: Machine) -> None:
        machine.build(only(replace(HERO, variants=HASHED)))
        before = {path for path in machine.files.paths() if path.startswith("web/")}
        hero = replace(generated("hero", "other words"), variants=HASHED)
        machine.build(only(hero))
        assert set(machine.locks.read().orphans) == before

    def test_a_product_that_is_gone_leaves_its_files(self, built: Machine) -> None:
        built.build(project_of(HERO, WALK, ICON))
        assert set(built.locks.read().orphans) == {"web/ui.json", "web/ui.png", "web/assets.json"}

    def test_one_that_comes_back_takes_its_files_back(self, built: Machine) -> None:
        text = built.locks.text
        built.build(project_of(HERO, WALK, ICON))
        built.build(whole())
        assert built.locks.text == text
        assert built.finisher.applied == []


class TestDrafts:
    def test_drafts_make_drafts_that_the_lockfile_does_not_know(self, machine: Machine) -> None:
        report = machine.build(whole(), draft=True)
        assert set(statuses(report).values()) == {"drafted"}
        assert set(FILES) <= machine.files.paths()
        assert machine.locks.read().products == {}

    def test_a_second_build_of_drafts_does_nothing_and_the_plan_knows(
        self, machine: Machine
    ) -> None:
        machine.build(whole(), draft=True)
        machine.finisher.applied.clear()
        machine.files.writes.clear()
        planned = machine.plan(whole(), draft=True)
        assert set(planned.verdicts().values()) == {"keep"}
        assert set(statuses(machine.build(whole(), draft=True)).values()) == {"kept"}
        assert machine.finisher.applied == []
        assert machine.files.writes == []
        assert machine.locks.read().products == {}

    @pytest.mark.parametrize("path", FILES)
    def test_a_deleted_draft_is_drawn_again(self, machine: Machine, path: str) -> None:
        machine.build(whole(), draft=True)
        before = machine.files.peek(path)
        machine.files.remove(path)
        machine.build(whole(), draft=True)
        if path.startswith("web/hero"):  # one of each format is enough to know
            return
        assert machine.files.peek(path) == before

    def test_real_images_replace_what_drafts_made(self, machine: Machine) -> None:
        machine.build(whole(), draft=True)
        drafts = {path: machine.files.peek(path) for path in FILES}
        report = machine.build(whole())
        assert {statuses(report)[name] for name in NAMES[:-1]} == {"derived"}
        pictures = [path for path in FILES if not path.endswith(".json")]
        assert all(machine.files.peek(path) != drafts[path] for path in pictures)

    def test_drafts_are_never_put_over_what_real_images_made(self, built: Machine) -> None:
        before = {path: built.files.peek(path) for path in FILES}
        icon = generated("icon", "other words")
        built.files.remove(ICON.output)
        built.build(whole(icon=icon), draft=True)
        assert {path: built.files.peek(path) for path in FILES} == before


class TestSources:
    def test_a_file_made_by_hand_is_finished_like_any_image(self, machine: Machine) -> None:
        machine.files.put("hand/logo.png", picture("logo"))
        logo = replace(sourced("logo"), steps=(Resize(4, 4),), variants=VARIANTS)
        report = machine.build(only(logo))
        assert statuses(report) == {"logo": "derived", "variants:logo": "derived"}
        assert machine.images.inspect(machine.files.peek(logo.output) or b"").width_px == 4
        assert report.spent_usd == Decimal(0)


def edit_lock(machine: Machine, old: str, new: str) -> None:
    text = machine.locks.text or ""
    assert old in text
    machine.locks.text = text.replace(old, new)


class TestStrangersLockfiles:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('"role": "1"', '"role": "7"'),
            ('"role": "1"', '"role": "-1"'),
            ('"role": "1"', '"role": "../../x"'),
            ('"role": "4.webp"', '"role": "999.webp"'),
            ('"role": "4.webp"', '"role": "foo"'),
            ('"role": "4.webp"', f'"role": "{"9" * 5000}.webp"'),
            ('"role": "4.webp"', '"role": "4.exe"'),
        ],
    )
    def test_pictures_that_a_product_cannot_have_are_not_believed(
        self, built: Machine, old: str, new: str
    ) -> None:
        before = built.files.paths()
        edit_lock(built, old, new)
        built.build(whole())
        assert built.files.paths() == before
        assert set(statuses(built.build(whole())).values()) == {"kept"}

    def test_nothing_that_another_needs_goes_without_being_kept(self, built: Machine) -> None:
        """A stranger's line says that bytes of the user's are a product's; they are kept."""
        mine = picture("mine")
        built.files.put("web/hero-4.png", mine)
        one = built.locks.read().products["variants:hero"].files["web/hero-8.png"]
        edit_lock(built, f'"web/hero-8.png": "{one}"', f'"web/hero-8.png": "{digest_of(mine)}"')
        built.build(whole())
        assert built.is_known(mine)


class TestMergedLockfiles:
    def test_a_product_that_two_branches_made_is_made_again_and_nothing_is_held(
        self, built: Machine
    ) -> None:
        lines = (built.locks.text or "").splitlines()
        (ours,) = [line for line in lines if '"product": "atlas:ui"' in line]
        theirs = ours.replace('"web/ui.json": "sha256:', '"web/ui.json": "sha256:0000')
        built.locks.text = (built.locks.text or "").replace(ours, f"{theirs}\n{ours}")
        built.locks.text = built.locks.text.replace("sha256:0000", "sha256:")
        other = ours.replace('"key": "', '"key": "0')
        built.locks.text = built.locks.text.replace(ours, f"{other}\n{ours}", 1)
        assert "held" not in statuses(built.build(whole())).values()
        assert set(statuses(built.build(whole())).values()) == {"kept"}

    def test_rebuilding_the_lockfile_keeps_what_it_says_of_products(self, built: Machine) -> None:
        text = built.locks.text or ""
        lock = built.locks.read()
        clone = built.fresh_clone()
        outputs = clone.plan(whole()).facts.outputs
        rebuilt = rebuilt_lock(
            whole(), salvage_lock(text), outputs, {}, salvage_products(text.replace("]\n", ""))
        )
        assert rebuilt.products == lock.products


class TestForcing:
    def test_forces_what_was_named_and_nothing_that_it_reads(self, built: Machine) -> None:
        mine = picture("mine")
        built.files.put("art/walk/0.png", mine)
        built.files.put("web/ui.png", mine)
        built.build(whole(), forced=["atlas:ui"])
        assert built.files.peek("art/walk/0.png") == mine

    def test_makes_pictures_anew_although_they_are_known(self, built: Machine) -> None:
        files = built.locks.read().products["variants:hero"].files
        right = {path: built.files.peek(path) for path in FILES}
        small, large = files["web/hero-4.png"], files["web/hero-8.png"]
        built.locks.text = (
            (built.locks.text or "")
            .replace(small, "sha256:" + "0" * 64)
            .replace(large, small)
            .replace("sha256:" + "0" * 64, large)
        )
        built.journal.entries.clear()
        built.build(whole())
        assert built.files.peek("web/hero-4.png") == right["web/hero-8.png"]
        built.build(whole(), forced=["variants:hero"])
        assert {path: built.files.peek(path) for path in FILES} == right


class TestHolding:
    def test_a_held_product_with_a_missing_file_is_not_done(self, built: Machine) -> None:
        built.files.put("art/walk/0.png", picture("mine"))
        built.files.remove("art/walk/1.png")
        assert built.build(whole()).exit_code == 4

    @pytest.mark.parametrize("path", ["web/assets.json", "web/ui.json", "web/ui.png"])
    def test_drafts_are_never_put_over_what_people_wrote(self, machine: Machine, path: str) -> None:
        mine = picture("mine") if path.endswith(".png") else b"mine"
        machine.files.put(path, mine)
        machine.build(whole(), draft=True)
        assert machine.files.peek(path) == mine

    def test_a_lossless_output_is_enough_to_make_its_products(self, built: Machine) -> None:
        clone = built.fresh_clone()
        clone.files.remove("web/ui.png")
        report = clone.build(whole())
        assert statuses(report)["atlas:ui"] == "derived"
        assert clone.provider.calls == []
