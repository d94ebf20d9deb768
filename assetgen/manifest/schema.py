"""What `assets.yaml` may say, as pydantic models.

The models give the JSON Schema that editors complete and explain fields from, so every field has
its description here. What one value must look like is in `fields`, and how a refusal is worded in
`explain`. Steps and all else that is made from images are in `schema_finish`, kinds of values in
`schema_types`; nothing but these three knows pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from assetgen.core.value import Value
from assetgen.manifest import fields
from assetgen.manifest.normal import IMAGE_SIZES
from assetgen.manifest.schema_finish import (
    AtlasEntry,
    ExpectEntry,
    ExportEntry,
    VariantsEntry,
)
from assetgen.manifest.schema_steps import Steps
from assetgen.manifest.schema_types import (
    NULL_AS_NONE,
    NULL_SECTION,
    Api,
    Dollars,
    MatrixField,
    MaxTokens,
    Modalities,
    OptionalText,
    Params,
    Provider,
    Seconds,
    Section,
    Seed,
    StatedText,
    StyleText,
    Tags,
    Take,
    Text,
    TextOrTexts,
    Texts,
    Truth,
    VariableName,
    VariableValue,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.manifest.scalars import Data

NOT_FOR_A_SOURCE = (
    "model",
    "reference",
    "style",
    "aspect_ratio",
    "image_size",
    "quality",
    "background",
    "seed",
    "take",
    "max_tokens",
    "timeout_s",
    "params",
    "api",
    "modalities",
)
"""Fields that only a generated image has."""


class BudgetEntry(Section):
    """`budget`."""

    model_config = ConfigDict(title="Budget")

    per_build: Dollars = Field(
        default=None,
        description="The most one build may spend, in US dollars. No cap unless it is set.",
    )
    per_asset: Dollars = Field(
        default=None,
        description="The most that the attempts for one image may cost together, in US dollars; "
        "also what is reserved for an image whose price is unknown.",
    )


class Defaults(Section):
    """`defaults`: what assets have unless they say otherwise."""

    model: OptionalText = Field(
        default=None,
        description="The model that makes the image, by its id at the provider.",
        examples=["google/gemini-2.5-flash-image"],
    )
    reference: TextOrTexts = Field(
        default=None,
        description="Images the model is shown, in order: a path in the project, or `asset:NAME` "
        "for another asset, which is built first. One or a list; a list replaces the default.",
        examples=["refs/frame.png", ["asset:hero", "refs/frame.png"]],
    )
    style: OptionalText = Field(
        default=None,
        description="The name of one of `styles`: its text is put around the prompt. `null` "
        "leaves the default out.",
    )
    aspect_ratio: OptionalText = Field(
        default=None,
        description="Width to height, such as `16:9`, or `auto`.",
        examples=["1:1", "2:3", "3:2", "4:3", "16:9", "9:16", "auto"],
    )
    image_size: OptionalText = Field(
        default=None,
        description="How large the image is, as far as the model knows sizes.",
        examples=list(IMAGE_SIZES),
    )
    quality: OptionalText = Field(
        default=None,
        description="How much effort the model spends, where it can choose.",
        examples=["low", "medium", "high"],
    )
    background: OptionalText = Field(
        default=None,
        description="What is behind the subject, where the model can choose.",
        examples=["transparent", "opaque"],
    )
    seed: Seed = Field(
        default=None,
        description="A number for models that repeat an image for the same seed.",
    )
    take: Take = Field(
        default=None,
        description="Raise it to ask for another image from the same words; 1 unless stated.",
    )
    pinned: Truth = Field(
        default=None,
        description="Keep the image that is there whatever else changes.",
    )
    max_tokens: MaxTokens = Field(
        default=None,
        description="The most tokens the answer may use; changes no fingerprint.",
    )
    timeout_s: Seconds = Field(
        default=None,
        description="The most seconds one call may take in all; changes no fingerprint.",
    )
    params: Params = Field(
        default=None,
        description="Parameters only this provider knows, sent as they are.",
        examples=[{"strength": 0.4}],
    )
    api: Api = Field(
        default=None,
        description="Which of the provider's two interfaces is used; `auto` knows.",
    )
    modalities: Modalities = Field(
        default=None,
        description="What the answer consists of: `image`, or `image` and `text`. Overrides what "
        "is known about the model.",
        examples=[["image"], ["image", "text"]],
    )
    tags: Tags = Field(
        default=None,
        description="Names for groups of assets, to build or check them together with `tag:NAME`.",
    )
    steps: Steps = Field(
        default=None,
        description="What is done to the image before it becomes the output, in order: names of "
        "steps, or steps with their fields. A list replaces the default.",
        examples=[["remove_background", {"resize": {"width": 256, "height": 256}}]],
    )
    expect: Annotated[ExpectEntry | None, NULL_AS_NONE] = Field(
        default=None,
        description="What the finished picture must be: otherwise the asset fails, and what was "
        "measured is said.",
        examples=[{"alpha": True, "size": "256x256", "max_bytes": "200kB"}],
    )
    variants: Annotated[VariantsEntry | None, NULL_AS_NONE] = Field(
        default=None,
        description="Files for the web, in several widths and formats.",
        examples=[
            {
                "widths": [480, 960],
                "formats": ["avif", "webp"],
                "output": "public/hero-${width}.${format}",
            }
        ],
    )


class AssetEntry(Defaults):
    """One of `assets`."""

    model_config = ConfigDict(
        title="Asset",
        json_schema_extra={
            "oneOf": [{"required": ["prompt"]}, {"required": ["source"]}],
            "if": {"required": ["source"]},
            "then": {"properties": {name: {"type": "null"} for name in NOT_FOR_A_SOURCE}},
        },
    )

    prompt: StatedText = Field(
        default=None,
        description="What the image shows. `${name}` is filled from the matrix and `vars`; `$$` "
        "is a dollar sign.",
    )
    source: StatedText = Field(
        default=None,
        description="A file made by hand, in the project: it becomes the output, without a model.",
    )
    output: Text = Field(
        description="Where the image goes, relative to the manifest's folder. The extension (png, "
        "jpg, jpeg, webp, avif) decides the format.",
        examples=["art/hero.png"],
    )
    matrix: MatrixField = Field(
        default=None,
        description="Makes one asset for each combination of values, which `${name}` stands for: "
        "lists to combine, or a list of combinations.",
        examples=[{"item": ["sword", "shield"]}, [{"item": "sword", "colour": "red"}]],
    )
    description: OptionalText = Field(
        default=None, description="A note for people; changes nothing."
    )


class IncludedManifest(Section):
    """A file named under `include`."""

    version: Version | None = Field(default=None, description="The version of the format.")
    assets: Annotated[dict[str, AssetEntry], NULL_SECTION] = Field(description="Further assets.")


class Manifest(Section):
    """`assets.yaml`: the images a project needs, and how they are made."""

    model_config = ConfigDict(title="assetgen manifest")

    version: Version = Field(description="The version of this format: 1.")
    project: OptionalText = Field(
        default=None, description="The name of the project; the folder's name unless stated."
    )
    provider: Provider = Field(
        default=None,
        description="Who makes the images: `openrouter` unless stated; `draft`, which draws "
        "labelled placeholders offline and for free; or the name of a provider that an installed "
        "package adds.",
    )
    budget: Annotated[BudgetEntry, NULL_SECTION] = Field(
        default_factory=BudgetEntry.model_construct,
        description="Caps on what is spent, in US dollars.",
    )
    vars: Annotated[dict[VariableName, VariableValue], NULL_SECTION] = Field(
        default={}, description="Texts that `${name}` stands for, in all assets and styles."
    )
    styles: Annotated[dict[str, StyleText], NULL_SECTION] = Field(
        default={},
        description="Texts to put around prompts, by name; `${prompt}` is where the prompt goes.",
    )
    defaults: Annotated[Defaults, NULL_SECTION] = Field(
        default_factory=Defaults.model_construct,
        description="Fields of every asset that does not state them itself.",
    )
    include: Texts = Field(
        default=None,
        description="Further files whose `assets` are added: paths or patterns such as "
        "`art/*.yaml`, relative to this file.",
    )
    atlases: Annotated[dict[str, AtlasEntry], NULL_SECTION] = Field(
        default={}, description="Pictures that hold many others, by name."
    )
    exports: Annotated[dict[str, ExportEntry], NULL_SECTION] = Field(
        default={}, description="Text files that code imports, by name."
    )
    assets: Annotated[dict[str, AssetEntry], NULL_SECTION] = Field(
        description="The images, by name. A name may hold `${…}` when the asset has a `matrix`."
    )


class Refusal(Value):
    """One thing pydantic does not accept, in our words for its kinds."""

    kind: str
    """`missing`, `unknown`, `shape` (not a mapping) or `unfit`."""
    path: tuple[str | int, ...]
    is_key: bool
    """Whether the key at `path` is meant and not the value."""
    value: object
    unfit: fields.UnfitError | None = None


_M = TypeVar("_M", bound=Section)


class Read(Value, Generic[_M]):
    """A validated mapping, or what was refused."""

    accepted: _M | None
    refusals: tuple[Refusal, ...] = ()


def read(model: type[_M], data: Data) -> Read[_M]:
    """`data` as `model`."""
    try:
        return Read(model.model_validate(data))
    except ValidationError as error:
        return Read(None, tuple(_refusal(e) for e in error.errors(include_url=False)))


def names_of(model: type[Section]) -> list[str]:
    """The fields of a model as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]


