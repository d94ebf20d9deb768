"""What a project needs of the store, and so must stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assetgen.core.lock import Lock


class Needs(Value):
    """What the projects of a machine name, and so must stay."""

    digests: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.digests | other.digests, self.fingerprints | other.fingerprints)


NO_NEEDS = Needs()


def needs_of(lock: Lock, journal: Mapping[str, str]) -> Needs:
    """What a project needs: all that its lockfile names, and outputs it does not name yet."""
    entries = lock.everything()
    return Needs(
        digests=lock.digests | frozenset(journal),
        fingerprints=frozenset(e.fingerprint for e in entries) | frozenset(journal.values()),
    )
