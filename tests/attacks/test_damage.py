"""Damage: whatever is cut or flipped in assetgen's own files, nothing is bought for it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from assetgen.cache.actions import DiskActions, ReadOnlyActions
from assetgen.cache.learnt import FileLearnt
from assetgen.cache.ledger import FileLedger
from assetgen.core.digest import Digest
from assetgen.core.lock_text import dump_lock, parse_lock
from assetgen.core.record_kept import parse_record
from assetgen.errors import LockfileError
from assetgen.files.journal import FileJournal
from tests.attacks.support import (
    assert_all_is_well,
    cache_of,
    manifest,
    prompts,
    seeded,
)
from tests.cache.samples import IMAGE, fingerprint, received, result, sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

FREE = {"OPENROUTER_API_KEY": None, "OPENROUTER_BASE_URL": "http://127.0.0.1:9/nowhere"}
"""An environment in which nothing can be bought."""
NAMES = ("a", "b", "c")
DATABASE = "actions-v1/cache.db"


def cut(data: bytes) -> Iterator[bytes]:
    """`data` cut at every byte but its last."""
    for length in range(len(data)):
        yield data[:length]


def flipped(data: bytes) -> Iterator[bytes]:
    """`data` with one bit of each byte flipped, another one from byte to byte."""
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << (5 * place) % 8
        yield bytes(changed)


def tried(data: bytes, attempt: Callable[[bytes], None]) -> int:
    """Try every cut and every flip; how many that were."""
    count = 0
    for damaged in (*cut(data), *flipped(data)):
        try:
            attempt(damaged)
        except Exception as error:
            error.add_note(f"the file was {damaged!r}")
            raise
        count += 1
    return count


# Each reader, at every byte


@dataclass(frozen=True, slots=True)
class Built:
    """A project that was built once, to be damaged."""

    project: Project
    cli: Cli
    openrouter: OpenRouterStandIn

    @property
    def cache(self) -> Path:
        return cache_of(self.cli).root

    def heals(self, *said: str) -> None:
        """The next build buys nothing, says no more of it than `said`, and leaves all well."""
        result = self.cli("build", env=FREE)
        assert result.code == 0, result.err
        *lines, summary = result.err.splitlines()
        assert summary in {"up to date", f"{len(NAMES)} restored"}, result.err
        assert [line for line in lines if not line.startswith("restored ")] == [*said]
        assert result.out == ""
        assert len(prompts(self.openrouter)) == len(NAMES)
        assert_all_is_well(self.project, self.cli, of=len(NAMES))


@pytest.fixture
def built(project: Project, cli: Cli, openrouter: OpenRouterStandIn) -> Built:
    project.write("assets.yaml", manifest(*NAMES))
    assert cli("build").code == 0
    return Built(project, cli, openrouter)


def test_a_record_that_is_cut_or_flipped_anywhere_is_not_believed(
    built: Built, record_property: Callable[[str, object], None]
) -> None:
    data = built.project.read_bytes(".assetgen/assets.record")
    assert parse_record(data) is not None

    def attempt(damaged: bytes) -> None:
        assert parse_record(damaged) is None

    record_property("rounds", tried(data, attempt))


def test_a_lockfile_that_is_cut_anywhere_is_an_error_with_a_way_out(
    built: Built, record_property: Callable[[str, object], None]
) -> None:
    text = built.project.read_text("assets.lock")
    rounds = 0
    for length in range(len(text.rstrip())):
        with pytest.raises(LockfileError) as caught:
            parse_lock(text[:length], "assets.lock")
        assert "--rebuild-lock" in (caught.value.hint or "")
        rounds += 1
    record_property("rounds", rounds)


def test_a_lockfile_with_a_flipped_bit_is_read_or_is_an_error_with_a_way_out(
    built: Built, record_property: Callable[[str, object], None]
) -> None:
    """A lockfile with a flipped bit is an error with a way out, or says something else that a \
