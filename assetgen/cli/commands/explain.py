"""`assetgen explain`: one asset's inputs, then and now, its image, and who depends on it."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING

from assetgen.cli.choices import say_event
from assetgen.cli.ink import columns
from assetgen.cli.options import add_json
from assetgen.cli.printable import printable
from assetgen.cli.render import render_table
from assetgen.cli.streams import print_json
from assetgen.cli.wording import diff_lines
from assetgen.core.explain import explanation_json
from assetgen.core.explain_product import product_explanation_json
from assetgen.core.facts import FileState
from assetgen.core.money import format_usd
from assetgen.core.product import KINDS
from assetgen.session import Session

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from assetgen.core.explain import Explanation, Input, Known
    from assetgen.core.explain_product import ProductExplanation
    from assetgen.core.result import ActionResult

_STATES = {
    FileState.MISSING: "missing",
    FileState.EMPTY: "empty",
    FileState.FILE: "there",
    FileState.UNREADABLE: "not a readable image",
    FileState.IMAGE: "an image",
    FileState.OBSTRUCTED: "in the way",
    FileState.POINTER: "a Git LFS pointer",
    FileState.DRAFT: "a placeholder draft",
}
_INDENT = "  "
_STATE_WIDTH = len("unknown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("name", metavar="NAME", help="the asset, or `variants:NAME` and such")
    add_json(parser, "one document")


def run(args: argparse.Namespace) -> int:
    """Print everything about one asset or product."""
    session = Session(args.manifest)
    if args.name.partition(":")[0] in KINDS:
        product = session.explain_product(args.name, say_event)
        if args.json:
            print_json(product_explanation_json(product), indent=2)
        else:
            _print(product_lines(product, columns()))
        return 0
    explanation = session.explain(args.name, say_event)
    if args.json:
        print_json(explanation_json(explanation), indent=2)
    else:
        _print(explanation_lines(explanation, columns()))
    return 0


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def explanation_lines(explanation: Explanation, width: int) -> Iterator[str]:
    """The explanation as text."""
    asset, decision = explanation.asset, explanation.decision
    yield f"{asset.name}: {decision.verdict.value}: {printable(decision.reason)}"
    present = explanation.present
    yield f"output: {printable(asset.output)}: {_STATES[present.state]}"
    if present.digest is not None:
        yield f"{_INDENT}{present.digest}"
    yield ""
    yield from _input_lines(explanation, width)
    yield ""
    yield from _image_lines(explanation)
    yield ""
    if explanation.steps:
        yield "steps, compared with those that made the recorded output:"
        yield from render_table(
            [[_INDENT + state.ljust(_STATE_WIDTH), name] for name, state in explanation.steps]
        )
        yield ""
    yield from _listed("reads", asset.reads, width)
    yield from _listed("read by", explanation.readers, width)
    further = [name for name in explanation.all_readers if name not in explanation.readers]
    if further:
        yield from _listed("and through these by", further, width)
    if explanation.products:
        yield from _listed("made from it", explanation.products, width)


def product_lines(explanation: ProductExplanation, width: int) -> Iterator[str]:
    """The explanation of a product as text."""
    decision = explanation.decision
    yield f"{decision.name}: {decision.verdict.value}: {printable(decision.reason)}"
    yield ""
    if explanation.inputs:
        yield "made from, compared with what the recorded files were made from:"
        yield from render_table(
            [
                [_INDENT + state.ljust(_STATE_WIDTH), printable(name)]
                for name, state in explanation.inputs
            ]
        )
        yield ""
    yield "files:"
    yield from render_table(
        [[_INDENT + printable(path), _STATES[fact.state]] for path, fact in explanation.files]
    )
    yield ""
    product = decision.product
    yield from _listed("reads", [*(one.name for one in product.reads), *product.after], width)
    yield from _listed("read by", explanation.readers, width)


# Inputs


def _input_lines(explanation: Explanation, width: int) -> Iterator[str]:
    inputs = explanation.inputs
    if explanation.entry is None:
        yield "inputs (no image is recorded, so there is nothing to compare with):"
    else:
        of = explanation.entry.name
        whose = "" if of == explanation.asset.name else f", which `{printable(of)}` has"
        yield f"inputs, compared with those of the recorded image{whose}:"
    yield from render_table([_row(one) for one in inputs if not _is_reworded(one)])
    for one in inputs:
        if _is_reworded(one):
            yield from _prompt_lines(explanation, one, width)
    if explanation.entry is not None and not explanation.has_words:
        yield (
            "what the recorded image was made from is not on this machine in words: "
            "only digests are known"
        )


def _is_reworded(one: Input) -> bool:
    """Whether an input needs lines of its own: prompts are long."""
    return one.name == "prompt" and one.state != "removed"


def _row(one: Input) -> list[str]:
    return [_INDENT + one.state.ljust(_STATE_WIDTH), printable(one.name), _change(one)]


def _change(one: Input) -> str:
    if one.state == "unknown":
        was = f"; it was {_shown(one.then, None)}" if one.then is not None else ""
        return f"not made yet{was}"
    if one.state == "changed":
        return f"{_shown(one.then, one.now)} -> {_shown(one.now, one.then)}"
    return _shown(one.now if one.now is not None else one.then, None)


def _shown(known: Known | None, other: Known | None) -> str:
    """A value in one line; digests short, because lockfiles have them so."""
    if known is None:
        return "nothing"
    value = known.value
    is_file = isinstance(value, str) and value.startswith("sha256:")
    if value is None or is_file:
        return f"sha256:{known.short}…" if known.short else "unknown"
    if other is not None and other.value is None and other.short:
        return f"{printable(_text(value))} (sha256:{known.short}…)"
    return printable(_text(value))


def _text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _prompt_lines(explanation: Explanation, one: Input, width: int) -> Iterator[str]:
    digests = ""
    if one.state == "changed" and not explanation.prompt_diff and one.then and one.now:
        digests = f"  sha256:{one.then.short}… -> sha256:{one.now.short}…, now:"
    yield f"{_INDENT}{one.state.ljust(_STATE_WIDTH)}  prompt{digests}"
    indent = _INDENT * 3
    if explanation.prompt_diff:
        for line in diff_lines(explanation.prompt_diff, width - len(indent)):
            yield indent + line
        yield f"{indent}([-words-] were there then, {{+words+}} are there now)"
    elif one.now is not None:
        yield from _prose(str(one.now.value), indent, width)


def _prose(text: str, indent: str, width: int) -> Iterator[str]:
    for line in text.splitlines():
        yield from textwrap.wrap(
            printable(line),
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


# The image, and the neighbours


def _image_lines(explanation: Explanation) -> Iterator[str]:
    recorded, result = explanation.recorded, explanation.decision.result
    if recorded is None and result is None:
        yield "image: none yet"
        return
    if recorded is not None:
        yield "recorded image:"
        yield f"{_INDENT}{recorded.image}"
        yield from render_table(_provenance(recorded))
        entry = explanation.entry
        if entry is not None and entry.digest != recorded.image:
            yield f"{_INDENT}converted for the output:"
            yield f"{_INDENT}{entry.digest}"
    if result is not None and (recorded is None or result.image != recorded.image):
        yield "image for today's inputs, made before:"
        yield f"{_INDENT}{result.image}"
        yield from render_table(_provenance(result))


def _provenance(result: ActionResult) -> list[list[str]]:
    info = result.info
    rows = [["size", f"{info.width_px}x{info.height_px} px, {info.format.upper()}"]]
    if not result.date:
        return [[_INDENT + name, text] for name, text in [*rows, ["made by", "hand"]]]
    maker = printable(result.model)
    if result.provider:
        maker += f" (answered by {printable(result.provider)})"
    rows += [["made by", maker], ["date", result.date], ["cost", format_usd(result.cost_usd)]]
    if result.generation_id:
        rows.append(["id", printable(result.generation_id)])
    return [[_INDENT + name, text] for name, text in rows]


def _listed(what: str, names: Sequence[str], width: int) -> Iterator[str]:
    text = f"{what}: {', '.join(names) or 'nothing'}"
    yield from textwrap.wrap(
        text, width, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )
