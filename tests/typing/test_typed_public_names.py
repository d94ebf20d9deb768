"""The public names as type checkers see them: mypy reads this file, and so does pyright.

Nothing here is built: what counts is that every line is accepted, and has the type it says.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, assert_type

import assetgen

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from assetgen import (  # every name is there for who imports it by name
        Asset,
        AssetgenError,
        AssetReference,
        AuthError,
        BadResponse,
        Event,
        FileReference,
        Generated,
        Hold,
        LockfileError,
        Parameters,
        RateLimited,
        ReferenceImage,
        Source,
        Unavailable,
        UsageError,
    )

    Everything = (
        Asset
        | AssetgenError
        | AssetReference
        | AuthError
        | BadResponse
        | FileReference
        | Hold
        | LockfileError
        | Parameters
        | RateLimited
        | ReferenceImage
        | Source
        | Unavailable
        | UsageError
    )


def calls(emit: Callable[[Event], None]) -> None:
    assert_type(assetgen.load("assets.yaml"), assetgen.Project)
    assert_type(assetgen.plan(draft=True, selectors=("hero",)), assetgen.Plan)
    assert_type(assetgen.check("assets.yaml"), assetgen.Plan)
    report = assetgen.build(emit=emit, stop=assetgen.Stop(), max_cost_usd=Decimal(1))
    assert_type(report, assetgen.Report)
    assert_type(report.outcomes, tuple[assetgen.Outcome, ...])
    assert_type(report.spent_usd, Decimal)
    session = assetgen.Session("assets.yaml", {"OPENROUTER_API_KEY": "x"})
    building: Coroutine[Any, Any, assetgen.Report] = session.build(assetgen.Settings(jobs=2), emit)
    building.close()


def events(event: Event) -> str:
    match event:
        case assetgen.Planned():
            return str(event.estimate_usd)
        case assetgen.Started() | assetgen.Finished():
            return event.name
        case assetgen.Retrying() | assetgen.Warned():
            return event.message
        case assetgen.Done():
            return str(event.exit_code)
        case assetgen.Round() | assetgen.Stored() | assetgen.Broken():
            return event.kind


class Painter:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self.key = environ.get("PAINTER_KEY", "")

    async def generate(self, request: assetgen.Request) -> Generated:
        assert_type(request.generate, assetgen.Generate)
        raise assetgen.Refused("no", hint="ask another", retry=assetgen.Retry.NEVER)


PLUGIN = assetgen.ProviderPlugin(create=Painter, estimate_usd=lambda action: Decimal(action.take))


def test_the_program_above_is_one() -> None:
    provider: assetgen.Provider = PLUGIN.create({})
    assert isinstance(provider, Painter)