person could have written; it is never an unexpected error"""
    rounds = 0
    for damaged in flipped(built.project.read_bytes("assets.lock")):
        rounds += 1
        hint: str | None = "none needed"
        try:
            dump_lock(parse_lock(damaged.decode("utf-8", "replace"), "assets.lock"))
        except LockfileError as error:
            hint = error.hint
        assert hint
    record_property("rounds", rounds)


def test_a_ledger_that_is_cut_or_flipped_anywhere_never_names_a_wrong_image(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    ledger = FileLedger(str(tmp_path), create=True)
    ledger.append(sent(1))
    ledger.append(received(1))
    path, looking = tmp_path / "ledger.jsonl", FileLedger(str(tmp_path), create=False)

    def attempt(damaged: bytes) -> None:
        path.write_bytes(damaged)
        for line in looking.lines():
            assert line.result in {None, result()}
        assert len(looking.unanswered()) <= 1

    record_property("rounds", tried(path.read_bytes(), attempt))


def test_a_journal_that_is_cut_or_flipped_anywhere_loses_a_note_at_most(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    path = tmp_path / ".assetgen/assets.journal"
    journal = FileJournal(str(tmp_path), "assets.journal")
    digests = [Digest(f"sha256:{digit * 64}") for digit in "ab"]
    for digest in digests:
        journal.add({digest: fingerprint(1)})

    def attempt(damaged: bytes) -> None:
        path.write_bytes(damaged)
        assert len(journal.read()) <= len(digests)

    record_property("rounds", tried(path.read_bytes()[:90], attempt))


def test_what_was_learnt_of_models_is_forgotten_rather_than_misread(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    FileLearnt(str(tmp_path), create=True).set("a/b", image_only=True, route="images")
    path = tmp_path / "models.json"

    def attempt(damaged: bytes) -> None:
        path.write_bytes(damaged)
        known = FileLearnt(str(tmp_path), create=False).get("a/b") or {}
        assert known.items() <= {"image_only": True, "route": "images"}.items()

    record_property("rounds", tried(path.read_bytes(), attempt))


@pytest.mark.parametrize(
    "seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 60))]
)
def test_an_action_cache_that_is_cut_or_flipped_anywhere_is_filled_again_from_the_ledger(
    tmp_path: Path, seed: int, record_property: Callable[[str, object], None]
) -> None:
    ledger = FileLedger(str(tmp_path), create=True)
    for number in range(20):
        ledger.append(received(number))
    actions = DiskActions(str(tmp_path), ledger.tail)
    actions.get_many([fingerprint(1)])
    actions.close()
    path, chance = tmp_path / DATABASE, seeded(seed)
    whole = path.read_bytes()
    rounds = 25
    for _ in range(rounds):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        place = chance.randrange(len(whole))
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(whole[:place] if chance.random() < 0.5 else changed)
        actions = DiskActions(str(tmp_path), ledger.tail)
        try:
            found = actions.get_many(map(fingerprint, range(20)))
            assert found == {fingerprint(number): result() for number in range(20)}, place
        finally:
            actions.close()
    record_property("rounds", rounds)


def test_a_row_whose_digest_was_flipped_is_taken_from_the_ledger(tmp_path: Path) -> None:
    ledger = FileLedger(str(tmp_path), create=True)
    ledger.append(received(1))
    actions = DiskActions(str(tmp_path), ledger.tail)
    assert actions.get_many([fingerprint(1)]) == {fingerprint(1): result()}
    actions.close()
    wrong = result(IMAGE + b"x").image
    with sqlite3.connect(tmp_path / DATABASE) as database:
        database.execute("UPDATE Cache SET value = replace(value, ?, ?)", (result().image, wrong))
    database.close()
    actions = DiskActions(str(tmp_path), ledger.tail)
    try:
        assert actions.get_many([fingerprint(1)]) == {fingerprint(1): result()}
    finally:
        actions.close()


def test_a_row_that_is_gone_without_a_sign_is_taken_from_the_ledger(tmp_path: Path) -> None:
    ledger = FileLedger(str(tmp_path), create=True)
    ledger.append(received(1))
    actions = DiskActions(str(tmp_path), ledger.tail)
    assert actions.get_many([fingerprint(1)]) == {fingerprint(1): result()}
    actions.close()
    with sqlite3.connect(tmp_path / DATABASE) as database:
        database.execute("DELETE FROM Cache WHERE key = ?", (fingerprint(1),))
    database.close()
    looking = ReadOnlyActions(str(tmp_path), ledger.tail)
    assert looking.get_many([fingerprint(1)]) == {fingerprint(1): result()}
    actions = DiskActions(str(tmp_path), ledger.tail)
    try:
        assert actions.get_many([fingerprint(1)]) == {fingerprint(1): result()}
    finally:
        actions.close()


# Through the command


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbled(path: Path) -> None:
    path.write_bytes(seeded(1).randbytes(2000))


def from_a_newer_version(path: Path) -> None:
    path.write_text("assetgen-something 99\n{" + json.dumps({"version": 99}) + "}\n")


every_harm = pytest.mark.parametrize(
    "harm",
    [
        halved,
        *(
            pytest.param(harm, marks=pytest.mark.slow)
            for harm in (emptied, garbled, from_a_newer_version)
        ),
    ],
)


@every_harm
def test_everything_but_the_lockfile_heals_silently_at_once(
    built: Built, harm: Callable[[Path], None]
) -> None:
    """Record, journal, action cache and `models.json` damaged all at once, with the outputs gone, \
heal silently and for free"""
    shutil.rmtree(built.project.path("art"))
    for path in (
        built.project.path(".assetgen/assets.record"),
        built.project.path(".assetgen/assets.journal"),
        built.cache / DATABASE,
        built.cache / "models.json",
        built.cache / "ledger.checked",
    ):
        if path.exists():
            harm(path)
    built.heals()


@every_harm
def test_a_damaged_ledger_costs_nothing_that_the_lockfile_knows(
    built: Built, harm: Callable[[Path], None]
) -> None:
    """A damaged ledger costs nothing that the lockfile knows, and heals silently; but calls of
    which only the answer was lost are told, because nobody knows their bills any more"""
    shutil.rmtree(built.project.path("art"))
    harm(built.cache / "ledger.jsonl")
    lines = cache_of(built.cli).ledger()
    unanswered = {line["call"] for line in lines if line["event"] == "sent"}
    unanswered -= {line["call"] for line in lines if line["event"] == "received"}
    told = [
        f"warning: {len(unanswered)} earlier calls have no answer on record and may have been "
        "billed; see `assetgen costs`"
    ]
    built.heals(*(told if unanswered else []))
    built.project.path(".assetgen/assets.record").unlink()
    built.heals()


@every_harm
def test_a_damaged_lockfile_stops_the_build_and_is_rebuilt_for_free(
    built: Built, harm: Callable[[Path], None]
) -> None:
    harm(built.project.path("assets.lock"))
    stopped = built.cli("build", env=FREE)
    assert stopped.code == 2
    assert "assets.lock" in stopped.err
    assert "--rebuild-lock" in stopped.err
    mended = built.cli("build", "--rebuild-lock", env=FREE)
    assert mended.code == 0, mended.err
    built.heals()
