"""Answers and pictures that end early, wherever that is: never taken for whole ones."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from assetgen.errors import ImageError, ProviderError, Retry
from assetgen.providers.http import Http
from assetgen.providers.openrouter.models import load_table
from assetgen.providers.openrouter.provider import OpenRouter
from assetgen.steps.image import PillowImages
from tests.attacks import pictures as made
from tests.providers.openrouter_samples import (
    PNG,
    FakeImages,
    FakeLearnt,
    a_request,
    chat_answer,
    images_answer,
)
from tests.standin import API_KEY, Chunked, CutAfter, OpenRouterStandIn, RawBody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.call import Generated
    from assetgen.core.model import Route

STEP = 7
"""Every so many bytes in the normal run; the slow one leaves out none."""

ANSWERS: dict[Route, bytes] = {
    "chat": json.dumps(chat_answer()).encode(),
    "images": json.dumps(images_answer()).encode(),
}


async def asked(
    server: OpenRouterStandIn, route: Route, count: int
) -> list[Generated | ProviderError]:
    """What `count` calls give, one after the other."""
    http = Http()
    found: list[Generated | ProviderError] = []
    provider = OpenRouter(
        http=http,
        images=FakeImages(),
        table=load_table(),
        api_key=API_KEY,
        base_url=server.base_url,
        learnt=FakeLearnt(),
    )
    for _ in range(count):
        try:
            found.append(await provider.generate(a_request(route=route, timeout_s=60)))
        except ProviderError as error:
            found.append(error)
    await http.aclose()
    return found


def check_cuts(route: Route, *, is_chunked: bool, lengths: Sequence[int]) -> None:
    body = ANSWERS[route]
    whole = Chunked(RawBody(body)) if is_chunked else RawBody(body)
    with OpenRouterStandIn() as server:
        server.script(*[CutAfter(whole, bytes=length) for length in lengths])
        results = asyncio.run(asked(server, route, len(lengths)))
    for length, result in zip(lengths, results, strict=True):
        if length == len(body):
            assert not isinstance(result, ProviderError), result
            assert result.images == (PNG,)
        else:
            assert isinstance(result, ProviderError), length
            assert result.retry is Retry.AMBIGUOUS
            assert result.may_be_billed


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("route", ANSWERS)
def test_an_answer_cut_now_and_then_is_lost_and_a_whole_one_is_not(
    route: Route, is_chunked: bool
) -> None:
    size = len(ANSWERS[route])
    check_cuts(route, is_chunked=is_chunked, lengths=[*range(0, size, 5 * STEP), size - 1, size])


@pytest.mark.slow
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("route", ANSWERS)
def test_an_answer_cut_at_every_byte_is_lost_and_a_whole_one_is_not(
    route: Route, is_chunked: bool
) -> None:
    check_cuts(route, is_chunked=is_chunked, lengths=range(len(ANSWERS[route]) + 1))


PICTURES = {
    "png": made.saved(made.gradient(size=(64, 64)), "PNG"),
    "interlaced-png": made.pngsuite()["basi6a08"],
    "animated-png": made.frames("PNG"),
    "jpeg": made.saved(made.gradient(size=(64, 64)), "JPEG"),
    "progressive-jpeg": made.saved(made.gradient(size=(64, 64)), "JPEG", progressive=True),
    "webp": made.saved(made.gradient(size=(64, 64)), "WEBP"),
    "lossless-webp": made.saved(made.gradient(size=(64, 64)), "WEBP", lossless=True),
    "animated-webp": made.frames("WEBP"),
    "avif": made.saved(made.gradient(size=(64, 64)), "AVIF"),
}


def accepted_cuts(data: bytes, step: int) -> list[int]:
    images, accepted = PillowImages(), []
    for length in range(0, len(data), step):
        try:
            images.inspect(data[:length])
        except ImageError:
            continue
        accepted.append(length)
    return accepted


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_cut_now_and_then_is_none(name: str) -> None:
    assert accepted_cuts(PICTURES[name], STEP) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_cut_at_every_byte_is_none(name: str) -> None:
    assert accepted_cuts(PICTURES[name], 1) == []


@pytest.mark.parametrize("kind", ["still", "animated"])
def test_a_gif_that_is_cut_is_none_until_all_of_its_first_frame_is_there(kind: str) -> None:
    """No output is a GIF, so only the first frame is ever used."""
    data = made.frames("GIF") if kind == "animated" else made.saved(made.gradient(), "GIF")
    images = PillowImages()
    whole = images.convert(data, "png")
    accepted = accepted_cuts(data, 1)
    assert accepted == list(range(len(data) - len(accepted), len(data)))
    assert all(images.convert(data[:length], "png") == whole for length in accepted)
