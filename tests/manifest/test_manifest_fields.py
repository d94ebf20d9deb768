"""What each field accepts, its normal form, and the fault of what it does not accept."""

from __future__ import annotations

from decimal import Decimal

import pytest

from assetgen.core.model import (
    AssetReference,
    Budget,
    FileReference,
    Generate,
    Limits,
    Parameters,
    Source,
)
from tests.manifest.support import HEAD, Workspace, hero, place_of_mark

DESIGN = """\
# yaml-language-server: $schema=schemas/manifest.schema.json
version: 1
project: lantern-bay-art
provider: openrouter
budget: {per_build: 2.00, per_asset: 0.30}
vars: {palette: teal and amber}
styles:
  ink: "${prompt}. Flat ink illustration, ${palette}, no text."
defaults:
  model: google/gemini-2.5-flash-image
  style: ink
assets:
  hero:
    prompt: A lighthouse keeper, full body, facing the viewer
    aspect_ratio: 2:3
    output: art/hero.png
  hero-side:
    prompt: The same keeper, seen from the left
    reference: asset:hero
    output: art/hero-side.png
  icon-${item}:
    matrix: {item: [sword, shield, potion]}
    prompt: A ${item} icon, centred on a plain ground
    reference: [refs/icon-frame.png, asset:hero]
    output: art/icons/${item}.webp
    tags: [icons]
  logo:
    source: hand/logo.png
    output: public/logo.png
"""


def test_the_example_of_the_documentation_is_resolved(workspace: Workspace) -> None:
    workspace.write("refs/icon-frame.png")
    workspace.write("hand/logo.png")
    project = workspace.load(DESIGN)
    assert project.name == "lantern-bay-art"
    assert project.manifest == "assets.yaml"
    assert project.root == str(workspace.root)
    assert project.provider == "openrouter"
    assert project.budget == Budget(per_build=Decimal("2.00"), per_asset=Decimal("0.30"))
    assert project.read_files == ("assets.yaml",)
    assert project.read_folders == ()
    by_name = {asset.name: asset for asset in project.assets}
    assert list(by_name) == [
        "hero",
        "hero-side",
        "icon-sword",
        "icon-shield",
        "icon-potion",
        "logo",
    ]
    assert by_name["icon-shield"].action == Generate(
        model="google/gemini-2.5-flash-image",
        prompt="A shield icon, centred on a plain ground. Flat ink illustration, teal and amber, "
        "no text.",
        references=(FileReference("refs/icon-frame.png"), AssetReference("hero")),
    )
    assert by_name["icon-shield"].output == "art/icons/shield.webp"
    assert by_name["icon-shield"].format == "webp"
    assert by_name["icon-shield"].tags == ("icons",)
    assert by_name["icon-shield"].reads == ("hero",)
    assert by_name["logo"].action == Source("hand/logo.png")
    assert by_name["hero"].action.parameters == Parameters(aspect_ratio="2:3")  # type: ignore[union-attr]


def test_every_field_of_an_asset_is_resolved_in_normal_form(workspace: Workspace) -> None:
    found = workspace.generate(
        """
        model: " some/other "
        aspect_ratio: " 16 : 9 "
        image_size: 2k
        quality: HIGH
        background: Transparent
        seed: 0x10
        take: 3
        max_tokens: 16
        timeout_s: 1.5
        params: {strength: 1.0, ratio: 0.25, on: true, none: ~, "no": "1", deep: [{a: 1e2}]}
        api: images
        modalities: [TEXT, image, image]
        """.replace("        ", "")
    )
    assert found == Generate(
        model="some/other",
        prompt="a keeper",
        parameters=Parameters(
            aspect_ratio="16:9",
            image_size="2K",
            quality="high",
            background="transparent",
            seed=16,
            modalities=("image", "text"),
            extra={
                "strength": 1,
                "ratio": 0.25,
                "on": True,
                "none": None,
                "no": "1",
                "deep": [{"a": 100}],
            },
        ),
        take=3,
        limits=Limits(max_tokens=16, timeout_s=1.5),
        route="images",
    )
    assert type(found.parameters.extra["strength"]) is int


def test_description_tags_and_pinned_reach_the_asset(workspace: Workspace) -> None:
    asset = workspace.assets(
        hero("description: ' the keeper '\ntags: [a, 2024, ä, a]\npinned: true")
    )["hero"]
    assert asset.description == "the keeper"
    assert asset.tags == ("a", "2024", "ä")
    assert asset.pinned


