"""What moved and removed assets left behind, and what is or was done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from assetgen.core.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assetgen.core.digest import Digest
    from assetgen.core.lock import LockEntry
    from assetgen.core.model import Json

OrphanState = Literal["removable", "removed", "left", "gone", "failed"]


class Orphan(Value):
    """A path that an asset had, and what is or was done about it."""

    entry: LockEntry
    state: OrphanState
    """`left` is a file that is not touched, `gone` one that is not there any more."""
    reason: str = ""
    digest: Digest | None = None
    """Of the bytes, which are in the store once they are removed; None for a placeholder."""
    is_draft: bool = False
    """Whether it is a placeholder, which the store never takes."""
    is_needed: bool = False
    """Of a file that is left: whether assetgen goes on looking after it."""

    @property
    def is_forgotten(self) -> bool:
        """Whether the lockfile need not name it any longer once this has been done."""
        return self.state in {"removed", "gone"} or (self.state == "left" and not self.is_needed)


def orphans_json(orphans: Iterable[Orphan]) -> dict[str, Json]:
    """`clean --json`: see schemas/clean.schema.json."""
    return {
        "version": 1,
        "orphans": [
            {
                "output": one.entry.output,
                "name": one.entry.name,
                "state": one.state,
                "reason": one.reason,
                "digest": one.digest,
            }
            for one in orphans
        ],
    }
