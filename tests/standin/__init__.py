"""A stand-in for OpenRouter on loopback, faithful to its documents and to recorded answers.

    with OpenRouterStandIn() as server:
        server.script(RateLimit(retry_after=0), CutAfter(Image(), fraction=0.5))
        ...                                    # a client at server.base_url
        assert server.billed == Decimal("0.0774")

`answers` holds what can be scripted, `server` the thread that serves, `rules` what is refused,
`wire` the bytes on the connection, `pictures` the images, `recorded` what a test may ask about a
request.
"""

from __future__ import annotations

from tests.standin.answers import (
    IMAGE_COST,
    TALK_COST,
    Answer,
    BadBase64,
    BrokenImage,
    Chunked,
    CloseDelimited,
    ContentFilter,
    CutAfter,
    CutBeforeHeaders,
    CutInHeaders,
    Empty,
    Endless,
    ErrorBody,
    ErrorInside200,
    HttpUrlImage,
    Image,
    InFlightBudget,
    Length,
    MalformedJson,
    NoCredits,
    NoEndpoints,
    Padded,
    RateLimit,
    RawBody,
    Redirect,
    Refusal,
    ResetConnection,
    SlowDrip,
    Stall,
    Text,
    Unauthorized,
    WhitespaceOnly,
    WrongContentLength,
    WrongEndpoint,
)
from tests.standin.pictures import SIZES_1K, picture, size_for
from tests.standin.recorded import Recorded
from tests.standin.server import API_KEY, OpenRouterStandIn

__all__ = [
    "API_KEY",
    "IMAGE_COST",
    "SIZES_1K",
    "TALK_COST",
    "Answer",
    "BadBase64",
    "BrokenImage",
    "Chunked",
    "CloseDelimited",
    "ContentFilter",
    "CutAfter",
    "CutBeforeHeaders",
    "CutInHeaders",
    "Empty",
    "Endless",
    "ErrorBody",
    "ErrorInside200",
    "HttpUrlImage",
    "Image",
    "InFlightBudget",
    "Length",
    "MalformedJson",
    "NoCredits",
    "NoEndpoints",
    "OpenRouterStandIn",
    "Padded",
    "RateLimit",
    "RawBody",
    "Recorded",
    "Redirect",
    "Refusal",
    "ResetConnection",
    "SlowDrip",
    "Stall",
    "Text",
    "Unauthorized",
    "WhitespaceOnly",
    "WrongContentLength",
    "WrongEndpoint",
    "picture",
    "size_for",
]