@pytest.mark.parametrize("size", ["0.5K", "1k", " 4K "])
def test_image_sizes_are_written_with_an_upper_case_k(workspace: Workspace, size: str) -> None:
    found = workspace.generate(f"image_size: '{size}'").parameters.image_size
    assert found == size.strip().upper()


def test_ratios_may_have_fractions_or_be_auto(workspace: Workspace) -> None:
    assert workspace.generate("aspect_ratio: 19.5:9").parameters.aspect_ratio == "19.5:9"
    assert workspace.generate("aspect_ratio: AUTO").parameters.aspect_ratio == "auto"


def test_whole_numbers_may_be_written_as_doubles(workspace: Workspace) -> None:
    assert workspace.generate("seed: 1e3").parameters.seed == 1000


def test_prompts_are_stripped_at_both_ends(workspace: Workspace) -> None:
    assert workspace.generate("prompt: |\n\n    a keeper\n      with a lamp\n\n").prompt == (
        "a keeper\n  with a lamp"
    )


def test_a_lone_reference_and_a_list_mean_the_same(workspace: Workspace) -> None:
    workspace.write("a.png")
    one = workspace.generate("reference: ./a.png")
    many = workspace.generate("reference: [a.png]")
    assert one.references == many.references == (FileReference("a.png"),)


def test_a_reference_may_be_repeated(workspace: Workspace) -> None:
    workspace.write("a.png")
    assert len(workspace.generate("reference: [a.png, a.png]").references) == 2


def test_fields_without_a_value_count_as_not_stated(workspace: Workspace) -> None:
    found = workspace.generate("seed:\ntags: ~\nparams: null\nreference:\nmatrix:\ndescription:")
    assert found == Generate(model="some/model", prompt="a keeper")


def test_sections_without_a_value_are_empty(workspace: Workspace) -> None:
    project = workspace.load(
        "version: 1\nproject:\nprovider:\nbudget:\nvars:\nstyles:\ndefaults:\ninclude:\nassets:\n"
    )
    assert project.assets == ()
    assert project.name == "lantern-bay"
    assert project.provider == "openrouter"
    assert project.budget == Budget()


def test_an_own_field_replaces_the_default_entirely(workspace: Workspace) -> None:
    workspace.write("a.png")
    workspace.write("b.png")
    asset = workspace.load(
        "version: 1\ndefaults: {model: a/b, tags: [x, y], reference: [a.png, b.png], seed: 1, "
        "params: {a: 1, b: 2}}\n" + hero("tags: [z]\nreference: b.png\nparams: {c: 3}")
    ).assets[0]
    assert asset.tags == ("z",)
    assert isinstance(asset.action, Generate)
    assert asset.action.references == (FileReference("b.png"),)
    assert asset.action.parameters == Parameters(seed=1, extra={"c": 3})


def test_an_explicit_null_leaves_the_default_out(workspace: Workspace) -> None:
    head = (
        'version: 1\nstyles: {ink: "${prompt} in ink"}\n'
        "defaults: {model: a/b, style: ink, seed: 1, tags: [x], take: 4}\n"
    )
    asset = workspace.load(head + hero("style: ~\nseed: null\ntags:\ntake: null")).assets[0]
    assert asset.tags == ()
    assert asset.action == Generate(model="a/b", prompt="a keeper")


def test_every_field_of_defaults_is_inherited(workspace: Workspace) -> None:
    workspace.write("a.png")
    head = """\
version: 1
styles: {ink: "${prompt} in ink"}
defaults:
  model: some/model
  style: ink
  aspect_ratio: 1:1
  image_size: 1K
  quality: low
  background: opaque
  seed: 5
  take: 2
  pinned: true
  max_tokens: 100
  timeout_s: 60
  params: {a: 1}
  api: chat
  modalities: [image]
  reference: a.png
  tags: [t]
"""
    asset = workspace.load(head + hero("")).assets[0]
    assert asset.pinned
    assert asset.tags == ("t",)
    assert asset.action == Generate(
        model="some/model",
        prompt="a keeper in ink",
        references=(FileReference("a.png"),),
        parameters=Parameters(
            aspect_ratio="1:1",
            image_size="1K",
            quality="low",
            background="opaque",
            seed=5,
            modalities=("image",),
            extra={"a": 1},
        ),
        take=2,
        limits=Limits(max_tokens=100, timeout_s=60),
        route="chat",
    )


