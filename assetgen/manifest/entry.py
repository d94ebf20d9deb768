"""One entry of `assets` on its way to assets: values, places and faults of its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from assetgen.core.value import Value, replace
from assetgen.errors import ManifestError
from assetgen.manifest.faults import shown
from assetgen.manifest.template import MOST_CHARACTERS, CannotFillError, fill, names_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from assetgen.core.catalogue import ModelTable
    from assetgen.core.model import Json, Parameters, ProviderName
    from assetgen.core.ports import Removers
    from assetgen.errors import Location
    from assetgen.manifest.faults import Faults
    from assetgen.manifest.parse import Document, Path
    from assetgen.manifest.schema import AssetEntry, Manifest

MOST_WORK = 300_000_000
"""Filled characters of all assets, where each text counts for `_TEXT` at least: 1 GB or so."""
_TEXT = 16

NAME_OF_THE_ASSET = "asset"
"""`${asset}` in paths; a variable of this name comes first, as it is there on purpose."""

FileRead = tuple[str, str, str]
"""A file an asset reads: the field that names it, its path, and its real path."""
T = TypeVar("T")


class Files(Protocol):
    """What must be known about the files of the project."""

    def find(self, path: str) -> tuple[str, str]:
        """An existing regular file: its path as it is spelt on disk, and behind symbolic links.

        All paths are normal ones, relative to the project folder.

        Raises:
            ManifestError: without a place: there is none, or it is outside the project.
        """
        ...

    def real(self, path: str) -> str | None:
        """`path` behind the symbolic links of its folders; None when that leaves the project.

        Nothing of it needs to exist.
        """
        ...

    def read(self, path: str, most_bytes: int) -> bytes:
        """Bytes of a file that `find` gave.

        Raises:
            ManifestError: without a place: it cannot be read, or is larger.
        """
        ...


class TooMuchError(Exception):
    """The manifest expands to more text than is sane."""


@dataclass(slots=True)
class Shared:
    """What all entries are resolved against."""

    manifest: Manifest
    document: Document
    """The root manifest."""
    table: ModelTable
    files: Files
    faults: Faults
    provider: ProviderName
    needs_model: bool
    """Whether the provider cannot do without a `model`."""
    defaults: Mapping[str, object]
    """What `defaults` states."""
    removers: Removers | None = None
    work: int = 0
    palettes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Colours of the palette files that were read, by path."""
    parameters: dict[tuple[object, ...], Parameters] = field(default_factory=dict)
    """In normal form, by what is stated."""

    def spend(self, characters: int) -> None:
        """Count text that is made. Raises `TooMuchError` beyond `MOST_WORK`."""
        self.work += characters + _TEXT
        if self.work > MOST_WORK:
            raise TooMuchError


class Entry(Value):
    """One entry as the manifest declares it."""

    shared: Shared
    document: Document
    name: str
    """Before `${…}` is filled."""
    fields: AssetEntry
    own: Mapping[str, object]
    """The fields it states itself; None leaves a default out."""

    def value(self, name: str) -> object:
        """The field's value: its own, else the default."""
        return self.own[name] if name in self.own else self.shared.defaults.get(name)

    def is_default(self, name: str) -> bool:
        """Whether the value comes from `defaults`."""
        return name not in self.own and name in self.shared.defaults

    def place(self, name: str, at: Path = (), *, key: bool = False) -> Location:
        """Where the field's value is written, or its key."""
        if self.is_default(name):
            return self.shared.document.locate(("defaults", name, *at), key=key)
        return self.document.locate(("assets", self.name, name, *at), key=key)

    def key(self) -> Location:
        """Where the asset's name is written."""
        return self.document.locate(("assets", self.name), key=True)

    def says(self, name: str) -> str:
        """What a message about a field starts with."""
        return f"`{name}` of {self.owner(name)}"

    def owner(self, name: str) -> str:
        """Who states a field, in a message."""
        return "`defaults`" if self.is_default(name) else f"asset {shown(self.name)}"

    def origin(self, name: str) -> tuple[Document, Path]:
        """The document that states a field, and where in it."""
        if self.is_default(name):
            return self.shared.document, ("defaults", name)
        return self.document, ("assets", self.name, name)


class AssetUse(Value):
    """One reference of an entry to an asset."""

    entry: Entry
    index: int
    """Which of its references."""
    name: str

    def place(self) -> Location:
        """Where it is written."""
        return self.entry.place("reference", (self.index,))


