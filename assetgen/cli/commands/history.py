"""`assetgen history`: every image one asset ever had that is still in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.cli.choices import say_event
from assetgen.cli.options import add_json
from assetgen.cli.printable import printable
from assetgen.cli.render import render_table
from assetgen.cli.streams import print_json, print_lines, say
from assetgen.core.digest import short
from assetgen.core.history import history_json
from assetgen.core.model import Generate
from assetgen.core.money import format_usd
from assetgen.session import Session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from assetgen.core.history import Found, History

_EXCERPT = 60
_WORDS_BEFORE = 3
_TO_THE_MINUTE = len("2026-01-31 12:34")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("name", metavar="NAME", help="the asset")
    add_json(parser, "one document, with whole digests and prompts,")


def run(args: argparse.Namespace) -> int:
    """Print the images, newest first."""
    history = Session(args.manifest).history(args.name, say_event)
    if args.json:
        print_json(history_json(history), indent=2)
        return 0
    print_lines(history_lines(history))
    if len(history.images) > 1:
        say(f"`assetgen use {history.asset.name} DIGEST` chooses one of them, free\n")
    return 0


def history_lines(history: History) -> Iterator[str]:
    """One line an image, and below it where it is and what else it was made from."""
    rows = list(render_table([_row(found, history.digits) for found in history.images]))
    for found, row in zip(history.images, rows, strict=True):
        yield row
        yield from (f"    {line}" for line in _details(found, history))
    if not rows:
        yield f"no image of {history.asset.name} is on this machine"
    if history.gone:
        word = "image is" if history.gone == 1 else "images are"
        yield f"{history.gone} more {word} known of and no longer in the store"


def _row(found: Found, digits: int) -> list[str]:
    result = found.past.result
    info = result.info
    return [
        "*" if found.is_current else " ",
        short(result.image, digits),
        found.past.at.replace("T", " ")[:_TO_THE_MINUTE] or "no date",
        format_usd(result.cost_usd) if result.date else "",
        f"{info.width_px}x{info.height_px} px, {info.format.upper()}",
        "the lockfile names it" if found.is_current else "",
    ]


def _details(found: Found, history: History) -> Iterator[str]:
    yield printable(found.path)
    yield printable(found.past.result.model) if found.past.result.date else "made by hand"
    action = history.asset.action
    if found.is_of_today or not isinstance(action, Generate):
        return
    if found.words is None:
        yield "made from other inputs, of which only digests are known here"
    elif found.words.prompt != action.prompt:
        yield f"prompt then: {_excerpt(found.words.prompt, action.prompt)}"
    else:
        yield "same prompt, other inputs"


def _excerpt(prompt: str, today: str) -> str:
    """The part of `prompt` where it begins to differ from today's."""
    words, others = printable(prompt).split(), today.split()
    same = 0
    while same < min(len(words), len(others)) and words[same] == others[same]:
        same += 1
    start = max(0, same - _WORDS_BEFORE)
    text = " ".join(words)
    if len(text) > _EXCERPT and start:
        text = "… " + " ".join(words[start:])
    return text if len(text) <= _EXCERPT else text[:_EXCERPT].rsplit(" ", 1)[0] + " …"
