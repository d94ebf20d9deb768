"""The stand-in's lists of models, in the forms of the service's documents; no key is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.standin.reply import Reply, error_document, json_reply

if TYPE_CHECKING:
    from tests.standin.recorded import Recorded

BASE = "/api/v1"
MODELS = f"{BASE}/models"
IMAGE_MODELS = f"{BASE}/images/models"


def enum(*values: str) -> dict[str, Any]:
    """A capability that takes these values."""
    return {"type": "enum", "values": list(values)}


def up_to(most: int) -> dict[str, Any]:
    """A capability that takes a number."""
    return {"type": "range", "min": 0, "max": most}


def charge(
    cost_usd: float | str, unit: str, billable: str = "output_image", variant: str | None = None
) -> dict[str, Any]:
    """One line of what an endpoint charges."""
    line = {"billable": billable, "unit": unit, "cost_usd": cost_usd}
    return line if variant is None else {**line, "variant": variant}


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of the catalogue, with one endpoint for each entry of `pricing`."""

    id: str
    outputs: tuple[str, ...] = ("image",)
    capabilities: dict[str, Any] = field(default_factory=dict)
    pricing: tuple[list[dict[str, Any]], ...] = ()

    @property
    def name(self) -> str:
        """Its name for people."""
        return "Standing: " + self.id.partition("/")[2].replace("-", " ").title()

    @property
    def architecture(self) -> dict[str, Any]:
        """What goes in and comes out."""
        return {"input_modalities": ["text", "image"], "output_modalities": list(self.outputs)}

    def in_models(self) -> dict[str, Any]:
        """The entry of `/models`."""
        return {
            "id": self.id,
            "canonical_slug": self.id,
            "name": self.name,
            "created": 1_760_000_000,
            "description": "",
            "context_length": 32768,
            "architecture": {
                **self.architecture,
                "modality": "text+image->" + "+".join(self.outputs),
                "tokenizer": "Other",
                "instruct_type": None,
            },
            "pricing": {"prompt": "0", "completion": "0", "image_output": "0.00003"},
            "top_provider": {
                "context_length": 32768,
                "max_completion_tokens": None,
                "is_moderated": False,
            },
            "per_request_limits": None,
            "supported_parameters": ["seed"],
            "supported_voices": None,
            "default_parameters": None,
            "links": {"details": f"{BASE}/models/{self.id}/endpoints"},
        }

    def in_image_models(self) -> dict[str, Any]:
        """The entry of `/images/models`."""
        return {
            "id": self.id,
            "name": self.name,
            "created": 1_760_000_000,
            "description": "",
            "architecture": self.architecture,
            "supported_parameters": self.capabilities,
            "supports_streaming": False,
            "endpoints": f"{IMAGE_MODELS}/{self.id}/endpoints",
        }

    def endpoints(self) -> dict[str, Any]:
        """The document of its endpoints."""
        return {
            "id": self.id,
            "endpoints": [
                {
                    "provider_name": f"Provider {number}",
                    "provider_slug": f"provider-{number}",
                    "provider_tag": None,
                    "supported_parameters": self.capabilities,
                    "allowed_passthrough_parameters": [],
                    "supports_streaming": False,
                    "pricing": lines,
                }
                for number, lines in enumerate(self.pricing, 1)
            ],
        }


FLAT = Listed(
    "standing/flat-price",
    capabilities={
        "aspect_ratio": enum("1:1", "16:9"),
        "resolution": enum("512", "1K", "2K"),
        "input_references": up_to(2),
        "seed": {"type": "boolean"},
    },
    pricing=([charge(0.05, "image")],),
)
TALKING = Listed(
    "standing/talking",
    outputs=("image", "text"),
    capabilities={"aspect_ratio": enum("1:1")},
    pricing=([charge("0.00003", "token")],),
)


class StandInCatalogue:
    """What is listed, and what goes wrong with it; both may be changed at any time."""

    def __init__(self) -> None:
        self.models: list[Listed] = [FLAT, TALKING]
        self.faults: dict[str, Reply] = {}
        """By path: given instead of the document."""

    def reply(self, request: Recorded) -> Reply | None:
        """The answer to a request for a part of the catalogue; None for any other request."""
        path, _, query = request.path.partition("?")
        if request.method != "GET":
            return None
        if path in self.faults:
            return self.faults[path]
        if path == MODELS:
            wanted = [m for m in self.models if "image" in query or "text" in m.outputs]
            data = [model.in_models() for model in wanted]
            return json_reply({"data": data, "total_count": len(data), "links": {"next": None}})
        if path == IMAGE_MODELS:
            return json_reply({"data": [model.in_image_models() for model in self.models]})
        for model in self.models:
            if path == f"{IMAGE_MODELS}/{model.id}/endpoints":
                return json_reply(model.endpoints())
        if path.startswith(IMAGE_MODELS):
            return json_reply(error_document(404, "Model not found"), status=404)
        return None
