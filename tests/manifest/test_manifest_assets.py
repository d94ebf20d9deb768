"""From entries to assets: variables, styles, matrices, and what holds between assets."""

from __future__ import annotations

import pytest

from assetgen.core.model import AssetReference, Generate
from assetgen.manifest import entry as entry_module
from assetgen.manifest.faults import MOST_FAULTS
from tests.manifest.support import HEAD, Workspace, hero

STYLES = 'styles: {ink: "${prompt}. In ${colour} ink"}\n'


def test_only_names_in_braces_and_double_dollars_are_special(workspace: Workspace) -> None:
    head = HEAD + "vars: {x: 'a$$b${y}'}\n"
    found = workspace.load(head + hero("prompt: $5 $x ${x} $${x} $$$$ $ $")).assets[0].action
    assert isinstance(found, Generate)
    assert found.prompt == "$5 $x a$$b${y} ${x} $$ $ $"


def test_variables_are_filled_everywhere_they_may_stand(workspace: Workspace) -> None:
    workspace.write("refs/teal.png")
    text = """\
version: 1
vars: {c: teal, hi: HIGH}
styles: {teal-ink: "${prompt} in ${c} ink $$"}
assets:
  "icon-${c}":
    prompt: A ${c} icon
    output: art/${c}.png
    reference: ["refs/${c}.png", "asset:other-${c}"]
    style: ${c}-ink
    model: some/${c}
    aspect_ratio: ${w}:9
    image_size: ${s}
    quality: ${hi}
    background: ${c}
    tags: ["${c}"]
    description: The ${c} one
    params: {tone: "${c}", list: ["a ${c}", {"${c}": "${c}"}]}
    matrix: {w: [16], s: [1k]}
  other-${c}: {source: "refs/${c}.png", output: o.png}
"""
    asset = workspace.load(text).assets[0]
    assert (asset.name, asset.output) == ("icon-teal", "art/teal.png")
    assert (asset.tags, asset.description) == (("teal",), "The teal one")
    action = asset.action
    assert isinstance(action, Generate)
    assert action.prompt == "A teal icon in teal ink $"
    assert action.model == "some/teal"
    assert [str(reference) for reference in action.references] == [
        "refs/teal.png",
        "asset:other-teal",
    ]
    assert action.parameters.aspect_ratio == "16:9"
    assert action.parameters.image_size == "1K"
    assert action.parameters.quality == "high"
    assert action.parameters.background == "teal"
    assert action.parameters.extra == {"tone": "teal", "list": ["a teal", {"${c}": "teal"}]}


def test_the_matrix_comes_before_vars_and_styles_see_both(workspace: Workspace) -> None:
    text = (
        HEAD
        + "vars: {colour: grey, item: none}\n"
        + STYLES
        + "assets:\n  a-${colour}:\n    matrix: {colour: [red, blue]}\n"
        "    prompt: ${item} ${colour}\n    style: ink\n    output: ${colour}.png\n"
    )
    prompts = [asset.action.prompt for asset in workspace.load(text).assets]  # type: ignore[union-attr]
    assert prompts == ["none red. In red ink", "none blue. In blue ink"]


def test_a_prompt_is_not_scanned_again_inside_its_style(workspace: Workspace) -> None:
    text = HEAD + "vars: {colour: red}\n" + STYLES + hero("prompt: pay $${colour}\nstyle: ink")
    assert workspace.load(text).assets[0].action.prompt == "pay ${colour}. In red ink"  # type: ignore[union-attr]


def test_a_matrix_of_lists_is_their_product(workspace: Workspace) -> None:
    text = (
        "assets:\n  i-${a}-${b}:\n    matrix: {a: [x, 01], b: [1.0, true, z]}\n"
        "    prompt: p\n    output: ${a}/${b}.png\n"
    )
    assert list(workspace.assets(text)) == [
        "i-x-1.0",
        "i-x-true",
        "i-x-z",
        "i-01-1.0",
        "i-01-true",
        "i-01-z",
    ]


