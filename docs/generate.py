"""Writes the parts of the documents that the code knows best.

    python docs/generate.py            # writes `manifest.md` and `commands.md` where they differ
    python docs/generate.py --check    # changes nothing, exits 1 when one is not current

Between the two markers of a page everything is made here; the words around them are people's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assetgen.cli.main import COMMANDS, command_parser
from assetgen.manifest.schema import manifest_json_schema
from assetgen.manifest.schema_steps import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DOCS = Path(__file__).parent
BEGIN = "<!-- generated: python docs/generate.py -->"
END = "<!-- end of the generated part -->"

TYPE_NAMES = {
    "array": "list",
    "boolean": "yes or no",
    "integer": "whole number",
    "object": "mapping",
    "string": "text",
}


def manifest_reference() -> str:
    """Every field of `assets.yaml`, from the schema that editors read."""
    schema = manifest_json_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    sections = [
        ("The file itself", schema),
        ("`budget`", definitions["BudgetEntry"]),
        ("One of `assets`", definitions["AssetEntry"]),
        ("`steps`: one of them", definitions["StepEntry"]),
        *((f"The step `{name}`", definitions[model.__name__]) for name, model in STEPS.items()),
        ("`expect`", definitions["ExpectEntry"]),
        ("`variants`", definitions["VariantsEntry"]),
        ("One of `atlases`", definitions["AtlasEntry"]),
        ("`data` of an atlas", definitions["SheetDataEntry"]),
        ("One of `exports`", definitions["ExportEntry"]),
    ]
    lines: list[str] = []
    for title, section in sections:
        assert isinstance(section, dict)
        lines += [f"## {title}", "", *_fields(section), ""]
    defaults = definitions["Defaults"]
    assert isinstance(defaults, dict)
    names = ", ".join(f"`{name}`" for name in defaults["properties"])
    lines += [
        "## `defaults`",
        "",
        f"What assets have unless they say otherwise. May hold: {names}.",
    ]
    return "\n".join(lines)


def _fields(section: Mapping[str, Any]) -> Iterable[str]:
    required = section.get("required", [])
    yield "| field | is | what it says |"
    yield "|---|---|---|"
    for name, field in section["properties"].items():
        must = ", required" if name in required else ""
        description = field["description"] + _examples(field.get("examples", []))
        yield f"| `{name}` | {_type(field)}{must} | {_cell(description)} |"


def _type(field: Mapping[str, Any]) -> str:
    """In words: `text`, `text or list`, `auto, chat or images`, `whole number from 16`."""
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"] if value is not None)
    if "anyOf" in field:
        kinds = [choice for choice in field["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(_type(kind) for kind in kinds))
    if "$ref" in field:
        return "mapping"
    types: list[str] = field["type"] if isinstance(field["type"], list) else [field["type"]]
    words = " or ".join(TYPE_NAMES.get(kind, kind) for kind in types if kind != "null")
    return words + (f" from {field['minimum']}" if field.get("minimum") else "")


def _examples(examples: Iterable[object]) -> str:
    shown = ", ".join(f"`{_yaml(example)}`" for example in examples)
    return f" For example {shown}." if shown else ""


def _yaml(value: object, *, is_inside: bool = False) -> str:
    """A value as one would write it in the manifest, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_yaml(v, is_inside=True)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item, is_inside=True) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    special = (*"{}[],*", ": ") if is_inside else ()
    needs_quotes = text.startswith("#") or any(part in text for part in special)
    return f'"{text}"' if needs_quotes else text


def command_reference() -> str:
    """Every command and every option, from the parsers that read them."""
    parser = command_parser(COMMANDS)
    lines = ["## Before the command", "", "```text"]
    lines += ["assetgen [-C DIR] [-f FILE] COMMAND [...]", "```", "", *_options(parser)]
    for name, command in _commands(parser).items():
        lines += ["", f"## `{name}`", "", *_command(name, command)]
    return "\n".join(lines)


def _commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to look inside
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return action.choices
    return {}


def _command(name: str, parser: argparse.ArgumentParser) -> Iterable[str]:
    yield _cell(parser.description or "")
    yield ""
    inner = _commands(parser)
    yield from _options(parser)
    for inner_name, command in inner.items():
        yield ""
        yield f"### `{name} {inner_name}`"
        yield ""
        yield from _command(f"{name} {inner_name}", command)


def _options(parser: argparse.ArgumentParser) -> Iterable[str]:
    rows = [
        f"| {_spelling(action)} | {_cell(action.help or '')} |"
        for action in parser._actions  # noqa: SLF001
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)  # noqa: SLF001
        and action.help != argparse.SUPPRESS
    ]
    if rows:
        yield "| option | what it does |"
        yield "|---|---|"
        yield from rows


def _spelling(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else None
    value = metavar or ("" if action.nargs == 0 else (action.dest or "").upper())
    if action.choices and metavar is None:
        value = "|".join(map(str, action.choices))
    if not action.option_strings:
        many = " ..." if action.nargs in {"*", "+"} else ""
        return f"`{_cell(value)}{many}`"
    shown = f" {_cell(value)}" if value else ""
    return ", ".join(f"`{option}{shown}`" for option in action.option_strings)


def _cell(text: str) -> str:
    """`text` for one cell of a table."""
    return " ".join(text.split()).replace("%%", "%").replace("|", "\\|")


PAGES = {"manifest.md": manifest_reference, "commands.md": command_reference}


def current(page: str, text: str) -> str:
    """`text` of a page with its generated part as the code has it today."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{PAGES[page]()}\n\n{END}{after}"


def main() -> int:
    """Write or check the pages; the exit code says whether they were current with `--check`."""
    parser = argparse.ArgumentParser(description="Bring generated pages up to date")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when stale")
    check = parser.parse_args().check
    stale = []
    for page in PAGES:
        path = DOCS / page
        text = path.read_text(encoding="utf-8")
        wanted = current(page, text)
        if text != wanted:
            stale.append(page)
            if not check:
                path.write_text(wanted, encoding="utf-8")
    for page in stale:
        sys.stderr.write(f"{page}: {'not current' if check else 'written'}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
