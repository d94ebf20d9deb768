"""Money: what may start, what is said before and after, and when it ends."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.inside import Inside
from tests.standin import (
    IMAGE_COST,
    TALK_COST,
    CutBeforeHeaders,
    Image,
    Text,
    picture,
)

if TYPE_CHECKING:
    from tests.conftest import Cli, Completed, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"
UNKNOWN = "acme/painter-9"
PATIENCE_S = 30.0


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


def manifest(count: int, budget: str = "", model: str = GEMINI) -> str:
    """Assets `a`, `b`, … under this budget."""
    names = "abcdefgh"[:count]
    assets = [f"  {n}: {{prompt: {n}, model: {model}, output: art/{n}.png}}\n" for n in names]
    head = f"version: 1\nbudget: {{{budget}}}\n" if budget else "version: 1\n"
    return head + "assets:\n" + "".join(assets)


def statuses(result: Completed) -> list[str]:
    """How the assets came out, sorted."""
    return sorted(event["status"] for event in result.events if event["event"] == "finished")


def event(result: Completed, kind: str) -> Any:
    (found,) = (event for event in result.events if event["event"] == kind)
    return found


@pytest.mark.parametrize("jobs", ["1", "2", "8"])
def test_exactly_as_many_calls_start_as_the_cap_pays_for(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, jobs: str
) -> None:
    project.write("assets.yaml", manifest(5, "per_build: 0.10"))
    result = cli("build", "-j", jobs, "--json")
    assert result.code == 5
    assert len(openrouter.generations) == 2  # 0.10 / 0.0387
    assert statuses(result) == ["generated"] * 2 + ["over-budget"] * 3
    assert result.events[-1]["spent_usd"] == float(openrouter.billed) == 0.0774


def test_a_cap_that_is_met_exactly_is_not_exceeded(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(2, "per_build: 0.0774"))
    assert cli("build").code == 0
    assert len(openrouter.generations) == 2


def test_what_the_cap_left_out_is_named_and_bought_by_the_next_build(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(3, "per_build: 0.10"))
    result = cli("build", "-j", "1")
    assert result.code == 5
    assert "c: about $0.0387 does not fit" in result.err
    assert "$0.10" in result.err
    assert cli("build").code == 0
    assert [request.prompt for request in openrouter.generations] == ["a", "b", "c"]


def test_an_image_that_cost_less_than_estimated_leaves_its_rest_to_the_others(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = Image(cost="0.0100")
    project.write("assets.yaml", manifest(6, "per_build: 0.10"))
    assert cli("build").code == 0
    assert len(openrouter.generations) == 6


def test_the_first_bill_that_reaches_the_cap_is_the_last_and_the_overshoot_is_said(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = Image(cost="0.1500")
    project.write("assets.yaml", manifest(4, "per_build: 0.10"))
    result = cli("build", "-j", "1")
    assert result.code == 5
    assert len(openrouter.generations) == 1
    assert "the bills went $0.05 over the cap" in result.err
    assert "spent $0.15" in result.err
    assert project.path("art/a.png").exists(), "what was paid for was not kept"


def test_calls_in_flight_when_the_bills_turn_out_high_are_kept(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = Image(cost="0.0900")
    project.write("assets.yaml", manifest(4, "per_build: 0.10"))
    result = cli("build", "-j", "4", "--json")
    assert result.code == 5
    assert len(openrouter.generations) == 2
    assert statuses(result) == ["generated"] * 2 + ["over-budget"] * 2
    assert "$0.08 over the cap" in event(result, "warned")["message"]


def test_an_image_above_the_cap_for_one_asset_is_not_started(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    text = manifest(2, "per_asset: 0.05").replace("prompt: a,", "prompt: a, image_size: 4K,")
    pro = "google/gemini-3-pro-image"
    project.write("assets.yaml", text.replace(f"4K, model: {GEMINI}", f"4K, model: {pro}"))
    result = cli("build")
    assert result.code == 5
    assert [request.prompt for request in openrouter.generations] == ["b"]
    assert "a: about $0.24 does not fit the cap of $0.05 for one asset" in result.err


def test_another_attempt_counts_against_the_cap_for_one_asset(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.script(Text("Just words", cost="0.0300"))
    project.write("assets.yaml", manifest(1, "per_asset: 0.05"))
    result = cli("build")
    assert result.code == 5
    assert len(openrouter.generations) == 1
    assert "Just words" in result.err
    assert "spent $0.03" in result.err


def test_max_cost_stands_for_the_cap_of_the_manifest(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(3, "per_build: 0"))
    assert cli("build", "--max-cost", "0.08").code == 5
    assert len(openrouter.generations) == 2
    assert cli("build", "--max-cost", "$1").code == 0
    assert len(openrouter.generations) == 3
    project.write("assets.yaml", manifest(4, "per_build: 100"))
    assert cli("build", "--max-cost", "0").code == 5
    assert len(openrouter.generations) == 3


@pytest.mark.parametrize("amount", ["-1", "much", "", "nan", "inf"])
def test_a_cap_that_is_no_amount_is_a_usage_error(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, amount: str
) -> None:
    project.write("assets.yaml", manifest(1))
    result = cli("build", f"--max-cost={amount}")
    assert result.code == 2
    assert "--max-cost" in result.err
    assert openrouter.requests == []


def test_under_a_cap_of_nothing_what_is_free_is_still_done(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(1))
    assert cli("build").code == 0
    project.path("art/a.png").unlink()
    project.write("assets.yaml", manifest(2, "per_build: 0"))
    project.write("hand/logo.png", picture("logo"))
    with project.path("assets.yaml").open("a") as file:
        file.write("  logo: {source: hand/logo.png, output: logo.webp}\n")
    result = cli("build", "--json")
    assert result.code == 5
    assert statuses(result) == ["derived", "over-budget", "restored"]
    assert len(openrouter.generations) == 1


def test_without_a_cap_there_is_none(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = Image(cost="50")
    project.write("assets.yaml", manifest(3))
    result = cli("build", "-j", "1")
    assert result.code == 0
    assert "no cap" in result.err
    assert "spent $150.00" in result.err


def test_an_image_without_a_known_price_does_not_start_under_a_cap(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest(2, "per_build: 1", UNKNOWN))
    result = cli("build")
    assert result.code == 5
    assert openrouter.generations == []
    for name in "ab":
        assert f"{name}: there is a cap and no price is known" in result.err
    assert "`budget.per_asset`" in result.err


def test_what_one_asset_may_cost_stands_for_a_price_that_is_not_known(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = Image(cost="0.3000")
    project.write("assets.yaml", manifest(5, "per_build: 1, per_asset: 0.30", UNKNOWN))
    result = cli("build", "--json")
    assert result.code == 5
    assert len(openrouter.generations) == 3
    assert statuses(result) == ["generated"] * 3 + ["over-budget"] * 2


def test_an_image_without_a_known_price_is_announced_as_such_and_priced_once_it_was_paid_for(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = Image(cost="0.0500")
    project.write("assets.yaml", manifest(1, model=UNKNOWN))
    assert "price unknown" in cli("plan").out
    result = cli("build")
    assert result.code == 0, result.err
    assert "1 image of unknown price" in result.err
    project.write("assets.yaml", manifest(2, model=UNKNOWN))
    plan = cli("plan", "--json").json
    assert plan["assets"][1]["estimate_usd"] == 0.05
    assert plan["assets"][1]["estimate_basis"] == "earlier bills"


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("", "generating up to 3 images, about $0.1161, no cap"),
        ("per_build: 2.00", "generating up to 3 images, about $0.1161, cap $2.00"),
    ],
)
def test_number_price_and_cap_are_said_in_one_line_before_the_first_call(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, budget: str, said: str
) -> None:
    text = manifest(3, budget)
    project.write("assets.yaml", text.replace("prompt: c", "reference: 'asset:a', prompt: c"))
    openrouter.hold()
    process = cli.outside.start("build")
    assert process.stderr is not None
    assert process.stderr.readline() == f"{said}\n"
    openrouter.release()
    assert cli.outside.finish(process).code == 0


def test_nothing_is_announced_when_nothing_is_bought(project: Project, cli: Inside) -> None:
    project.write("assets.yaml", manifest(1))
    assert cli("build").code == 0
    project.path("art/a.png").unlink()
    assert "generating" not in cli("build").err


def test_plan_estimates_what_build_announces(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    project.write("refs/frame.png", picture("frame"))
    project.write(
        "assets.yaml",
        manifest(2)
        + "  flex: {prompt: x, model: black-forest-labs/flux.2-flex, reference: refs/frame.png,"
        " output: flex.png}\n"
        "  big: {prompt: x, model: google/gemini-3-pro-image, image_size: 4K, output: big.png}\n"
        "  twin: {prompt: a, model: google/gemini-2.5-flash-image, output: twin.png}\n"
        "  side: {prompt: x, model: google/gemini-2.5-flash-image, reference: 'asset:a',"
        " output: side.png}\n"
        f"  new: {{prompt: x, model: {UNKNOWN}, output: new.png}}\n",
    )
    plan = cli("plan", "--json").json
    estimates = {asset["name"]: asset["estimate_usd"] for asset in plan["assets"]}
    assert estimates == {
        "a": 0.0387,
        "b": 0.0387,
        "flex": 0.12,
        "big": 0.24,
        "twin": 0,
        "side": 0.0387,
        "new": None,
    }
    assert all(asset["estimate_basis"] for asset in plan["assets"])
    result = cli("build", "--json")
    assert result.code == 0, result.err
    planned = event(result, "planned")
    for field in ("images", "estimate_usd", "unpriced"):
        assert planned[field] == plan["summary"][field]
    assert planned["images"] == len(openrouter.generations)
    known = [Decimal(str(value)) for value in estimates.values() if value]
    assert Decimal(str(plan["summary"]["estimate_usd"])) == sum(known)


def test_the_plan_takes_the_price_from_earlier_bills(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = Image(cost="0.0421")
    project.write("assets.yaml", manifest(1))
    assert "list price" in cli("plan").out
    assert cli("build").code == 0
    project.write("assets.yaml", manifest(2))
    result = cli("plan")
    assert "about $0.0421" in result.out
    assert "earlier bills" in result.out


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Image(omit_usage=True), id="no usage"),
        pytest.param(Image(cost=None), id="null"),
    ],
)
def test_a_bill_that_is_not_stated_is_unknown_and_counts_as_its_estimate(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, answer: Image
) -> None:
    openrouter.default = answer
    project.write("assets.yaml", manifest(4, "per_build: 0.10"))
    result = cli("build", "-j", "1", "--json")
    assert result.code == 5
    assert len(openrouter.generations) == 2
    assert result.events[-1]["spent_usd"] == 0.0774
    assert result.events[-1]["unknown_bills"] == 2
    costs = [e["cost_usd"] for e in result.events if e.get("status") == "generated"]
    assert costs == [None, None]
    assert [entry["cost_usd"] for entry in project.lock if "name" in entry] == [None, None]
    assert "2 bills unknown and counted by estimate" in cli("build", "-j", "1").err


def test_a_lost_answer_keeps_its_estimate_reserved(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.script(CutBeforeHeaders())
    project.write("assets.yaml", manifest(2, "per_build: 0.10"))
    result = cli("build", "-j", "1", "--json")
    assert result.code == 5
    assert [request.prompt for request in openrouter.generations] == ["a", "a"]
    assert result.events[-1]["spent_usd"] == float(openrouter.billed) == 0.0774
    assert result.events[-1]["unknown_bills"] == 1


def test_a_failure_that_was_billed_counts_against_the_cap(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.script(Text(cost="0.0300"), Text(cost="0.0300"))
    project.write("assets.yaml", manifest(2, "per_build: 0.08"))
    result = cli("build", "-j", "1", "--json")
    assert result.code == 1, "a failed asset comes before the budget"
    assert statuses(result) == ["failed", "over-budget"]
    assert result.events[-1]["spent_usd"] == 0.06


def test_money_is_exact_however_many_small_bills_there_are(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Any
) -> None:
    openrouter.default = Image(cost="0.1")
    openrouter.script(Text())
    project.write("assets.yaml", manifest(3))
    result = cli("build", "-j", "1", "--json")
    assert result.code == 0, result.err
    assert result.events[-1]["spent_usd"] == 0.3004
    lines = (tmp_path / "cache/ledger.jsonl").read_text("utf-8").splitlines()
    bills = [json.loads(line, parse_float=Decimal).get("cost_usd") for line in lines]
    assert sum(bill for bill in bills if bill is not None) == Decimal("0.3") + Decimal(TALK_COST)


def test_a_waiting_asset_whose_image_turns_out_to_be_known_costs_nothing(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    text = manifest(2).replace("prompt: b", "reference: 'asset:a', prompt: b")
    project.write("assets.yaml", text)
    assert cli("build").code == 0
    openrouter.script(Image(data=project.read_bytes("art/a.png")))
    project.write("assets.yaml", text.replace("prompt: a,", "prompt: a lamp,"))
    plan = cli("plan", "--json").json
    assert [asset["verdict"] for asset in plan["assets"]] == ["generate", "wait"]
    assert plan["summary"]["estimate_usd"] == 0.0774
    result = cli("build", "--json")
    assert result.code == 0, result.err
    assert result.events[-1]["spent_usd"] == float(IMAGE_COST)