def test_a_matrix_of_mappings_is_its_rows(workspace: Workspace) -> None:
    text = (
        "assets:\n  i-${a}:\n    matrix: [{a: x, b: 1}, {a: y, b: 2}]\n"
        "    prompt: p ${b}\n    output: ${a}.png\n"
    )
    found = workspace.assets(text)
    assert {name: asset.action.prompt for name, asset in found.items()} == {  # type: ignore[union-attr]
        "i-x": "p 1",
        "i-y": "p 2",
    }


VARIABLE_FAULTS = {
    "unknown": (
        HEAD + "vars: {colour: red}\n" + hero("prompt: A «${color}» hat"),
        "unknown variable `${color}` in `prompt` of asset `hero`",
        "did you mean `colour`?",
        "assets.hero.prompt",
    ),
    "unknown, with others": (
        HEAD + "vars: {b: x, a: x}\n" + hero("prompt: A «${zzz}» hat"),
        "unknown variable `${zzz}` in `prompt` of asset `hero`",
        "variables here are `a`, `b`",
        "assets.hero.prompt",
    ),
    "unknown, none stated": (
        HEAD + hero("output: 'art/«${x}».png'"),
        "unknown variable `${x}` in `output` of asset `hero`",
        "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign",
        "assets.hero.output",
    ),
    "in a block": (
        HEAD + hero("prompt: |\n  first\n\n  second «${x}»"),
        "unknown variable `${x}` in `prompt` of asset `hero`",
        "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign",
        "assets.hero.prompt",
    ),
    "prompt outside a style": (
        HEAD + hero("description: '«${prompt}»'"),
        "unknown variable `${prompt}` in `description` of asset `hero`",
        "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign",
        "assets.hero.description",
    ),
    "no name": (
        HEAD + hero("prompt: A «${a b}» hat"),
        "`prompt` of asset `hero` has `${a b}`, which is no variable",
        "write `${name}`, or `$${` for the characters themselves",
        "assets.hero.prompt",
    ),
    "never closed": (
        HEAD + hero("prompt: A «${a hat»"),
        "`prompt` of asset `hero` has `${a hat`, which is no variable",
        "write `${name}`, or `$${` for the characters themselves",
        "assets.hero.prompt",
    ),
    "in a list": (
        HEAD
        + hero("reference: [hero.png, 'asset:«${x}»']").replace("[hero.png, ", "['asset:hero-b', ")
        + "  hero-b: {prompt: a, output: b.png}\n",
        "unknown variable `${x}` in `reference` of asset `hero`",
        "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign",
        "assets.hero.reference[1]",
    ),
    "in params": (
        HEAD + hero("params: {a: [b, '«${x}»']}"),
        "unknown variable `${x}` in `params` of asset `hero`",
        "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign",
        "assets.hero.params.a[1]",
    ),
    "in a name": (
        HEAD + "assets:\n  icon-«${x}»: {prompt: a, output: a.png}\n",
        "unknown variable `${x}` in the name",
        "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign",
        "assets.icon-${x}",
    ),
    "in a style, once for all": (
        HEAD
        + 'styles: {ink: "${prompt} in «${colour}»"}\n'
        + hero("style: ink")
        + "  b: {prompt: a, output: b.png, style: ink}\n",
        "unknown variable `${colour}` in style `ink`",
        "variables here are `prompt`",
        "styles.ink",
    ),
    "in defaults, once for all": (
        "version: 1\ndefaults: {model: 'a/«${m}»'}\n"
        + hero("")
        + "  b: {prompt: a, output: b.png}\n",
        "unknown variable `${m}` in `model` of `defaults`",
        "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign",
        "defaults.model",
    ),
}


@pytest.mark.parametrize("case", VARIABLE_FAULTS)
def test_a_variable_that_cannot_be_filled_is_a_fault_at_its_place(
    workspace: Workspace, case: str
) -> None:
    workspace.check_fault(*VARIABLE_FAULTS[case])