def test_a_source_ignores_what_only_a_model_needs(workspace: Workspace) -> None:
    workspace.write("hand.png")
    head = "version: 1\ndefaults: {model: a/b, seed: 1, pinned: true, tags: [x], style: gone}\n"
    asset = workspace.load(head + hero("source: hand.png")).assets[0]
    assert asset.action == Source("hand.png")
    assert asset.tags == ("x",)
    assert not asset.pinned
    stated = workspace.load(head + hero("source: hand.png\npinned: true\nmodel: ~")).assets[0]
    assert stated.pinned


def test_a_draft_needs_no_model_and_checks_no_capability(workspace: Workspace) -> None:
    head = "version: 1\nprovider: draft\n"
    asset = workspace.load(head + hero("aspect_ratio: 7:1")).assets[0]
    assert asset.action == Generate(
        model="", prompt="a keeper", parameters=Parameters(aspect_ratio="7:1")
    )
    known = workspace.load(head + hero("model: openai/gpt-5-image\naspect_ratio: 7:1")).assets[0]
    assert known.action.model == "openai/gpt-5-image"  # type: ignore[union-attr]


def test_an_unknown_model_is_never_refused(workspace: Workspace) -> None:
    workspace.write("a.png")
    found = workspace.generate(
        "model: new/one\naspect_ratio: 7:1\nimage_size: 4K\nreference: [a.png, a.png, a.png, a.png]"
    )
    assert found.model == "new/one"


def test_budgets_keep_their_exact_amounts_and_may_be_nothing(workspace: Workspace) -> None:
    project = workspace.load(f"{HEAD}budget: {{per_build: 0, per_asset: .10}}\n{hero('')}")
    assert project.budget == Budget(per_build=Decimal(0), per_asset=Decimal("0.10"))


def test_where_an_asset_is_declared_travels_with_it(workspace: Workspace) -> None:
    where = workspace.assets(hero(""))["hero"].where
    assert where is not None
    assert (where.line, where.column, where.length) == (4, 3, 4)
    assert (where.path, where.source_line) == ("assets.hero", "  hero:")


ONE_OF_FIELDS = "fields here are `assets`, `budget`, `defaults`"
NUMBER_HINT = "remove the quotes"

