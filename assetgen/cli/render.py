"""Plain text for people: errors with place and caret, lines about assets, sums of money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.printable import printable
from assetgen.core.decision import Verdict, total
from assetgen.core.events import (
    Broken,
    Done,
    Finished,
    Planned,
    Retrying,
    Round,
    Started,
    Stored,
    Warned,
)
from assetgen.core.model import Generate
from assetgen.core.money import format_usd
from assetgen.errors import AssetgenError, ManifestFaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from assetgen.core.events import Event
    from assetgen.core.report import AnyDecision, Plan
    from assetgen.errors import Location

_LONG_LINE = 120
_MOST_NAMES = 4


def render_error(error: AssetgenError) -> str:
    """An error as the user sees it, ending in a newline; faults of a manifest one after another."""
    if isinstance(error, ManifestFaults):
        blocks = [render_error(fault) for fault in error.faults]
        return "\n".join(blocks) + (f"\nerror: {error.what}\n" if len(blocks) > 1 else "")
    lines = [f"error: {printable(error.what)}"]
    if error.where is not None:
        where = error.where
        path = f"  ({printable(where.path)})" if where.path else ""
        lines.append(f"  --> {printable(str(where))}{path}")
        if where.source_line:
            lines += _excerpt(where)
    if error.hint:
        lines.append(f"hint: {printable(error.hint)}")
    return "\n".join(lines) + "\n"


def _excerpt(where: Location) -> list[str]:
    """The line with a caret below; of a long line, the part around the place."""
    number, start = str(where.line), 0
    source = printable(where.source_line.replace("\t", " "))
    if len(source) > _LONG_LINE:
        start = max(0, where.column - 1 - _LONG_LINE // 2)
        source = source[start : start + _LONG_LINE]
    length = min(max(1, where.length), len(source) - (where.column - 1 - start))
    caret = " " * (where.column - 1 - start) + "^" * max(1, length)
    return [f"{number} | {source}", f"{' ' * len(number)} | {caret}"]


def render_table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Rows in aligned columns, never wrapped or shortened."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def plan_lines(plan: Plan, *, is_paid: bool) -> Iterable[str]:
    """What `plan` says: a line for each asset that is not simply up to date, then the sum."""
    rows = [
        [
            decision.verdict.value,
            decision.name,
            printable(decision.output),
            price_of(decision) if is_paid else "",
            printable(decision.reason),
        ]
        for decision in plan.everything
        if decision.verdict is not Verdict.KEEP
    ]
    yield from render_table(rows)
    if rows:
        yield ""
    yield plan_summary(plan, is_paid=is_paid)
    if is_paid:
        yield from price_lines(plan)
    for entry in plan.orphans:
        yield f"orphan: {printable(entry.output)} was made for `{entry.name}` and nothing needs it"


def price_of(decision: AnyDecision) -> str:
    """`about $0.04`, `up to $0.04`, `free`, or that no price is known."""
    if not decision.is_purchase:
        return "free" if decision.is_work else ""
    if decision.estimate.usd is None:
        return "price unknown"
    if not decision.estimate.usd:
        return "free"
    words = "up to" if decision.verdict is Verdict.WAIT else "about"
    return f"{words} {format_usd(decision.estimate.usd)}"


_SUMMARY_WORDS = {
    Verdict.GENERATE: "to generate",
    Verdict.WAIT: "waiting for another image",
    Verdict.DERIVE: "to derive",
    Verdict.RESTORE: "to restore",
    Verdict.HOLD: "held",
    Verdict.KEEP: "up to date",
}


def plan_summary(plan: Plan, *, is_paid: bool) -> str:
    """One line: how many assets of each verdict, and the price."""
    counts = plan.counts()
    parts = [f"{counts[v.value]} {words}" for v, words in _SUMMARY_WORDS.items() if counts[v.value]]
    text = ", ".join(parts) or "no assets"
    known, unpriced = total(plan.decisions)
    if is_paid and any(decision.is_purchase for decision in plan.decisions):
        text += f"; {_price(known, unpriced)}"
    return text


def price_lines(plan: Plan) -> Iterable[str]:
    """On what ground each model's price is said."""
    bases = {
        decision.asset.action.model: decision.estimate.basis
        for decision in plan.decisions
        if decision.is_purchase and isinstance(decision.asset.action, Generate)
    }
    for model, basis in sorted(bases.items()):
        yield f"price of {printable(model)}: {basis}"