def test_every_unknown_variable_of_a_text_is_reported(workspace: Workspace) -> None:
    faults = workspace.faults(HEAD + hero("prompt: ${a} and ${b}"))
    assert [fault.what for fault in faults] == [
        "unknown variable `${a}` in `prompt` of asset `hero`",
        "unknown variable `${b}` in `prompt` of asset `hero`",
    ]


def test_a_fault_of_a_matrix_is_reported_once(workspace: Workspace) -> None:
    workspace.check_fault(
        HEAD + "assets:\n  a-${i}:\n    matrix: {i: [1, 2, 3]}\n    prompt: «${j}»\n"
        "    output: ${i}.png\n",
        "unknown variable `${j}` in `prompt` of asset `a-${i}`",
        "variables here are `i`",
    )


def test_a_matrix_whose_name_leaves_variables_out_is_a_fault(workspace: Workspace) -> None:
    workspace.check_fault(
        HEAD
        + "assets:\n  «icon-${a}»:\n    matrix: {a: [x], b: [1, 2], c: [3, 4]}\n    prompt: p\n"
        "    output: ${a}${b}${c}.png\n",
        "the matrix of asset `icon-${a}` makes the name `icon-x` more than once",
        "put `${b}`, `${c}` into the name",
        "assets.icon-${a}",
    )


def test_a_combination_that_is_there_twice_is_a_fault(workspace: Workspace) -> None:
    workspace.check_fault(
        HEAD
        + "assets:\n  «i-${a}»:\n    matrix: {a: [x, y, x]}\n    prompt: p\n    output: ${a}.png\n",
        "the matrix of asset `i-${a}` makes the name `i-x` more than once",
        "a combination is there twice",
    )


def test_a_matrix_with_one_output_is_a_fault(workspace: Workspace) -> None:
    workspace.check_fault(
        HEAD
        + "assets:\n  i-${a}:\n    matrix: {a: [x, y, z]}\n    prompt: p\n    output: «a.png»\n",
        "the matrix of asset `i-${a}` gives several assets one output",
        "put the variables that the name has into `output` too",
    )


def test_too_many_assets_are_refused_before_they_are_made(workspace: Workspace) -> None:
    values = f"[{', '.join(map(str, range(1_000)))}]"
    lists = ", ".join(f"{letter}: {values}" for letter in "abcdef")
    workspace.check_fault(
        HEAD + f"assets:\n  i:\n    «matrix»: {{{lists}}}\n    prompt: p\n    output: a.png\n",
        "asset `i` brings the project to more than 200,000 assets",
        "split the project into several manifests",
    )


def test_a_prompt_that_grows_too_long_is_refused(workspace: Workspace) -> None:
    text = "version: 1\nprovider: draft\nvars: {v: " + "x" * 2_000 + "}\n"
    fault = workspace.fault(text + hero("prompt: " + "${v}" * 100))
    assert fault.what == (
        "`prompt` of asset `hero` is longer than 100,000 characters once it is filled"
    )
    assert fault.hint == "shorten it, or the variables in it"
    plain = workspace.fault(HEAD + hero("prompt: " + "x" * 100_001))
    assert plain.what == "`prompt` of asset `hero` is longer than 100,000 characters"
    assert len(workspace.generate("prompt: " + "x" * 100_000).prompt) == 100_000


def test_texts_that_grow_too_long_together_are_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry_module, "MOST_WORK", 10_000)
    values = f"[{', '.join(map(str, range(100)))}]"
    fault = workspace.fault(
        HEAD
        + f"vars: {{v: {'x' * 200}}}\nassets:\n  i-${{a}}:\n    matrix: {{a: {values}}}\n"
        + "    prompt: ${v}\n    output: ${a}.png\n"
    )
    assert fault.what == "the texts of all assets together are too long"
    assert fault.hint == "shorten the prompts or the matrices"


