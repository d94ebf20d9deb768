"""The dialect: what YAML means here, what it may not hold, and bounds on what strangers send."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetgen.errors import AssetgenError
from assetgen.manifest import parse as parse_module
from assetgen.manifest.faults import Faults
from assetgen.manifest.load import load
from assetgen.manifest.parse import MOST_LEVELS, parse
from assetgen.manifest.scalars import as_json
from assetgen.manifest.schema import AssetEntry, Manifest
from tests.manifest.support import HEAD, TABLE, Workspace, hero

if TYPE_CHECKING:
    from pathlib import Path


def test_plain_scalars_are_what_they_look_like(workspace: Workspace) -> None:
    prompts = ["no", "012", "2026-01-01", "16:9", "1_000", "0o17", "yes", "1e3", "on", "123"]
    text = "assets:\n" + "".join(
        f"  a{i}:\n    prompt: {prompt}\n    output: {i}.png\n" for i, prompt in enumerate(prompts)
    )
    found = [asset.action.prompt for asset in workspace.assets(text).values()]  # type: ignore[union-attr]
    assert found == prompts


def test_variables_keep_their_source_text(workspace: Workspace) -> None:
    project = workspace.load(
        "version: 1\nprovider: draft\nvars: {n: 012, t: true, f: 1.50, d: 2026-01-01}\n"
        "assets:\n  a:\n    prompt: ${n} ${t} ${f} ${d}\n    output: a.png\n"
    )
    assert project.assets[0].action.prompt == "012 true 1.50 2026-01-01"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("012", 12),
        ("-7", -7),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("16:9", "16:9"),
        ('"12"', "12"),
        ("'true'", "true"),
        ("1" * 5_000, "nan"),
        (".inf", "nan"),
        ("1e999", "nan"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(written: str, meant: object) -> None:
    document = parse(f"a: {written}\n".encode(), "x", Faults())
    assert document is not None
    value = as_json(document.data)
    assert isinstance(value, dict)
    found = value["a"]
    if meant == "nan":
        assert found != found  # noqa: PLR0124 - only not-a-number differs from itself
    else:
        assert found == meant
        assert type(found) is type(meant)


@pytest.mark.parametrize(
    ("marked", "what", "hint"),
    [
        (
            HEAD + "assets:\n  hero:\n    prompt: a\n    output: a.png\n    «prompt»: b\n",
            "duplicate key `prompt`",
            "the first is at line 5: remove one, or rename it",
        ),
        (
            HEAD + "assets:\n  hero: {prompt: a, output: a.png}\n  «hero»: {prompt: b}\n",
            "duplicate key `hero`",
            "the first is at line 4: remove one, or rename it",
        ),
        (
            HEAD + "assets:\n  hero: {prompt: «!wow nice», output: a.png}\n",
            "tag `!wow` is not part of the manifest's YAML",
            "remove the tag, or put quotes around a text that starts with `!`",
        ),
        (
            HEAD + "assets:\n  hero: {prompt: «!!python/none a», output: a.png}\n",
            "tag `!!python/none` is not part of the manifest's YAML",
            "remove the tag, or put quotes around a text that starts with `!`",
        ),
        (
            HEAD + "assets:\n  hero:\n    «<<»: {prompt: a}\n    prompt: a\n    output: a.png\n",
            "merge keys `<<` are not part of the manifest's YAML",
            "put what several assets share under `defaults`",
        ),
        (
            HEAD + "assets:\n  ? «[a, b]»\n  : {prompt: a}\n  hero: {prompt: a, output: a.png}\n",
            "a key must be text",
            None,
        ),
        (
            HEAD + 'assets:\n  hero: {prompt: «"a\\x1b[2Jb"», output: a.png}\n',
            "control character U+001B in a text",
            "remove the escape",
        ),
        (
            HEAD + "assets: &a\n  hero: {prompt: x, output: a.png, params: {«a»: 1, b: «2»}}\n",
            "",
            None,
        ),
    ][:-1],
)
def test_what_the_dialect_leaves_out_is_a_fault(
    workspace: Workspace, marked: str, what: str, hint: str | None
) -> None:
    workspace.check_fault(marked, what, hint)


@pytest.mark.parametrize(
    ("marked", "what", "hint"),
    [
        (
            "version: 1\na: {output: $«{»x}.png}\n",
            "not YAML: while parsing a flow mapping did not find expected ',' or '}'",
            'inside `{…}` and `[…]` a text with `${…}` needs quotes: `"${name}.png"`',
        ),
        (
            "version: 1\na: [art/$«{»x}.png]\n",
            "not YAML: while parsing a flow sequence did not find expected ',' or ']'",
            'inside `{…}` and `[…]` a text with `${…}` needs quotes: `"${name}.png"`',
        ),
        (
            "version: 1\nassets:\n«\t»hero: 1\n",
            "not YAML: while scanning for the next token found character that cannot start any "
            "token",
            "indent with spaces, not with tabs",
        ),
        (
            "version: 1\nprompt: «@»home\n",
            "not YAML: while scanning for the next token found character that cannot start any "
            "token",
            "put quotes around a text that starts with a special character",
        ),
        (
            "version: 1\nprompt: a cat«:» sitting\n",
            "not YAML: mapping values are not allowed in this context",
            "put quotes around a text that holds `: `",
        ),
        (
            "version: 1\nprompt: «*»bold\n",
            "not YAML: found undefined alias",
            "put quotes around a text that starts with `*`",
        ),
        (
            "version: 1\n«-»--\nversion: 1\n",
            "not YAML: expected a single document in the stream but found another document",
            "a manifest is one document: remove the line `---`",
        ),
        (
            "version: 1\n«<»<<<<<< ours\nassets: {}\n=======\nassets:\n>>>>>>> theirs\n",
            "the manifest has conflict markers",
            "finish the merge: choose a side, and remove the lines with `<<<`, `===` and `>>>`",
        ),
        (
            "a: &x 1\nb: «&»x 2\n",
            "not YAML: found duplicate anchor; first occurrence second occurrence",
            "give each anchor its own name",
        ),
    ],
)
def test_a_syntax_error_is_one_fault_with_its_place(
    workspace: Workspace, marked: str, what: str, hint: str | None
) -> None:
    workspace.check_fault(marked, what, hint)


def test_an_error_at_the_end_of_the_text_is_shown_on_its_last_line(workspace: Workspace) -> None:
    fault = workspace.fault("a: [1,")
    assert fault.where is not None
    assert (fault.where.line, fault.where.source_line) == (1, "a: [1,")


@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "[{" * 50_000,
        "\n".join(" " * i + "a:" for i in range(3_000)),
        "\n".join(" " * i + "-" for i in range(3_000)),
    ],
    ids=["lists", "mappings", "dashes", "keys", "both", "indented", "indented-dashes"],
)
def test_a_deeply_nested_manifest_is_refused(workspace: Workspace, bomb: str) -> None:
    fault = workspace.fault(bomb)
    assert fault.what == f"nested more than {MOST_LEVELS} levels deep"


def test_a_file_with_too_many_values_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parse_module, "MOST_NODES", 1_000)
    fault = workspace.fault(f"version: 1\na: [{'x, ' * 1_000}]\n")
    assert fault.what == "more than 1,000 values in one file"


def test_aliases_that_multiply_are_refused(workspace: Workspace) -> None:
    lines = ["a0: &a0 [" + ", ".join(["x"] * 10) + "]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    fault = workspace.fault("\n".join(lines))
    assert fault.what == "aliases add more than 100,000 values"
    assert fault.hint == "write out what is used often as a variable or a style"


def test_an_alias_that_contains_itself_is_refused(workspace: Workspace) -> None:
    workspace.check_fault(
        "version: 1\nprovider: draft\nassets:\n  a:\n    prompt: a\n    output: a.png\n"
        "    params: «&p {a: [1], again: *p}»\n",
        "an alias contains itself, or nests too deeply",
        None,
    )


def test_anchors_and_aliases_are_allowed(workspace: Workspace) -> None:
    assets = workspace.assets(
        "assets:\n  a: &a\n    prompt: &p a keeper\n    output: a.png\n"
        "  b:\n    prompt: *p\n    output: b.png\n"
    )
    assert assets["b"].action.prompt == "a keeper"  # type: ignore[union-attr]


def test_a_file_that_is_not_utf_8_is_refused_at_the_byte(workspace: Workspace) -> None:
    fault = workspace.fault("version: 1\nproject: é".encode() + b"\xff")
    assert fault.what == "byte 0xFF is not UTF-8"
    assert fault.hint == "save the file as UTF-8"
    assert fault.where is not None
    assert (fault.where.line, fault.where.column) == (2, 11)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_with_a_hint(workspace: Workspace, encoding: str) -> None:
    fault = workspace.fault("version: 1\n".encode(encoding))
    assert fault.what == "the file is not UTF-8 but looks like UTF-16"
    assert fault.hint == "save it as UTF-8"


def test_a_null_character_is_refused_at_its_place(workspace: Workspace) -> None:
    fault = workspace.fault("version: 1\na: x\0y\n")
    assert (fault.what, fault.hint) == (
        "control character U+0000 in the file",
        "remove the character",
    )
    assert fault.where is not None
    assert (fault.where.line, fault.where.column) == (2, 5)


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(workspace: Workspace) -> None:
    text = "\ufeff" + (HEAD + hero("seed: 7")).replace("\n", "\r\n")
    asset = workspace.load(text).assets[0]
    assert asset.action.parameters.seed == 7  # type: ignore[union-attr]
    assert asset.where is not None
    assert (asset.where.line, asset.where.source_line) == (4, "  hero:")


def test_a_file_above_the_limit_is_refused(workspace: Workspace) -> None:
    fault = workspace.fault(b"#" * (64 * 1024 * 1024 + 1))
    assert fault.what == "the file is larger than 64 MiB"


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n", "---\n"])
def test_an_empty_manifest_says_how_to_start(workspace: Workspace, text: str) -> None:
    fault = workspace.fault(text)
    assert fault.what == "the file is empty"
    assert fault.hint == "`assetgen init` writes a manifest to start from"


@pytest.mark.parametrize("text", ["- a\n", "hello\n", "12"])
def test_a_manifest_that_is_no_mapping_is_refused(workspace: Workspace, text: str) -> None:
    fault = workspace.fault(text)
    assert fault.what.startswith("a manifest must be a mapping, not ")
    assert fault.hint == "write `version: 1`, and `assets:` with the images below it"


def test_the_manifest_reads_the_same_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some installations of PyYAML have no C loader."""
    monkeypatch.delattr(yaml, "CSafeLoader")
    spec = importlib.util.find_spec("assetgen.manifest.parse")
    assert spec is not None
    assert spec.loader is not None
    slow = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(slow)
    assert parse_module._Loader is not slow._Loader
    text = (HEAD + hero('seed: 012\ndescription: "\\u00e9"')).encode()
    fast_document, slow_document = parse(text, "x", Faults()), slow.parse(text, "x", Faults())
    assert fast_document is not None
    assert slow_document.data == fast_document.data
    path = ("assets", "hero", "seed")
    assert slow_document.locate(path) == fast_document.locate(path)
    for bad in ("[" * 100_000, '"\\ud800"', "{a: ${x}}", "\t- a"):
        faults = Faults()
        slow.parse(bad.encode(), "x", faults)
        assert len(faults) == 1


