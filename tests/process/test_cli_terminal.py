"""What a person sees: live progress on a terminal, plain lines elsewhere, no command to either."""

from __future__ import annotations

import errno
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

from tests.standin import ErrorBody, Image, RawBody, Refusal, Text, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.conftest import Cli, Project
    from tests.standin import OpenRouterStandIn

GEMINI = "google/gemini-2.5-flash-image"
PATIENCE_S = 30.0
CSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
"""Any control sequence (ECMA-48, section 5.4)."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CURSOR_OFF, CURSOR_ON = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A command on a pseudo-terminal of its own, and all it has written there."""

    def __init__(self, cli: Cli, arguments: tuple[str, ...], env: Mapping[str, str | None]) -> None:
        merged: dict[str, str | None] = {**cli.env, "TERM": "xterm-256color", **env}
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 60))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assetgen", *arguments],
            cwd=cli.cwd,
            env={name: value for name, value in merged.items() if value is not None},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.written = ""

    def read_until(self, is_so: Callable[[str], bool]) -> None:
        """Read until what was written fulfils this; the end of the command is a failure.

        Live progress writes for as long as it lives, so silence alone would never show a hang.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not is_so(self.written):
            assert time.monotonic() < deadline, f"waited in vain: {self.written[-500:]!r}"
            piece = self._read()
            assert piece, f"the command ended: {self.written!r}"
            self.written += piece

    def finish(self) -> int:
        """Read to the end and return the exit code."""
        while piece := self._read():
            self.written += piece
        return self.process.wait(PATIENCE_S)

    def _read(self) -> str:
        ready, _, _ = select.select([self._master], [], [], PATIENCE_S)
        assert ready, f"the command hangs: {self.written!r}"
        try:
            return os.read(self._master, 1 << 16).decode()
        except OSError as error:
            if error.errno != errno.EIO:  # what Linux says once nobody has the other end open
                raise
            return ""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    @property
    def plain(self) -> str:
        """The text without what moves the cursor or colours it."""
        return CSI.sub("", self.written).replace("\r", "")


@pytest.fixture
def on_terminal(cli: Cli) -> Iterator[Callable[..., Terminal]]:
    started: list[Terminal] = []

    def start(*arguments: str, env: Mapping[str, str | None] | None = None) -> Terminal:
        started.append(Terminal(cli, arguments, env or {}))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def manifest(*names: str) -> str:
    assets = [f"  {n}: {{prompt: {n}, model: {GEMINI}, output: art/{n}.png}}\n" for n in names]
    return "version: 1\nassets:\n" + "".join(assets)


def assert_ends_clean(terminal: Terminal) -> None:
    """Whatever was hidden is shown again, and the prompt of the shell starts a line of its own."""
    assert terminal.written.rfind(CURSOR_ON) >= terminal.written.rfind(CURSOR_OFF)
    assert terminal.plain.endswith("\n")
    assert not re.search(r"\x1b\[(\?1049|\?47)h", terminal.written), "another screen was opened"


# Live progress


def test_a_terminal_shows_what_is_running_and_then_what_became_of_it(
    project: Project, openrouter: OpenRouterStandIn, on_terminal: Callable[..., Terminal]
) -> None:
    project.write("assets.yaml", manifest("hero", "icon"))
    openrouter.hold()
    terminal = on_terminal("build")
    terminal.read_until(lambda text: "hero" in text and "icon" in text and "to go" in text)
    assert "generating up to 2 images, about $0.0774, no cap" in terminal.plain
    assert CURSOR_OFF in terminal.written
    openrouter.release()
    assert terminal.finish() == 0
    assert_ends_clean(terminal)
    after = CSI.sub("", terminal.written[terminal.written.rfind(CURSOR_ON) :])
    assert after.replace("\r", "").strip() == "2 generated; spent $0.0774"
    assert re.search(r"generated hero  art/hero\.png  \$0\.0387  \d+\.\d s", terminal.plain)


def test_a_failure_is_shown_whole_however_narrow_the_terminal_is(
    project: Project, openrouter: OpenRouterStandIn, on_terminal: Callable[..., Terminal]
) -> None:
    words = "this is a rather long explanation of why [bold]this[/bold] will not be drawn " * 3
    folder = "a-folder-with-quite-a-long-name/" * 4
    text = manifest("hero", "icon").replace("art/icon", f"{folder}icon")
    project.write("assets.yaml", text)
    openrouter.script_for(lambda request: request.prompt == "hero", Refusal(words.strip()))
    terminal = on_terminal("build")
    assert terminal.finish() == 1
    assert words.strip() in terminal.plain
    assert f"{folder}icon.png" in terminal.plain
    assert_ends_clean(terminal)


def test_an_interrupted_build_leaves_the_terminal_as_it_was(
    project: Project, openrouter: OpenRouterStandIn, on_terminal: Callable[..., Terminal]
) -> None:
    project.write("assets.yaml", manifest("hero", "icon"))
    openrouter.hold()
    terminal = on_terminal("build", "-j", "1")
    openrouter.wait_for_generations(1, PATIENCE_S)
    terminal.process.send_signal(signal.SIGINT)
    terminal.read_until(lambda text: "press Ctrl-C again" in text)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.finish() == 130
    assert "Traceback" not in terminal.plain
    assert_ends_clean(terminal)


def test_a_fault_of_the_manifest_is_plain_on_a_terminal_too(
    project: Project, on_terminal: Callable[..., Terminal]
) -> None:
    project.write("assets.yaml", "version: 1\nassets: {hero: {promt: x}}\n")
    terminal = on_terminal("build")
    assert terminal.finish() == 2
    assert "hint: did you mean `prompt`?" in terminal.plain
    assert_ends_clean(terminal)


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"CI": "true"}, id="CI"),
        pytest.param({"TERM": "dumb"}, id="a terminal that can do nothing"),
    ],
)
def test_no_control_sequence_is_sent_where_nobody_watches(
    project: Project, on_terminal: Callable[..., Terminal], env: dict[str, str]
) -> None:
    project.write("assets.yaml", manifest("hero"))
    terminal = on_terminal("build", env=env)
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.written
    assert "generated hero" in terminal.written


def test_no_color_takes_the_colour_and_nothing_else(
    project: Project, openrouter: OpenRouterStandIn, on_terminal: Callable[..., Terminal]
) -> None:
    project.write("assets.yaml", manifest("hero", "icon"))
    openrouter.script_for(lambda request: request.prompt == "icon", Refusal())
    terminal = on_terminal("build", env={"NO_COLOR": "1"})
    assert terminal.finish() == 1
    coloured = [code for code in COLOUR.findall(terminal.written) if re.search(r"[34]\d", code)]
    assert coloured == []
    assert "generated hero" in terminal.plain
    assert_ends_clean(terminal)


def test_events_on_a_terminal_are_still_one_document_a_line(
    project: Project, on_terminal: Callable[..., Terminal]
) -> None:
    project.write("assets.yaml", manifest("hero"))
    terminal = on_terminal("build", "--json")
    assert terminal.finish() == 0
    assert "\x1b" not in terminal.written
    assert all(line.startswith('{"event": ') for line in terminal.plain.splitlines())


def test_a_pipe_gets_plain_lines_whatever_the_terminal_is_said_to_be(
    project: Project, cli: Cli
) -> None:
    project.write("assets.yaml", manifest("hero"))
    env = {"TERM": "xterm-256color", "FORCE_COLOR": "1", "COLUMNS": "20"}
    result = cli("build", env=env)
    assert result.code == 0
    assert "\x1b" not in result.err
    assert "generating up to 1 image, about $0.0387, no cap\n" in result.err


# Words from outside

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eHA\r\x08"
"""A window title, a cleared screen, an eight-bit colour, text from right to left, an overprint."""
YAML_EVIL = r"\e]0;owned\a\e[2J\x9b31m\u202eHA\r\b"
"""The same in YAML's double quotes."""
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def assert_no_commands(text: str) -> None:
    assert COMMANDS.findall(text) == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Refusal(f"no {EVIL}"), id="refusal"),
        pytest.param(Text(f"look {EVIL}"), id="text"),
        pytest.param(ErrorBody(400, f"bad {EVIL}"), id="error"),
        pytest.param(
            ErrorBody(
                403, "Provider returned error", {"provider_name": f"G{EVIL}", "raw": f"raw {EVIL}"}
            ),
            id="metadata",
        ),
        pytest.param(RawBody(f"<b>{EVIL}</b>".encode(), 400), id="page"),
        pytest.param(Image(provider=f"G{EVIL}", model=f"other/model{EVIL}", count=2), id="image"),
    ],
)
def test_what_a_provider_says_never_commands_the_terminal(
    project: Project, cli: Cli, openrouter: OpenRouterStandIn, answer: Image
) -> None:
    openrouter.default = answer
    project.write("assets.yaml", manifest("hero"))
    result = cli("--verbose", "build")
    assert result.code in {0, 1}
    assert "hero" in result.err
    assert_no_commands(result.err + result.out)
    check = cli("check")
    assert check.code == (0 if result.code == 0 else 4)
    assert_no_commands(check.out + check.err)