def test_an_unknown_asset_is_a_fault_with_the_nearest(workspace: Workspace) -> None:
    workspace.check_fault(
        HEAD + hero("reference: «asset:heroo»"),
        "unknown asset `heroo` in `reference` of asset `hero`",
        "did you mean `hero`?",
        "assets.hero.reference",
    )
    workspace.check_fault(
        HEAD + hero("reference: [«asset:zzz»]"),
        "unknown asset `zzz` in `reference` of asset `hero`",
        "declare it under `assets`; a file is named without `asset:`",
        "assets.hero.reference[0]",
    )


def test_assets_of_a_refused_entry_are_not_called_unknown(workspace: Workspace) -> None:
    fault = workspace.fault(
        HEAD
        + hero("reference: asset:icon-a")
        + "  icon-${i}: {matrix: {i: [a]}, prompt: a, output: '${i}.png', sed: 1}\n"
    )
    assert fault.what == "unknown field `sed` in asset `icon-${i}`"


def test_assets_may_be_declared_after_those_that_read_them(workspace: Workspace) -> None:
    found = workspace.assets(
        hero("reference: asset:later") + "  later: {prompt: a, output: later.png}\n"
    )
    assert found["hero"].reads == ("later",)
    assert found["hero"].action.references == (AssetReference("later"),)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({"a": "a"}, "a -> a"),
        ({"a": "b", "b": "c", "c": "a"}, "a -> b -> c -> a"),
        ({"x": "b", "a": "b", "b": "c", "c": "a"}, "a -> b -> c -> a"),
    ],
)
def test_a_cycle_is_printed_as_a_path(
    workspace: Workspace, edges: dict[str, str], cycle: str
) -> None:
    lines = []
    for name, other in edges.items():
        mark = f"«asset:{other}»" if name == "a" else f"asset:{other}"
        lines.append(f"  {name}: {{prompt: p, output: {name}.png, reference: {mark}}}\n")
    workspace.check_fault(
        HEAD + "assets:\n" + "".join(lines),
        f"assets refer to each other in a cycle: {cycle}",
        "remove one of these references",
        "assets.a.reference",
    )


def test_each_cycle_is_reported_once(workspace: Workspace) -> None:
    edges = {"a": "b", "b": "a", "c": "d", "d": "c", "e": "a"}
    lines = [
        f"  {name}: {{prompt: p, output: {name}.png, reference: asset:{other}}}\n"
        for name, other in edges.items()
    ]
    faults = workspace.faults(HEAD + "assets:\n" + "".join(lines))
    assert [fault.what.rpartition(": ")[2] for fault in faults] == ["a -> b -> a", "c -> d -> c"]


def _chain(length: int, last: str) -> str:
    lines = [
        f"  a{i}: {{prompt: p, output: a{i}.png, reference: asset:a{i + 1}}}\n"
        for i in range(length)
    ]
    return f"{HEAD}assets:\n{''.join(lines)}  a{length}: {{prompt: p, output: z.png{last}}}\n"


def test_a_chain_may_be_as_long_as_the_manifest(workspace: Workspace) -> None:
    assert len(workspace.load(_chain(3_000, "")).assets) == 3_001


def test_a_long_cycle_is_shortened(workspace: Workspace) -> None:
    fault = workspace.fault(_chain(3_000, ", reference: asset:a0"))
    assert fault.what == (
        "assets refer to each other in a cycle: a0 -> a1 -> a2 -> a3 -> a4 -> a5 -> … -> a2996 -> "
        "a2997 -> a2998 -> a2999 -> a3000 -> a0"
    )


def test_a_manifest_full_of_faults_still_answers(workspace: Workspace) -> None:
    """Each fault wants a hint, and looking for one takes time in proportion to the assets."""
    lines = [
        f"  a{i}: {{prompt: p, output: a{i}.png, reference: asset:b{i}}}\n" for i in range(3_000)
    ]
    faults = workspace.faults(HEAD + "assets:\n" + "".join(lines))
    *shown, last = faults
    assert len(shown) == MOST_FAULTS
    assert {fault.hint for fault in shown[-10:]} == {
        "declare it under `assets`; a file is named without `asset:`"
    }
    assert last.what == "more faults than the 1,000 that are shown"
