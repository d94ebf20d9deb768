"""Which route, which class, which headers; and that the key stays out of sight."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from assetgen.core.model import Parameters
from assetgen.errors import (
    AuthError,
    CacheError,
    ProviderError,
    Refused,
    Retry,
    Unavailable,
    UsageError,
)
from assetgen.providers.http import Http, Response
from assetgen.providers.openrouter.models import load_table
from assetgen.providers.openrouter.provider import OpenRouter
from tests.providers.openrouter_samples import (
    FLUX,
    GEMINI,
    JPEG,
    MISMATCH,
    PNG,
    SVG,
    UNKNOWN,
    FakeImages,
    FakeLearnt,
    FakeSender,
    a_request,
    chat_answer,
    error_body,
    images_answer,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.call import Generated, Request
    from tests.standin import OpenRouterStandIn

KEY = "sk-or-test-key"
CHAT = Response(200, {}, text_of(chat_answer()))
IMAGES = Response(200, {"x-generation-id": "gen-img-1"}, text_of(images_answer()))
WRONG_ENDPOINT = Response(400, {}, error_body("no", availability={"code": "wrong_endpoint"}))
IMAGES_ONLY = "openai/gpt-image-2"


class Bench:
    """A provider with everything around it scripted."""

    def __init__(self, *answers: Response | Exception, learnt: FakeLearnt | None = None) -> None:
        self.sender = FakeSender(list(answers))
        self.learnt = learnt or FakeLearnt()
        self.provider = OpenRouter(
            http=self.sender,
            images=FakeImages(),
            table=load_table(),
            api_key=KEY,
            base_url="https://host/api/v1/",
            learnt=self.learnt,
            now=lambda: 0.0,
        )

    def generate(self, request: Request) -> Generated:
        return asyncio.run(self.provider.generate(request))

    def fail(self, request: Request) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self.generate(request)
        return caught.value

    @property
    def routes(self) -> list[str]:
        return [url.removeprefix("https://host/api/v1") for url, _, _ in self.sender.sent]

    @property
    def modalities(self) -> list[Any]:
        return [body.get("modalities") for _, _, body in self.sender.sent]


def test_an_image_is_made_through_the_chat_route() -> None:
    bench = Bench(CHAT)
    generated = bench.generate(a_request())
    assert generated.images == (PNG,)
    assert bench.routes == ["/chat/completions"]
    assert bench.sender.sent[0][1]["Authorization"] == f"Bearer {KEY}"
    assert bench.sender.sent[0][1]["Content-Type"] == "application/json"
    assert bench.sender.timeouts_s == [300], "nothing is lost of it before anything is sent"


# Classes of models


@pytest.mark.parametrize(
    ("model", "modalities"),
    [(GEMINI, ["image", "text"]), (FLUX, ["image"]), (UNKNOWN, ["image", "text"])],
)
def test_the_class_comes_from_the_table(model: str, modalities: list[str]) -> None:
    bench = Bench(CHAT)
    bench.generate(a_request(model))
    assert bench.modalities == [modalities]


def test_what_was_learnt_goes_before_the_table() -> None:
    bench = Bench(CHAT, learnt=FakeLearnt({FLUX: {"image_only": False}}))
    bench.generate(a_request(FLUX))
    assert bench.modalities == [["image", "text"]]


def test_the_wrong_class_is_switched_once_for_free_and_remembered() -> None:
    bench = Bench(MISMATCH, CHAT, CHAT)
    bench.generate(a_request(UNKNOWN))
    bench.generate(a_request(UNKNOWN))
    assert bench.modalities == [["image", "text"], ["image"], ["image"]]
    assert bench.learnt.known == {UNKNOWN: {"image_only": True}}


def test_a_switch_that_brought_no_image_teaches_nothing() -> None:
    bench = Bench(MISMATCH, Response(500, {}, b""))
    error = bench.fail(a_request(UNKNOWN))
    assert isinstance(error, Unavailable)
    assert bench.learnt.known == {}


def test_stated_modalities_are_never_switched() -> None:
    bench = Bench(MISMATCH)
    error = bench.fail(a_request(FLUX, parameters=Parameters(modalities=("image", "text"))))
    assert isinstance(error, Refused)
    assert "remove `modalities`" in (error.hint or "")
    assert len(bench.sender.sent) == 1


# Routes


@pytest.mark.parametrize(
    ("model", "route", "learnt", "path"),
    [
        (GEMINI, "auto", {}, "/chat/completions"),
        (GEMINI, "images", {}, "/images"),
        (GEMINI, "auto", {GEMINI: {"route": "images"}}, "/images"),
        (GEMINI, "chat", {GEMINI: {"route": "images"}}, "/chat/completions"),
        (IMAGES_ONLY, "auto", {}, "/images"),
        (IMAGES_ONLY, "chat", {}, "/chat/completions"),
        (IMAGES_ONLY, "auto", {IMAGES_ONLY: {"route": "chat"}}, "/chat/completions"),
    ],
)
def test_manifest_then_experience_then_table_choose_the_route(
    model: str, route: Any, learnt: dict[str, dict[str, object]], path: str
) -> None:
    answer = IMAGES if path == "/images" else CHAT
    bench = Bench(answer, learnt=FakeLearnt(learnt))
    assert bench.generate(a_request(model, route=route)).images == (PNG,)
    assert bench.routes == [path]


@pytest.mark.parametrize("refusals", [[MISMATCH, MISMATCH], [WRONG_ENDPOINT]])
def test_a_model_that_chat_does_not_serve_is_asked_at_the_images_route(
    refusals: list[Response],
) -> None:
    bench = Bench(*refusals, IMAGES, IMAGES)
    assert bench.generate(a_request(UNKNOWN)).generation_id == "gen-img-1"
    assert bench.routes == ["/chat/completions"] * len(refusals) + ["/images"]
    bench.generate(a_request(UNKNOWN))
    assert bench.routes[-1] == "/images"
    assert bench.learnt.known == {UNKNOWN: {"route": "images"}}


def test_a_route_that_brought_no_image_teaches_nothing() -> None:
    bench = Bench(WRONG_ENDPOINT, Response(400, {}, error_body("nor here")))
    assert "nor here" in bench.fail(a_request(UNKNOWN)).what
    assert bench.learnt.known == {}


def test_a_stated_route_is_never_left() -> None:
    bench = Bench(WRONG_ENDPOINT)
    error = bench.fail(a_request(UNKNOWN, route="chat"))
    assert "api: images" in (error.hint or "")
    assert bench.routes == ["/chat/completions"]


GONE = Response(404, {}, b"<h1>Not Found</h1>")
NO_SUCH_METHOD = Response(405, {}, b"")


@pytest.mark.parametrize("sign", [WRONG_ENDPOINT, MISMATCH, GONE, NO_SUCH_METHOD])
def test_a_learnt_route_that_is_there_no_more_heals_and_the_better_one_is_remembered(
    sign: Response,
) -> None:
    bench = Bench(sign, CHAT, CHAT, learnt=FakeLearnt({UNKNOWN: {"route": "images"}}))
    assert bench.generate(a_request(UNKNOWN)).images == (PNG,)
    assert bench.learnt.known[UNKNOWN] == {"route": "chat"}
    bench.generate(a_request(UNKNOWN))
    assert bench.routes == ["/images", "/chat/completions", "/chat/completions"]


def test_route_and_class_heal_in_one_attempt() -> None:
    bench = Bench(GONE, MISMATCH, CHAT, learnt=FakeLearnt({UNKNOWN: {"route": "images"}}))
    assert bench.generate(a_request(UNKNOWN)).images == (PNG,)
    assert bench.learnt.known[UNKNOWN] == {"route": "chat", "image_only": True}


def test_each_route_is_asked_once_however_both_refuse() -> None:
    learnt: dict[str, dict[str, object]] = {UNKNOWN: {"route": "images"}}
    bench = Bench(GONE, WRONG_ENDPOINT, learnt=FakeLearnt(learnt))
    assert bench.fail(a_request(UNKNOWN)).retry is Retry.NEVER
    assert bench.routes == ["/images", "/chat/completions"]
    assert bench.learnt.known == learnt


def test_when_both_routes_fail_both_are_told() -> None:
    answers = (GONE, Response(404, {}, error_body("no such model", 404)))
    bench = Bench(*answers, learnt=FakeLearnt({UNKNOWN: {"route": "images"}}))
    error = bench.fail(a_request(UNKNOWN))
    assert "no such model" in error.what
    assert "the images route was asked before" in (error.hint or "")


def test_what_will_pass_does_not_change_a_learnt_route() -> None:
    passing = Response(404, {}, error_body("busy", 404, availability={"retryable": True}))
    bench = Bench(passing, learnt=FakeLearnt({UNKNOWN: {"route": "images"}}))
    assert bench.fail(a_request(UNKNOWN)).retry is Retry.TRANSIENT
    assert bench.routes == ["/images"]


def test_a_model_that_the_table_knows_on_the_images_route_is_not_tried_at_chat() -> None:
    bench = Bench(GONE)
    assert isinstance(bench.fail(a_request(IMAGES_ONLY)), Refused)
    assert bench.routes == ["/images"]


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_a_fault_of_the_service_never_changes_the_route(status: int) -> None:
    bench = Bench(Response(status, {}, error_body("no", availability={"code": "wrong_endpoint"})))
    error = bench.fail(a_request(FLUX))
    assert error.retry is Retry.TRANSIENT
    assert "api: images" in (error.hint or ""), "it may be permanent for an image-only model"
    assert bench.routes == ["/chat/completions"]


def test_a_lost_answer_is_passed_on_as_it_is() -> None:
    lost = Unavailable("lost", retry=Retry.AMBIGUOUS)
    bench = Bench(lost)
    assert bench.fail(a_request()) is lost
    assert len(bench.sender.sent) == 1


# Cut by the user


@dataclass
class SlowLearnt(FakeLearnt):
    """Remembers only when it is let go, so that a test can cut right after an answer came."""

    is_here: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def set(self, model: str, *, image_only: bool | None = None, route: str | None = None) -> None:
        self.is_here.set()
        assert self.let_go.wait(60)
        super().set(model, image_only=image_only, route=route)


def test_an_answer_that_has_arrived_is_read_and_given_although_the_call_is_cut() -> None:
    learnt = SlowLearnt()
    bench = Bench(MISMATCH, CHAT, learnt=learnt)

    async def scenario() -> tuple[Generated, int]:
        task = asyncio.create_task(bench.provider.generate(a_request(UNKNOWN)))
        await asyncio.to_thread(learnt.is_here.wait, 60)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        learnt.let_go.set()
        return await task, task.cancelling()

    generated, cuts = asyncio.run(asyncio.wait_for(scenario(), 60))
    assert generated.images == (PNG,)
    assert cuts == 3
    assert learnt.known == {UNKNOWN: {"image_only": True}}


@dataclass
class SwallowingSender(FakeSender):
    """Gives its answer although it is cut, as `Http` does when the answer is complete."""

    is_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Response:
        self.is_asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await super().post(url, headers=headers, body=body, timeout_s=timeout_s)


def test_nothing_more_is_sent_for_a_call_that_is_cut() -> None:
    sender = SwallowingSender([MISMATCH, CHAT])
    bench = Bench()
    bench.provider._http = sender

    async def scenario() -> None:
        task = asyncio.create_task(bench.provider.generate(a_request(UNKNOWN)))
        await sender.is_asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(scenario(), 60))
    assert len(sender.sent) == 1


# The response cache


@pytest.mark.parametrize(
    ("request_", "is_sent"),
    [
        (a_request(), True),
        (a_request(take=2), False),
        (a_request(allow_cached=False), False),
        (a_request(route="images"), False),
    ],
    ids=["first take", "second take", "forced", "images route"],
)
def test_the_response_cache_is_asked_for_only_where_a_repeat_is_wanted(
    request_: Request, is_sent: bool
) -> None:
    bench = Bench(CHAT if request_.generate.route == "auto" else IMAGES)
    bench.generate(request_)
    headers = bench.sender.sent[0][1]
    assert ("X-OpenRouter-Cache" in headers) is is_sent
    assert headers.get("X-OpenRouter-Cache-TTL") == ("86400" if is_sent else None)


# References and warnings


@pytest.mark.parametrize("route", ["chat", "images"])
def test_references_are_sent_in_order_on_both_routes(route: Any) -> None:
    bench = Bench(IMAGES if route == "images" else CHAT)
    bench.generate(a_request(references=(JPEG, PNG), route=route))
    body = bench.sender.sent[0][2]
    parts = body["input_references"] if route == "images" else body["messages"][0]["content"][1:]
    types = [part["image_url"]["url"].partition(";")[0] for part in parts]
    assert types == ["data:image/jpeg", "data:image/png"]


def test_a_bad_reference_stops_before_anything_is_sent() -> None:
    bench = Bench()
    assert isinstance(bench.fail(a_request(references=(SVG,))), Refused)
    assert bench.sender.sent == []


def test_scaling_a_reference_down_is_told() -> None:
    bench = Bench(CHAT)
    generated = bench.generate(a_request(references=(JPEG + bytes(9 * 2**20),)))
    assert any("scaled down" in warning for warning in generated.warnings)


def test_failing_to_remember_does_not_lose_the_image() -> None:
    bench = Bench(MISMATCH, CHAT, learnt=FakeLearnt(fault=CacheError("disk full")))
    generated = bench.generate(a_request(UNKNOWN))
    assert generated.images == (PNG,)
    assert any("disk full" in warning for warning in generated.warnings)


# The key


@pytest.mark.parametrize("key", ["", "  ", "sk-or\nX: y", "sk-or-ключ", "a b"])
def test_a_key_that_cannot_be_one_is_a_usage_error_and_not_shown(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        OpenRouter(
            http=FakeSender([]),
            images=FakeImages(),
            table=load_table(),
            api_key=key,
            base_url="https://host",
            learnt=FakeLearnt(),
        )
    assert "OPENROUTER_API_KEY" in caught.value.what
    if key.strip():
        assert key not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "openrouter.ai/api/v1",
        "ftp://host/x",
        "https://",
        "https://h:port",
        "http://a b",
        "https://me:secret@host/x",
    ],
)
def test_an_address_that_cannot_be_one_is_a_usage_error(address: str) -> None:
    with pytest.raises(UsageError, match="OPENROUTER_BASE_URL"):
        OpenRouter(
            http=FakeSender([]),
            images=FakeImages(),
            table=load_table(),
            api_key=KEY,
            base_url=address,
            learnt=FakeLearnt(),
        )


def opened(address: str) -> OpenRouter:
    return OpenRouter(
        http=FakeSender([]),
        images=FakeImages(),
        table=load_table(),
        api_key=KEY,
        base_url=address,
        learnt=FakeLearnt(),
    )


@pytest.mark.parametrize("host", ["openrouter.ai", "192.168.0.7:4000", "[fe80::1]", "0.0.0.0:1"])
def test_the_key_is_not_sent_to_another_machine_without_encryption(host: str) -> None:
    with pytest.raises(UsageError, match="without encryption") as caught:
        opened(f"http://{host}/api/v1")
    assert "https:" in (caught.value.hint or "")
    opened(f"https://{host}/api/v1")


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.8.9.1:1", "[::1]:8080"])
def test_a_server_on_this_machine_needs_no_encryption(host: str) -> None:
    opened(f"http://{host}/api/v1")


def test_repr_does_not_show_the_key() -> None:
    assert KEY not in repr(Bench().provider)


def test_a_service_that_repeats_the_key_does_not_get_it_into_a_message() -> None:
    bench = Bench(Response(401, {}, error_body(f"no such key: {KEY}", 401)))
    error = bench.fail(a_request())
    assert isinstance(error, AuthError)
    assert KEY not in f"{error} {error!r} {error.args} {error.hint}"


# Over the wire


def test_the_stand_in_serves_images_on_both_routes(openrouter: OpenRouterStandIn) -> None:
    openrouter.model("acme/painter", image_only=True)
    openrouter.model("acme/plotter", images_only=True)
    learnt = FakeLearnt({"acme/plotter": {"route": "images"}})

    async def run() -> list[Generated]:
        http = Http()
        provider = OpenRouter(
            http=http,
            images=FakeImages(),
            table=load_table(),
            api_key=KEY,
            base_url=openrouter.base_url,
            learnt=learnt,
        )
        models = (GEMINI, "acme/painter", "acme/plotter")
        try:
            return [
                await provider.generate(a_request(model, references=(PNG,), timeout_s=60))
                for model in models
            ]
        finally:
            await http.aclose()

    results = asyncio.run(run())
    assert all(result.images[0].startswith(b"\x89PNG") for result in results)
    assert all(result.generation_id for result in results)
    assert all(isinstance(result.cost_usd, Decimal) for result in results)
    assert learnt.known["acme/painter"] == {"image_only": True}
    assert openrouter.generations[0].references == [PNG]
