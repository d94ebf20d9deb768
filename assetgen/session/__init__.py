"""The composition root: load, plan, check and build, for the command line and for programs.

    import assetgen

    plan = assetgen.plan("assets.yaml")
    report = assetgen.build("assets.yaml", draft=True, emit=print)

The functions are thin wrappers of `Session`, whose `build` is a coroutine.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Unpack

from assetgen.session.session import Session
from assetgen.session.settings import (
    DEFAULT_JOBS,
    DEFAULT_MANIFEST,
    DEFAULT_TIMEOUT_S,
    Settings,
    SettingsArgs,
)
from assetgen.session.stop import Stop

if TYPE_CHECKING:
    from os import PathLike

    from assetgen.core.model import Project
    from assetgen.core.ports import Emit
    from assetgen.core.report import Plan, Report

__all__ = [
    "DEFAULT_JOBS",
    "DEFAULT_MANIFEST",
    "DEFAULT_TIMEOUT_S",
    "Session",
    "Settings",
    "Stop",
    "build",
    "check",
    "load",
    "plan",
]


def load(manifest: str | PathLike[str] = DEFAULT_MANIFEST) -> Project:
    """The resolved manifest: see `Session.load`."""
    return Session(manifest).load()


def plan(
    manifest: str | PathLike[str] = DEFAULT_MANIFEST, **settings: Unpack[SettingsArgs]
) -> Plan:
    """What a build would do: see `Session.plan`; keywords are the fields of `Settings`."""
    return Session(manifest).plan(Settings(**settings))


def check(
    manifest: str | PathLike[str] = DEFAULT_MANIFEST, **settings: Unpack[SettingsArgs]
) -> Plan:
    """Whether everything is up to date, without key, network or cache: see `Session.check`."""
    return Session(manifest).check(Settings(**settings))


def build(
    manifest: str | PathLike[str] = DEFAULT_MANIFEST,
    emit: Emit | None = None,
    stop: Stop | None = None,
    **settings: Unpack[SettingsArgs],
) -> Report:
    """Make what is stale: see `Session.build`; keywords are the fields of `Settings`.

    Raises:
        RuntimeError: called from a running event loop, where `await Session(…).build(…)` works.
    """
    session = Session(manifest)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(session.build(Settings(**settings), emit, stop))
    raise RuntimeError("an event loop is running: use `await Session(…).build(…)`")