FIELD_FAULTS = {
    "unknown field": (
        "«promt»: x",
        "unknown field `promt` in asset `hero`",
        "did you mean `prompt`?",
        "assets.hero.promt",
    ),
    "negative prompt": (
        "«negative_prompt»: text",
        "unknown field `negative_prompt` in asset `hero`",
        "models are told what to show: say what you want in `prompt`",
        "assets.hero.negative_prompt",
    ),
    "later: candidates": (
        "«candidates»: [a]",
        "unknown field `candidates` in asset `hero`",
        "`candidates` is not part of version 1 yet",
        "assets.hero.candidates",
    ),
    "prompt without value": (
        "prompt:«»",
        "`prompt` of asset `hero` has no value",
        "give it a value, or remove the line",
        "assets.hero.prompt",
    ),
    "prompt as mapping": (
        "prompt: «{a: b}»",
        "`prompt` of asset `hero` must be text, not a mapping",
        "put quotes around a text that starts with `{`, or that holds `: `",
        "assets.hero.prompt",
    ),
    "prompt as list": (
        "prompt: «[a]»",
        "`prompt` of asset `hero` must be text, not a list",
        "put quotes around a text that starts with `[` or `- `",
        "assets.hero.prompt",
    ),
    "empty prompt": (
        'prompt: «" "»',
        "`prompt` of asset `hero` is empty",
        "say what the image shows",
        "assets.hero.prompt",
    ),
    "aspect ratio": (
        "aspect_ratio: «16x9»",
        "`aspect_ratio` of asset `hero` is `16x9`, which is no ratio",
        "write it like `16:9`, or `auto`",
        "assets.hero.aspect_ratio",
    ),
    "ratio of nothing": (
        "aspect_ratio: «0:9»",
        "`aspect_ratio` of asset `hero` is `0:9`, which is no ratio",
        "write it like `16:9`, or `auto`",
        "assets.hero.aspect_ratio",
    ),
    "image size": (
        "image_size: «1024x1024»",
        "`image_size` of asset `hero` is `1024x1024`, which is no size",
        "write one of `0.5K`, `1K`, `2K`, `4K`; the shape is `aspect_ratio`",
        "assets.hero.image_size",
    ),
    "quality": (
        "quality: «very high»",
        "`quality` of asset `hero` is `very high`, which is no word",
        "write it like `high`",
        "assets.hero.quality",
    ),
    "seed as text": (
        "seed: «abc»",
        "`seed` of asset `hero` must be a whole number, not `abc`",
        None,
        "assets.hero.seed",
    ),
    "quoted seed": (
        'seed: «"42"»',
        "`seed` of asset `hero` must be a whole number, not `42`",
        "remove the quotes",
        "assets.hero.seed",
    ),
    "fraction of a seed": (
        "seed: «1.5»",
        "`seed` of asset `hero` must be a whole number, not `1.5`",
        None,
        "assets.hero.seed",
    ),
    "negative seed": (
        "seed: «-1»",
        "`seed` of asset `hero` must be at least 0, not `-1`",
        None,
        "assets.hero.seed",
    ),
    "huge seed": (
        "seed: «9223372036854775808»",
        "`seed` of asset `hero` must be at most 9223372036854775807, not `9223372036854775808`",
        None,
        "assets.hero.seed",
    ),
    "seed that is true": (
        "seed: «true»",
        "`seed` of asset `hero` must be a whole number, not `true`",
        None,
        "assets.hero.seed",
    ),
    "take": (
        "take: «0»",
        "`take` of asset `hero` must be at least 1, not `0`",
        None,
        "assets.hero.take",
    ),
    "max_tokens under 16": (
        "max_tokens: «15»",
        "`max_tokens` of asset `hero` must be at least 16, not `15`",
        None,
        "assets.hero.max_tokens",
    ),
    "timeout": (
        "timeout_s: «0»",
        "`timeout_s` of asset `hero` must be more than 0 and at most 86400 s, not `0`",
        None,
        "assets.hero.timeout_s",
    ),
    "infinite timeout": (
        "timeout_s: «.inf»",
        "`timeout_s` of asset `hero` must be a number of seconds that can be computed with, not "
        "`.inf`",
        None,
        "assets.hero.timeout_s",
    ),
    "pinned": (
        "pinned: «yes»",
        "`pinned` of asset `hero` must be `true` or `false`, not `yes`",
        None,
        "assets.hero.pinned",
    ),
    "quoted truth": (
        'pinned: «"true"»',
        "`pinned` of asset `hero` must be `true` or `false`, not `true`",
        "remove the quotes",
        "assets.hero.pinned",
    ),
    "api": (
        "api: «rest»",
        "`api` of asset `hero` must be one of `auto`, `chat`, `images`, not `rest`",
        None,
        "assets.hero.api",
    ),
    "modalities": (
        "modalities: «[image, audio]»",
        "`modalities` of asset `hero` must be made of `image`, `text`, not `audio`",
        None,
        "assets.hero.modalities",
    ),
    "modalities without image": (
        "modalities: «[text]»",
        "`modalities` of asset `hero` must name `image`",
        "write `[image]` or `[image, text]`",
        "assets.hero.modalities",
    ),
    "modalities as text": (
        "modalities: «image»",
        "`modalities` of asset `hero` must be a list, not `image`",
        "write it like `[first, second]`",
        "assets.hero.modalities",
    ),
    "tags as text": (
        "tags: «icons»",
        "`tags` of asset `hero` must be a list, not `icons`",
        "write it like `[first, second]`",
        "assets.hero.tags",
    ),
    "tag with a space": (
        "tags: [a, «b c»]",
        "`tags` of asset `hero` has `b c`, which is no tag",
        "a tag has no spaces, commas or `*?+[]`, and at most 100 characters",
        "assets.hero.tags[1]",
    ),
    "tag without value": (
        "tags: [a, «~»]",
        "`tags` of asset `hero` has no value",
        "give it a value, or remove the line",
        "assets.hero.tags[1]",
    ),
    **{
        f"refused parameter: {name}": (
            f"params: {{«{name}»: 1}}",
            f"`params` of asset `hero` must not set `{name}`",
            "that would change the call itself; assetgen sets it",
            f"assets.hero.params.{name}",
        )
        for name in ("model", "MODELS", "messages", "N", "stream", "modalities")
    },
    "params as list": (
        "params: «[1]»",
        "`params` of asset `hero` must be a mapping, not a list",
        None,
        "assets.hero.params",
    ),
    "infinite parameter": (
        "params: {a: {b: [1, «1e999»]}}",
        "`params` of asset `hero` must be a number that can be computed with, not `1e999`",
        None,
        "assets.hero.params.a.b[1]",
    ),
    "parameter that is no number": (
        "params: {a: «.nan»}",
        "`params` of asset `hero` must be a number that can be computed with, not `.nan`",
        None,
        "assets.hero.params.a",
    ),
    "huge parameter": (
        "params: {a: «99999999999999999999»}",
        "`params` of asset `hero` must be a number of at most 64 bits, not `99999999999999999999`",
        None,
        "assets.hero.params.a",
    ),
    "parameter stated twice": (
        "seed: 1\nparams: {a: 1, seed: «2»}",
        "`params` of asset `hero` states `seed`, which the field `seed` states as well",
        "keep one of them",
        "assets.hero.params.seed",
    ),
    "model without author": (
        "model: «gemini-2.5-flash-image»",
        "`model` of asset `hero` is `gemini-2.5-flash-image`, which does not name the model's "
        "author",
        "did you mean `google/gemini-2.5-flash-image`?",
        "assets.hero.model",
    ),
    "model like nothing known": (
        "model: «dall-e»",
        "`model` of asset `hero` is `dall-e`, which does not name the model's author",
        "write it like `google/gemini-2.5-flash-image`",
        "assets.hero.model",
    ),
    "model with a space": (
        "model: «google / gemini»",
        "`model` of asset `hero` is `google / gemini`, which is no model id",
        "write it like `google/gemini-2.5-flash-image`",
        "assets.hero.model",
    ),
    "no model": (
        "model: ~",
        "asset `hero` has no `model`",
        "state one in the asset or under `defaults`, such as `google/gemini-2.5-flash-image`",
        "assets.hero",
    ),
    "ratio not taken": (
        "model: google/gemini-2.5-flash-image\naspect_ratio: «4:5»",
        "model `google/gemini-2.5-flash-image` takes no `aspect_ratio` `4:5` (model table of "
        "2026-09-30)",
        "it takes `1:1`, `2:3`, `16:9`, `21:9`",
        "assets.hero.aspect_ratio",
    ),
    "size not taken": (
        "model: google/gemini-2.5-flash-image\nimage_size: «4K»",
        "model `google/gemini-2.5-flash-image` takes no `image_size` `4K` (model table of "
        "2026-09-30)",
        "it takes `1K`",
        "assets.hero.image_size",
    ),
    "no ratios taken at all": (
        "model: openai/gpt-5-image\naspect_ratio: «1:1»",
        "model `openai/gpt-5-image` takes no `aspect_ratio` (model table of 2026-09-30)",
        "remove it, or choose another model",
        "assets.hero.aspect_ratio",
    ),
    "too many references": (
        "model: recraft/recraft-v3\nreference: «[a.png, a.png]»",
        "model `recraft/recraft-v3` takes at most 1 reference (model table of 2026-09-30), and "
        "asset `hero` has 2",
        "remove it, or choose another model",
        "assets.hero.reference",
    ),
    "no references taken": (
        "model: text/only\nreference: «a.png»",
        "model `text/only` takes no references (model table of 2026-09-30), and asset `hero` has 1",
        "remove it, or choose another model",
        "assets.hero.reference",
    ),
    "unknown style": (
        "style: «ikn»",
        "unknown style `ikn` in `style` of asset `hero`",
        "did you mean `ink`?",
        "assets.hero.style",
    ),
    "style like nothing known": (
        "style: «watercolour»",
        "unknown style `watercolour` in `style` of asset `hero`",
        "styles are `ink`",
        "assets.hero.style",
    ),
    "source beside a prompt": (
        "prompt: x\n«source»: a.png",
        "asset `hero` has both `prompt` and `source`",
        "keep `prompt` for an image that a model makes, `source` for one made by hand",
        "assets.hero.source",
    ),
    "generation field of a source": (
        "source: a.png\n«seed»: 1",
        "`seed` of asset `hero` means nothing beside `source`",
        "remove it: a file made by hand is not generated",
        "assets.hero.seed",
    ),
    "empty matrix": (
        "matrix: «{}»",
        "`matrix` of asset `hero` must hold values, not nothing",
        "write `{item: [sword, shield]}`, or a list of mappings",
        "assets.hero.matrix",
    ),
    "matrix of texts": (
        "matrix: «sword»",
        "`matrix` of asset `hero` must hold values, not `sword`",
        "write `{item: [sword, shield]}`, or a list of mappings",
        "assets.hero.matrix",
    ),
    "matrix without lists": (
        "matrix: {item: «sword»}",
        "`matrix` of asset `hero` must be lists of values, not `sword`",
        "write it like `{item: [sword, shield]}`",
        "assets.hero.matrix.item",
    ),
    "matrix with an empty list": (
        "matrix: {item: «[]»}",
        "`matrix` of asset `hero` must be lists of values, not nothing",
        "write it like `{item: [sword, shield]}`",
        "assets.hero.matrix.item",
    ),
    "matrix row that is a text": (
        "matrix: [{item: a}, «b»]",
        "`matrix` of asset `hero` must be a list of mappings, not of `b`",
        "write it like `[{item: sword, colour: red}]`",
        "assets.hero.matrix[1]",
    ),
    "matrix value that is a list": (
        "matrix: {item: [a, «[b]»]}",
        "`matrix` of asset `hero` must be text or a number, not a list",
        "put quotes around a text that starts with `[` or `- `",
        "assets.hero.matrix.item[1]",
    ),
    "matrix variable called prompt": (
        "matrix: {«prompt»: [a]}",
        "`matrix` of asset `hero` has the variable `prompt`, which must not be called `prompt`",
        "in a style `${prompt}` is the asset's prompt: choose another name",
        "assets.hero.matrix.prompt",
    ),
    "matrix variable that is no name": (
        "matrix: {«a b»: [a]}",
        "`matrix` of asset `hero` has the variable `a b`, which is not a name for a variable",
        "use letters A-Z and a-z, digits, `_` and `-`, and start with a letter or `_`",
        "assets.hero.matrix.a b",
    ),
}


