"""Looks at the world: files of the project, and what the caches answer to questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from assetgen.core.bundle import parse_bundle
from assetgen.core.digest import Digest, digest_of
from assetgen.core.facts import MISSING, FileFact, FileState, Question
from assetgen.core.model import FORMAT_OF_SUFFIX
from assetgen.core.plan import decide
from assetgen.core.plan_products import ProductDecision, decide_products
from assetgen.core.pointer import pointed_digest
from assetgen.core.record import Entry
from assetgen.core.record_kept import KeptRecord
from assetgen.core.stamp import Stamp, is_settled
from assetgen.core.value import Value
from assetgen.errors import ImageError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from assetgen.core.bundle import Bundle
    from assetgen.core.decision import Decision, Options
    from assetgen.core.facts import Facts
    from assetgen.core.model import Asset
    from assetgen.core.ports import ActionCache, BlobStore, Clock, Files
    from assetgen.core.product import Product
    from assetgen.core.result import ImageInfo


@dataclass(slots=True)
class Observer:
    """Finds out what files are, reading only those whose stamp does not prove them unchanged."""

    files: Files
    inspect: Callable[[bytes], ImageInfo]
    """Proves an image whole or raises `ImageError`: asked only about bytes nobody knows."""
    clock: Clock
    marked_key: Callable[[bytes], str | None]
    """Key of an unedited placeholder draft, or None."""
    recorded: Mapping[str, Entry] = field(default_factory=dict)
    """Entries of the last build record by path."""
    seen: dict[str, Entry] = field(default_factory=dict)
    """What was found, for the next build record."""

    def outputs(self, paths: Iterable[str], known: Container[str]) -> dict[str, FileFact]:
        """What is at each output path. Bytes whose digest is in `known` need no proof."""
        return {path: self._look_at_output(path, known) for path in paths}

    def files_of_products(
        self, paths: Iterable[str], known: Container[str], *, is_fresh: bool = False
    ) -> dict[str, FileFact]:
        """What is at the paths of products: pictures as outputs are; data files say anything.

        With `is_fresh` they were written just now, and are read back from the disk.
        """
        found: dict[str, FileFact] = {}
        for path in paths:
            is_picture = "." + path.rpartition(".")[2].lower() in FORMAT_OF_SUFFIX
            asked = known if is_picture else None
            fact = self._look_at_output(path, asked, is_fresh=is_fresh)
            found[path] = FileFact(FileState.EMPTY) if fact.digest == _NOTHING else fact
        return found

    def _look_at_output(
        self, path: str, known: Container[str] | None, *, is_fresh: bool = False
    ) -> FileFact:
        try:
            return self._look(path, known, is_fresh=is_fresh)
        except OutputError as error:
            return FileFact(FileState.OBSTRUCTED, problem=error.what)

    def inputs(self, paths: Iterable[str]) -> dict[str, FileFact]:
        """What each reference and source is; all of them must be there.

        Raises:
            OutputError: one is not, or it cannot be read.
        """
        facts: dict[str, FileFact] = {}
        for path in paths:
            fact = self._look(path, None)
            if fact.state is FileState.MISSING:
                raise OutputError(f"`{path}` has gone while it was being read")
            facts[path] = fact
        return facts

    def recalled_inputs(self) -> dict[str, FileFact]:
        """Every input that the last build saw, as it was then."""
        if isinstance(self.recorded, KeptRecord):
            inputs = self.recorded.of_kind(_INPUT)  # without making all of its entries
        else:
            inputs = (entry for entry in self.recorded.values() if entry.kind == _INPUT)
        facts = {entry.path: _fact_of(entry) for entry in inputs}
        return {path: fact for path, fact in facts.items() if fact is not None}

    def _look(self, path: str, known: Container[str] | None, *, is_fresh: bool = False) -> FileFact:
        stamp = self.files.stamp(path)
        earlier = self.recorded.get(path)
        if earlier is not None and earlier.stamp == stamp and earlier.settled:
            fact = _fact_of(earlier)
            if fact is not None and _answers(fact, is_input=known is None):
                self.seen[path] = earlier
                return fact
        now = self.clock.now()
        read = self.files.read_back if is_fresh else self.files.read
        data = read(path) if stamp is not None else None
        fact = MISSING if data is None else self._classify(data, known)
        self.seen[path] = _entry_of(path, stamp, fact, int(now * 1e9))
        return fact

    def _classify(self, data: bytes, known: Container[str] | None) -> FileFact:
        """`known` is None for inputs, whose bytes count whatever they are."""
        digest = digest_of(data)
        pointed = pointed_digest(data)
        if pointed is not None:
            return FileFact(FileState.POINTER, pointed)
        if known is None:
            return FileFact(FileState.FILE, digest)
        if not data:
            return FileFact(FileState.EMPTY)
        key = self.marked_key(data)
        if key is not None:
            return FileFact(FileState.DRAFT, digest, key)
        if digest in known:
            return FileFact(FileState.IMAGE, digest)
        try:
            self.inspect(data)
        except ImageError:
            return FileFact(FileState.UNREADABLE, digest)
        return FileFact(FileState.IMAGE, digest)


def _entry_of(path: str, stamp: Stamp | None, fact: FileFact, seen_at_ns: int) -> Entry:
    kind = fact.state.value if fact.draft_key is None else f"draft:{fact.draft_key}"
    settled = stamp is None or is_settled(stamp, seen_at_ns)
    return Entry(path, stamp, settled=settled, kind=kind, digest=fact.digest or "-")


def _fact_of(entry: Entry) -> FileFact | None:
    """What a record entry says a file is; None when it says nothing."""
    kind, _, key = entry.kind.partition(":")
    try:
        state = FileState(kind)
    except ValueError:
        return None
    return FileFact(state, None if entry.digest == "-" else Digest(entry.digest), key or None)


def _answers(fact: FileFact, *, is_input: bool) -> bool:
    """Whether what was found out says enough: what was an input may be an output now."""
    if is_input:
        return fact.digest is not None
    return fact.state is not FileState.FILE


_NOTHING = digest_of(b"")
_INPUT = FileState.FILE.value


class Oracle(Protocol):
    """Answers what verdicts ask."""

    def answer(self, questions: Iterable[Question], facts: Facts) -> None:
        """Add an answer to `facts` for every question."""
        ...


class Supplier(Value):
    """Finds bytes by digest: in the store, else in the project's own files."""

    blobs: BlobStore
    files: Files
    facts: Facts
    actions: ActionCache

    def picture(self, image: Digest) -> bytes | None:
        """The image, or what was made here of the same inputs under another digest.

        Where the lockfile's word stays although another zlib packed a repeatable picture
        differently, its own bytes may be on no machine.
        """
        data = self.fetch(image)
        if data is not None:
            return data
        entries = self.facts.lock.by_digest.get(image, ())
        keys = [entry.fingerprint for entry in entries if entry.result.image == image]
        for again in self.actions.get_many(keys).values():
            if again.cost_usd == 0:
                data = self.blobs.get(again.image)
            if data is not None:
                return data
        return None

    def fetch(self, digest: Digest) -> bytes | None:
        """The bytes, verified, or None when they are nowhere on this machine."""
        data = self.blobs.get(digest)
        if data is not None:
            return data
        paths = [path for path, fact in self.facts.inputs.items() if fact.digest == digest]
        paths += [entry.output for entry in self.facts.lock.by_digest.get(digest, ())]
        made = self.facts.lock.paths_by_digest.get(digest)
        paths += [made] if made is not None else []
        for path in paths:
            found = self.files.read(path)
            if found is not None and digest_of(found) == digest:
                return found
        # Another worker may have stored it just now, before replacing the file that held it.
        return self.blobs.get(digest)


