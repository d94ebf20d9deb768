"""For the test suite of a package that adds a provider: does it keep to what assetgen expects?

from assetgen.testing import faults_of_provider

assert asyncio.run(faults_of_provider("atelier")) == []
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from assetgen.core.call import ReferenceImage, Request
from assetgen.core.digest import digest_of
from assetgen.core.drawing import Drawing
from assetgen.core.model import FileReference, Generate
from assetgen.core.value import replace
from assetgen.errors import AssetgenError
from assetgen.providers.plugins import InstalledPlugins, create
from assetgen.steps.image import PillowImages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.plugin import ProviderPlugin
    from assetgen.providers.plugins import PluggedProvider

_PATIENCE_S = 30.0


async def faults_of_provider(
    name: str, *, model: str = "", environ: Mapping[str, str] | None = None
) -> list[str]:
    """Say what the installed provider `name` does not keep to; nothing when all is well.

    Makes three calls, one of which it cancels at once; they cost what they cost.

    Args:
        name: of the entry point.
        model: for the requests, where the provider needs one.
        environ: stands for the environment of the process.

    Raises:
        UsageError: it does not load, or cannot be made.
    """
    plugin = InstalledPlugins().find(name)
    if plugin is None:
        return [f"no installed package has a provider `{name}`"]
    provider = create(name, plugin, os.environ if environ is None else environ)
    try:
        return [*await _faults_of_calls(plugin, provider, model), *await _faults_of_cut(provider)]
    except AssetgenError as error:
        return [f"{type(error).__name__}: {error.what}"]
    finally:
        await provider.aclose()


async def _faults_of_calls(
    plugin: ProviderPlugin, provider: PluggedProvider, model: str
) -> list[str]:
    images, request = PillowImages(), _request(model)
    first = await provider.generate(request)
    # Neither name nor format is in the fingerprint, so neither may decide about the picture.
    second = await provider.generate(replace(request, asset="another-name", format="webp"))
    faults = []
    if not plugin.is_paid and first.cost_usd:
        faults.append("`is_paid` is false, and the answer has a bill")
    pictures = [images.convert(answer.images[0], "png") for answer in (first, second)]
    if plugin.is_repeatable and pictures[0] != pictures[1]:
        faults.append("`is_repeatable` is true, and two equal requests gave two pictures")
    return faults


async def _faults_of_cut(provider: PluggedProvider) -> list[str]:
    call = asyncio.ensure_future(provider.generate(_request("")))
    await asyncio.sleep(0)
    call.cancel()
    done, _ = await asyncio.wait({call}, timeout=_PATIENCE_S)
    if not done:
        return [f"a call that was cancelled was not over after {_PATIENCE_S:.0f} s"]
    return [] if call.cancelled() else ["a call that was cancelled went on to its end"]


def _request(model: str) -> Request:
    drawing = Drawing(width_px=64, height_px=64, background=(200, 120, 40), shapes=())
    data = PillowImages().paint(drawing, "png")
    return Request(
        asset="test",
        fingerprint="0" * 64,
        generate=Generate(
            model=model,
            prompt="A lighthouse at dusk",
            references=(FileReference("refs/test.png"),),
        ),
        references=(ReferenceImage("refs/test.png", digest_of(data), data),),
        format="png",
        timeout_s=_PATIENCE_S,
    )
