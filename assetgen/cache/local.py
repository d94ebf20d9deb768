"""The user's cache on this machine: everything of `assetgen.cache` under one folder.

blobs/, kept/, incoming/, damaged/    see `blobs.py`
ledger.jsonl                          see `ledger.py`
actions-v1/                           see `actions.py`
claims/                               see `locks.py`
inputs/                               see `inputs.py`
models.json                           see `learnt.py`
catalogue-v1.json                     see `catalogue.py`
projects-v1/                          see `projects.py`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from assetgen.cache.actions import DiskActions, ReadOnlyActions
from assetgen.cache.blobs import FileBlobs
from assetgen.cache.catalogue import FileCatalogue
from assetgen.cache.inputs import FileInputs
from assetgen.cache.learnt import FileLearnt
from assetgen.cache.ledger import FileLedger
from assetgen.cache.locks import FileClaims
from assetgen.cache.projects import FileProjects

if TYPE_CHECKING:
    from types import TracebackType


class LocalCache:
    """The parts of the cache, each opened on its first use. `close` it, or use it as a context.

    With `create` false nothing on the disk is made or changed: what is absent is unknown, and
    methods that write raise `CacheError`.
    """

    def __init__(self, root: str, *, create: bool) -> None:
        self.root = root
        self.ledger = FileLedger(root, create=create)
        self.blobs = FileBlobs(root, create=create, knows_call=self.ledger.purchase)
        self.actions: DiskActions | ReadOnlyActions = (
            DiskActions(root, self.ledger.tail)
            if create
            else ReadOnlyActions(root, self.ledger.tail)
        )
        self.claims = FileClaims(root, create=create)
        self.inputs = FileInputs(root, create=create)
        self.learnt = FileLearnt(root, create=create)
        self.catalogue = FileCatalogue(root, create=create)
        self.projects = FileProjects(root, create=create)

    def close(self) -> None:
        """Close what was opened; a second time does nothing."""
        self.actions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
