"""A report as Markdown, for a pull request; what the project says stays text there."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from assetgen.cli.printable import printable
from assetgen.cli.render import counted, price_of
from assetgen.cli.report.files import MARK
from assetgen.core.comparison import ChangeKind
from assetgen.core.decision import total
from assetgen.core.money import format_usd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assetgen.cli.report.content import Content, Finding, Picture, Shown


def markdown(content: Content) -> str:
    """The whole text."""
    blocks = [*_findings(content), *_orphans(content), *_changes(content), MARK]
    return "\n\n".join(blocks) + "\n"


def _findings(content: Content) -> Iterable[str]:
    count, made = len(content.plan.decisions), len(content.plan.products)
    more = f" and {counted(made, 'product')}" if made else ""
    if not content.findings:
        yield f"All {count} assets{more} are up to date."
        return
    known, unpriced = total(finding.decision for finding in content.findings)
    price = f" Making them costs about {format_usd(known)}." if known else ""
    if unpriced:
        price += f" The price of {unpriced} is unknown."
    yield f"{len(content.findings)} of {count} assets{more} are not up to date.{price}"
    yield _table(
        ("asset", "declared at", "state", "why", "price", "now"),
        [_finding_row(finding) for finding in content.findings],
    )


def _finding_row(finding: Finding) -> list[str]:
    name, where = finding.decision.name, finding.decision.where
    return [
        code(name),
        code(f"{finding.file}:{where.line}") if where is not None else "",
        finding.state,
        prose(finding.decision.reason),
        prose(price_of(finding.decision)),
        _picture(finding.picture, name),
    ]


def _orphans(content: Content) -> Iterable[str]:
    if content.plan.orphans:
        yield "Files that nothing needs any more:"
        yield "\n".join(f"- {code(entry.output)}" for entry in content.plan.orphans)


def _changes(content: Content) -> Iterable[str]:
    base = content.base
    if base is None:
        return
    yield f"### Images since {code(base.ref)}"
    if not base.has_lockfile:
        yield "There was no lockfile then: every image counts as new."
    if not content.changes:
        yield "No image has changed."
        return
    counts = Counter(shown.change.kind for shown in content.changes)
    parts = [f"{counts[kind]} {kind.value}" for kind in ChangeKind if counts[kind]]
    known, unknown = content.comparison.cost_usd, content.comparison.unknown_bills
    price = f"The lockfile says {format_usd(known)} for them" if known else "They cost nothing"
    if unknown:
        price += f", and {unknown} bill{'' if unknown == 1 else 's'} unknown"
    yield f"{', '.join(parts)}. {price}."
    yield _table(
        ("asset", "change", "before", "after", "cost"), [_change_row(s) for s in content.changes]
    )


def _change_row(shown: Shown) -> list[str]:
    change = shown.change
    name = code(change.name)
    if change.before is not None and change.before.name != change.name:
        name += f" (was {code(change.before.name)})"
    paths = [e.output for e in (change.before, change.after) if e is not None]
    return [
        f"{name}<br>{' → '.join(map(code, dict.fromkeys(paths)))}",
        change.kind.value,
        _picture(shown.before, f"{change.name} before"),
        _picture(shown.after, f"{change.name} after"),
        format_usd(change.cost_usd) if change.cost_usd != 0 else "",
    ]


def _picture(picture: Picture, name: str) -> str:
    if picture.path is not None:
        return f"![{prose(name)}]({picture.path})"
    return prose(picture.note)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """`text` as a literal; there it is no mention of a person and no link either.

    The cells of a table are cut before anything else is read, so a bar is escaped also here; after
    a backslash that does not work, and the text is shown as prose.
    """
    text = printable(text)
    if not text.strip() or "\\|" in text:
        return _escaped(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{space}{text}{space}{fence}".replace("|", "\\|")


def prose(text: str) -> str:
    """`text` as itself in a table; literals in backticks stay literals."""
    text = printable(text)
    parts = text.split("`")
    are_literals = len(parts) % 2 == 1 and all(parts[1:-1])
    if not are_literals or any("\\" in part for part in parts[1::2]):
        return code(text)
    return "".join(code(part) if i % 2 else _escaped(part) for i, part in enumerate(parts))


def _escaped(text: str) -> str:
    """`text` as itself, whatever a prompt or a file name holds.

    No markup, no formula, no HTML; and no mention, issue or link either, which hosts make of bare
    text after the Markdown was read: an empty comment parts what they look for.
    """
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\\[\]*_|!#~`$>])", r"\\\1", text)
    return re.sub(r"(@|#|(?i:https?|ftp|mailto|xmpp):|(?i:www)(?=\.))", r"\1<!-- -->", text)