def _load_any(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "assets.yaml"
    file.write_bytes(content)
    try:
        load(os.fspath(file), table=TABLE)
    except AssetgenError as error:
        assert error.what  # noqa: PT017 - any other exception fails the test


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_our_errors(tmp_path: Path, content: bytes) -> None:
    _load_any(tmp_path, content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet="ab:-{}[]$&*!?|>'\"#%@`~, \n\t\\0123.", max_size=80))
def test_arbitrary_yaml_raises_nothing_but_our_errors(tmp_path: Path, content: str) -> None:
    _load_any(tmp_path, content.encode())


_SCALARS = st.one_of(
    st.sampled_from(["x", "${x}", "$$", "null", "true", "1", "-1", "1e400", "a/b", "asset:hero"]),
    st.text(max_size=8).map(lambda text: repr(text.encode("unicode_escape").decode())),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(["x", "model", "item", "${x}"]), inner, max_size=3).map(
            lambda items: "{" + ", ".join(f'"{k}": {v}' for k, v in items.items()) + "}"
        ),
    ),
    max_leaves=6,
)
_FIELDS = st.sampled_from(sorted(AssetEntry.model_fields))
_SECTIONS = st.sampled_from(sorted({"other", *Manifest.model_fields} - {"version"}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(_FIELDS, _VALUES, max_size=6),
    st.dictionaries(_SECTIONS, _VALUES, max_size=3),
)
def test_arbitrary_fields_raise_nothing_but_our_errors(
    tmp_path: Path, fields: dict[str, str], sections: dict[str, str]
) -> None:
    lines = [f"{name}: {value}\n" for name, value in sections.items() if name != "assets"]
    lines += ["version: 1\nassets:\n  hero:\n    output: a.png\n"]
    lines += [f"    {name}: {value}\n" for name, value in fields.items() if name != "output"]
    _load_any(tmp_path, "".join(lines).encode("utf-8", "surrogatepass"))


def test_a_sound_manifest_is_composed_once_and_its_tree_let_go(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed: list[str] = []
    compose = parse_module._Composer.get_single_node

    def counted(self: parse_module._Composer) -> object:
        composed.append("again")
        return compose(self)

    monkeypatch.setattr(parse_module._Composer, "get_single_node", counted)
    workspace.write("refs/one.png")
    workspace.write("more.yaml", "assets:\n  more: {prompt: A ship, output: more.png}\n")
    workspace.load(
        "version: 1\ndefaults: {model: some/model, style: ink}\nstyles: {ink: 'ink, ${prompt}'}\n"
        "vars: {a: b}\ninclude: [more.yaml]\n"
        "atlases: {ui: {assets: [hero], output: ui.png, data: {json: ui.json}}}\n"
        "exports: {web: {format: json, output: web.json, assets: [hero]}}\nassets:\n"
        '  "icon-${n}": {matrix: {n: [1, 2]}, prompt: "${a} ${n}", output: "${n}.png"}\n'
        "  hero: {prompt: A keeper, reference: refs/one.png, output: hero.png, tags: [x]}\n"
    )
    assert composed == ["again"] * 2, "the manifest and what it includes"