def test_what_a_provider_says_never_commands_a_real_terminal_either(
    project: Project, openrouter: OpenRouterStandIn, on_terminal: Callable[..., Terminal]
) -> None:
    openrouter.script(Refusal(f"no {EVIL}"))
    project.write("assets.yaml", manifest("hero"))
    terminal = on_terminal("build")
    assert terminal.finish() == 1
    for command in ("\x1b]0;", "\x1b[2J", "\x9b", "\u202e", "\x07"):
        assert command not in terminal.written


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'"{YAML_EVIL}": {{prompt: x, output: a.png}}', id="name"),
        pytest.param(f'a: {{prompt: "{YAML_EVIL}", output: a.png}}', id="prompt"),
        pytest.param(f'a: {{prompt: x, output: "{YAML_EVIL}.png"}}', id="output"),
        pytest.param(f'a: {{prompt: x, reference: "{YAML_EVIL}.png", output: a.png}}', id="file"),
        pytest.param(f'a: {{prompt: x, style: "{YAML_EVIL}", output: a.png}}', id="style"),
        pytest.param(f'a: {{prompt: x, "{YAML_EVIL}": 1, output: a.png}}', id="field"),
        pytest.param(f'a: {{prompt: x, tags: ["{YAML_EVIL}"], output: a.png}}', id="tag"),
        pytest.param(f'a: {{prompt: x, aspect_ratio: "{YAML_EVIL}", output: a.png}}', id="ratio"),
        pytest.param(f'a: {{prompt: x, model: "{YAML_EVIL}", output: a.png}}', id="model"),
        pytest.param(f"a: {{prompt: 'raw {EVIL}', output: a.png}}", id="raw"),
        pytest.param(f"a: {{promt: x, output: a.png}} # {EVIL}", id="comment"),
        pytest.param(
            f'a: {{prompt: "{YAML_EVIL}", params: {{"{YAML_EVIL}": 1}}, output: a.png}}',
            id="params",
        ),
    ],
)
def test_a_strangers_manifest_never_commands_the_terminal(
    project: Project, cli: Cli, text: str
) -> None:
    project.write("assets.yaml", f"version: 1\ndefaults: {{model: {GEMINI}}}\nassets:\n  {text}\n")
    result = cli("check")
    assert result.code in {2, 4}, result.err
    assert_no_commands(result.out + result.err)
    for command in ("plan", "build") if result.code == 4 else ():
        result = cli(command)
        assert result.code in {0, 1}, result.err
        assert_no_commands(result.out + result.err)


