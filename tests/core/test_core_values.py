from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetgen.core.catalogue import ModelFacts, ModelTable, Price
from assetgen.core.decision import Decision, Hold, Verdict, total
from assetgen.core.digest import digest_of, parse_digest, short
from assetgen.core.events import (
    Done,
    Event,
    Finished,
    Planned,
    Retrying,
    Started,
    Warned,
    event_json,
)
from assetgen.core.ledger import LedgerLine
from assetgen.core.model import Asset, Generate, Parameters
from assetgen.core.money import format_usd, json_usd, parse_usd
from assetgen.core.pointer import pointed_digest
from assetgen.core.price import FREE, Estimate, estimate, history_of, price_key
from assetgen.core.report import Outcome, Plan, Report, Status, plan_json
from assetgen.core.value import replace
from tests.fakes import AT, MODEL, generated, project_of
from tests.properties import LAWFUL


class TestMoney:
    @pytest.mark.parametrize(
        ("value", "amount"),
        [
            (Decimal("0.0387"), "0.0387"),
            (2, "2"),
            ("0.10", "0.1"),
            (0, "0"),
        ],
    )
    def test_amounts_are_decimal(self, value: object, amount: str) -> None:
        assert parse_usd(value) == Decimal(amount)

    @pytest.mark.parametrize(
        "value",
        [0.1, True, None, "", "abc", "NaN", "sNaN", "Infinity", -1, "-0.01", [], Decimal("NaN")],
    )
    def test_what_is_no_amount_is_none(self, value: object) -> None:
        assert parse_usd(value) is None

    @pytest.mark.parametrize("value", ["1e19", "1e30", "1e400", 10**40, Decimal(10) ** 20])
    def test_an_amount_is_refused_or_can_be_written(self, value: object) -> None:
        amount = parse_usd(value)
        if amount is not None:
            json.dumps(json_usd(amount))
            format_usd(amount)

    @LAWFUL
    @given(st.decimals(0, 99_999, places=10))
    def test_json_says_exactly_the_amount(self, amount: Decimal) -> None:
        text = json.dumps(json_usd(amount))
        assert json.loads(text, parse_float=Decimal) == amount

    def test_json_of_an_unknown_amount_is_null(self) -> None:
        assert json_usd(None) is None

    @pytest.mark.parametrize(
        ("amount", "text"),
        [
            ("1.2", "$1.20"),
            ("0.0387", "$0.0387"),
            ("0", "$0.00"),
            ("10", "$10.00"),
            ("0.1000000", "$0.10"),
            ("0.0000004", "$0.00"),
            ("1234.5", "$1234.50"),
        ],
    )
    def test_people_read_at_least_two_places_and_no_idle_zeros(
        self, amount: str, text: str
    ) -> None:
        assert format_usd(Decimal(amount)) == text

    def test_people_read_that_an_amount_is_unknown(self) -> None:
        assert format_usd(None) == "unknown"


class TestDigest:
    def test_is_written_with_its_algorithm(self) -> None:
        assert digest_of(b"") == (
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "sha256:",
            "md5:" + "a" * 64,
            "sha256:" + "A" * 64,
            "sha256:" + "a" * 63,
            "sha256:" + "a" * 64 + "\n",
            None,
            1,
        ],
    )
    def test_what_is_not_written_like_one_is_none(self, text: object) -> None:
        assert parse_digest(text) is None

    def test_is_short_for_people(self) -> None:
        assert short(digest_of(b"")) == "e3b0c44298fc"


POINTED = digest_of(b"image")
POINTER = f"version https://git-lfs.github.com/spec/v1\noid {POINTED}\nsize 5\n".encode()


class TestPointer:
    def test_stands_for_the_bytes_it_names(self) -> None:
        assert pointed_digest(POINTER) == POINTED

    def test_may_have_extensions(self) -> None:
        first, rest = POINTER.split(b"\n", 1)
        extension = b"\next-0-foo sha256:" + b"1" * 64 + b"\n"
        assert pointed_digest(first + extension + rest) == POINTED

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            POINTER[:-1],
            POINTER + b"more\n",
            b"\n" + POINTER,
            POINTER.replace(b"sha256:", b"md5:"),
            POINTER.replace(b"v1", b"v2"),
            POINTER.replace(b"\n", b"\r\n"),
            POINTER.replace(b"size 5", b"size -5"),
            POINTER.replace(b"size 5", b"size " + b"5" * 2000),
            b"\x89PNG\r\n\x1a\n" + POINTER,
        ],
    )
    def test_is_nothing_but_what_the_specification_says(self, data: bytes) -> None:
        assert pointed_digest(data) is None


# Prices


def action_of(asset: Asset) -> Generate:
    assert isinstance(asset.action, Generate)
    return asset.action


def priced(price: Price | None) -> ModelTable:
    return ModelTable(date="2026-09-30", models={MODEL: ModelFacts(id=MODEL, price=price)})


