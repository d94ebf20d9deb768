"""The store of this machine: its size, whether it is sound, and what no project needs any more."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from assetgen.cache.contents import Contents
from assetgen.cache.folder import cache_root
from assetgen.cache.local import LocalCache
from assetgen.core.digest import Digest
from assetgen.core.lock import Lock
from assetgen.core.lock_text import parse_lock
from assetgen.core.needs import Needs, needs_of
from assetgen.core.recipe import derived_mark
from assetgen.core.store import (
    IN_USE_S,
    Collected,
    Consent,
    Damaged,
    Known,
    Verified,
    divided,
    idle_inputs,
    leftovers,
    purchases_of,
)
from assetgen.errors import CacheError, LockfileError, UsageError
from assetgen.files.journal import FileJournal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.store import Holding, Leftover, Purchase, Stored

_DAY_S = 24 * 60 * 60


class Store:
    """The user's cache, seen as a whole. Methods raise `CacheError`."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """`environ` stands for the process's environment."""
        self.root = cache_root(os.environ if environ is None else environ)
        self._contents = Contents(self.root)

    def size(self) -> list[Holding]:
        """What there is of each kind."""
        return self._contents.holdings()

    def verify(self) -> Verified:
        """Read every image and compare it with its name; a damaged one is set aside."""
        count, size = 0, 0
        damaged: list[Stored] = []
        with LocalCache(self.root, create=True) as cache:
            for stored in self._contents.stored("images", "kept", "incoming"):
                count, size = count + 1, size + stored.size_bytes
                if self._contents.is_damaged(stored, cache.blobs):
                    damaged.append(stored)
            if not damaged:
                return Verified(count, size)
            purchases = purchases_of(cache.ledger.lines())
            users = _users(cache.projects.known())
        return Verified(
            count,
            size,
            tuple(Damaged(d, purchases.get(d.key), tuple(users.get(d.key, ()))) for d in damaged),
        )

    def collect(
        self,
        *,
        older_than_days: float = 0,
        consents: Iterable[Consent] = (),
        forget: Sequence[str] = (),
        yes: bool = False,
    ) -> Collected:
        """What no project needs today and is made again free; with `yes` it is removed.

        Args:
            older_than_days: leave what is younger, in any case what is younger than an hour.
            consents: what may go besides that: see `core.store.Consent`.
            forget: folders of projects that count as known no longer, for ever with `yes`.
            yes: remove, not only list.

        Raises:
            CacheError: likewise, or a known project cannot be asked what it needs.
            UsageError: a folder to forget is not known.
        """
        before = time.time() - max(IN_USE_S, older_than_days * _DAY_S)
        agreed = frozenset(consents)
        with LocalCache(self.root, create=yes) as cache:
            projects = cache.projects.known()
            gone = _in_folders(projects, forget)
            projects = [lockfile for lockfile in projects if lockfile not in gone]
            present = _needs_of_all(projects, may_lack="superseded" not in agreed)
            if yes:
                cache.projects.forget(gone)
            purchases = purchases_of(cache.ledger.lines())
            stored = list(self._contents.stored("images", "kept", "inputs"))
            past, elsewhere = cache.projects.named(projects)
            known = Known(
                present=present | Needs(*self._contents.arriving()),
                past=past,
                elsewhere=elsewhere,
                free=_free(stored, cache),
            )
            found, left = divided(leftovers(stored, known, purchases, before=before), agreed)
            found += idle_inputs(stored, known, purchases, found, before=before)
            removed = [one.stored.path for one in found if yes and self._remove(one, cache)]
        return Collected(tuple(projects), tuple(found), tuple(left), not yes, frozenset(removed))

    def _remove(self, leftover: Leftover, cache: LocalCache) -> bool:
        """Remove one file, unless a build is at work on what it came from."""
        stored = leftover.stored
        fingerprints = _fingerprints(stored, leftover.purchase)
        with ExitStack() as claims:
            for fingerprint in fingerprints:
                claim = cache.claims.try_claim(fingerprint)
                if claim is None:
                    return False
                claims.enter_context(claim)
            self._contents.remove(stored)
        return True


def _fingerprints(stored: Stored, purchase: Purchase | None) -> Iterable[str]:
    if stored.kind == "inputs":
        return [stored.key]
    return sorted(purchase.fingerprints) if purchase is not None else ()


def _free(stored: Iterable[Stored], cache: LocalCache) -> frozenset[str]:
    """Digests of images that are made again free: from another that is here, or from nothing."""
    stored = list(stored)
    images = {one.key for one in stored if one.kind != "inputs"}
    marks = {derived_mark(Digest(key)): key for key in images}
    derived = cache.actions.get_many(marks)
    drafts = cache.actions.get_many([one.key for one in stored if one.kind == "inputs"])
    return frozenset(
        [marks[mark] for mark, source in derived.items() if source.image in images]
        + [result.image for result in drafts.values() if result.cost_usd == 0]
    )


def _needs_of_all(lockfiles: Iterable[str], *, may_lack: bool) -> Needs:
    """What the projects of these lockfiles need.

    With `may_lack`, a lockfile may be missing beside its manifest: what it named before is known.

    Raises:
        CacheError: one of them cannot be asked, so nothing may be taken away.
    """
    needs = Needs()
    silent: list[tuple[str, str]] = []
    for lockfile in lockfiles:
        try:
            lock = _read(lockfile)
        except FileNotFoundError as error:
            if may_lack and _has_manifest(lockfile):
                needs |= needs_of(Lock(), _journal(lockfile).read())
            else:
                silent.append((lockfile, error.strerror or str(error)))
        except OSError as error:
            silent.append((lockfile, error.strerror or str(error)))
        except (LockfileError, UnicodeDecodeError) as error:
            silent.append((lockfile, str(error)))
        else:
            needs |= needs_of(lock, _journal(lockfile).read())
    if silent:
        lockfile, why = silent[0]
        more = f", nor can those of {len(silent) - 1} other known projects" if silent[1:] else ""
        folder = os.path.dirname(lockfile)
        raise CacheError(
            f"`{lockfile}` of a known project cannot be read ({why}){more}; nothing is collected, "
            "because it may name any image",
            hint="if its disk is only away, bring it back; if the project is gone for good, "
            f"`assetgen cache collect --forget {folder} --yes` forgets it; what it bought stays",
        )
    return needs


def _has_manifest(lockfile: str) -> bool:
    stem = os.path.splitext(lockfile)[0]
    return any(os.path.isfile(stem + suffix) for suffix in (".yaml", ".yml"))


def _read(lockfile: str) -> Lock:
    with open(lockfile, encoding="utf-8") as file:
        return parse_lock(file.read(), lockfile)


def _journal(lockfile: str) -> FileJournal:
    """The journal of the project that a lockfile belongs to."""
    folder, name = os.path.split(lockfile)
    stem = os.path.splitext(name)[0]
    return FileJournal(folder, f"{stem}.journal")


def _users(lockfiles: Iterable[str]) -> dict[str, list[str]]:
    """By digest, the assets that have it; projects that cannot be asked are passed over."""
    users: dict[str, list[str]] = {}
    for lockfile in lockfiles:
        try:
            lock = _read(lockfile)
        except (OSError, LockfileError, UnicodeDecodeError):
            continue  # who has damaged images needs to know of them, whoever else is away
        for digest, entries in lock.by_digest.items():
            users.setdefault(digest, []).extend(f"{lockfile}: {entry.name}" for entry in entries)
    return users


def _in_folders(known: Sequence[str], folders: Iterable[str]) -> list[str]:
    """The known lockfiles in these folders.

    Raises:
        UsageError: there is none in one of them.
    """
    found: list[str] = []
    for folder in folders:
        places = {os.path.abspath(folder), os.path.realpath(folder)}
        inside = [lockfile for lockfile in known if os.path.dirname(lockfile) in places]
        if not inside:
            raise UsageError(
                f"`{folder}` is not the folder of a known project",
                hint="known are "
                + (", ".join(f"`{os.path.dirname(path)}`" for path in known) or "none"),
            )
        found += [lockfile for lockfile in inside if lockfile not in found]
    return found
