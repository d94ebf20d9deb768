"""What of the store nobody needs, decided from plain values."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from assetgen.core.digest import Digest, digest_of
from assetgen.core.ledger import LedgerLine
from assetgen.core.lock import Lock, LockEntry
from assetgen.core.needs import Needs, needs_of
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.store import (
    Consent,
    Known,
    Stored,
    cost_of,
    divided,
    idle_inputs,
    leftovers,
    purchases_of,
)

NEEDED, OTHER, OUTPUT, JOURNALLED = (digest_of(text) for text in (b"1", b"2", b"3", b"4"))
NOW = 1_000_000.0


def stored(
    key: str, kind: Literal["images", "kept", "inputs"] = "images", written_at: float = 0
) -> Stored:
    return Stored(kind, key, f"/cache/{kind}/{key}", 10, written_at)


def received(image: Digest, fingerprint: str, cost_usd: Decimal | None) -> LedgerLine:
    info = ImageInfo(format="png", width_px=1, height_px=1)
    return LedgerLine(
        event="received",
        call="c" * 32,
        at="2026-11-01T10:00:00Z",
        fingerprint=fingerprint,
        key_scheme=1,
        asset="hero",
        model="some/model",
        cost_usd=cost_usd,
        result=ActionResult(image=image, info=info),
    )


def lock() -> Lock:
    info = ImageInfo(format="png", width_px=1, height_px=1)
    entry = LockEntry(
        name="hero",
        output="hero.webp",
        digest=OUTPUT,
        fingerprint="f" * 64,
        inputs={},
        result=ActionResult(image=NEEDED, info=info),
    )
    return Lock(entries={"hero": entry})


def found(*files: Stored, needs: Needs, lines: tuple[LedgerLine, ...] = ()) -> set[str]:
    known, purchases = Known(needs, free=frozenset({OTHER, OUTPUT, NEEDED})), purchases_of(lines)
    agreed: frozenset[Consent] = frozenset({"unknown"})
    going, _ = divided(leftovers(files, known, purchases, before=NOW), agreed)
    going += idle_inputs(files, known, purchases, going, before=NOW)
    return {leftover.stored.key for leftover in going}


def test_image_output_and_inputs_of_a_lockfile_and_of_the_journal_are_needed() -> None:
    needs = needs_of(lock(), {JOURNALLED: "a" * 64})
    files = [*map(stored, (NEEDED, OUTPUT, JOURNALLED, OTHER))]
    files += [stored(key * 64, "inputs") for key in "fae"]
    assert found(*files, needs=needs) == {OTHER, "e" * 64}


def test_an_orphan_of_a_lockfile_is_needed_until_it_is_cleaned() -> None:
    orphans = {entry.output: entry for entry in lock().entries.values()}
    assert found(stored(NEEDED), needs=needs_of(Lock(orphans=orphans), {})) == set()


def test_the_inputs_of_an_image_that_stays_stay() -> None:
    needs = Needs(digests=frozenset({NEEDED}))
    lines = (received(NEEDED, "b" * 64, None),)
    assert found(stored("b" * 64, "inputs"), needs=needs, lines=lines) == set()


def test_the_image_bought_for_inputs_that_are_named_is_needed() -> None:
    needs = Needs(fingerprints=frozenset({"b" * 64}))
    assert found(stored(OTHER), needs=needs, lines=(received(OTHER, "b" * 64, None),)) == set()


def test_what_was_written_a_moment_ago_is_left() -> None:
    assert found(stored(OTHER, written_at=NOW), needs=Needs()) == set()


def test_the_dearest_comes_first_and_unknown_bills_are_counted_apart() -> None:
    lines = (
        received(OTHER, "b" * 64, Decimal("0.10")),
        received(OTHER, "b" * 64, Decimal("0.20")),
        received(NEEDED, "a" * 64, None),
    )
    both = [stored(NEEDED), stored(OTHER)]
    left = leftovers(both, Known(Needs()), purchases_of(lines), before=NOW)
    assert [leftover.stored.key for leftover in left] == [OTHER, NEEDED]
    assert cost_of(left) == (Decimal("0.30"), 1)


@pytest.mark.parametrize(
    ("known", "is_bought", "asks"),
    [
        pytest.param(Known(Needs(), free=frozenset({OTHER})), False, set(), id="free"),
        pytest.param(Known(Needs()), False, {"unknown"}, id="nobody knows how it was made"),
        pytest.param(Known(Needs()), True, {"unknown"}, id="bought, for nobody known"),
        pytest.param(
            Known(Needs(), free=frozenset({OTHER})), True, {"unknown"}, id="bought is never free"
        ),
        pytest.param(
            Known(Needs(), past=Needs(frozenset({OTHER}))), True, {"superseded"}, id="had once"
        ),
        pytest.param(
            Known(Needs(), past=Needs(fingerprints=frozenset({"b" * 64}))),
            True,
            {"superseded"},
            id="another take of what it had once",
        ),
        pytest.param(
            Known(Needs(), past=Needs(frozenset({OTHER})), elsewhere=Needs(frozenset({OTHER}))),
            True,
            {"superseded", "unknown"},
            id="had once, and by a project that was forgotten",
        ),
    ],
)
def test_not_to_know_who_needs_an_image_is_no_reason_to_collect_it(
    known: Known, is_bought: bool, asks: set[Consent]
) -> None:
    lines = (received(OTHER, "b" * 64, Decimal("0.1")),) if is_bought else ()
    (left,) = leftovers([stored(OTHER)], known, purchases_of(lines), before=NOW)
    assert left.asks == asks
    agreed: frozenset[Consent] = frozenset(asks)
    assert divided([left], agreed) == ([left], [])
    if asks:
        assert divided([left], frozenset()) == ([], [left])
