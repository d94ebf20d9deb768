"""Strangers: words from outside stay words, on a terminal and in a report.

What a provider says and what manifests and command lines hold is attacked in
`tests/process/test_cli_terminal.py`; here is what those texts go through.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import assetgen
from assetgen.cli import progress, streams
from assetgen.cli.report.markdown import _escaped
from assetgen.core.events import Started, Warned
from tests.attacks.fuzz_targets import UNFIT
from tests.attacks.support import manifest

if TYPE_CHECKING:
    from tests.conftest import Cli, Project

CLI = Path(assetgen.__file__).parent / "cli"
HYPERLINK = "\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\"
OWN_WRITERS = [
    "completion.py: sys.stdout.write",  # a script of our own words
    "explain.py: sys.stdout.writelines",  # colours: `wording.py` cleans each word under them
]
EVIL = {
    "title": "\x1b]0;owned\x07",
    "hyperlink": HYPERLINK,
    "clipboard": "\x1b]52;c;b3duZWQ=\x07",
    "device string": "\x1bP+q544e\x1b\\",
    "eight-bit": "\x9b31m\x9d0;x\x9c",
    "overprint": "fine\r\x08\x7f\x0b\x0c",
    "direction": "\u202e\u2066\u2069\u200f\u061c",
    "invisible": "\u200b\ufeff\u00ad\U000e0041",
    "line ends": "one\u2028two\u2029three\x85four",
    "unknown": "\U000f4350\ud800\U000323af",
    "markup": "[bold]x[/] [link=https://evil.example]click[/link] [@click=app.bell]y[/]",
}
each_evil = pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)


def is_plain(text: str) -> bool:
    import unicodedata  # noqa: PLC0415 - the one use

    return not any(c != "\n" and unicodedata.category(c) in UNFIT for c in text)


@each_evil
def test_whatever_is_said_reaches_a_stream_as_plain_text(
    evil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    streams.say(f"error: {evil}\nhint: {evil}\n")
    streams.print_lines([evil, evil])
    assert is_plain(out.getvalue() + err.getvalue())
    assert out.getvalue().count("\n") == 2
    assert err.getvalue().count("\n") == 2


@each_evil
def test_live_progress_shows_names_and_messages_as_plain_text(evil: str) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=False, soft_wrap=True, width=500)
    board = progress._Board(console)
    board.show(Started(name=evil, verdict="generate"))
    board.show(Warned(evil, f"message {evil}"))
    console.print(board)
    assert is_plain(stream.getvalue())
    if evil.startswith("[bold]"):
        assert stream.getvalue().count(evil) == 3


def test_nothing_on_the_command_line_writes_to_a_stream_but_the_one_module_that_cleans() -> None:
    writes = []
    for path in sorted(CLI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"write", "writelines"}:
                called = ast.unparse(node)
                if re.search(r"std(out|err)", called) and path.name != "streams.py":
                    writes.append(f"{path.name}: {called}")
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ("print_exception", "print_exc", "rich.print")
            ):
                writes.append(f"{path.name}: {ast.unparse(node.func)}")
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                writes.append(f"{path.name}: print")
    assert writes == OWN_WRITERS


def test_a_name_in_a_strangers_lockfile_is_plain_where_an_orphan_is_told(
    project: Project, cli: Cli
) -> None:
    project.write(
        "assets.yaml", manifest("hero").replace("version: 1", "version: 1\nprovider: draft")
    )
    assert cli("build").code == 0
    lock = project.read_text("assets.lock")
    evil = r"\u001b]8;;https://evil.example/\u001b\\click\u202e"
    line = lock.splitlines()[1].replace('"name": "hero"', f'"orphan": true, "name": "{evil}"')
    project.write("old\u00adname.png", project.read_bytes("art/hero.png"))
    line = line.replace("art/hero.png", "old\u00adname.png").replace(",{", ",{", 1)
    project.write("assets.lock", lock.replace("\n]\n", f"\n{line}\n]\n"))
    for command in ("plan", "check"):
        result = cli(command)
        assert result.code == 0, result.err
        assert "orphan" in result.out
        assert is_plain(result.out + result.err)


MARKDOWN = {
    "<script>alert(1)</script>": "&lt;script\\>alert(1)&lt;/script\\>",
    "<img src=x onerror=y>": "&lt;img src=x onerror=y\\>",
    "&lt;b&gt;": "&amp;lt;b&amp;gt;",
    "a | b": "a \\| b",
    "`code`": "\\`code\\`",
    "$x$": "\\$x\\$",
    "*a* _b_ ~c~": "\\*a\\* \\_b\\_ \\~c\\~",
    "![x](y)": "\\!\\[x\\](y)",
    "# head": "\\#<!-- --> head",
    "fixes #123": "fixes \\#<!-- -->123",
    "@somebody": "@<!-- -->somebody",
    "see https://evil.example": "see https:<!-- -->//evil.example",
    "see WWW.evil.example": "see WWW<!-- -->.evil.example",
    "line\nbreak": "line�break",
    "\x1b[31m\u202e": "�\\[31m�",
    "back\\slash": "back\\\\slash",
}


@pytest.mark.parametrize("text", MARKDOWN)
def test_text_in_a_markdown_report_is_neither_markup_nor_mention_nor_link(text: str) -> None:
    assert _escaped(text) == MARKDOWN[text]
