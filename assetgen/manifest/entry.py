"""One entry of `assets` on its way to assets: values, places and faults of its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from assetgen.errors import ManifestError
from assetgen.manifest.faults import shown
from assetgen.manifest.template import MOST_CHARACTERS, CannotFillError, fill, names_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from assetgen.core.catalogue import ModelTable
    from assetgen.core.model import Json, Parameters, ProviderName
    from assetgen.errors import Location
    from assetgen.manifest.faults import Faults
    from assetgen.manifest.parse import Document, Path
    from assetgen.manifest.schema import AssetEntry, Manifest

MOST_WORK = 300_000_000
"""Filled characters of all assets, where each text counts for `_TEXT` at least: 1 GB or so."""
_TEXT = 16

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
    work: int = 0
    parameters: dict[tuple[object, ...], Parameters] = field(default_factory=dict)
    """In normal form, by what is stated."""

    def spend(self, characters: int) -> None:
        """Count text that is made. Raises `TooMuchError` beyond `MOST_WORK`."""
        self.work += characters + _TEXT
        if self.work > MOST_WORK:
            raise TooMuchError


@dataclass(frozen=True, slots=True)
class Entry:
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
        return self.document.locate_name("assets", self.name)

    def says(self, name: str) -> str:
        """What a message about a field starts with."""
        owner = "`defaults`" if self.is_default(name) else f"asset {shown(self.name)}"
        return f"`{name}` of {owner}"


@dataclass(frozen=True, slots=True)
class AssetUse:
    """One reference of an entry to an asset."""

    entry: Entry
    index: int
    """Which of its references."""
    name: str

    def place(self) -> Location:
        """Where it is written."""
        return self.entry.place("reference", (self.index,))


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
        document, start = self._origin(name)
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
        try:
            result = fill(text, values)
        except CannotFillError:
            self._note_unfilled(
                text, values, says, lambda part: document.locate_text(path, part, key=is_key)
            )
            return None
        self.entry.shared.spend(len(result) if result is not text else 0)
        return result

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

    def _origin(self, name: str) -> tuple[Document, Path]:
        if self.entry.is_default(name):
            return self.entry.shared.document, ("defaults", name)
        return self.entry.document, ("assets", self.entry.name, name)

    def _note_unfilled(
        self,
        text: str,
        values: Mapping[str, str],
        says: str,
        locate: Callable[[str], Location],
    ) -> None:
        faults = self.entry.shared.faults
        unknown = [(sequence, name) for sequence, name in names_in(text) if name not in values]
        for sequence, name in unknown:
            where = locate(sequence)
            if not name:
                hint = "write `${name}`, or `$${` for the characters themselves"
                self.fault(f"{says} has {shown(sequence)}, which is no variable", where, hint)
                continue
            hint = faults.did_you_mean(name, list(values)) or _known(values)
            self.fault(f"unknown variable `${{{name}}}` in {says}", where, hint)
        if not unknown:
            what = f"{says} is longer than {MOST_CHARACTERS:,} characters once it is filled"
            self.fault(what, locate(text), "shorten it, or the variables in it")


def _known(values: Mapping[str, str]) -> str:
    if not values:
        return "state it under `vars`, or in the asset's `matrix`; `$$` is a dollar sign"
    return f"variables here are {', '.join(shown(name) for name in sorted(values))}"
