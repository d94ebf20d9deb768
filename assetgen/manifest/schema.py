"""What `assets.yaml` may say, as pydantic models; the only home of pydantic.

The models give the JSON Schema that editors complete and explain fields from, so every field has
its description here. What one value must look like is in `fields`, and how a refusal is worded in
`explain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import GenerateJsonSchema

from assetgen.core.model import ProviderName, Route
from assetgen.manifest import fields
from assetgen.manifest.normal import IMAGE_SIZES
from assetgen.manifest.scalars import Data, is_null

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
PROVIDERS: tuple[ProviderName, ...] = ("openrouter", "draft")
"""Those that are built in."""
ROUTES: tuple[Route, ...] = ("auto", "chat", "images")
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

_NULL_SECTION = BeforeValidator(lambda value: {} if is_null(value) else value)
_LITERAL = {"type": ["string", "number", "boolean"]}

Text = Annotated[str, PlainValidator(fields.text), WithJsonSchema({"type": "string"})]
StatedText = Annotated[str | None, PlainValidator(fields.text), WithJsonSchema({"type": "string"})]
"""May be left out, but not be null."""
OptionalText = Annotated[
    str | None,
    PlainValidator(fields.or_none(fields.text)),
    WithJsonSchema({"type": ["string", "null"]}),
]
Texts = Annotated[
    tuple[str, ...] | None,
    PlainValidator(fields.or_none(fields.texts)),
    WithJsonSchema({"type": ["array", "null"], "items": {"type": "string"}}),
]
TextOrTexts = Annotated[
    tuple[str, ...] | None,
    PlainValidator(fields.or_none(fields.text_or_texts)),
    WithJsonSchema({"type": ["string", "array", "null"], "items": {"type": "string"}}),
]
Tags = Annotated[
    tuple[str, ...] | None,
    PlainValidator(fields.or_none(fields.texts)),
    WithJsonSchema({"type": ["array", "null"], "items": {"type": ["string", "number"]}}),
]
Truth = Annotated[
    bool | None,
    PlainValidator(fields.or_none(fields.truth)),
    WithJsonSchema({"type": ["boolean", "null"]}),
]
Seed = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(0))),
    WithJsonSchema({"type": ["integer", "null"], "minimum": 0, "maximum": fields.MOST_INTEGER}),
]
Take = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(1))),
    WithJsonSchema({"type": ["integer", "null"], "minimum": 1, "maximum": fields.MOST_INTEGER}),
]
MaxTokens = Annotated[
    int | None,
    PlainValidator(fields.or_none(fields.whole(fields.FEWEST_TOKENS))),
    WithJsonSchema(
        {
            "type": ["integer", "null"],
            "minimum": fields.FEWEST_TOKENS,
            "maximum": fields.MOST_INTEGER,
        }
    ),
]
Seconds = Annotated[
    float | None,
    PlainValidator(fields.or_none(fields.seconds)),
    WithJsonSchema(
        {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": fields.LONGEST_S}
    ),
]
Dollars = Annotated[
    Decimal | None,
    PlainValidator(fields.or_none(fields.dollars)),
    WithJsonSchema({"type": ["number", "null"], "minimum": 0}),
]
Params = Annotated[
    dict[str, object] | None,  # pydantic cannot follow the recursive `Json`
    PlainValidator(fields.or_none(fields.parameters)),
    WithJsonSchema(
        {
            "type": ["object", "null"],
            "propertyNames": {"not": {"enum": sorted(fields.REFUSED_PARAMETERS)}},
        }
    ),
]
Modalities = Annotated[
    tuple[str, ...] | None,
    PlainValidator(fields.or_none(fields.modalities)),
    WithJsonSchema(
        {
            "type": ["array", "null"],
            "items": {"type": "string", "pattern": "^([Ii][Mm][Aa][Gg][Ee]|[Tt][Ee][Xx][Tt])$"},
            "minItems": 1,
        }
    ),
]
Api = Annotated[
    Route | None,
    PlainValidator(fields.or_none(fields.choice(*ROUTES))),
    WithJsonSchema({"enum": [*ROUTES, None]}),
]
Provider = Annotated[
    ProviderName | None,
    PlainValidator(fields.or_none(fields.provider_name)),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": [*PROVIDERS, None]},
                {"type": "string", "pattern": f"^{fields.PROVIDER_NAME.pattern}$"},
            ]
        }
    ),
]
Version = Annotated[
    int, PlainValidator(fields.whole(VERSION, VERSION)), WithJsonSchema({"const": VERSION})
]
MatrixField = Annotated[
    fields.Matrix | None,
    PlainValidator(fields.or_none(fields.matrix)),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": _LITERAL, "minItems": 1},
                    "minProperties": 1,
                },
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": _LITERAL,
                        "minProperties": 1,
                    },
                    "minItems": 1,
                },
                {"type": "null"},
            ]
        }
    ),
]
VariableName = Annotated[
    str, PlainValidator(fields.variable_name), WithJsonSchema({"type": "string"})
]
VariableValue = Annotated[str, PlainValidator(fields.literal_text), WithJsonSchema(_LITERAL)]
StyleText = Annotated[
    str,
    PlainValidator(fields.style),
    WithJsonSchema({"type": "string", "pattern": r"\$\{prompt\}"}),
]


class _Mapping(BaseModel):
    """A mapping with known fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class BudgetEntry(_Mapping):
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


