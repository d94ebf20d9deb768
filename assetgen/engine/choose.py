"""Records which image an asset has because somebody said so: `use` and `adopt`.

Nothing is bought. The choice goes into the ledger, so that these inputs give this image from now
on, and into the lockfile; bytes that are replaced are kept first, as by a forced build.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assetgen.core.decision import Hold, Verdict
from assetgen.core.digest import digest_of
from assetgen.core.events import Warned
from assetgen.core.facts import FileFact, FileState
from assetgen.core.fingerprint import Keyed
from assetgen.core.ledger import GIVES_IMAGE, LedgerLine
from assetgen.core.lock import Changes, LockEntry, entry_of, names_of
from assetgen.core.model import FORMAT_OF_SUFFIX, Asset, Source
from assetgen.core.plan import key_today
from assetgen.core.recipe import finish_of, finished_info, is_derived, output_key
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.value import Value, field, replace
from assetgen.errors import CacheError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetgen.core.decision import Decision, Options
    from assetgen.core.digest import Digest
    from assetgen.core.facts import Facts
    from assetgen.core.model import ImageFormat, Project
    from assetgen.core.ports import (
        ActionCache,
        BlobStore,
        Clock,
        Files,
        Images,
        InputStore,
        Ledger,
        LockStore,
    )
    from assetgen.engine.deliver import Delivery
    from assetgen.engine.observe import Supplier

_REFUSALS = {
    FileState.MISSING: ("there is no file at `{}`", "put the picture there first"),
    FileState.EMPTY: ("`{}` is empty", "put the picture there first"),
    FileState.UNREADABLE: ("`{}` is not a readable image", "put a picture there first"),
    FileState.DRAFT: ("`{}` is a placeholder draft", "put the picture there first"),
    FileState.POINTER: ("`{}` is a Git LFS pointer and its bytes are needed", "`git lfs pull`"),
}


class Chooser(Value):
    """Everything that choosing needs; `changes` collects lockfile entries until `finish`."""

    project: Project
    facts: Facts
    options: Options
    decided: dict[str, Decision]
    files: Files
    images: Images
    delivery: Delivery
    supplier: Supplier
    blobs: BlobStore
    ledger: Ledger
    actions: ActionCache
    inputs: InputStore
    locks: LockStore
    clock: Clock
    lines: Sequence[LedgerLine]
    """The ledger as it was when this began."""
    changes: dict[str, LockEntry] = field(default_factory=dict)

    def use(self, asset: Asset, result: ActionResult) -> Digest:
        """Give an asset one of its images. Returns the digest of the output.

        Raises:
            UsageError: its inputs cannot be known, or it is a file the user has.
            OutputError, ImageError, CacheError.
        """
        keyed = self._key(asset)
        decision = self.decided[asset.name]
        if decision.hold is Hold.OBSTRUCTED:
            raise OutputError(decision.reason)
        data = self.supplier.fetch(result.image)
        if data is None:
            raise OutputError(f"{result.image} went away just now", hint="look at it again")
        stored = self.blobs.put(data)
        # `derive` converts where the formats differ, whatever the lockfile says of the output.
        wanted = replace(
            decision, verdict=Verdict.DERIVE, hold=None, keyed=keyed, result=result, digest=None
        )
        digest = self.delivery.deliver(wanted, result, data, stored)
        if digest is None:
            raise OutputError(f"`{asset.output}` was changed just now", hint="look at it again")
        self._note(asset, keyed, result, digest)
        return digest

    def adopt(self, asset: Asset) -> bool:
        """Take the file at the output as the asset's image for its present inputs.

        Returns whether anything changed by it.

        Raises:
            UsageError: it cannot be the image, or the asset's inputs cannot be known.
            OutputError, ImageError, CacheError.
        """
        decision = self.decided[asset.name]
        if decision.verdict is Verdict.KEEP and isinstance(asset.action, Source):
            return False
        keyed = self._key(asset)
        if decision.verdict is Verdict.KEEP and decision.key.fingerprint == keyed.fingerprint:
            return False  # with another, one that it reads has just been adopted
        present = self.facts.output(asset.output)
        result, digest = self._recorded_image(asset, present) or self._hand_made(asset, present)
        self._note(asset, keyed, result, digest)
        return True

    def finish(self) -> None:
        """Bring the choices to the lockfile."""
        if self.changes:
            self.locks.update(Changes(self.changes), names_of(self.project))

    def _key(self, asset: Asset) -> Keyed:
        if isinstance(asset.action, Source):
            raise UsageError(
                f"the image of `{asset.name}` is the file `{asset.action.path}`",
                hint=f"change that file; `assetgen build {asset.name}` brings it to the output",
            )
        key = key_today(asset, self.facts, self.options, self.decided)
        if isinstance(key, Keyed):
            return key
        raise UsageError(
            f"the inputs of `{asset.name}` cannot be known yet: it {key.reason}",
            hint=f"`assetgen plan {asset.name}` shows what; adopt or build that first",
        )

    # What the file that is there is

    def _recorded_image(
        self, asset: Asset, present: FileFact
    ) -> tuple[ActionResult, Digest] | None:
        """The image behind bytes that assetgen made, with its provenance; None for others."""
        digest = present.digest
        if digest is None or not present.is_image:
            return None
        own = self.facts.lock.entries.get(asset.name)
        for entry in [*([own] if own else []), *self.facts.lock.by_digest.get(digest, [])]:
            if entry.result.image == digest and not is_derived(asset, entry.result.info):
                return entry.result, digest
            is_alike = entry.finish == finish_of(asset)
            if entry.digest == digest and is_alike and _format_of(entry.output) == asset.format:
                return entry.result, digest
        if own is not None and self._is_derived(asset, own.result, digest):
            return own.result, own.digest
        bought = [line for line in self.lines if line.event in GIVES_IMAGE and line.result]
        for line in bought:
            result = line.result
            if result and result.image == digest and not is_derived(asset, result.info):
                return result, digest
        for line in bought:
            result, is_own = line.result, line.asset == asset.name
            if is_own and result and self._is_derived(asset, result, digest):
                return result, digest
        return None

    def _is_derived(self, asset: Asset, result: ActionResult, digest: Digest) -> bool:
        key = output_key(result.image, asset)
        if self.facts.journal.get(digest) == key:
            return True
        converted = self.actions.get_many([key]).get(key)
        return converted is not None and converted.image == digest

    def _hand_made(self, asset: Asset, present: FileFact) -> tuple[ActionResult, Digest]:
        """The file itself as an image, stored so that it is ours and can be read."""
        if present.state is FileState.OBSTRUCTED:
            raise OutputError(present.problem)
        if present.state in _REFUSALS:
            what, hint = _REFUSALS[present.state]
            raise UsageError(what.format(asset.output), hint=hint)
        data = self.files.read(asset.output)
        if data is None or digest_of(data) != present.digest:
            raise OutputError(f"`{asset.output}` was changed just now", hint="look at it again")
        if asset.steps:
            raise UsageError(
                f"`{asset.name}` has steps, so the file at `{asset.output}` is not its image",
                hint="keep that file elsewhere in the project and name it in `source`, "
                "without the steps that are done already",
            )
        info = self.images.inspect(data)
        if info.format != asset.format:
            raise UsageError(
                f"`{asset.output}` holds {info.format.upper()} and must be {asset.format.upper()}",
                hint="save it in that format, or change the extension of `output`",
            )
        digest = self.blobs.put(data)
        return ActionResult(image=digest, info=info), digest

    # Bookkeeping

    def _note(self, asset: Asset, keyed: Keyed, result: ActionResult, digest: Digest) -> None:
        finished = finished_info(asset, result.info, self._finished(asset, result))
        entry = entry_of(asset, keyed, result, digest, finished)
        note_choice(chosen(entry, self.project.name, self.clock), self.ledger, self.actions)
        try:
            self.inputs.put_many([keyed.document])
        except CacheError as error:
            what = f"`explain` will not know these inputs in words: {error.what}"
            self.delivery.emit(Warned(asset.name, what))
        self.changes[asset.name] = entry
        self.decided[asset.name] = replace(
            self.decided[asset.name],
            verdict=Verdict.KEEP,
            hold=None,
            keyed=keyed,
            result=result,
            digest=digest,
            finished=finished,
        )

    def _finished(self, asset: Asset, result: ActionResult) -> ImageInfo | None:
        """What steps have made of the image, as far as it is known."""
        delivered = self.delivery.finished.get(asset.name)
        if delivered is not None or not asset.steps:
            return delivered
        key = output_key(result.image, asset)
        derived = self.actions.get_many([key]).get(key)
        own = self.facts.lock.entries.get(asset.name)
        if derived is not None or own is None:
            return derived.info if derived is not None else None
        return own.finished


def chosen(entry: LockEntry, project: str, clock: Clock) -> LedgerLine:
    """The ledger line that says what a lockfile entry says."""
    return LedgerLine(
        event="chosen",
        call=uuid.uuid4().hex,
        at=datetime.fromtimestamp(clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        fingerprint=entry.fingerprint,
        key_scheme=entry.key_scheme,
        asset=entry.name,
        model=entry.result.model,
        project=project,
        result=entry.result,
        generation_id=entry.result.generation_id,
    )


def note_choice(line: LedgerLine, ledger: Ledger, actions: ActionCache) -> None:
    """From now on the line's image is the newest for its inputs; nothing where it is already."""
    result = line.result
    if result is None or actions.get_many([line.fingerprint]).get(line.fingerprint) == result:
        return
    ledger.append(line)
    actions.put(line.fingerprint, result)


def _format_of(path: str) -> ImageFormat | None:
    return FORMAT_OF_SUFFIX.get("." + path.rpartition(".")[2].lower())