def event_line(event: Event) -> str | None:
    """One line about an event, or None where there is nothing to say."""
    match event:
        case Planned():
            return _planned_line(event)
        case Started():
            return None
        case Retrying():
            text = f"retrying {event.name} in {event.delay_s:.1f} s: "
            return text + printable(event.message) + _billed(event)
        case Warned():
            about = f"{event.name}: " if event.name else ""
            return f"warning: {about}{printable(event.message)}"
        case Finished():
            return _finished_line(event)
        case Done():
            return _done_line(event)
        case Stored():
            price = f"  {format_usd(event.cost_usd)}" if event.cost_usd != 0 else ""
            return f"stored {event.name}  for a round that a change ended{price}"
        case Broken():
            return "\n".join(render_error(fault) for fault in event.faults).removesuffix("\n")
        case Round():
            return _round_line(event)


def goodbye_line(event: Done) -> str:
    """The last line of a watch."""
    return "stopped" + _spent(event)


def _planned_line(event: Planned) -> str:
    images = counted(event.images, "image")
    if not event.is_paid:
        return f"drawing up to {images}, free"
    cap = f"cap {format_usd(event.cap_usd)}" if event.cap_usd is not None else "no cap"
    if event.cap_usd is not None and event.left_usd not in {None, event.cap_usd}:
        cap = f"{format_usd(event.left_usd)} left of the cap of {format_usd(event.cap_usd)}"
    return f"generating up to {images}, {_price(event.estimate_usd, event.unpriced)}, {cap}"


def _billed(event: Retrying) -> str:
    if event.cost_usd:
        return f"; it cost {format_usd(event.cost_usd)}"
    return "; the call may be billed" if event.may_be_billed else ""


def _finished_line(event: Finished) -> str:
    bad = event.status in {"failed", "blocked", "over-budget"}
    if bad or event.status in {"held", "stale", "stopped"}:
        word = "error" if bad else event.status
        text = f"{word}: {event.name}: {printable(event.message)}"
        if event.cost_usd is None or event.cost_usd:
            text += f" (cost: {format_usd(event.cost_usd)})"
        return f"{text}\nhint: {printable(event.hint)}" if event.hint else text
    price = f"  {format_usd(event.cost_usd)}" if event.cost_usd != 0 else ""
    return f"{event.status} {event.name}  {printable(event.output)}{price}  {event.seconds:.1f} s"


def _done_line(event: Done) -> str:
    if set(event.counts) <= {"kept"}:
        return "up to date"
    return _counts(event.counts) + _spent(event)


def _counts(counts: Mapping[str, int]) -> str:
    if set(counts) <= {"kept"}:
        return "up to date"
    parts = [f"{count} {status}" for status, count in counts.items() if status != "kept"]
    if kept := counts.get("kept", 0):
        parts.append(f"{kept} up to date")
    return ", ".join(parts)


def _spent(event: Done) -> str:
    text = ""
    if event.spent_usd or event.unknown_bills:
        text += f"; spent {format_usd(event.spent_usd)}"
    if event.unknown_bills:
        text += f", {counted(event.unknown_bills, 'bill')} unknown and counted by estimate"
    return text


def _round_line(event: Round) -> str:
    text = f"round {event.number}: "
    if event.changed:
        text += f"{_few(event.changed)} changed; "
    text += _counts(event.counts)
    if event.spent_usd:
        text += f"; spent {format_usd(event.spent_usd)}"
        if event.spent_usd != event.session_usd:
            text += f", {format_usd(event.session_usd)} in all"
    if event.held:
        text += f"; held: {_few(event.held)}"
    if event.orphans:
        text += f"; nothing needs {_few(event.orphans)} any more"
    return text


def _few(names: Sequence[str]) -> str:
    """The first names, and how many more there are: a branch switch changes hundreds."""
    shown = ", ".join(printable(name) for name in names[:_MOST_NAMES])
    hidden = len(names) - _MOST_NAMES
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def _price(known: Decimal, unpriced: int) -> str:
    """`about $0.12`, and how many images are not in it."""
    parts = [f"about {format_usd(known)}"] if known or not unpriced else []
    if unpriced:
        parts.append(f"{counted(unpriced, 'image')} of unknown price")
    return " and ".join(parts)


def counted(number: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def format_bytes(size: int) -> str:
    """`512 B`, `1.4 MiB`: at most four digits."""
    if size < 1024:  # noqa: PLR2004 - what a unit is worth
        return f"{size} B"
    amount, units = size / 1024, iter(("KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    for larger in units:
        if amount < 1000:  # noqa: PLR2004
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}"
