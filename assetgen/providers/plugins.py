"""Providers of installed packages: found by their entry point, and fenced in.

A manifest can only choose among what the user has installed. Looking is slow (every installed
distribution is read), so it is done for names that are not built in, and for nothing else. What
the code of a package raises, on import or in a call, becomes one error that names the package.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core.call import Generated
from assetgen.core.plugin import ENTRY_POINT_GROUP, ProviderPlugin
from assetgen.core.value import Value, replace
from assetgen.errors import AssetgenError, ProviderFault, Retry, Unavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from importlib.metadata import EntryPoint

    from assetgen.core.call import Request
    from assetgen.core.model import Generate
    from assetgen.core.ports import Provider


class InstalledPlugins:
    """Implements `core.ports.Plugins` with the packages of this Python."""

    def find(self, name: str) -> ProviderPlugin | None:
        """The provider of this name, loaded.

        Raises:
            UsageError: two packages have one, or it does not load as a provider.
        """
        found = [point for point in _entry_points() if point.name == name]
        if not found:
            return None
        if len({point.value for point in found}) > 1:
            packages = " and ".join(sorted(_package(point) for point in found))
            raise UsageError(
                f"provider `{name}` is in more than one package: {packages}",
                hint="uninstall all but one of them",
            )
        return _load(found[0])

    def names(self) -> Sequence[str]:
        """The names of all of them."""
        return sorted({point.name for point in _entry_points()})


def create(name: str, plugin: ProviderPlugin, environ: Mapping[str, str]) -> PluggedProvider:
    """The provider itself, fenced in.

    Raises:
        UsageError: its code raises.
    """
    try:
        provider = plugin.create(environ)
    except AssetgenError as error:
        raise UsageError(f"provider `{name}`: {error.what}", hint=error.hint) from error
    except Exception as error:
        raise UsageError(f"provider `{name}` cannot be made: {_said(error)}") from error
    return PluggedProvider(name, provider)


class PluggedProvider(Value):
    """`core.ports.Provider` around one of an installed package: nothing else gets out of it."""

    name: str
    provider: Provider

    async def generate(self, request: Request) -> Generated:
        """See the port. The deadline of the call holds whatever the package does about it."""
        deadline = asyncio.timeout(request.timeout_s)
        try:
            async with deadline:
                answer: object = await self.provider.generate(request)
        except AssetgenError:
            raise
        except Exception as error:
            if deadline.expired():
                raise Unavailable(
                    f"no answer from provider `{self.name}` within {request.timeout_s:g} s",
                    hint="`--timeout` allows more",
                    retry=Retry.AMBIGUOUS,
                ) from error
            raise ProviderFault(
                f"provider `{self.name}` broke: {_said(error)}",
                hint="report it to its authors; the log of the service says whether it was billed",
            ) from error
        fault = _fault_of(answer)
        if fault or not isinstance(answer, Generated):
            raise ProviderFault(f"provider `{self.name}` answered with {fault}")
        return answer

    async def aclose(self) -> None:
        """End its connections, when it says how; no image depends on that."""
        close = getattr(self.provider, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except Exception as error:
            raise ProviderFault(
                f"provider `{self.name}` broke while it was closed: {_said(error)}"
            ) from error


def _entry_points() -> Sequence[EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and hardly ever needed

    return tuple(entry_points(group=ENTRY_POINT_GROUP))


def _load(point: EntryPoint) -> ProviderPlugin:
    package, hint = _package(point), "update that package, or uninstall it"
    try:
        plugin = point.load()
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"provider `{point.name}` of {package} does not load: {_said(error)}", hint=hint
        ) from error
    if not isinstance(plugin, ProviderPlugin):
        raise UsageError(
            f"provider `{point.name}` of {package} is no `assetgen.ProviderPlugin`: "
            f"its entry point names {type(plugin).__name__} `{point.value}`",
            hint=hint,
        )
    if plugin.estimate_usd is None:
        return plugin
    return replace(plugin, estimate_usd=_fenced(point.name, plugin.estimate_usd))


def _fenced(
    name: str, estimate_usd: Callable[[Generate], Decimal | None]
) -> Callable[[Generate], Decimal | None]:
    def fenced(action: Generate) -> Decimal | None:
        try:
            usd: object = estimate_usd(action)
        except Exception as error:
            raise UsageError(f"provider `{name}` cannot estimate: {_said(error)}") from error
        if usd is None or _is_amount(usd):
            return usd if isinstance(usd, Decimal) else None
        raise UsageError(f"provider `{name}` estimates {usd!r}, which is no `Decimal` of dollars")

    return fenced


def _fault_of(answer: object) -> str:
    """What is wrong with an answer; empty when it is one."""
    if not isinstance(answer, Generated):
        return f"{type(answer).__name__}, which is no `Generated`"
    if not answer.images or not all(isinstance(image, bytes) for image in answer.images):
        return "no image: `images` must be a tuple of bytes with one at least"
    if answer.cost_usd is not None and not _is_amount(answer.cost_usd):
        return f"the bill {answer.cost_usd!r}, which is no `Decimal` of dollars"
    return ""


def _is_amount(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value >= 0


def _package(point: EntryPoint) -> str:
    return f"`{point.dist.name} {point.dist.version}`" if point.dist is not None else "a package"


def _said(error: BaseException) -> str:
    """An exception of somebody else, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
