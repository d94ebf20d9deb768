"""Findings as GitHub shows them beside the lines of a pull request.

The form is that of GitHub's documentation, "Workflow commands for GitHub Actions": properties
first, then the message, with `%`, line ends and in properties also `:` and `,` as percent codes.
The runner reads both streams, so they go where we talk: data on standard output stays pure.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from assetgen.cli.printable import printable
from assetgen.cli.streams import say
from assetgen.errors import ManifestFaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assetgen.core.report import AnyDecision
    from assetgen.errors import AssetgenError, Location


def annotate_findings(findings: Iterable[AnyDecision], environ: Mapping[str, str]) -> None:
    """Say where the assets that are not up to date are declared."""
    if not _is_wanted(environ):
        return
    for decision in findings:
        _say(f"assetgen: {decision.name}", decision.reason, decision.where, environ)


def annotate_error(error: AssetgenError, environ: Mapping[str, str]) -> None:
    """Say where a manifest or lockfile is wrong."""
    if not _is_wanted(environ):
        return
    for fault in error.faults if isinstance(error, ManifestFaults) else [error]:
        hint = f"\n{fault.hint}" if fault.hint else ""
        _say("assetgen", f"{fault.what}{hint}", fault.where, environ)


def _is_wanted(environ: Mapping[str, str]) -> bool:
    return environ.get("GITHUB_ACTIONS") == "true"


def _say(title: str, message: str, where: Location | None, environ: Mapping[str, str]) -> None:
    properties = {"title": title}
    if where is not None:
        root = environ.get("GITHUB_WORKSPACE") or os.getcwd()
        file = os.path.relpath(where.file, root).replace(os.sep, "/")
        properties |= {"file": file, "line": str(where.line), "col": str(where.column)}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    lines = "\n".join(printable(line) for line in message.split("\n"))
    say(f"::error {said}::{_data(lines)}\n")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
