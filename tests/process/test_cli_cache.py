"""`assetgen cache`: nothing that anybody needs is collected, and what is gone is said to be."""

from __future__ import annotations

import asyncio
import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from assetgen.cache.local import LocalCache
from assetgen.core.schemas.store import cache_json_schema
from assetgen.errors import CacheError, UsageError
from assetgen.session import Session, Settings
from assetgen.session.store import Store
from tests.standin import picture

if TYPE_CHECKING:
    from assetgen.core.store import Consent
    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"
HOUR_S = 3600
ALL: tuple[Consent, ...] = ("superseded", "unknown", "kept")


def manifest(prompt: str) -> str:
    return (
        f"project: bay\nversion: 1\nassets:\n"
        f"  hero: {{prompt: {prompt}, model: {GEMINI}, output: hero.png}}\n"
    )


def digest_of(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"


def make_old(cache: Path) -> None:
    """As if everything in the store were from some days ago."""
    for path in (cache / "blobs").rglob("*"):
        if path.is_file():
            then = path.stat().st_mtime - 5 * 24 * HOUR_S
            os.utime(path, (then, then))


def images(cache: Path) -> set[str]:
    return {f"sha256:{path.name}" for path in (cache / "blobs").rglob("*") if path.is_file()}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(cache: Path) -> Store:
    return Store({"ASSETGEN_CACHE_DIR": str(cache)})


@pytest.fixture
def two_prompts(project: Project, cli: Cli, cache: Path) -> tuple[str, str]:
    """A project whose prompt was changed: the image of the first is named by no lockfile."""
    found = []
    for prompt in ("first", "second"):
        path = project.write("assets.yaml", manifest(prompt))
        report = asyncio.run(Session(path, cli.env).build())
        assert report.exit_code == 0
        found.append(digest_of(project.read_bytes("hero.png")))
    make_old(cache)
    return found[0], found[1]


def test_collecting_lists_what_nothing_names_with_its_price_and_removes_it_only_when_told(
    project: Project,
    cli: Cli,
    openrouter: OpenRouterStandIn,
    cache: Path,
    two_prompts: tuple[str, str],
) -> None:
    first, second = two_prompts
    plain = cli("cache", "collect", "--yes")
    assert (plain.code, plain.err) == (0, "")
    assert plain.out.startswith("nothing to collect\n")
    assert "1 file left that only an earlier lockfile of a known project names" in plain.out
    assert "`--superseded`" in plain.out
    listed = cli("cache", "collect", "--superseded")
    assert (listed.code, listed.err) == (0, "")
    row = listed.out.splitlines()[0]
    assert row.startswith("unneeded  image  " + first[7:19])
    assert "$0.0387" in row
    assert "for bay: hero" in row
    assert "1 file, " in listed.out
    assert f"known project: {project.root}/assets.lock" in listed.out
    assert "nothing is removed yet" in listed.out
    assert images(cache) == {first, second}

    done = cli("cache", "collect", "--superseded", "--yes", "--json").json
    Draft202012Validator(cache_json_schema()).validate(done)
    assert (done["removed"], done["cost_usd"], done["dry_run"]) == (1, 0.0387, False)
    assert done["left"] == {"superseded": 0, "unknown": 0, "kept": 0}
    assert [leftover["key"] for leftover in done["leftovers"]] == [first]
    assert images(cache) == {second}

    # What is gone is not claimed to be here, and not bought again unasked.
    project.write("assets.yaml", manifest("first"))
    held = cli("build")
    assert held.code == 4
    assert "it was bought and its bytes are not on this machine" in held.err
    assert digest_of(project.read_bytes("hero.png")) == second
    assert len(openrouter.generations) == 2
    assert (cache / "ledger.jsonl").read_text().count('"received"') == 2


def test_what_a_lockfile_names_is_kept_by_whatever_name_the_project_has_it(
    store: Store, cache: Path, two_prompts: tuple[str, str], project: Project
) -> None:
    first, second = two_prompts
    assert [left.stored.key for left in store.collect(consents=ALL).leftovers] == [first]
    text = project.read_text("assets.lock")
    for broken in (text[:-10], "<<<<<<< ours\n" + text, ""):
        project.write("assets.lock", broken)
        with pytest.raises(CacheError, match="of a known project cannot be read"):
            store.collect(consents=ALL, yes=True)
    assert images(cache) == {first, second}
    project.write("assets.lock", text)
    project.write(".assetgen/assets.journal", f"{first} {'a' * 64}\n")
    assert store.collect(consents=ALL).leftovers == ()


def test_a_project_that_is_away_protects_everything_until_it_is_forgotten_by_name(
    store: Store, cache: Path, two_prompts: tuple[str, str], project: Project
) -> None:
    shutil.move(project.root, project.root.with_name("moved"))
    with pytest.raises(CacheError) as refused:
        store.collect(consents=ALL, yes=True)
    assert refused.value.hint is not None
    assert f"--forget {project.root}" in refused.value.hint
    with pytest.raises(UsageError, match="not the folder of a known project"):
        store.collect(forget=[str(project.root.parent)], yes=True)
    assert images(cache) == set(two_prompts)
    listed = store.collect(forget=[str(project.root)], consents=["unknown"])
    assert {left.stored.key for left in listed.leftovers} >= set(two_prompts)
    gone = store.collect(forget=[str(project.root)], consents=["superseded"], yes=True)
    assert gone.projects == ()
    assert images(cache) == set(two_prompts)  # it may only have moved
    store.collect(consents=["unknown"], yes=True)
    assert images(cache) == set()


@pytest.mark.parametrize("how", ["moved", "forgotten", "lost registry"])
def test_a_project_that_the_store_does_not_know_loses_nothing_and_its_next_build_tells(
    how: str, cli: Cli, store: Store, two_prompts: tuple[str, str], project: Project
) -> None:
    folder, cache = project.root, Path(store.root)
    assert cli("build").code == 0  # leaves a record that is settled
    if how == "moved":
        folder = project.root.with_name("moved")
        shutil.move(project.root, folder)
        project.root.mkdir()
    if how == "lost registry":
        shutil.rmtree(cache / "projects-v1")
    else:
        store.collect(forget=[str(project.root)], yes=True)
    unaware = store.collect(consents=["superseded"], yes=True)
    assert (unaware.projects, unaware.leftovers) == ((), ())
    assert {left.stored.key for left in unaware.left} == set(two_prompts)
    assert cli("-C", str(folder), "build").code == 0
    assert store.collect().projects == (f"{folder}/assets.lock",)
    assert images(cache) == set(two_prompts)


def test_what_another_branch_names_is_left_without_building_there_first(
    cli: Cli, store: Store, cache: Path, two_prompts: tuple[str, str], project: Project
) -> None:
    first, _ = two_prompts
    (left,) = [one for one in store.collect(yes=True).left if one.stored.kind == "images"]
    assert left.stored.key == first
    assert left.asks == {"superseded"}
    project.write("assets.yaml", manifest("first"))
    assert cli("build").code == 0
    assert digest_of(project.read_bytes("hero.png")) == first
    assert images(cache) == set(two_prompts)


def test_a_first_build_that_is_refused_does_not_stop_collecting(
    project: Project, cli: Cli, store: Store
) -> None:
    project.write("assets.yaml", manifest("first"))
    assert cli("build", "--max-cost", "0.001").code != 0
    assert not project.path("assets.lock").exists()
    assert store.collect().projects == ()


def test_a_lockfile_that_is_missing_beside_its_manifest_stops_only_what_needs_it(
    store: Store, cache: Path, two_prompts: tuple[str, str], project: Project
) -> None:
    project.path("assets.lock").unlink()
    assert store.collect(yes=True, consents=["unknown"]).leftovers == ()
    with pytest.raises(CacheError, match="cannot be read"):
        store.collect(consents=["superseded"])
    assert images(cache) == set(two_prompts)


def test_drafts_go_because_they_are_made_again_free(
    project: Project, cli: Cli, store: Store, cache: Path
) -> None:
    path = project.path("assets.yaml")
    for prompt in ("first", "second"):
        text = manifest(prompt).replace("assets:", "provider: draft\nassets:")
        path = project.write("assets.yaml", text)
        assert asyncio.run(Session(path, cli.env).build()).exit_code == 0
    project.path(".assetgen/assets.journal").unlink(missing_ok=True)
    shutil.rmtree(cache / "projects-v1")  # what a known project had once is another matter
    asyncio.run(Session(path, cli.env).build())
    make_old(cache)
    assert len(images(cache)) == 2
    with LocalCache(str(cache), create=True) as opened:
        stray = opened.blobs.put(picture("the second image of an answer"))
    make_old(cache)
    done = store.collect(yes=True)
    assert len([one for one in done.leftovers if one.stored.kind == "images"]) == 1
    assert [one.stored.key for one in done.left] == [stray]
    assert stray in images(cache)


def test_images_that_are_young_arriving_or_claimed_by_a_build_are_left(
    store: Store, cache: Path, two_prompts: tuple[str, str]
) -> None:
    first, _ = two_prompts
    assert store.collect(consents=ALL, older_than_days=7).leftovers == ()
    assert len(store.collect(consents=ALL, older_than_days=3).leftovers) == 1
    (leftover,) = store.collect(consents=ALL).leftovers
    assert leftover.purchase is not None
    (fingerprint,) = leftover.purchase.fingerprints
    with LocalCache(str(cache), create=True) as opened:
        claim = opened.claims.try_claim(fingerprint)
        assert claim is not None
        with claim:
            busy = store.collect(consents=ALL, yes=True)
    assert (len(busy.leftovers), busy.removed) == (1, frozenset())
    arrival = cache / "incoming" / f"{'b' * 64}.{first[7:]}.{'c' * 32}"
    arrival.write_bytes(b"")
    assert store.collect(consents=ALL).leftovers == ()
    arrival.unlink()
    os.utime(leftover.stored.path)
    assert store.collect(consents=ALL, yes=True).leftovers == ()
    assert first in images(cache)


def test_bytes_of_the_users_own_are_collected_only_when_asked_for(
    store: Store, cache: Path
) -> None:
    with LocalCache(str(cache), create=True) as opened:
        kept = opened.blobs.keep(picture("mine"))
    path = cache / "kept" / kept[7:9] / kept[7:]
    os.utime(path, (1, 1))
    assert store.collect(yes=True).leftovers == ()
    assert [left.stored.key for left in store.collect(consents=["kept"]).leftovers] == [kept]
    assert path.exists()
    store.collect(consents=["kept"], yes=True)
    assert not path.exists()


def test_verifying_sets_damaged_images_aside_and_names_who_has_them(
    cli: Cli, store: Store, cache: Path, two_prompts: tuple[str, str], project: Project
) -> None:
    first, second = two_prompts
    for digest in two_prompts:
        path = cache / "blobs" / digest[7:9] / digest[7:]
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    found = cli("cache", "verify", "--json")
    Draft202012Validator(cache_json_schema()).validate(found.json)
    assert found.code == 1
    damaged = {one["key"]: one for one in found.json["damaged"]}
    assert damaged.keys() == {first, second}
    assert damaged[second]["assets"] == [f"{project.root}/assets.lock: hero"]
    assert (damaged[first]["project"], damaged[first]["asset"]) == ("bay", "hero")
    assert len(list((cache / "damaged").iterdir())) == 2
    assert store.verify().damaged == ()


def test_the_size_says_what_is_where(store: Store, cli: Cli, cache: Path) -> None:
    with LocalCache(str(cache), create=True) as opened:
        opened.blobs.receive(picture("a"), fingerprint="f" * 64, call="c" * 32)
        opened.blobs.keep(picture("b"))
    by_kind = {held.kind: held for held in store.size()}
    size = len(picture("a"))
    assert (by_kind["images"].count, by_kind["images"].size_bytes) == (1, size)
    # The arrival is a second name of the same bytes.
    assert (by_kind["incoming"].count, by_kind["incoming"].size_bytes) == (1, 0)
    assert by_kind["kept"].count == 1
    told = cli("cache", "--json", "size")
    Draft202012Validator(cache_json_schema()).validate(told.json)
    assert told.json["size_bytes"] == sum(held.size_bytes for held in by_kind.values())
    assert told.json["path"] == str(cache)


def test_a_build_of_placeholders_alone_is_no_project_to_wait_for(
    project: Project, cli: Cli, store: Store
) -> None:
    path = project.write("assets.yaml", manifest("first"))
    asyncio.run(Session(path, cli.env).build(Settings(draft=True)))
    assert store.collect().projects == ()


def test_what_was_made_by_hand_and_adopted_is_collected_only_when_asked_for(
    cli: Cli, store: Store, cache: Path, project: Project
) -> None:
    project.write("assets.yaml", manifest("painted"))
    project.write("hero.png", picture("painted"))
    assert cli("adopt", "hero").code == 0
    (adopted,) = images(cache)
    assert digest_of(project.read_bytes("hero.png")) == adopted
    os.utime(cache / "blobs" / adopted[7:9] / adopted[7:], (1, 1))
    project.write("assets.lock", '[{"assetgen-lock": 1}\n]\n')
    assert store.collect(yes=True).leftovers == ()
    assert images(cache) == {adopted}
    (leftover,) = [
        left for left in store.collect(consents=ALL).leftovers if left.stored.key == adopted
    ]
    for consent in ALL:
        assert adopted not in {
            left.stored.key for left in store.collect(consents=[consent]).leftovers
        }
    assert leftover.purchase is not None
    assert leftover.purchase.is_handmade