@pytest.mark.parametrize("case", FIELD_FAULTS)
def test_what_a_field_does_not_accept_is_a_fault_at_its_place(
    workspace: Workspace, case: str
) -> None:
    fields, what, hint, path = FIELD_FAULTS[case]
    workspace.write("a.png")
    marked = HEAD + 'styles: {ink: "${prompt} in ink"}\n' + hero(fields)
    if "«" not in marked:
        marked = marked.replace("  hero:", "  «hero»:")
    elif "«»" in marked:
        marked = marked.replace("«»", "")
        fault = workspace.fault(marked)
        assert (fault.what, fault.hint) == (what, hint)
        return
    workspace.check_fault(marked, what, hint, path)


TOP_FAULTS = {
    "no version": (
        "«assets: {}»\n",
        "the manifest has no `version`",
        "write `version: 1` in its first line",
        "",
    ),
    "newer version": (
        "version: «2»\nother: 1\n",
        "version 2 of the manifest is newer than this assetgen",
        "upgrade assetgen; it reads version 1",
        "version",
    ),
    "quoted version": (
        'version: «"1"»\nassets: {}\n',
        "`version` must be 1, not `1`",
        "write `version: 1`",
        "version",
    ),
    "old version": (
        "version: «0»\nassets: {}\n",
        "`version` must be 1, not `0`",
        "write `version: 1`",
        "version",
    ),
    "no assets": (
        "«version: 1»\n",
        "the manifest has no `assets`",
        "write `assets:`, and the images below it",
        "",
    ),
    "unknown field": (
        "version: 1\nassets: {}\n«stiles»: {}\n",
        "unknown field `stiles` in the manifest",
        "did you mean `styles`?",
        "stiles",
    ),
    "asset's field on top": (
        "version: 1\n«quality»: high\nassets: {}\n",
        "unknown field `quality` in the manifest",
        "put `quality` under `defaults`, or into an asset",
        "quality",
    ),
    "like nothing known": (
        "version: 1\n«zzz»: 1\nassets: {}\n",
        "unknown field `zzz` in the manifest",
        "fields here are `assets`, `atlases`, `budget`, `defaults`, `exports`, `include`, "
        "`project`, `provider`, `styles`, `vars`, `version`",
        "zzz",
    ),
    "asset's field in defaults": (
        "version: 1\ndefaults: {«output»: a.png}\nassets: {}\n",
        "unknown field `output` in `defaults`",
        "put `output` into each asset",
        "defaults.output",
    ),
    "field of budget": (
        "version: 1\nbudget: {«per_bild»: 1}\nassets: {}\n",
        "unknown field `per_bild` in `budget`",
        "did you mean `per_build`?",
        "budget.per_bild",
    ),
    "budget with a currency": (
        "version: 1\nbudget: {per_build: «$2»}\nassets: {}\n",
        "`per_build` of `budget` must be an amount in US dollars, not `$2`",
        "write a number without sign, currency or quotes, such as `2.00`",
        "budget.per_build",
    ),
    "negative budget": (
        "version: 1\nbudget: {per_build: «-1»}\nassets: {}\n",
        "`per_build` of `budget` must be an amount in US dollars, not `-1`",
        "write a number without sign, currency or quotes, such as `2.00`",
        "budget.per_build",
    ),
    "budget as number": (
        "version: 1\nbudget: «2»\nassets: {}\n",
        "`budget` must be a mapping, not `2`",
        None,
        "budget",
    ),
    "defaults as list": (
        "version: 1\ndefaults: «[a]»\nassets: {}\n",
        "`defaults` must be a mapping, not a list",
        None,
        "defaults",
    ),
    "assets as list": (
        "version: 1\nassets: «[a]»\n",
        "`assets` must be a mapping, not a list",
        "write the name of each image, and its fields below it",
        "assets",
    ),
    "asset as text": (
        "version: 1\nassets: {hero: «a keeper»}\n",
        "asset `hero` must be a mapping, not `a keeper`",
        "write at least `prompt` and `output` below the name",
        "assets.hero",
    ),
    "provider": (
        "version: 1\nprovider: «openruter»\nassets: {}\n",
        "unknown provider `openruter`",
        "did you mean `openrouter`?",
        "provider",
    ),
    "provider like nothing known": (
        "version: 1\nprovider: «sketches»\nassets: {}\n",
        "unknown provider `sketches`",
        "install the package that provides it; there are `openrouter`, `draft`",
        "provider",
    ),
    "provider that is no name": (
        "version: 1\nprovider: «../sketch»\nassets: {}\n",
        "`provider` must be the name of a provider, not `../sketch`",
        "`openrouter` and `draft` are built in; packages may add others",
        "provider",
    ),
    "variable that is a list": (
        "version: 1\nvars: {a: «[b]»}\nassets: {}\n",
        "variable `a` must be text or a number, not a list",
        "put quotes around a text that starts with `[` or `- `",
        "vars.a",
    ),
    "variable without value": (
        "version: 1\nvars: {a: «~»}\nassets: {}\n",
        "variable `a` has no value",
        'write `""` for no text, and `"null"` for that word',
        "vars.a",
    ),
    "variable that is no name": (
        "version: 1\nvars: {«a b»: c}\nassets: {}\n",
        "variable `a b` is not a name for a variable",
        "use letters A-Z and a-z, digits, `_` and `-`, and start with a letter or `_`",
        "vars.a b",
    ),
    "variable called prompt": (
        "version: 1\nvars: {«prompt»: c}\nassets: {}\n",
        "variable `prompt` must not be called `prompt`",
        "in a style `${prompt}` is the asset's prompt: choose another name",
        "vars.prompt",
    ),
    "style without prompt": (
        "version: 1\nstyles: {ink: «flat ink»}\nassets: {}\n",
        "style `ink` has no `${prompt}`, so that prompts would be lost",
        'say where the prompt goes, like `"${prompt}. Flat ink illustration"`',
        "styles.ink",
    ),
    "default": (
        "version: 1\ndefaults: {max_tokens: «1»}\nassets: {}\n",
        "`max_tokens` of `defaults` must be at least 16, not `1`",
        None,
        "defaults.max_tokens",
    ),
    "name": (
        "version: 1\ndefaults: {model: a/b}\nassets: {«my hero»: {prompt: a, output: a.png}}\n",
        "`my hero` is not a name for an asset",
        "use letters A-Z and a-z, digits, `.`, `_` and `-`, and start with a letter or a digit; at "
        "most 200 characters",
        "assets.my hero",
    ),
    "no output": (
        "version: 1\ndefaults: {model: a/b}\nassets: {«hero»: {prompt: a}}\n",
        "asset `hero` has no `output`",
        "say where the image goes, such as `output: art/hero.png`",
        "assets.hero",
    ),
    "neither prompt nor source": (
        "version: 1\ndefaults: {model: a/b}\nassets: {«hero»: {output: a.png}}\n",
        "asset `hero` has neither `prompt` nor `source`",
        "say what the image shows in `prompt`, or name the file made by hand in `source`",
        "assets.hero",
    ),
    "value of a default, at the default": (
        "version: 1\ndefaults: {model: a/b, quality: «very high»}\n"
        "assets: {a: {prompt: a, output: a.png}, b: {prompt: a, output: b.png}}\n",
        "`quality` of `defaults` is `very high`, which is no word",
        "write it like `high`",
        "defaults.quality",
    ),
    "default that the default model does not take": (
        "version: 1\ndefaults: {model: openai/gpt-5-image, aspect_ratio: «1:1»}\n"
        "assets: {a: {prompt: a, output: a.png}, b: {prompt: a, output: b.png}}\n",
        "model `openai/gpt-5-image` takes no `aspect_ratio` (model table of 2026-09-30)",
        "remove it, or choose another model",
        "defaults.aspect_ratio",
    ),
    "default that an asset's own model does not take": (
        "version: 1\ndefaults: {model: a/b, aspect_ratio: 1:1}\n"
        "assets: {a: {prompt: a, output: a.png, model: «openai/gpt-5-image»}}\n",
        "model `openai/gpt-5-image` takes no `aspect_ratio` (model table of 2026-09-30)",
        "write `aspect_ratio: null` to leave the default out",
        "assets.a.model",
    ),
}


