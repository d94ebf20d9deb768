"""The report of a check for a pull request: Markdown for people, JSON for machines."""

from __future__ import annotations

import json
import os
import posixpath
import re
import urllib.parse
from typing import TYPE_CHECKING

from assetgen.beneath import Beneath
from assetgen.cli.render import price_of, printable
from assetgen.core.decision import Hold, Verdict
from assetgen.core.report import plan_json
from assetgen.errors import OutputError, UsageError

if TYPE_CHECKING:
    from assetgen.core.decision import Decision
    from assetgen.core.report import Plan


def is_fresh(decision: Decision) -> bool:
    """Whether `check` accepts the asset as it is: up to date, or pinned on purpose."""
    return decision.verdict is Verdict.KEEP or decision.hold is Hold.PINNED


def state_of(decision: Decision) -> str:
    """One word for what `check` finds: `up to date`, `pinned`, `altered` or `stale`."""
    if decision.verdict is Verdict.KEEP:
        return "up to date"
    words = {Hold.PINNED: "pinned", Hold.EDITED: "altered"}
    return words.get(decision.hold, "stale") if decision.hold is not None else "stale"


def write_report(path: str, plan: Plan) -> None:
    """Write the report to `path`, as its extension says.

    Raises:
        UsageError: the extension is neither `.md` nor `.json`.
        OutputError: the file cannot be written.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".md":
        text = markdown(plan, os.path.dirname(os.path.abspath(path)))
    elif suffix == ".json":
        text = json.dumps(plan_json(plan), indent=2) + "\n"
    else:
        raise UsageError(f"`{path}` is no report", hint="its name must end in `.md` or `.json`")
    try:
        # Put in place of what is there: a clone may hold a link that leads into somebody's files.
        folder, name = os.path.split(path)
        Beneath(folder or ".").write(name, text.encode("utf-8", "backslashreplace"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"cannot write `{path}`: {reason}") from error


def markdown(plan: Plan, folder: str) -> str:
    """What is not up to date, with price and picture; `folder` is where the text will be."""
    findings = [decision for decision in plan.decisions if not is_fresh(decision)]
    count = len(plan.decisions)
    if not findings:
        lines = [f"All {count} assets are up to date."]
    else:
        lines = [
            f"{len(findings)} of {count} assets are not up to date.",
            "",
            "| asset | state | why | price | now |",
            "|---|---|---|---|---|",
            *(_row(decision, plan.project.root, folder) for decision in findings),
        ]
    if plan.orphans:
        lines += ["", "Files that nothing needs any more:", ""]
        lines += [f"- {_escaped(entry.output)}" for entry in plan.orphans]
    return "\n".join(lines) + "\n"


def _row(decision: Decision, root: str, folder: str) -> str:
    asset = decision.asset
    output = os.path.join(root, asset.output)
    picture = ""
    if os.path.isfile(output):
        relative = os.path.relpath(output, folder).replace(os.sep, posixpath.sep)
        picture = f"![{_escaped(asset.name)}]({urllib.parse.quote(relative)})"
    cells = [asset.name, state_of(decision), decision.reason, price_of(decision)]
    return "| " + " | ".join([*map(_escaped, cells), picture]) + " |"


def _escaped(text: str) -> str:
    """`text` as itself in a Markdown table, whatever a prompt or a file name holds.

    No markup, no formula, no HTML; and no mention, issue or link either, which hosts make of bare
    text after the Markdown was read: an empty comment parts what they look for.
    """
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\\[\]*_|!#~`$>])", r"\\\1", text)
    return re.sub(r"(@|#|(?i:https?|ftp|mailto|xmpp):|(?i:www)(?=\.))", r"\1<!-- -->", text)
