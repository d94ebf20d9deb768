"""What a fingerprint was made from, read back for people.

The document is the canonical encoding of `core.fingerprint`, whose SHA-256 is the fingerprint. Only
explanations are made of it: verdicts compare fingerprints and the short digests of the lockfile.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assetgen.core.digest import Digest, parse_digest
from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.model import Json


class Inputs(Value):
    """Inputs in words: values by the names that `Keyed.inputs` has, references by digest."""

    values: Mapping[str, Json]
    references: tuple[Digest, ...]
    """In order; their labels are not part of the document."""

    @property
    def prompt(self) -> str:
        """The final prompt text."""
        return str(self.values["prompt"])


def parse_inputs(document: bytes) -> Inputs | None:
    """The inputs that a document of `core.fingerprint` says, or None when it is of another kind."""
    try:
        fields: dict[str, Any] = json.loads(document)
        if fields["kind"] != "generate" or not isinstance(fields["prompt"], str):
            return None
        names = ("provider", "model", "prompt", "take", "renderer")
        values = {name: fields[name] for name in names if name in fields} | fields["parameters"]
        digests = [parse_digest(text) for text in fields["references"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    references = tuple(digest for digest in digests if digest is not None)
    return Inputs(values=values, references=references) if len(references) == len(digests) else None
