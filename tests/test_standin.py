from __future__ import annotations

import base64
import io
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import openrouter as official
import PIL.Image
import pytest
from openrouter import components, errors

from tests.standin import (
    API_KEY,
    SIZES_1K,
    TALK_COST,
    Answer,
    BadBase64,
    BrokenImage,
    Chunked,
    CloseDelimited,
    ContentFilter,
    CutAfter,
    CutBeforeHeaders,
    Empty,
    ErrorBody,
    ErrorInside200,
    HttpUrlImage,
    Image,
    InFlightBudget,
    Length,
    MalformedJson,
    NoCredits,
    NoEndpoints,
    OpenRouterStandIn,
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
    picture,
    size_for,
)
from tests.standin.catalogue import IMAGE_MODELS, MODELS

if TYPE_CHECKING:
    from pydantic import BaseModel

GEMINI = "google/gemini-2.5-flash-image"
FLUX = "black-forest-labs/flux.2-pro"
PROMPT = "A lighthouse keeper"


def chat_body(model: str = GEMINI, prompt: str = PROMPT, **fields: object) -> dict[str, Any]:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "modalities": ["image", "text"],
    }
    return {name: value for name, value in {**body, **fields}.items() if value is not None}


def images_body(model: str = FLUX, prompt: str = PROMPT, **fields: object) -> dict[str, Any]:
    return {"model": model, "prompt": prompt, **fields}