class Spot(Value):
    """A value in a document: what messages call it, and where it is."""

    shared: Shared
    document: Document
    path: Path
    says: str
    """What a message about it starts with, such as "`width` of step 2 of asset `hero`"."""
    note: Callable[[str, Location, str | None], None]

    def below(self, step: str | int, says: str | None = None) -> Spot:
        """A part of it."""
        return replace(
            self, path=(*self.path, step), says=says or f"{shown(str(step))} of {self.says}"
        )

    def place(self, *, key: bool = False) -> Location:
        """Where it is written, or its key."""
        return self.document.locate(self.path, key=key)

    def refuse(self, what: str, hint: str | None = None, *, key: bool = False) -> None:
        """Note a fault; the message goes on after the name of the value."""
        self.note(f"{self.says} {what}", self.place(key=key), hint)

    def attempt(self, make: Callable[[], T], *, way_out: str | None = None) -> T | None:
        """What `make` gives; None after a `ManifestError`, which becomes a fault."""
        try:
            return make()
        except ManifestError as error:
            self.refuse(error.what, way_out or error.hint)
            return None

    def fill(self, text: str, values: Mapping[str, str], *, is_key: bool = False) -> str | None:
        """`text` filled from `values`; None after a fault."""
        try:
            result = fill(text, values)
        except CannotFillError:
            self._note_unfilled(text, values, is_key=is_key)
            return None
        self.shared.spend(len(result) if result is not text else 0)
        return result

    def _note_unfilled(self, text: str, values: Mapping[str, str], *, is_key: bool) -> None:
        unknown = [(sequence, name) for sequence, name in names_in(text) if name not in values]
        for sequence, name in unknown:
            where = self.document.locate_text(self.path, sequence, key=is_key)
            if not name:
                hint = "write `${name}`, or `$${` for the characters themselves"
                self.note(f"{self.says} has {shown(sequence)}, which is no variable", where, hint)
                continue
            hint = self.shared.faults.did_you_mean(name, list(values)) or _known(values)
            self.note(f"unknown variable `${{{name}}}` in {self.says}", where, hint)
        if not unknown:
            what = f"{self.says} is longer than {MOST_CHARACTERS:,} characters once it is filled"
            where = self.document.locate_text(self.path, text, key=is_key)
            self.note(what, where, "shorten it, or the variables in it")


@dataclass(slots=True)
class Filling:
    """One combination of an entry's matrix: its texts are filled here, and its faults noted."""

    entry: Entry
    variables: Mapping[str, str]
    """The combination's own, then `vars`."""
    failed: bool = False
    reads: list[FileRead] = field(default_factory=list)
    """Files it reads, in order."""
    uses: list[AssetUse] = field(default_factory=list)

    def fault(self, what: str, where: Location, hint: str | None = None) -> None:
        """Note a fault: no asset comes of this combination."""
        self.failed = True
        self.entry.shared.faults.add(what, where, hint)

    def refuse(self, name: str, what: str, hint: str | None = None, at: Path = ()) -> None:
        """Note a fault of the field `name`."""
        self.fault(f"{self.entry.says(name)} {what}", self.entry.place(name, at), hint)

    def text(self, name: str, at: Path = ()) -> str | None:
        """A field's text, filled; None when it is not stated, or cannot be filled."""
        value = self.entry.value(name)
        return self.filled(name, value, at) if isinstance(value, str) else None

    def filled(self, name: str, text: str, at: Path = ()) -> str | None:
        """`text` of the field `name`, filled; None after a fault."""
        if "$" not in text:
            self.entry.shared.spend(0)
            return text
        document, start = self.entry.origin(name)
        return self.fill(text, self.variables, self.entry.says(name), document, (*start, *at))

    def fill(
        self,
        text: str,
        values: Mapping[str, str],
        says: str,
        document: Document,
        path: Path,
        *,
        is_key: bool = False,
    ) -> str | None:
        """`text` filled from `values`; None after a fault at `path`, or at its key."""
        if "$" not in text:
            self.entry.shared.spend(0)
            return text
        spot = Spot(self.entry.shared, document, path, says, self.fault)
        return spot.fill(text, values, is_key=is_key)

    def normal(self, name: str, read: Callable[[str], T]) -> T | None:
        """A field's text, filled and in normal form; None when not stated, or after a fault."""
        text = self.text(name)
        return None if text is None else self.attempt(name, lambda: read(text))

    def attempt(
        self, name: str, make: Callable[[], T], at: Path = (), *, way_out: str | None = None
    ) -> T | None:
        """What `make` gives; None after a `ManifestError`, which becomes a fault of the field."""
        try:
            return make()
        except ManifestError as error:
            self.refuse(name, error.what, way_out or error.hint, at)
            return None

    def json(self, name: str, value: Json, at: Path = ()) -> Json:
        """`value` with every text in it filled."""
        if isinstance(value, str):
            return self.filled(name, value, at)
        self.entry.shared.spend(0)
        if isinstance(value, dict):
            return {key: self.json(name, item, (*at, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.json(name, item, (*at, index)) for index, item in enumerate(value)]
        return value

    def spot(self, name: str, at: Path = (), says: str | None = None) -> Spot:
        """Where the field `name` is written, or what is inside it; for its messages."""
        document, start = self.entry.origin(name)
        says = says or self.entry.says(name)
        return Spot(self.entry.shared, document, (*start, *at), says, self.fault)


def _known(values: Mapping[str, str]) -> str:
    if values.keys() <= {NAME_OF_THE_ASSET}:
        return "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign"
    return f"variables here are {', '.join(shown(name) for name in sorted(values))}"