class Defaults(_Mapping):
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


class IncludedManifest(_Mapping):
    """A file named under `include`."""

    version: Version | None = Field(default=None, description="The version of the format.")
    assets: Annotated[dict[str, AssetEntry], _NULL_SECTION] = Field(description="Further assets.")


class Manifest(_Mapping):
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
    budget: Annotated[BudgetEntry, _NULL_SECTION] = Field(
        default=BudgetEntry(), description="Caps on what is spent, in US dollars."
    )
    vars: Annotated[dict[VariableName, VariableValue], _NULL_SECTION] = Field(
        default={}, description="Texts that `${name}` stands for, in all assets and styles."
    )
    styles: Annotated[dict[str, StyleText], _NULL_SECTION] = Field(
        default={},
        description="Texts to put around prompts, by name; `${prompt}` is where the prompt goes.",
    )
    defaults: Annotated[Defaults, _NULL_SECTION] = Field(
        default=Defaults(), description="Fields of every asset that does not state them itself."
    )
    include: Texts = Field(
        default=None,
        description="Further files whose `assets` are added: paths or patterns such as "
        "`art/*.yaml`, relative to this file.",
    )
    assets: Annotated[dict[str, AssetEntry], _NULL_SECTION] = Field(
        description="The images, by name. A name may hold `${…}` when the asset has a `matrix`."
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing pydantic does not accept, in our words for its kinds."""

    kind: str
    """`missing`, `unknown`, `shape` (not a mapping) or `unfit`."""
    path: tuple[str | int, ...]
    is_key: bool
    """Whether the key at `path` is meant and not the value."""
    value: object
    unfit: fields.UnfitError | None = None


_M = TypeVar("_M", bound=_Mapping)


@dataclass(frozen=True, slots=True)
class Read(Generic[_M]):
    """A validated mapping, or what was refused."""

    accepted: _M | None
    refusals: tuple[Refusal, ...] = ()


def read(model: type[_M], data: Data) -> Read[_M]:
    """`data` as `model`."""
    try:
        return Read(model.model_validate(data))
    except ValidationError as error:
        return Read(None, tuple(_refusal(e) for e in error.errors(include_url=False)))


def manifest_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a manifest, with a description for every field."""
    schema = Manifest.model_json_schema(schema_generator=_SchemaGenerator)
    _drop_idle_defaults(schema)
    for name in ("budget", "vars", "styles", "defaults", "assets"):
        _allow_null(schema["properties"][name])
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


class _SchemaGenerator(GenerateJsonSchema):
    """Leaves out titles that only repeat the name of the field."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


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
