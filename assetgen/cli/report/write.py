"""Writes the report of a check: Markdown for people, JSON for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from assetgen.cli.report.content import compose
from assetgen.cli.report.document import document
from assetgen.cli.report.markdown import markdown

if TYPE_CHECKING:
    from assetgen.cli.report.files import ReportFiles
    from assetgen.core.report import Plan
    from assetgen.session.base import Base


def write_report(files: ReportFiles, plan: Plan, base: Base | None) -> None:
    """Write the report, and beside it the former pictures that it shows.

    Raises:
        OutputError: something cannot be written.
    """
    content = compose(plan, base, files)
    if files.suffix == ".md":
        files.write(markdown(content))
    else:
        files.write(json.dumps(document(content), indent=2) + "\n")
