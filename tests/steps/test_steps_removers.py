"""Removers that installed packages add."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import numpy as np
import pytest

from assetgen.core.step import RemoveBackground
from assetgen.errors import AssetgenError, StepError, UsageError
from assetgen.steps import removers
from assetgen.steps.finish import PillowFinisher
from assetgen.steps.removers import ENTRY_POINT_GROUP, InstalledRemovers
from tests.steps.pictures import flat, opened, png

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURE = png(flat(8, 6, (10, 200, 30)))


class Halver:
    """Makes the left half transparent."""

    version = "3"

    def remove(self, data: bytes) -> bytes:
        pixels = opened(data)
        pixels[:, :4] = 0
        return png(pixels)


HALVER = Halver()
NOT_A_REMOVER = object()


class Broken:
    version = "1"

    def __init__(self, remove: Callable[[bytes], object]) -> None:
        self.remove = remove


def raising(error: Exception) -> Callable[[bytes], object]:
    def remove(_: bytes) -> object:
        raise error

    return remove


RAISES = Broken(raising(RuntimeError("no\nmemory")))
REFUSES = Broken(raising(AssetgenError("no subject", hint="draw one")))
ANSWERS_TEXT = Broken(lambda _: "picture")
ANSWERS_RUBBISH = Broken(lambda _: b"picture")
ANSWERS_SMALLER = Broken(lambda _: png(np.zeros((3, 4, 4), np.uint8)))


def points(*names: tuple[str, str]) -> tuple[EntryPoint, ...]:
    return tuple(
        EntryPoint(name, f"{__name__}:{value}", ENTRY_POINT_GROUP) for name, value in names
    )


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = points(
        ("halver", "HALVER"),
        ("raises", "RAISES"),
        ("refuses", "REFUSES"),
        ("text", "ANSWERS_TEXT"),
        ("rubbish", "ANSWERS_RUBBISH"),
        ("smaller", "ANSWERS_SMALLER"),
        ("other", "NOT_A_REMOVER"),
        ("missing", "NOWHERE"),
        ("twice", "HALVER"),
        ("twice", "RAISES"),
    )
    monkeypatch.setattr(removers, "_entry_points", lambda: found)


def test_an_installed_remover_does_the_work() -> None:
    result = PillowFinisher().apply(PICTURE, RemoveBackground(remover="halver"))
    assert not opened(result)[:, :4].any()
    assert (opened(result)[:, 4:] == (10, 200, 30, 255)).all()


def test_the_version_of_a_remover_is_known_and_others_have_none() -> None:
    installed = InstalledRemovers()
    assert installed.version_of("halver") == "3"
    assert installed.version_of("unheard-of") is None
    assert "halver" in installed.names()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unheard-of", "no installed package has a remover `unheard-of`"),
        ("raises", "remover `raises` broke: RuntimeError: no memory"),
        ("refuses", "remover `refuses`: no subject"),
        ("text", "remover `text` answered with str, which is no `bytes`"),
        ("rubbish", "remover `rubbish` answered with what is no image: "),
        ("smaller", "remover `smaller` answered with a picture of 4x3 px, not 8x6 px"),
        ("other", "remover `other` of a package has no text `version` and method `remove`"),
        ("missing", "remover `missing` of a package does not load: AttributeError"),
        ("twice", "remover `twice` is in more than one package"),
    ],
)
def test_a_remover_that_fails_is_named(name: str, message: str) -> None:
    with pytest.raises(StepError) as error:
        PillowFinisher().apply(PICTURE, RemoveBackground(remover=name))
    assert error.value.what.startswith(message)
    assert error.value.hint


@pytest.mark.parametrize("name", ["other", "missing", "twice"])
def test_a_remover_that_does_not_load_is_reported_before_anything_is_made(name: str) -> None:
    with pytest.raises(UsageError):
        InstalledRemovers().version_of(name)