def manifest_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a manifest, with a description for every field."""
    schema = Manifest.model_json_schema(schema_generator=_SchemaGenerator)
    _drop_idle_defaults(schema)
    for name in ("budget", "vars", "styles", "defaults", "atlases", "exports", "assets"):
        _allow_null(schema["properties"][name])
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


class _SchemaGenerator(GenerateJsonSchema):
    """Leaves out titles that only repeat the name of the field."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def sort(self, value: dict[str, Any], parent_key: str | None = None) -> dict[str, Any]:
        """Sort keys as pydantic does, but not those of examples, which have a natural order."""
        ordered = super().sort(value, parent_key)
        _copy_examples(value, ordered)
        return ordered


def _copy_examples(schema: object, ordered: object) -> None:
    if isinstance(schema, dict) and isinstance(ordered, dict):
        for key, part in schema.items():
            if key == "examples":
                ordered[key] = part
            else:
                _copy_examples(part, ordered[key])
    elif isinstance(schema, list) and isinstance(ordered, list):
        for part, same in zip(schema, ordered, strict=True):
            _copy_examples(part, same)


def _drop_idle_defaults(schema: object) -> None:
    """Take out `default: null` and empty defaults, which tell an editor nothing."""
    if isinstance(schema, dict):
        if "default" in schema and schema["default"] in (None, {}):
            del schema["default"]
        for part in schema.values():
            _drop_idle_defaults(part)


def _allow_null(field: dict[str, Any]) -> None:
    """Let a section have no value: everything below it may be commented out."""
    if "$ref" in field:
        field["anyOf"] = [{"$ref": field.pop("$ref")}, {"type": "null"}]
    else:
        field["type"] = [field["type"], "null"]


def _refusal(error: Mapping[str, Any]) -> Refusal:
    path: tuple[str | int, ...] = error["loc"]
    is_key = bool(path) and path[-1] == "[key]"
    if is_key:
        path = path[:-1]
    kind = {"missing": "missing", "extra_forbidden": "unknown"}.get(error["type"], "shape")
    unfit = error.get("ctx", {}).get("error")
    if isinstance(unfit, fields.UnfitError):
        return Refusal("unfit", path, is_key or unfit.is_key, error["input"], unfit)
    return Refusal(kind, path, is_key or kind == "unknown", error["input"])
