"""What a manifest says once everything in it is resolved: frozen, nothing left to guess.

Names are expanded, defaults applied, `${…}` filled, paths normalised and checked. Nothing here
reads a file; `manifest/` builds these values and everything else only looks at them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from assetgen.core.value import Value, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from assetgen.core.finish import Atlas, Expect, Export, Frames, Variants
    from assetgen.core.outline import Pieces
    from assetgen.core.plugin import ProviderPlugin
    from assetgen.core.step import Step
    from assetgen.errors import Location

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What JSON can say."""

ProviderName = str
"""`openrouter`, `draft`, or the name of an installed provider (`core.plugin`)."""
Route = Literal["auto", "chat", "images"]
ImageFormat = Literal["png", "jpeg", "webp", "avif"]

FORMAT_OF_SUFFIX: Mapping[str, ImageFormat] = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".webp": "webp",
    ".avif": "avif",
}
"""The extension of an output decides the format of the file (design section 3)."""


class FileReference(Value):
    """An image file of the project: a POSIX path relative to the project folder."""

    path: str

    def __str__(self) -> str:
        return self.path


class AssetReference(Value):
    """Another asset's image."""

    name: str

    def __str__(self) -> str:
        return f"asset:{self.name}"


Reference = FileReference | AssetReference


class Parameters(Value):
    """The parameters that the manifest states and that reach the model, in normal form.

    A field is None when the manifest does not state it; what the tool would add by itself is not
    here, because it must not change a fingerprint.
    """

    aspect_ratio: str | None = None
    """`16:9`, or `auto`."""
    image_size: str | None = None
    """`0.5K`, `1K`, `2K` or `4K`, with an upper-case K."""
    quality: str | None = None
    background: str | None = None
    seed: int | None = None
    modalities: tuple[str, ...] | None = None
    """Sorted: overrides the class of the model."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """`params`: sent as they are to the provider."""


class Limits(Value):
    """What bounds a call without changing the image: never part of a fingerprint."""

    max_tokens: int | None = None
    timeout_s: float | None = None


class Generate(Value):
    """An image to be made by a model."""

    model: str
    """Empty only under a provider that needs none, such as `draft`."""
    prompt: str
    """The final text: style applied, stripped at both ends."""
    references: tuple[Reference, ...] = ()
    parameters: Parameters = Parameters()
    take: int = 1
    limits: Limits = Limits()
    route: Route = "auto"


class Source(Value):
    """A file that the user has, as a POSIX path relative to the project folder."""

    path: str


@dataclasses.dataclass(frozen=True, slots=True)
class Asset:
    """One image that the project needs."""

    name: str
    action: Generate | Source
    output: str
    """POSIX path relative to the project folder, inside it, in NFC."""
    format: ImageFormat
    """Decided by the extension of `output`."""
    pinned: bool = False
    tags: tuple[str, ...] = ()
    description: str = ""
    steps: tuple[Step, ...] = ()
    """Done to the image before it becomes the output, and whatever is made from it."""
    expect: Expect | None = None
    frames: Frames | None = None
    variants: Variants | None = None
    where: Location | None = dataclasses.field(default=None, compare=False)
    """Where the manifest declares it."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the assets whose images this one reads, in order, each once."""
        if isinstance(self.action, Source) or not self.action.references:
            return ()
        names = [r.name for r in self.action.references if isinstance(r, AssetReference)]
        return tuple(dict.fromkeys(names))


class Budget(Value):
    """Caps in US dollars; None is no cap."""

    per_build: Decimal | None = None
    per_asset: Decimal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """A whole manifest, resolved."""

    root: str
    """Absolute path of the project folder, which is the folder of the root manifest."""
    manifest: str
    """File name of the root manifest inside `root`."""
    name: str
    """`project`, or the folder's name."""
    provider: ProviderName
    budget: Budget
    assets: tuple[Asset, ...]
    """In file order; names and outputs are unique, references exist and form no cycle."""
    read_files: tuple[str, ...] = ()
    """Manifest, included files and palettes, as POSIX paths relative to `root`."""
    read_folders: tuple[str, ...] = ()
    """Folders that include patterns listed, likewise: a new file there may change the project."""
    plugin: ProviderPlugin | None = None
    """The provider, unless it is built in."""
    atlases: tuple[Atlas, ...] = ()
    exports: tuple[Export, ...] = ()
    pieces: Pieces | None = dataclasses.field(default=None, compare=False)
    """The manifest's text, entry by entry; None where its entries do not stand alone."""

    @property
    def is_paid(self) -> bool:
        """Whether the provider takes money."""
        return self.provider != "draft" if self.plugin is None else self.plugin.is_paid
