"""What goes over the wire for each model, and what becomes of the picture that comes back."""

from __future__ import annotations

import io
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import PIL.Image
import pytest

from tests.inside import Inside
from tests.standin import ErrorBody, Image, NoEndpoints, WrongEndpoint, picture
from tests.standin.recorded import decode_data_uri

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn
    from tests.standin.pictures import PictureFormat

GEMINI = "google/gemini-2.5-flash-image"
UNKNOWN = "acme/painter-9"


@pytest.fixture
def cli(cli: Cli, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(cli.cwd, dict(cli.env), capsys, cli)


def write_manifest(project: Project, *assets: str) -> None:
    """A manifest of assets `a`, `b`, … with these fields, each written in YAML's flow style."""
    lines = [f"  {'abcdef'[n]}: {{{fields}}}\n" for n, fields in enumerate(assets)]
    project.write("assets.yaml", "version: 1\nassets:\n" + "".join(lines))


def pixels(data: bytes) -> PIL.Image.Image:
    with PIL.Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def stored(folder: Path) -> set[bytes]:
    """All images in the blob store."""
    return {path.read_bytes() for path in (folder / "blobs").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("model", "fields", "modalities", "sent"),
    [
        pytest.param(
            "black-forest-labs/flux.2-pro",
            "aspect_ratio: '16:9', seed: 7",
            ["image"],
            {"image_config": {"aspect_ratio": "16:9"}, "seed": 7},
            id="flux.2-pro",
        ),
        pytest.param(
            "black-forest-labs/flux.2-flex",
            "params: {steps: 30, guidance: 3.5}",
            ["image"],
            {"image_config": {"guidance": 3.5, "steps": 30}},
            id="flux.2-flex",
        ),
        pytest.param(
            GEMINI,
            "aspect_ratio: '2:3'",
            ["image", "text"],
            {"image_config": {"aspect_ratio": "2:3"}, "max_tokens": 4096},
            id="gemini-2.5-flash-image",
        ),
        pytest.param(
            "google/gemini-3-pro-image-preview",
            "aspect_ratio: '4:5', image_size: 2K, max_tokens: 9000",
            ["image", "text"],
            {"image_config": {"aspect_ratio": "4:5", "image_size": "2K"}, "max_tokens": 9000},
            id="gemini-3-pro-image-preview",
        ),
        pytest.param(
            "openai/gpt-5-image",
            "quality: high, background: transparent",
            ["image", "text"],
            {
                "image_config": {"quality": "high", "background": "transparent"},
                "max_tokens": 16384,
            },
            id="gpt-5-image",
        ),
        pytest.param(
            "openai/gpt-5-image-mini",
            "quality: low",
            ["image", "text"],
            {"image_config": {"quality": "low"}, "max_tokens": 16384},
            id="gpt-5-image-mini",
        ),
    ],
)
def test_each_model_gets_one_message_in_its_own_handling(
    project: Project,
    cli: Inside,
    openrouter: OpenRouterStandIn,
    *,
    model: str,
    fields: str,
    modalities: list[str],
    sent: dict[str, Any],
) -> None:
    references = [picture("frame"), picture("style", (64, 64), "jpeg")]
    project.write("refs/z-frame.png", references[0])
    project.write("refs/a-style.jpg", references[1])
    write_manifest(
        project,
        f"prompt: ' A lamp ', model: {model}, reference: [refs/z-frame.png, refs/a-style.jpg],"
        f" output: a.png, {fields}",
    )
    result = cli("build")
    assert result.code == 0, result.err
    (request,) = openrouter.generations
    assert request.path == "/api/v1/chat/completions"
    body = dict(request.json)
    (message,) = body.pop("messages")
    assert body == {"model": model, "modalities": modalities, "stream": False, **sent}
    assert message["role"] == "user"
    assert [part["type"] for part in message["content"]] == ["text", "image_url", "image_url"]
    assert message["content"][0]["text"] == "A lamp"
    assert [decode_data_uri(url) for url in request.reference_urls] == [
        ("image/png", references[0]),
        ("image/jpeg", references[1]),
    ]


def test_an_unknown_model_that_only_draws_costs_one_free_404_and_never_another(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.model(UNKNOWN, image_only=True)
    asset = f"model: {UNKNOWN}, prompt: "
    write_manifest(project, f"{asset}A lamp, output: a.png", f"{asset}A bell, output: b.png")
    result = cli("build", "-j", "1", "--json")
    assert result.code == 0, result.err
    assert [request.modalities for request in openrouter.generations] == [
        ["image", "text"],
        ["image"],
        ["image"],
    ]
    assert result.events[-1]["spent_usd"] == float(openrouter.billed)
    assert [event for event in result.events if event["event"] == "retrying"] == []
    write_manifest(project, f"{asset}A rope, output: c.png")
    assert cli("build").code == 0
    assert [request.modalities for request in openrouter.generations[3:]] == [["image"]]


def test_a_model_whose_class_is_not_what_the_table_says_heals_too(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    flux = "black-forest-labs/flux.2-pro"
    openrouter.model(flux, image_only=False)
    write_manifest(project, f"model: {flux}, prompt: A lamp, output: a.png")
    assert cli("build").code == 0
    write_manifest(project, f"model: {flux}, prompt: A bell, output: b.png")
    assert cli("build").code == 0
    both = ["image", "text"]
    assert [request.modalities for request in openrouter.generations] == [["image"], both, both]


def test_modalities_that_the_manifest_states_are_sent_and_never_switched(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.model(UNKNOWN, image_only=True)
    asset = f"model: {UNKNOWN}, prompt: A lamp, output: a.png"
    write_manifest(project, f"{asset}, modalities: [image, text]")
    result = cli("build")
    assert result.code == 1
    assert "No endpoints found that support the requested output modalities" in result.err
    assert "`modalities`" in result.err
    assert [request.modalities for request in openrouter.generations] == [["image", "text"]]
    write_manifest(project, f"{asset}, modalities: [image]")
    assert cli("build").code == 0
    assert openrouter.generations[-1].modalities == ["image"]


@pytest.mark.parametrize("sign", ["both classes are refused", "the service names the other route"])
def test_a_model_served_on_the_images_route_alone_is_found_there_and_remembered(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, sign: str
) -> None:
    if sign == "both classes are refused":
        # the other class is refused by the stand-in itself: it takes this name for a talking model
        openrouter.script(NoEndpoints(("image", "text")))
    else:
        openrouter.script(WrongEndpoint())
    project.write("refs/frame.png", picture("frame"))
    asset = f"model: {UNKNOWN}, reference: refs/frame.png, aspect_ratio: '2:3'"
    write_manifest(project, f"{asset}, prompt: A lamp, output: a.png")
    result = cli("build")
    assert result.code == 0, result.err
    request = openrouter.generations[-1]
    assert request.path == "/api/v1/images"
    assert (request.json["model"], request.prompt) == (UNKNOWN, "A lamp")
    assert request.json["aspect_ratio"] == "2:3"
    assert request.references == [picture("frame")]
    assert "modalities" not in request.json
    before = len(openrouter.generations)
    write_manifest(project, f"{asset}, prompt: A bell, output: b.png")
    assert cli("build").code == 0
    assert [request.route for request in openrouter.generations[before:]] == ["images"]
    (entry,) = (line for line in project.lock if line.get("output") == "b.png")
    assert entry["provider"] == "Google"
    assert entry["generation_id"].startswith("gen-img-")


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        pytest.param("openai/gpt-image-2", "quality: low", id="by the table"),
        pytest.param(GEMINI, "api: images", id="by the manifest"),
    ],
)
def test_the_images_route_is_taken_at_once_where_it_is_known_to_be_right(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, model: str, fields: str
) -> None:
    write_manifest(project, f"model: {model}, prompt: A lamp, output: a.png, {fields}")
    result = cli("build")
    assert result.code == 0, result.err
    assert [request.route for request in openrouter.generations] == ["images"]


def test_a_server_error_on_chat_is_never_answered_by_a_call_on_the_other_route(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.default = ErrorBody(500, "Internal Server Error", headers={"Retry-After": "0"})
    write_manifest(project, "model: recraft/recraft-v3, prompt: A lamp, output: a.png")
    result = cli("build")
    assert result.code == 1
    assert [request.route for request in openrouter.generations] == ["chat"] * 4
    assert "`api: images`" in result.err


@pytest.mark.parametrize(
    ("answered", "output"),
    [
        ("png", "a.png"),
        ("jpeg", "a.jpg"),
        ("jpeg", "a.jpeg"),
        ("webp", "a.webp"),
        ("avif", "a.avif"),
    ],
)
def test_an_answer_in_the_format_of_the_output_is_written_byte_for_byte(
    project: Project,
    cli: Inside,
    openrouter: OpenRouterStandIn,
    answered: PictureFormat,
    output: str,
) -> None:
    image = picture("lamp", (64, 64), answered)
    openrouter.script(Image(data=image, format=answered))
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: {output}")
    assert cli("build").code == 0
    assert project.read_bytes(output) == image


@pytest.mark.parametrize(
    ("answered", "declared", "output", "becomes"),
    [
        pytest.param("jpeg", None, "a.png", "PNG", id="jpeg to png"),
        pytest.param("jpeg", "image/png", "a.png", "PNG", id="jpeg declared as png"),
        pytest.param("webp", "application/octet-stream", "a.png", "PNG", id="nameless webp to png"),
        pytest.param("png", None, "a.webp", "WEBP", id="png to webp"),
        pytest.param("png", "image/webp", "a.webp", "WEBP", id="png declared as webp"),
    ],
)
def test_an_answer_in_another_format_is_converted_without_loss_and_kept_as_it_came(
    project: Project,
    cli: Inside,
    openrouter: OpenRouterStandIn,
    tmp_path: Path,
    *,
    answered: PictureFormat,
    declared: str | None,
    output: str,
    becomes: str,
) -> None:
    image = picture("lamp", (64, 64), answered)
    openrouter.script(Image(data=image, format=answered, declared=declared))
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: {output}")
    result = cli("build")
    assert result.code == 0, result.err
    written = project.read_bytes(output)
    with PIL.Image.open(io.BytesIO(written)) as opened:
        assert opened.format == becomes
    assert pixels(written).tobytes() == pixels(image).tobytes()
    assert image in stored(tmp_path / "cache")
    (entry,) = (line for line in project.lock if line.get("output") == output)
    assert entry["image"] == f"sha256:{sha256(image).hexdigest()}"
    assert entry["digest"] == f"sha256:{sha256(written).hexdigest()}"


def test_a_converted_output_that_is_lost_is_converted_again_without_a_call(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    openrouter.script(Image(format="jpeg"))
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: a.png")
    assert cli("build").code == 0
    before = project.read_bytes("a.png")
    project.path("a.png").unlink()
    assert cli("build").code == 0
    assert project.read_bytes("a.png") == before
    assert len(openrouter.generations) == 1


def test_another_format_of_a_bought_image_is_free(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: a.png")
    assert cli("build").code == 0
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: a.webp")
    assert cli("build", env={"OPENROUTER_API_KEY": None}).code == 0
    assert pixels(project.read_bytes("a.webp")).tobytes() == (
        pixels(project.read_bytes("a.png")).tobytes()
    )
    assert len(openrouter.generations) == 1


def test_of_several_images_the_first_is_taken_and_the_others_are_kept_and_mentioned(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    openrouter.script(Image(count=3))
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: a.png")
    result = cli("build")
    assert result.code == 0, result.err
    taken = project.read_bytes("a.png")
    kept = stored(tmp_path / "cache")
    assert taken in kept
    assert len(kept) == 3
    assert "3 images" in result.err
    for image in kept - {taken}:
        assert f"sha256:{sha256(image).hexdigest()}" in result.err
    assert len(openrouter.generations) == 1


@pytest.mark.parametrize(
    ("fields", "size", "warned"),
    [
        pytest.param("aspect_ratio: '2:3'", (64, 64), "asked for 2:3, got 64x64 px", id="ratio"),
        pytest.param("aspect_ratio: '2:3'", (100, 147), None, id="a ratio within 3 %"),
        pytest.param("aspect_ratio: '2:3'", (104, 156), None, id="the ratio"),
        pytest.param("image_size: 1K", (128, 128), "asked for 1K, got 128x128 px", id="size"),
        pytest.param("image_size: 1K", (1024, 1024), None, id="the size"),
        pytest.param("seed: 1", (64, 100), None, id="nothing asked for"),
    ],
)
def test_a_picture_of_another_shape_is_taken_with_a_warning(
    project: Project,
    cli: Inside,
    openrouter: OpenRouterStandIn,
    *,
    fields: str,
    size: tuple[int, int],
    warned: str | None,
) -> None:
    openrouter.script(Image(size=size))
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: a.png, {fields}")
    result = cli("build", "--json")
    assert result.code == 0, result.err
    warnings = [event["message"] for event in result.events if event["event"] == "warned"]
    assert warnings == ([] if warned is None else [warned])
    assert project.path("a.png").exists()


def test_the_response_cache_is_asked_for_except_where_another_image_is_wanted(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn
) -> None:
    asset = f"model: {GEMINI}, prompt: A lamp"
    write_manifest(project, f"{asset}, output: a.png")
    assert cli("build").code == 0
    write_manifest(project, f"{asset}, output: a.png", f"{asset}, take: 2, output: b.png")
    assert cli("build").code == 0
    assert cli("build", "--force", "a").code == 0
    asked = [request.headers.get("x-openrouter-cache") for request in openrouter.generations]
    assert asked == ["true", None, None]
    assert len({request.body_bytes for request in openrouter.generations}) == 1


def test_what_the_provider_still_has_in_its_response_cache_costs_nothing(
    project: Project, cli: Inside, openrouter: OpenRouterStandIn, tmp_path: Path
) -> None:
    openrouter.response_cache = True
    write_manifest(project, f"model: {GEMINI}, prompt: A lamp, output: a.png")
    assert cli("build").code == 0
    billed, image = openrouter.billed, project.read_bytes("a.png")
    for name in ("a.png", "assets.lock"):
        project.path(name).unlink()
    result = cli("build", "--json", env={"ASSETGEN_CACHE_DIR": str(tmp_path / "other")})
    assert result.code == 0, result.err
    assert openrouter.billed == billed
    assert project.read_bytes("a.png") == image
    assert result.events[-1]["spent_usd"] == 0