def bill(
    cost: str | None, model: str = MODEL, size: str = "//0", event: str = "received"
) -> LedgerLine:
    return LedgerLine(
        event=event,  # type: ignore[arg-type]
        call="0" * 32,
        at=AT,
        fingerprint="f" * 64,
        key_scheme=1,
        asset="hero",
        model=model,
        size=size,
        cost_usd=Decimal(cost) if cost is not None else None,
    )


HERO = action_of(generated("hero"))
BIG = action_of(
    generated("hero", "x", "a.png", "b.png", parameters=Parameters(image_size="2K", quality="high"))
)
LIST = Price(
    per_image_usd={"": Decimal("0.04"), "2K": Decimal("0.10")},
    per_reference_usd=Decimal("0.01"),
    basis="list, 2026-09-30",
)


class TestPrice:
    def test_depends_on_size_quality_and_references(self) -> None:
        assert price_key(HERO) == "//0"
        assert price_key(BIG) == "2K/high/2"

    def test_comes_from_earlier_bills_before_any_list(self) -> None:
        history = history_of([bill("0.03")])
        assert estimate(HERO, priced(LIST), history) == Estimate(Decimal("0.03"), "earlier bills")

    def test_comes_from_the_list_for_the_size_with_its_references(self) -> None:
        assert estimate(BIG, priced(LIST), {}) == Estimate(
            Decimal("0.12"), "list price: list, 2026-09-30"
        )

    def test_of_a_size_that_is_not_listed_is_that_of_the_model(self) -> None:
        other = replace(HERO, parameters=Parameters(image_size="4K"))
        assert estimate(other, priced(LIST), {}).usd == Decimal("0.04")

    @pytest.mark.parametrize(
        ("table", "basis"),
        [
            (priced(None), "no price is known for this model"),
            (ModelTable(date="2026-09-30"), "no price is known for this model"),
            (priced(Price({"2K": Decimal(1)})), "no price is known for this size"),
        ],
    )
    def test_that_nobody_knows_is_unknown_and_says_so(self, table: ModelTable, basis: str) -> None:
        assert estimate(HERO, table, {}) == Estimate(None, basis)

    def test_of_nothing_is_a_price_too(self) -> None:
        small = replace(HERO, parameters=Parameters(image_size="1K"))
        free = Price({"1K": Decimal(0), "": Decimal("0.04")})
        assert estimate(small, priced(free), {}).usd == 0
        assert estimate(small, priced(Price({"1K": Decimal(0)})), {}).usd == 0

    def test_is_the_upper_median_of_the_last_ten_bills(self) -> None:
        lines = [bill("9")] * 5 + [bill("0.01")] * 5 + [bill("0.02")] * 5
        assert history_of(lines) == {(MODEL, "//0"): Decimal("0.02")}

    def test_learns_nothing_from_free_unknown_or_failed_answers(self) -> None:
        lines = [bill("0"), bill(None), bill("5", event="failed"), bill("5", event="sent")]
        assert history_of(lines) == {}

    def test_is_told_apart_by_model_and_size(self) -> None:
        lines = [bill("1"), bill("2", model="other"), bill("3", size="2K//0")]
        assert history_of(lines) == {
            (MODEL, "//0"): 1,
            ("other", "//0"): 2,
            (MODEL, "2K//0"): 3,
        }


# Reports


def outcome(status: Status, *, usable: bool = True) -> Outcome:
    return Outcome(
        name=status.value, status=status, output="art/x.png", leaves_output_usable=usable
    )


class TestExitCode:
    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (Status.KEPT, 0),
            (Status.RESTORED, 0),
            (Status.DERIVED, 0),
            (Status.GENERATED, 0),
            (Status.DRAFTED, 0),
            (Status.HELD, 0),
            (Status.FAILED, 1),
            (Status.OVER_BUDGET, 5),
            (Status.STALE, 4),
        ],
    )
    def test_of_one_asset(self, status: Status, code: int) -> None:
        assert Report((outcome(status),)).exit_code == code

    def test_of_a_held_asset_without_its_output(self) -> None:
        assert Report((outcome(Status.HELD, usable=False),)).exit_code == 4

    def test_of_a_run_that_was_stopped(self) -> None:
        assert Report((outcome(Status.STOPPED),), stopped_by="the key is not valid").exit_code == 1

    def test_of_nothing(self) -> None:
        assert Report(()).exit_code == 0

    def test_of_several_reasons_is_the_most_urgent(self) -> None:
        stale, budget, failed = map(outcome, (Status.STALE, Status.OVER_BUDGET, Status.FAILED))
        assert (
            Report((stale, budget, failed), was_interrupted=True, stopped_by="x").exit_code == 130
        )
        assert Report((stale, budget, failed)).exit_code == 1
        assert Report((stale, budget)).exit_code == 5
        assert Report((stale, outcome(Status.KEPT))).exit_code == 4


def decision(name: str, verdict: Verdict, **fields: object) -> Decision:
    values: dict[str, object] = {
        "asset": generated(name),
        "verdict": verdict,
        "reason": f"because of {name}",
        **fields,
    }
    return Decision(**values)  # type: ignore[arg-type]


def plan_of(*decisions: Decision) -> Plan:
    return Plan(project=project_of(*(d.asset for d in decisions)), decisions=decisions)


