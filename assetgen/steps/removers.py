"""Removers of backgrounds of installed packages: found by their entry point, and fenced in.

A package names, in its entry point of the group `assetgen.removers`, an object with `version`, a
text that it changes when it draws other pixels, and `remove`, which takes a PNG file and answers
with one of the same size in which the ground is transparent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from assetgen.errors import AssetgenError, StepError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "assetgen.removers"


class Remover(Protocol):
    """What an entry point names."""

    version: str
    """Part of the key of every picture it makes."""

    def remove(self, png: bytes) -> bytes:
        """The same picture with a transparent ground. May be called by several threads at once."""
        ...


class InstalledRemovers:
    """Implements `core.ports.Removers` with the packages of this Python, loading each once."""

    def __init__(self) -> None:
        self._loaded: dict[str, Remover] = {}

    def version_of(self, name: str) -> str | None:
        """See the port.

        Raises:
            UsageError: two packages have one of this name, or it does not load as a remover.
        """
        remover = self._find(name)
        return None if remover is None else remover.version

    def names(self) -> Sequence[str]:
        """See the port."""
        return sorted({point.name for point in _entry_points()})

    def remove(self, name: str, png: bytes) -> bytes:
        """What the remover of this name answers.

        Raises:
            StepError: there is none, or its code broke.
        """
        try:
            remover = self._find(name)
        except UsageError as error:
            raise StepError(error.what, hint=error.hint) from error
        if remover is None:
            raise StepError(
                f"no installed package has a remover `{name}`",
                hint="install it, or leave `using` out",
            )
        try:
            answer: object = remover.remove(png)
        except AssetgenError as error:
            raise StepError(f"remover `{name}`: {error.what}", hint=error.hint) from error
        except Exception as error:
            raise StepError(
                f"remover `{name}` broke: {_said(error)}", hint="report it to its authors"
            ) from error
        if not isinstance(answer, bytes):
            raise StepError(
                f"remover `{name}` answered with {type(answer).__name__}, which is no `bytes`",
                hint="report it to its authors",
            )
        return answer

    def _find(self, name: str) -> Remover | None:
        if name not in self._loaded:
            found = [point for point in _entry_points() if point.name == name]
            if not found:
                return None
            if len({point.value for point in found}) > 1:
                packages = " and ".join(sorted(_package(point) for point in found))
                raise UsageError(
                    f"remover `{name}` is in more than one package: {packages}",
                    hint="uninstall all but one of them",
                )
            self._loaded[name] = _load(found[0])
        return self._loaded[name]


def _entry_points() -> Sequence[EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and hardly ever needed

    return tuple(entry_points(group=ENTRY_POINT_GROUP))


def _load(point: EntryPoint) -> Remover:
    package, hint = _package(point), "update that package, or uninstall it"
    try:
        remover = point.load()
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"remover `{point.name}` of {package} does not load: {_said(error)}", hint=hint
        ) from error
    version: object = getattr(remover, "version", None)
    if (
        not isinstance(version, str)
        or not version
        or not callable(getattr(remover, "remove", None))
    ):
        raise UsageError(
            f"remover `{point.name}` of {package} has no text `version` and method `remove`: "
            f"its entry point names {type(remover).__name__} `{point.value}`",
            hint=hint,
        )
    fenced: Remover = remover
    return fenced


def _package(point: EntryPoint) -> str:
    return f"`{point.dist.name} {point.dist.version}`" if point.dist is not None else "a package"


def _said(error: BaseException) -> str:
    """An exception of somebody else, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