def test_a_name_from_the_command_line_never_commands_the_terminal(
    project: Project, cli: Cli
) -> None:
    project.write("assets.yaml", manifest("hero"))
    for arguments in (
        ["build", EVIL],
        ["build", "--force", EVIL],
        ["-f", f"{EVIL}.yaml", "build"],
        ["-C", EVIL, "build"],
    ):
        result = cli(*arguments)
        assert (result.code, result.out) == (2, "")
        assert_no_commands(result.err)


def test_a_strangers_lockfile_never_commands_the_terminal(project: Project, cli: Cli) -> None:
    project.write("assets.yaml", manifest("hero"))
    assert cli("build").code == 0
    evil = r"\u001b]0;owned\u0007\u009b31m"
    lock = project.read_text("assets.lock").replace('"name": "hero"', f'"name": "{evil}"')
    assert evil in lock
    project.write("assets.lock", lock)
    for command in ("plan", "check", "build"):
        result = cli(command)
        assert result.code in {0, 2, 4}, result.err
        assert_no_commands(result.out + result.err)


def test_an_odd_file_in_the_project_never_commands_the_terminal(project: Project, cli: Cli) -> None:
    name = "\x1b[31mframe\u202e.png"
    project.write(name, picture("frame"))
    quoted = r"\e[31mframe\u202e.png"
    asset = f'{{prompt: x, model: {GEMINI}, reference: "{quoted}", output: a.png}}'
    project.write("assets.yaml", f"version: 1\nassets:\n  a: {asset}\n")
    for command in ("plan", "build", "check"):
        result = cli(command)
        assert_no_commands(result.out + result.err)
    project.write(name, picture("another"))
    for command in ("plan", "check", "build"):
        result = cli(command)
        assert_no_commands(result.out + result.err)