def data_uri(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def image_part(url: object) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


def post(
    server: OpenRouterStandIn,
    path: str,
    body: object,
    *,
    key: str | None = API_KEY,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    authorization = {} if key is None else {"Authorization": f"Bearer {key}"}
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.post(
            server.base_url + path, json=body, headers={**authorization, **(headers or {})}
        )


def chat(server: OpenRouterStandIn, **fields: object) -> httpx.Response:
    return post(server, "/chat/completions", chat_body(**fields))  # type: ignore[arg-type]


def images(server: OpenRouterStandIn, **fields: object) -> httpx.Response:
    return post(server, "/images", images_body(**fields))  # type: ignore[arg-type]


def request_bytes(server: OpenRouterStandIn, body: object) -> bytes:
    address = urlsplit(server.base_url)
    content = json.dumps(body).encode()
    head = (
        f"POST {address.path}/chat/completions HTTP/1.1\r\n"
        f"Host: {address.netloc}\r\n"
        f"Authorization: Bearer {API_KEY}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def connect(server: OpenRouterStandIn) -> socket.socket:
    address = urlsplit(server.base_url)
    assert address.port is not None
    return socket.create_connection(("127.0.0.1", address.port), timeout=30)


def on_the_wire(server: OpenRouterStandIn, *scripted: Answer) -> tuple[bytes, bytes]:
    """Head and body exactly as they come, read until the connection ends."""
    server.script(*scripted)
    received = b""
    with connect(server) as connection:
        connection.sendall(request_bytes(server, chat_body()))
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def message_of(response: httpx.Response) -> dict[str, Any]:
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


def files_of(response: httpx.Response) -> list[bytes]:
    document = response.json()
    if "data" in document:
        return [base64.b64decode(item["b64_json"]) for item in document["data"]]
    urls = [image["image_url"]["url"] for image in document["choices"][0]["message"]["images"]]
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


def opened(data: bytes) -> PIL.Image.Image:
    image = PIL.Image.open(io.BytesIO(data))
    image.load()
    return image


# Faithful to the service


def test_the_official_client_reads_a_chat_answer(openrouter: OpenRouterStandIn) -> None:
    with official.OpenRouter(api_key=API_KEY, server_url=openrouter.base_url) as client:
        answer = client.chat.send(
            model=GEMINI,
            messages=[{"role": "user", "content": PROMPT}],
            modalities=["image", "text"],
            image_config={"aspect_ratio": "16:9"},
        )
    assert answer.choices[0].message.images is not None
    assert answer.choices[0].message.images[0].image_url.url.startswith("data:image/png;base64,")
    assert answer.usage is not None
    assert answer.usage.cost == 0.0387
    assert openrouter.generations[0].image_config == {"aspect_ratio": "16:9"}


def test_the_official_client_reads_an_images_answer(openrouter: OpenRouterStandIn) -> None:
    with official.OpenRouter(api_key=API_KEY, server_url=openrouter.base_url) as client:
        answer = client.images.generate(model=FLUX, prompt=PROMPT, aspect_ratio="2:3")
    assert opened(base64.b64decode(answer.data[0].b64_json)).size == (104, 156)
    assert answer.usage is not None
    assert answer.usage.cost == 0.0387


def test_the_official_client_raises_its_own_error(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(NoCredits())
    with (
        official.OpenRouter(api_key=API_KEY, server_url=openrouter.base_url) as client,
        pytest.raises(errors.PaymentRequiredResponseError, match="more credits"),
    ):
        client.images.generate(model=FLUX, prompt=PROMPT)


@pytest.mark.parametrize(
    "answer",
    [
        Image(),
        Image(count=2, with_type=False, content="Here it is", model="google/other"),
        Image(cost=None),
        Image(omit_usage=True),
        Text(),
        Refusal(),
        ContentFilter(),
        Empty("[]"),
        Empty("null"),
        Empty("missing"),
        Length(),
        BadBase64(),
        HttpUrlImage("https://example.org/a.png"),
        BrokenImage("html"),
        ErrorInside200(502, "Provider returned error", in_choice=True),
        Padded(),
        Chunked(),
        CloseDelimited(),
    ],
    ids=repr,
)
def test_whatever_a_completion_says_its_shape_is_the_official_one(
    openrouter: OpenRouterStandIn, answer: Answer
) -> None:
    openrouter.script(answer)
    response = chat(openrouter)
    assert response.status_code == 200
    text = "".join(line for line in response.text.splitlines() if not line.startswith(":"))
    components.ChatResult.model_validate_json(text)


@pytest.mark.parametrize("answer", [Image(), Image(count=2), BrokenImage("svg"), BadBase64()])
def test_an_images_answer_has_the_official_shape_and_names_its_maker_in_headers(
    openrouter: OpenRouterStandIn, answer: Answer
) -> None:
    openrouter.script(answer)
    response = images(openrouter)
    components.ImageGenerationResponse.model_validate(response.json())
    assert set(response.json()) == {"created", "data", "usage"}
    assert response.headers["X-Generation-Id"].startswith("gen-img-")
    assert response.headers["X-Provider-Name"] == "Google"


@pytest.mark.parametrize(
    ("answer", "status", "shape"),
    [
        (ErrorBody(400, "bad"), 400, errors.BadRequestResponseErrorData),
        (Unauthorized(), 401, errors.UnauthorizedResponseErrorData),
        (NoCredits(), 402, errors.PaymentRequiredResponseErrorData),
        (InFlightBudget(), 402, errors.PaymentRequiredResponseErrorData),
        (ErrorBody(403, "flagged"), 403, errors.ForbiddenResponseErrorData),
        (NoEndpoints(), 404, errors.NotFoundResponseErrorData),
        (ErrorBody(408, "slow"), 408, errors.RequestTimeoutResponseErrorData),
        (ErrorBody(413, "big"), 413, errors.PayloadTooLargeResponseErrorData),
        (ErrorBody(422, "odd"), 422, errors.UnprocessableEntityResponseErrorData),
        (RateLimit(), 429, errors.TooManyRequestsResponseErrorData),
        (ErrorBody(500, "oops"), 500, errors.InternalServerResponseErrorData),
        (ErrorBody(502, "upstream"), 502, errors.BadGatewayResponseErrorData),
        (ErrorBody(503, "down"), 503, errors.ServiceUnavailableResponseErrorData),
        (ErrorBody(524, "edge"), 524, errors.EdgeNetworkTimeoutResponseErrorData),
        (ErrorBody(529, "busy"), 529, errors.ProviderOverloadedResponseErrorData),
        (WrongEndpoint(), 400, errors.BadRequestResponseErrorData),
    ],
    ids=repr,
)
def test_an_error_has_the_official_shape_its_status_and_no_price(
    openrouter: OpenRouterStandIn, answer: Answer, status: int, shape: type[BaseModel]
) -> None:
    openrouter.script(answer)
    response = chat(openrouter)
    assert response.status_code == status
    assert response.json()["error"]["code"] == status
    shape.model_validate(response.json())
    assert openrouter.billed == 0


def test_an_answer_carries_every_field_that_recorded_answers_have(
    openrouter: OpenRouterStandIn,
) -> None:
    response = chat(openrouter)
    document = response.json()
    assert document["object"] == "chat.completion"
    assert document["provider"] == "Google"
    assert document["model"] == GEMINI
    assert document["system_fingerprint"] is None
    choice = document["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["native_finish_reason"] == "STOP"
    assert choice["logprobs"] is None
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["images"][0]["type"] == "image_url"
    assert choice["message"]["images"][0]["index"] == 0
    usage = document["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["is_byok"] is False
    assert response.headers["X-Generation-Id"] == document["id"]


# Pictures


def test_each_answer_is_another_valid_picture(openrouter: OpenRouterStandIn) -> None:
    files = [files_of(chat(openrouter))[0] for _ in range(3)]
    assert len(set(files)) == 3
    assert {opened(file).size for file in files} == {(128, 128)}


def test_equal_requests_in_equal_order_get_equal_answers_in_every_run() -> None:
    runs = []
    for _ in range(2):
        with OpenRouterStandIn() as server:
            runs.append([chat(server).content, images(server).content, chat(server).content])
    assert runs[0] == runs[1]


def test_the_picture_of_a_request_does_not_depend_on_what_else_was_asked() -> None:
    with OpenRouterStandIn() as server:
        alone = files_of(chat(server, prompt="sword"))
    with OpenRouterStandIn() as server:
        chat(server, prompt="shield")
        assert files_of(chat(server, prompt="sword")) == alone


@pytest.mark.parametrize("ratio", SIZES_1K)
def test_a_picture_has_the_ratio_that_was_asked_for(
    openrouter: OpenRouterStandIn, ratio: str
) -> None:
    file = files_of(chat(openrouter, image_config={"aspect_ratio": ratio}))[0]
    width, height = opened(file).size
    assert (width * 8, height * 8) == SIZES_1K[ratio]


@pytest.mark.parametrize(
    ("ratio", "name", "size"),
    [
        (None, None, (1024, 1024)),
        ("auto", "1K", (1024, 1024)),
        ("3:4", "2K", (1728, 2368)),
        ("16:9", "4K", (5376, 3072)),
        ("1:4", None, (512, 2048)),
        ("1:1", "0.5K", (512, 512)),
        ("1:1", "512", (512, 512)),
    ],
)
def test_full_sizes_follow_the_table(
    ratio: str | None, name: str | None, size: tuple[int, int]
) -> None:
    assert size_for(ratio, name, full_size=True) == size


def test_real_sizes_come_when_asked_for(openrouter: OpenRouterStandIn) -> None:
    openrouter.full_size = True
    assert opened(files_of(images(openrouter, aspect_ratio="21:9"))[0]).size == (1536, 672)


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "avif", "gif"])
def test_a_picture_comes_in_the_scripted_format(openrouter: OpenRouterStandIn, name: Any) -> None:
    openrouter.default = Image(format=name, size=(40, 24))
    response = chat(openrouter)
    image = opened(files_of(response)[0])
    assert (image.format, image.size) == (name.upper(), (40, 24))
    assert message_of(response)["images"][0]["image_url"]["url"].startswith(f"data:image/{name};")


def test_bytes_given_are_bytes_answered_under_the_declared_type(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.script(Image(data=b"anything", declared="image/webp"))
    assert message_of(chat(openrouter))["images"][0]["image_url"]["url"] == data_uri(
        b"anything", "image/webp"
    )


def test_several_images_are_different_ones(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(Image(count=3))
    response = chat(openrouter)
    assert len(set(files_of(response))) == 3
    assert [image["index"] for image in message_of(response)["images"]] == [0, 1, 2]


def test_broken_images_are_broken_in_their_own_way(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(*(BrokenImage(kind) for kind in ("truncated", "svg", "html", "empty")))
    truncated, svg, html, empty = (files_of(chat(openrouter))[0] for _ in range(4))
    with pytest.raises(OSError, match="truncated"):
        opened(truncated)
    assert svg.startswith(b"<svg")
    assert html.startswith(b"<!DOCTYPE html>")
    assert empty == b""


def test_a_bomb_is_small_and_claims_to_be_huge(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(BrokenImage("bomb"))
    bomb = files_of(chat(openrouter))[0]
    assert len(bomb) < 100_000
    with pytest.raises(PIL.Image.DecompressionBombError):
        PIL.Image.open(io.BytesIO(bomb))


# What arrived


def test_a_chat_request_is_recorded_with_its_parts(openrouter: OpenRouterStandIn) -> None:
    first, second = picture("first"), picture("second", file_format="jpeg")
    parts = [
        {"type": "text", "text": "Draw"},
        image_part(data_uri(first)),
        image_part(data_uri(second, "image/jpeg")),
        {"type": "text", "text": "this"},
    ]
    body = chat_body(messages=[{"role": "user", "content": parts}], image_config={"seed": 7})
    post(openrouter, "/chat/completions", body, headers={"X-Title": "assetgen"})
    recorded = openrouter.requests[0]
    assert (recorded.method, recorded.path) == ("POST", "/api/v1/chat/completions")
    assert (recorded.route, recorded.model) == ("chat", GEMINI)
    assert recorded.prompt == "Draw\nthis"
    assert recorded.references == [first, second]
    assert recorded.modalities == ["image", "text"]
    assert recorded.image_config == {"seed": 7}
    assert recorded.headers["x-title"] == "assetgen"
    assert json.loads(recorded.body_bytes) == recorded.json == body


def test_an_images_request_is_recorded_with_its_parts(openrouter: OpenRouterStandIn) -> None:
    reference = picture("reference")
    images(openrouter, input_references=[image_part(data_uri(reference))])
    recorded = openrouter.generations[0]
    assert (recorded.route, recorded.model, recorded.prompt) == ("images", FLUX, PROMPT)
    assert recorded.references == [reference]
    assert recorded.modalities is None


def test_only_requests_for_images_count_as_generations(openrouter: OpenRouterStandIn) -> None:
    with httpx.Client(trust_env=False) as client:
        assert client.get(openrouter.base_url + "/models").status_code == 200
    chat(openrouter)
    assert [request.method for request in openrouter.requests] == ["GET", "POST"]
    assert [request.method for request in openrouter.generations] == ["POST"]
    assert openrouter.requests[0].at <= openrouter.requests[1].at


def test_a_chunked_request_is_read_like_any_other(openrouter: OpenRouterStandIn) -> None:
    content = json.dumps(chat_body()).encode()
    with httpx.Client(trust_env=False) as client:
        response = client.post(
            openrouter.base_url + "/chat/completions",
            content=iter([content[:10], content[10:]]),
            headers={"Authorization": f"Bearer {API_KEY}"},
        )
    assert response.status_code == 200
    assert openrouter.requests[0].body_bytes == content


def test_one_connection_serves_several_requests(openrouter: OpenRouterStandIn) -> None:
    with connect(openrouter) as connection:
        connection.sendall(request_bytes(openrouter, chat_body()) * 2)
        openrouter.wait_for_generations(2)
        openrouter.wait_until_idle()
    assert openrouter.billed == Decimal("0.0774")


# What is refused


@pytest.mark.parametrize("key", [None, "sk-or-other"])
def test_a_missing_or_wrong_key_is_refused(openrouter: OpenRouterStandIn, key: str | None) -> None:
    response = post(openrouter, "/chat/completions", chat_body(), key=key)
    assert response.status_code == 401
    errors.UnauthorizedResponseErrorData.model_validate(response.json())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "JSON object"),
        ({"messages": [{"role": "user", "content": "x"}]}, "No models"),
        (chat_body(messages=None), "messages"),
        (chat_body(messages=[]), "messages"),
        (chat_body(messages=[{"role": "user", "content": []}]), "content"),
        (chat_body(messages=[{"role": "user", "content": [{"type": "image"}]}]), "part"),
        (chat_body(max_tokens=15), "max_tokens"),
        (chat_body(max_tokens=True), "max_tokens"),
        (chat_body(seed="7"), "seed"),
        (chat_body(image_config=[]), "image_config"),
        (chat_body(image_config={"x": True}), "image_config.x"),
        (chat_body(image_config={"x": {}}), "image_config.x"),
        (chat_body(image_config={"image_size": "1k"}), "image_size"),
        (chat_body(image_config={"aspect_ratio": "wide"}), "aspect_ratio"),
        (chat_body(modalities="image"), "modalities"),
    ],
)
def test_a_wrong_chat_request_is_refused(
    openrouter: OpenRouterStandIn, body: object, words: str
) -> None:
    response = post(openrouter, "/chat/completions", body)
    assert response.status_code == 400
    errors.BadRequestResponseErrorData.model_validate(response.json())
    assert words in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("url", "error_type"),
    [
        ("https://example.org/a.png", "image_download_failed"),
        ("data:image/png;base64,****", "invalid_image"),
        ("data:image/png,raw", "invalid_image"),
        (data_uri(b"x", "image/jpg"), "unsupported_image_format"),
        (data_uri(b"x", "image/avif"), "unsupported_image_format"),
        (7, "invalid_image"),
    ],
)
def test_a_wrong_reference_is_refused_on_both_routes(
    openrouter: OpenRouterStandIn, url: object, error_type: str
) -> None:
    messages = [{"role": "user", "content": [image_part(url)]}]
    for response in (
        chat(openrouter, messages=messages),
        images(openrouter, input_references=[image_part(url)]),
    ):
        assert response.status_code == 400
        assert response.json()["error"]["metadata"]["error_type"] == error_type


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": FLUX}, "prompt"),
        (images_body(prompt=""), "prompt"),
        (images_body(n=2), "n:"),
        (images_body(resolution="1k"), "image_size"),
        (images_body(background="transparent", output_format="jpeg"), "transparent"),
        (images_body(input_references=[image_part(data_uri(b"x"))] * 17), "16"),
    ],
)
def test_a_wrong_images_request_is_refused(
    openrouter: OpenRouterStandIn, body: object, words: str
) -> None:
    response = post(openrouter, "/images", body)
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


def test_a_body_over_the_limit_is_refused(openrouter: OpenRouterStandIn) -> None:
    openrouter.max_body_bytes = 1000
    assert chat(openrouter, prompt="x" * 1000).status_code == 413


@pytest.mark.parametrize(
    ("model", "modalities", "status"),
    [
        (FLUX, ["image"], 200),
        (FLUX, ["image", "text"], 404),
        (FLUX, None, 404),
        ("openai/gpt-image-1", ["image"], 200),
        ("bytedance-seed/seedream-4.5", ["image", "text"], 404),
        (GEMINI, ["text", "image"], 200),
        (GEMINI, ["image"], 404),
        ("nobody/knows-it", ["image", "text"], 200),
        ("nobody/knows-it", ["image"], 404),
        ("test/image-only", ["image"], 200),
        ("test/image-only", ["image", "text"], 404),
    ],
)
def test_modalities_must_fit_the_class_of_the_model(
    openrouter: OpenRouterStandIn, model: str, modalities: list[str] | None, status: int
) -> None:
    openrouter.model("test/image-only", image_only=True)
    response = chat(openrouter, model=model, modalities=modalities)
    assert response.status_code == status
    if status == 404:
        asked = ", ".join(modalities or ["text"])
        assert response.json()["error"]["message"] == (
            f"No endpoints found that support the requested output modalities: {asked}"
        )


@pytest.mark.parametrize("model", ["openai/gpt-image-2", "test/new"])
def test_a_model_of_the_images_route_fails_on_chat_for_good(
    openrouter: OpenRouterStandIn, model: str
) -> None:
    openrouter.model("test/new", image_only=True, images_only=True)
    assert chat(openrouter, model=model, modalities=["image"]).status_code == 500
    assert images(openrouter, model=model).status_code == 200


def test_a_model_that_is_not_asked_for_an_image_talks(openrouter: OpenRouterStandIn) -> None:
    response = chat(openrouter, modalities=None)
    assert "images" not in message_of(response)
    assert message_of(response)["content"]


def test_a_refused_request_uses_nothing_of_the_script(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(Text("scripted"))
    chat(openrouter, modalities=["image"])
    post(openrouter, "/chat/completions", chat_body(), key=None)
    assert message_of(chat(openrouter))["content"] == "scripted"


# Scripts


def test_scripted_answers_come_in_order_and_then_the_default(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.default = Text("default")
    openrouter.script(Text("one"), Text("two"))
    said = [message_of(chat(openrouter))["content"] for _ in range(4)]
    assert said == ["one", "two", "default", "default"]


def test_answers_for_a_kind_of_request_come_before_the_others(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.script(Text("anyone's"))
    openrouter.script_for(lambda request: "sword" in request.prompt, Text("the sword's"))
    asked = ["shield", "a sword", "a sword"]
    openrouter.default = Text("default")
    said = [message_of(chat(openrouter, prompt=prompt))["content"] for prompt in asked]
    assert said == ["anyone's", "the sword's", "default"]


def test_a_predicate_that_fails_fails_the_test() -> None:
    def ask_with_a_failing_predicate() -> None:
        with OpenRouterStandIn() as server:
            server.script_for(lambda request: bool(1 / len(request.references)), Text())
            with pytest.raises(httpx.RemoteProtocolError):
                chat(server)

    with pytest.raises(ExceptionGroup, match="predicate failed") as caught:
        ask_with_a_failing_predicate()
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]


# Answers without an image


def test_talk_refusals_and_blocks_say_so_in_their_own_fields(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.script(
        Refusal("No."), ContentFilter("PROHIBITED_CONTENT"), Length("Once upon"), Empty("null")
    )
    refused, blocked, cut, empty = (chat(openrouter).json()["choices"][0] for _ in range(4))
    assert refused["message"]["refusal"] == "No."
    assert blocked["finish_reason"] == "content_filter"
    assert blocked["native_finish_reason"] == "PROHIBITED_CONTENT"
    assert (cut["finish_reason"], cut["message"]["content"]) == ("length", "Once upon")
    assert empty["message"]["images"] is None
    assert all("images" not in choice["message"] for choice in (refused, blocked, cut))


@pytest.mark.parametrize(
    ("answer", "status"),
    [(Text(), 502), (Empty(), 502), (Length(), 502), (Refusal(), 400), (ContentFilter(), 400)],
)
def test_the_images_route_fails_as_a_whole_and_free_when_there_is_no_image(
    openrouter: OpenRouterStandIn, answer: Answer, status: int
) -> None:
    openrouter.script(answer)
    assert images(openrouter).status_code == status
    assert openrouter.billed == 0


def test_an_error_inside_200_stands_where_it_is_put(openrouter: OpenRouterStandIn) -> None:
    metadata = {"provider_name": "Google", "raw": "quota"}
    openrouter.script(
        ErrorInside200(429, "Provider returned error", metadata=metadata),
        ErrorInside200("rate_limited", "Slow down", in_choice=True),
    )
    at_the_top, in_choice = (chat(openrouter).json() for _ in range(2))
    assert at_the_top["error"]["code"] == 429
    assert at_the_top["error"]["metadata"] == metadata
    assert "choices" not in at_the_top
    assert in_choice["choices"][0]["error"] == {"message": "Slow down", "code": "rate_limited"}
    assert in_choice["choices"][0]["finish_reason"] == "error"


def test_waits_are_asked_for_in_headers(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(RateLimit(3), InFlightBudget(4), RateLimit(None))
    limited, in_flight, silent = (chat(openrouter) for _ in range(3))
    assert limited.headers["Retry-After"] == "3"
    assert limited.headers["X-RateLimit-Remaining"] == "0"
    assert in_flight.headers["Retry-After"] == "4"
    source = in_flight.json()["error"]["metadata"]["limit_source"]
    assert source == "openrouter_in_flight_budget"
    assert "Retry-After" not in silent.headers


def test_availability_stands_beside_the_message(openrouter: OpenRouterStandIn) -> None:
    retryable = {"code": "temporarily_unavailable", "retryable": True, "retry_after": 2}
    openrouter.script(ErrorBody(404, "Later", availability=retryable), WrongEndpoint())
    later, elsewhere = (chat(openrouter).json()["error"]["availability"] for _ in range(2))
    assert later["retryable"] is True
    assert later["requested_models"] == [GEMINI]
    assert elsewhere["code"] == "wrong_endpoint"
    assert elsewhere["retryable"] is False


def test_bad_base64_and_addresses_come_as_they_are(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(BadBase64(), HttpUrlImage("https://example.org/a.png"))
    bad, address = (message_of(chat(openrouter))["images"][0]["image_url"] for _ in range(2))
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(bad["url"].partition(",")[2], validate=True)
    assert address["url"] == "https://example.org/a.png"
    openrouter.script(HttpUrlImage("https://example.org/a.png"))
    assert images(openrouter).json()["data"] == [{"url": "https://example.org/a.png"}]


# On the wire


def test_a_raw_body_is_sent_as_it_is(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(RawBody(b"<html>", status=502, headers={"Content-Type": "text/html"}))
    response = chat(openrouter)
    assert (response.status_code, response.content) == (502, b"<html>")
    assert response.headers["Content-Type"] == "text/html"


def test_malformed_json_is_whole_as_far_as_http_goes(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(MalformedJson())
    response = chat(openrouter)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_whitespace_only_has_a_good_status_and_no_answer(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(WhitespaceOnly())
    response = chat(openrouter)
    assert response.status_code == 200
    assert response.text
    assert not response.text.strip()


def test_padding_comes_in_chunks_before_the_answer(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(Padded(Text("late"), lines=(": OPENROUTER PROCESSING\n", "\n")))
    response = chat(openrouter)
    padding, _, document = response.text.partition("{")
    assert padding == ": OPENROUTER PROCESSING\n\n"
    assert json.loads("{" + document)["choices"][0]["message"]["content"] == "late"
    assert response.headers["Transfer-Encoding"] == "chunked"


def test_a_redirect_names_its_target(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(Redirect("http://127.0.0.1:9/steal"))
    response = chat(openrouter)
    assert (response.status_code, response.headers["Location"]) == (307, "http://127.0.0.1:9/steal")


@pytest.mark.parametrize(
    ("cut", "sent"),
    [
        (CutAfter(RawBody(b"0123456789"), bytes=3), b"012"),
        (CutAfter(RawBody(b"0123456789"), bytes=0), b""),
        (CutAfter(RawBody(b"0123456789"), fraction=0.5), b"01234"),
    ],
)
def test_a_cut_answer_ends_after_exactly_so_many_bytes(
    openrouter: OpenRouterStandIn, cut: Answer, sent: bytes
) -> None:
    head, body = on_the_wire(openrouter, cut)
    assert b"Content-Length: 10" in head
    assert body == sent


def test_a_cut_in_chunks_has_no_last_chunk(openrouter: OpenRouterStandIn) -> None:
    _, body = on_the_wire(openrouter, CutAfter(Chunked(RawBody(b"0123456789")), bytes=3))
    assert body == b"3\r\n012\r\n"


def test_a_cut_before_the_headers_sends_nothing(openrouter: OpenRouterStandIn) -> None:
    assert on_the_wire(openrouter, CutBeforeHeaders()) == (b"", b"")


@pytest.mark.parametrize("sent", [None, 10])
def test_a_reset_is_a_reset(openrouter: OpenRouterStandIn, sent: int | None) -> None:
    openrouter.script(ResetConnection(bytes=sent))
    with pytest.raises(httpx.ReadError):
        chat(openrouter)


@pytest.mark.parametrize("delta", [50, -5])
def test_a_wrong_length_is_declared_and_the_connection_closed(
    openrouter: OpenRouterStandIn, delta: int
) -> None:
    head, body = on_the_wire(openrouter, WrongContentLength(RawBody(b"0123456789"), delta))
    assert f"Content-Length: {10 + delta}".encode() in head
    assert body == b"0123456789"


def test_an_answer_may_end_with_its_connection(openrouter: OpenRouterStandIn) -> None:
    head, body = on_the_wire(openrouter, CloseDelimited(RawBody(b"0123456789")))
    assert b"Content-Length" not in head
    assert b"chunked" not in head
    assert body == b"0123456789"


def test_an_answer_in_chunks_is_whole(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(Chunked(Image(data=bytes(200_000))))
    assert files_of(chat(openrouter)) == [bytes(200_000)]


def test_a_slow_body_comes_in_pieces_and_whole(openrouter: OpenRouterStandIn) -> None:
    body = bytes(range(256)) * 4
    openrouter.script(SlowDrip(RawBody(body), bytes_per_second=20_000))
    with (
        httpx.Client(trust_env=False) as client,
        client.stream(
            "POST",
            openrouter.base_url + "/chat/completions",
            json=chat_body(),
            headers={"Authorization": f"Bearer {API_KEY}"},
        ) as response,
    ):
        pieces = list(response.iter_raw())
    assert b"".join(pieces) == body
    assert len(pieces) > 1


def test_a_stalled_answer_is_billed_although_the_client_gives_up(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.script(Stall(3600))
    with connect(openrouter) as connection:
        connection.sendall(request_bytes(openrouter, chat_body()))
        openrouter.wait_until(lambda: openrouter.billed > 0)
    assert openrouter.billed == Decimal("0.0387")


def test_a_stalled_answer_comes_in_the_end(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(Stall(0.05, Text("at last")))
    assert message_of(chat(openrouter))["content"] == "at last"


# Money


def test_the_bill_is_the_sum_of_what_was_made(openrouter: OpenRouterStandIn) -> None:
    openrouter.script(
        Image(cost="0.1"), Text(), Image(cost=None), Image(cost="0.2", omit_usage=True), RateLimit()
    )
    answers = [chat(openrouter).json() for _ in range(5)]
    assert openrouter.billed == Decimal("0.3") + Decimal(TALK_COST)
    assert answers[0]["usage"]["cost"] == 0.1
    assert answers[2]["usage"]["cost"] is None
    assert "usage" not in answers[3]


@pytest.mark.parametrize("lost", [CutAfter(), CutBeforeHeaders(), ResetConnection()], ids=repr)
def test_a_lost_answer_is_billed(openrouter: OpenRouterStandIn, lost: Answer) -> None:
    openrouter.script(lost)
    with pytest.raises(httpx.TransportError):
        chat(openrouter)
    assert openrouter.billed == Decimal("0.0387")


# Several at once


def test_held_requests_wait_together_and_are_billed_when_released(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.hold()
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(chat, openrouter, prompt=f"icon {n}") for n in range(3)]
        openrouter.wait_for_generations(3)
        held = (openrouter.in_flight, openrouter.billed, [call.done() for call in calls])
        openrouter.release()
        assert all(call.result().status_code == 200 for call in calls)
    assert held == (3, Decimal(0), [False, False, False])
    assert openrouter.billed == 3 * Decimal("0.0387")
    assert openrouter.peak_in_flight == 3
    openrouter.wait_until_idle()
    assert openrouter.in_flight == 0


def test_one_kind_of_request_is_held_while_others_pass(openrouter: OpenRouterStandIn) -> None:
    openrouter.hold(lambda request: request.prompt == "sword")
    with ThreadPoolExecutor(1) as pool:
        sword = pool.submit(chat, openrouter, prompt="sword")
        openrouter.wait_for_generations(1)
        assert chat(openrouter, prompt="shield").status_code == 200
        assert not sword.done()
        openrouter.release()
        assert sword.result().status_code == 200


def test_a_client_that_leaves_while_held_is_billed_when_released(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.hold()
    with connect(openrouter) as connection:
        connection.sendall(request_bytes(openrouter, chat_body()))
        openrouter.wait_for_generations(1)
    openrouter.release()
    openrouter.wait_until_idle()
    assert openrouter.billed == Decimal("0.0387")


def test_one_request_after_another_is_never_two_in_flight(openrouter: OpenRouterStandIn) -> None:
    openrouter.latency_s = 0.01
    for _ in range(3):
        chat(openrouter)
        openrouter.wait_until_idle()
    assert openrouter.peak_in_flight == 1


def test_waiting_for_what_never_comes_says_what_did(openrouter: OpenRouterStandIn) -> None:
    chat(openrouter)
    with pytest.raises(TimeoutError, match="/api/v1/chat/completions"):
        openrouter.wait_for_generations(2, timeout_s=0.01)


def test_leaving_ends_what_is_still_held() -> None:
    with OpenRouterStandIn() as server:
        server.hold()
        connection = connect(server)
        connection.sendall(request_bytes(server, chat_body()))
        server.wait_for_generations(1)
    with connection:
        assert connection.recv(65536) == b""
    assert server.billed == 0


# The response cache

CACHED = {"X-OpenRouter-Cache": "true"}


def test_an_equal_body_is_answered_again_and_free_under_a_new_id(
    openrouter: OpenRouterStandIn,
) -> None:
    openrouter.response_cache = True
    first, again = (
        post(openrouter, "/chat/completions", chat_body(), headers=CACHED) for _ in range(2)
    )
    assert first.headers["X-OpenRouter-Cache-Status"] == "MISS"
    assert again.headers["X-OpenRouter-Cache-Status"] == "HIT"
    assert files_of(again) == files_of(first)
    assert again.json()["id"] != first.json()["id"]
    assert again.json()["usage"]["cost"] == 0
    assert openrouter.billed == Decimal("0.0387")
    components.ChatResult.model_validate(again.json())


def test_a_lost_answer_is_found_again_in_the_response_cache(openrouter: OpenRouterStandIn) -> None:
    openrouter.response_cache = True
    openrouter.script(CutAfter())
    with pytest.raises(httpx.RemoteProtocolError):
        post(openrouter, "/chat/completions", chat_body(), headers=CACHED)
    again = post(openrouter, "/chat/completions", chat_body(), headers=CACHED)
    assert again.headers["X-OpenRouter-Cache-Status"] == "HIT"
    assert openrouter.billed == Decimal("0.0387")


@pytest.mark.parametrize(
    ("is_on", "path", "bodies", "headers"),
    [
        (False, "/chat/completions", (chat_body(), chat_body()), CACHED),
        (True, "/chat/completions", (chat_body(), chat_body()), {}),
        (True, "/chat/completions", (chat_body(), chat_body(prompt="other")), CACHED),
        (True, "/images", (images_body(), images_body()), CACHED),
        (
            True,
            "/chat/completions",
            (chat_body(), chat_body()),
            {**CACHED, "X-OpenRouter-Cache-TTL": "0"},
        ),
    ],
    ids=["off", "not asked for", "another body", "the images route", "too late"],
)
def test_the_response_cache_does_not_answer(
    openrouter: OpenRouterStandIn,
    *,
    is_on: bool,
    path: str,
    bodies: tuple[object, object],
    headers: dict[str, str],
) -> None:
    openrouter.response_cache = is_on
    for body in bodies:
        answer = post(openrouter, path, body, headers=headers)
        assert answer.headers.get("X-OpenRouter-Cache-Status") != "HIT"
    assert openrouter.billed == Decimal("0.0774")


def test_an_error_is_not_cached(openrouter: OpenRouterStandIn) -> None:
    openrouter.response_cache = True
    openrouter.script(ErrorBody(502, "upstream"), ErrorInside200(502, "upstream"))
    statuses = [
        post(openrouter, "/chat/completions", chat_body(), headers=CACHED).headers[
            "X-OpenRouter-Cache-Status"
        ]
        for _ in range(3)
    ]
    assert statuses == ["MISS", "MISS", "MISS"]


def test_the_stand_in_lists_models_as_the_official_client_reads_them(
    openrouter: OpenRouterStandIn,
) -> None:
    host = openrouter.base_url.removesuffix("/api/v1")
    listed = httpx.get(host + IMAGE_MODELS).json()
    components.ImageModelsListResponse.model_validate(listed)
    for item in listed["data"]:
        details = httpx.get(host + item["endpoints"]).json()
        components.ImageModelEndpointsResponse.model_validate(details)
    models = httpx.get(f"{host}{MODELS}?output_modalities=image").json()
    for item in models["data"]:
        components.Model.model_validate(item)