class StoreOracle(Value):
    """Answers from the action cache and the store."""

    actions: ActionCache
    blobs: BlobStore
    supplier: Supplier

    def answer(self, questions: Iterable[Question], facts: Facts) -> None:
        """Add an answer to `facts` for every question; results in one batch."""
        fingerprints = [q.key for q in questions if q.kind == "result"]
        if fingerprints:
            known = self.actions.get_many(fingerprints)
            facts.results.update({fp: known.get(fp) for fp in fingerprints})
        for question in questions:
            if question.kind == "here":
                facts.here[question.key] = self.supplier.fetch(Digest(question.key)) is not None
            elif question.kind == "ours":
                facts.ours[question.key] = self.blobs.wrote(Digest(question.key))
            elif question.kind == "bundle":
                facts.bundles[question.key] = self._bundle(question.key)
            elif question.kind == "picture":
                facts.pictures[question.key] = (
                    self.supplier.picture(Digest(question.key)) is not None
                )

    def _bundle(self, key: str) -> Bundle | None:
        """The pictures that were made here under a key."""
        result = self.actions.get_many([key]).get(key)
        data = self.blobs.get(result.image) if result is not None else None
        return parse_bundle(data) if data is not None else None


class OfflineOracle:
    """Answers for `check`, which opens no cache.

    What is not in the lockfile counts as unknown, and missing bytes as something a build could
    bring back: `check` tells the two kinds of stale apart by their reasons, not by what is on this
    machine.
    """

    def answer(self, questions: Iterable[Question], facts: Facts) -> None:
        """Add an answer to `facts` for every question."""
        for question in questions:
            if question.kind == "result":
                facts.results[question.key] = None
            elif question.kind == "here":
                facts.here[question.key] = True
            elif question.kind == "picture":
                facts.pictures[question.key] = True
            elif question.kind == "bundle":
                facts.bundles[question.key] = None
            elif question.kind == "ours":
                facts.ours[question.key] = False


def settle(
    assets: Sequence[Asset],
    facts: Facts,
    options: Options,
    oracle: Oracle,
    decided: dict[str, Decision],
) -> None:
    """Decide all of `assets` (in build order), asking the oracle until nothing is open."""
    buyers: dict[str, str] = {}
    while questions := decide(assets, facts, options, decided, buyers):
        oracle.answer(questions, facts)


def settle_products(
    products: Sequence[Product],
    facts: Facts,
    options: Options,
    *,
    oracle: Oracle,
    observer: Observer,
    decided: Mapping[str, Decision],
    made: dict[str, ProductDecision],
) -> None:
    """Decide all of `products`, asking the oracle and looking at files until nothing is open."""
    while questions := decide_products(products, facts, options, decided, made):
        oracle.answer([one for one in questions if one.kind != "file"], facts)
        paths = [one.key for one in questions if one.kind == "file"]
        facts.files.update(observer.files_of_products(paths, facts.known))
