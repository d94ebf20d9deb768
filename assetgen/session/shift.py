"""What builds of one session share, and what each of them has to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.model import Budget
from assetgen.core.value import Value, field
from assetgen.engine.limits import Purse
from assetgen.engine.underway import UnderWay

if TYPE_CHECKING:
    from assetgen.core.model import Project
    from assetgen.engine.halt import Gate, Halt
    from assetgen.engine.limits import Concurrency
    from assetgen.engine.remember import Inspected


class Shift(Value):
    """Shared by all builds of a session: caps and slots count over every one of them."""

    slots: Concurrency
    purse: Purse = field(default_factory=lambda: Purse(Budget()))
    under_way: UnderWay = field(default_factory=UnderWay)


class Turn(Value):
    """One build: how it is stopped, when it may pay, and the project if it is read already."""

    halt: Halt
    gate: Gate
    loaded: tuple[Project, Inspected] | None = None
