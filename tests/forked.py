"""A process that has loaded the tool and forks one for every command: each starts in no time.

Loading takes most of what a short command takes, and hundreds of tests run one. The command is a
real process all the same: its own memory, folder, environment, streams, session and exit code; only
what it would have loaded is there already. Tests of what is loaded, of the interpreter's settings
or of signals start one of their own (`Cli.start`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LOADED = (
    "PIL.Image",
    "assetgen.cli.main",
    "assetgen.cli.render",
    "assetgen.cli.commands.build",
    "assetgen.cli.commands.check",
    "assetgen.cli.commands.plan",
    "assetgen.manifest.load",
    "assetgen.providers.draft",
    "assetgen.providers.http",
    "assetgen.session.session",
    "assetgen.cache.local",
    "assetgen.steps.image",
)
_MANIFEST = """\
version: 1
provider: draft
assets: {hero: {prompt: A ship, output: hero.png}}
"""
_KIND = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
"""One message a request; the first also tells when the other end has gone, however it went."""
_STATUS = struct.Struct("i")


class TimedOut(Exception):
    """The command did not end in time; it has been killed."""


class Forker:
    """Starts commands from a process that has loaded the tool. One for each test process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, _KIND)
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            _exec(theirs)
        theirs.close()
        self._requests = ours

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        stdin: bytes,
        timeout_s: float,
    ) -> tuple[int, bytes, bytes]:
        """Exit code (negative for a signal), standard output and standard error of a command.

        Raises:
            TimedOut: it hangs.
        """
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
            files[0].write(stdin)
            files[0].seek(0)
            answer, theirs = socket.socketpair()
            stack.enter_context(answer)
            order = json.dumps([list(arguments), cwd, dict(env)]).encode()
            handles = [file.fileno() for file in files] + [theirs.fileno()]
            socket.send_fds(self._requests, [order], handles)
            theirs.close()
            answer.settimeout(timeout_s)
            (pid,) = _STATUS.unpack(answer.recv(_STATUS.size, socket.MSG_WAITALL))
            try:
                (status,) = _STATUS.unpack(answer.recv(_STATUS.size, socket.MSG_WAITALL))
            except TimeoutError as error:
                os.killpg(pid, signal.SIGKILL)
                raise TimedOut(" ".join(arguments)) from error
            for file in files[1:]:
                file.seek(0)
            return os.waitstatus_to_exitcode(status), files[1].read(), files[2].read()

    def close(self) -> None:
        """End it; commands that run go on."""
        self._requests.send(b"")
        self._requests.close()
        os.waitpid(self._pid, 0)


def _exec(requests: socket.socket) -> None:
    """Become the process that forks, with nothing of the tests in its memory."""
    os.set_inheritable(requests.fileno(), True)
    os.execve(  # noqa: S606 - this very interpreter
        sys.executable,
        [sys.executable, "-m", "tests.forked", str(requests.fileno())],
        {**os.environ, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
    )


def serve(requests: socket.socket) -> None:
    """Fork for every request until the tests have gone."""
    for name in _LOADED:
        __import__(name)
    _warm_up()
    while True:
        order, handles, _, _ = socket.recv_fds(requests, 1 << 20, 4)
        if not order:
            return
        if os.fork() == 0:
            requests.close()
            _start(json.loads(order), handles)
            return
        for handle in handles:
            os.close(handle)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _warm_up() -> None:
    """Do once what every command would do first: read a manifest, make an image."""
    from assetgen.session.session import Session  # noqa: PLC0415 - not in the process of the tests

    with tempfile.TemporaryDirectory() as folder:
        manifest = os.path.join(folder, "assets.yaml")
        with open(manifest, "w", encoding="utf-8") as file:
            file.write(_MANIFEST)
        Session(manifest, {}).check()


def _start(order: tuple[list[str], str, dict[str, str]], handles: list[int]) -> None:
    """Fork once more: one is the command, the other tells how it ended."""
    pid = os.fork()
    if pid:
        with socket.socket(fileno=handles.pop()) as answer:
            for handle in handles:
                os.close(handle)
            # Who asked may have gone: then there is nobody to tell.
            with contextlib.suppress(OSError):
                answer.sendall(_STATUS.pack(pid))
                answer.sendall(_STATUS.pack(os.waitpid(pid, 0)[1]))
        os._exit(0)
    os.close(handles.pop())
    arguments, folder, environment = order
    os.setsid()
    for standard, handle in enumerate(handles):
        os.dup2(handle, standard)
        os.close(handle)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # looked up again, in this environment
    sys.argv = ["assetgen", *arguments]
    from assetgen.__main__ import main  # noqa: PLC0415 - as a command loads it

    sys.exit(main())


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