class TestPlan:
    def test_json_says_verdicts_reasons_and_prices(self) -> None:
        plan = plan_of(
            decision("a", Verdict.KEEP),
            decision("b", Verdict.GENERATE, estimate=Estimate(Decimal("0.04"), "list price: x")),
            decision("c", Verdict.GENERATE, estimate=Estimate(None, "unknown")),
            decision("d", Verdict.GENERATE, estimate=FREE, shares_with="b"),
            decision("e", Verdict.HOLD, hold=Hold.PINNED),
        )
        assert json.loads(json.dumps(plan_json(plan))) == {
            "version": 1,
            "assets": [
                {
                    "name": name,
                    "kind": "asset",
                    "verdict": verdict,
                    "reason": f"because of {name}",
                    "output": f"art/{name}.png",
                    "estimate_usd": usd,
                    "estimate_basis": basis,
                }
                for name, verdict, usd, basis in [
                    ("a", "keep", 0, "free"),
                    ("b", "generate", 0.04, "list price: x"),
                    ("c", "generate", None, "unknown"),
                    ("d", "generate", 0, "free"),
                    ("e", "hold", 0, "free"),
                ]
            ],
            "summary": {
                "assets": 5,
                "products": 0,
                "keep": 1,
                "restore": 0,
                "generate": 3,
                "derive": 0,
                "wait": 0,
                "hold": 1,
                "images": 2,
                "estimate_usd": 0.04,
                "unpriced": 1,
                "orphans": [],
            },
        }

    def test_sum_is_what_would_be_bought(self) -> None:
        price = Estimate(Decimal("0.04"), "x")
        decisions = [
            decision("a", Verdict.GENERATE, estimate=price),
            decision("b", Verdict.WAIT, estimate=price),
            decision("c", Verdict.GENERATE, estimate=Estimate(None, "x")),
            decision("d", Verdict.GENERATE, estimate=price, is_draft=True),
            decision("e", Verdict.GENERATE, estimate=price, shares_with="a"),
            decision("f", Verdict.RESTORE, estimate=price),
        ]
        assert total(decisions) == (Decimal("0.08"), 1)

    @pytest.mark.parametrize(
        ("made", "is_up_to_date"),
        [
            (decision("a", Verdict.KEEP), True),
            (decision("a", Verdict.HOLD, hold=Hold.PINNED), True),
            (decision("a", Verdict.HOLD, hold=Hold.EDITED), True),
            (decision("a", Verdict.HOLD, hold=Hold.NOT_HERE), False),
            (decision("a", Verdict.HOLD, hold=Hold.BLOCKED), False),
            (decision("a", Verdict.RESTORE), False),
            (decision("a", Verdict.WAIT), False),
        ],
    )
    def test_is_up_to_date_when_a_build_would_find_nothing_to_do(
        self, made: Decision, is_up_to_date: bool
    ) -> None:
        assert plan_of(decision("k", Verdict.KEEP), made).is_up_to_date is is_up_to_date


# Events

EVENTS: list[tuple[Event, dict[str, object]]] = [
    (
        Planned(
            assets=3,
            images=2,
            estimate_usd=Decimal("0.08"),
            unpriced=1,
            cap_usd=Decimal("0.10"),
            left_usd=Decimal("0.0226"),
            is_paid=True,
        ),
        {
            "event": "planned",
            "assets": 3,
            "images": 2,
            "estimate_usd": 0.08,
            "unpriced": 1,
            "cap_usd": 0.1,
            "left_usd": 0.0226,
            "is_paid": True,
        },
    ),
    (Started("hero", "generate"), {"event": "started", "name": "hero", "verdict": "generate"}),
    (
        Retrying(
            name="hero",
            attempt=1,
            delay_s=0.5,
            message="busy",
            may_be_billed=True,
            cost_usd=Decimal("0.0387"),
        ),
        {
            "event": "retrying",
            "name": "hero",
            "attempt": 1,
            "delay_s": 0.5,
            "message": "busy",
            "may_be_billed": True,
            "cost_usd": 0.0387,
        },
    ),
    (Warned(None, "x"), {"event": "warned", "name": None, "message": "x"}),
    (
        Finished(
            name="hero",
            status="generated",
            output="art/hero.png",
            message="",
            hint=None,
            cost_usd=Decimal("0.0387"),
            seconds=1.5,
        ),
        {
            "event": "finished",
            "name": "hero",
            "status": "generated",
            "output": "art/hero.png",
            "message": "",
            "hint": None,
            "cost_usd": 0.0387,
            "seconds": 1.5,
        },
    ),
    (
        Done(exit_code=0, counts={"kept": 1}, spent_usd=Decimal(0), unknown_bills=0),
        {
            "event": "done",
            "exit_code": 0,
            "counts": {"kept": 1},
            "spent_usd": 0,
            "unknown_bills": 0,
        },
    ),
]


@pytest.mark.parametrize(("event", "document"), EVENTS, ids=lambda value: type(value).__name__)
def test_an_event_is_one_line_of_json(event: Event, document: dict[str, object]) -> None:
    assert json.loads(json.dumps(event_json(event))) == document
