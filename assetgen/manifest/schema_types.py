"""Kinds of values that `assets.yaml` holds, as pydantic knows them: validator and JSON Schema.

What one value must look like is in `fields`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema

from assetgen.core.model import ProviderName, Route
from assetgen.manifest import fields
from assetgen.manifest.scalars import is_null

VERSION = 1
PROVIDERS: tuple[ProviderName, ...] = ("openrouter", "draft")
"""Those that are built in."""
ROUTES: tuple[Route, ...] = ("auto", "chat", "images")

NULL_SECTION = BeforeValidator(lambda value: {} if is_null(value) else value)
NULL_AS_NONE = BeforeValidator(lambda value: None if is_null(value) else value)
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


class Section(BaseModel):
    """A mapping with known fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