@pytest.mark.parametrize("case", TOP_FAULTS)
def test_what_a_manifest_does_not_accept_is_a_fault_at_its_place(
    workspace: Workspace, case: str
) -> None:
    workspace.check_fault(*TOP_FAULTS[case])


def test_all_faults_are_reported_together_in_file_order(workspace: Workspace) -> None:
    text = """\
version: 1
stiles: {}
budget: {per_build: lots}
vars: {a: [1]}
styles: {ink: flat}
defaults: {model: a/b, seed: x}
assets:
  one: {promt: a, output: a.png}
  two: {prompt: "${b}", output: b.gif, reference: asset:tow}
  three: {prompt: a, outptu: c.png}
  two: {prompt: a, output: d.png}
  four: {prompt: "${a}", style: ink, output: e.png, seed: -1}
  five: {prompt: a, output: f.png, reference: [asset:one, asset:three, asset:six, gone.png]}
"""
    faults = workspace.faults(text)
    assert [(fault.where.line, fault.what) for fault in faults if fault.where] == [
        (2, "unknown field `stiles` in the manifest"),
        (3, "`per_build` of `budget` must be an amount in US dollars, not `lots`"),
        (4, "variable `a` must be text or a number, not a list"),
        (5, "style `ink` has no `${prompt}`, so that prompts would be lost"),
        (6, "`seed` of `defaults` must be a whole number, not `x`"),
        (8, "unknown field `promt` in asset `one`"),
        (9, "unknown variable `${b}` in `prompt` of asset `two`"),
        (9, "`output` of asset `two` names `b.gif`, which has no extension of an image"),
        (9, "unknown asset `tow` in `reference` of asset `two`"),
        (10, "unknown field `outptu` in asset `three`"),
        (11, "duplicate key `two`"),
        (12, "`seed` of asset `four` must be at least 0, not `-1`"),
        (13, "unknown asset `six` in `reference` of asset `five`"),
        (13, "`reference` of asset `five` names `gone.png`, which does not exist"),
    ]


def test_control_characters_never_reach_a_message(workspace: Workspace) -> None:
    fault = workspace.fault(HEAD + 'assets: {"a\\u202eb": {prompt: a, output: a.png}}\n')
    assert fault.what == "`a\\u202eb` is not a name for an asset"


def test_long_values_are_shortened_in_messages(workspace: Workspace) -> None:
    fault = workspace.fault(HEAD + hero(f"seed: {'x' * 500}"))
    assert len(fault.what) < 200


def test_marks_are_found_in_the_tests_own_helper() -> None:
    assert place_of_mark("a\nb«cd»e") == (2, 2, 2, "a\nbcde")
