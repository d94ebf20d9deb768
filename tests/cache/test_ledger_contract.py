"""What every ledger promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assetgen.cache.ledger import FileLedger
from assetgen.core.value import replace
from tests.cache.samples import call, fingerprint, received, result, sent
from tests.memory import MemoryLedger

if TYPE_CHECKING:
    from pathlib import Path

    from assetgen.core.ports import Ledger


@pytest.fixture(params=["memory", "file"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    return FileLedger(str(tmp_path / "cache"), create=True)


def test_a_new_ledger_is_empty(ledger: Ledger) -> None:
    assert list(ledger.lines()) == []


def test_lines_come_back_as_they_were_oldest_first(ledger: Ledger) -> None:
    lines = [
        sent(1),
        replace(sent(1), event="failed", outcome="429\nslow down", may_be_billed=True),
        sent(2),
        received(2),
        replace(received(3), event="recovered", cost_usd=None, estimate_usd=None, size=""),
        replace(received(3), event="chosen", cost_usd=None, estimate_usd=None, size=""),
    ]
    for line in lines:
        ledger.append(line)
    assert list(ledger.lines()) == lines


def test_an_unknown_bill_is_not_a_bill_of_nothing(ledger: Ledger) -> None:
    ledger.append(replace(received(1), cost_usd=None, result=replace(result(), cost_usd=None)))
    (line,) = ledger.lines()
    assert line.cost_usd is None
    assert line.result is not None
    assert line.result.cost_usd is None


def test_lines_can_be_read_while_more_are_added(ledger: Ledger) -> None:
    ledger.append(sent(1))
    lines = iter(ledger.lines())
    assert next(lines).call == call(1)
    ledger.append(sent(2))
    assert [line.fingerprint for line in ledger.lines()] == [fingerprint(1), fingerprint(2)]
