"""One manifest, and what can be asked of it.

No decision is taken here: `survey.py` looks and decides through the core, `building.py` runs what
was decided, and `adapters.py` makes what stands behind the ports.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from assetgen.core.events import Done, Warned
from assetgen.engine.halt import Gate, Halt
from assetgen.engine.limits import Concurrency
from assetgen.errors import ProviderFault
from assetgen.manifest.collector import collector_paused
from assetgen.session.adapters import Adapters
from assetgen.session.aftermath import book_before_looking, book_open_calls, note_project
from assetgen.session.building import build_once
from assetgen.session.descriptors import room_for_calls
from assetgen.session.listener import Listener
from assetgen.session.settings import DEFAULT_MANIFEST, Settings
from assetgen.session.shift import Shift, Turn
from assetgen.session.stop import Stop
from assetgen.session.survey import load as load_project
from assetgen.session.survey import survey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from os import PathLike

    from assetgen.core.explain import Explanation
    from assetgen.core.explain_product import ProductExplanation
    from assetgen.core.history import History
    from assetgen.core.lock import Lock
    from assetgen.core.model import Project
    from assetgen.core.orphan import Orphan
    from assetgen.core.ports import Emit
    from assetgen.core.report import Plan, Report
    from assetgen.session.base import Base
    from assetgen.session.choose import Choice
    from assetgen.session.rounds import Rounds


class Session:
    """One manifest, and what can be asked of it."""

    def __init__(
        self,
        manifest: str | PathLike[str] = DEFAULT_MANIFEST,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`manifest` is a path; `environ` stands for the process's environment."""
        self._adapters = Adapters(os.fspath(manifest), os.environ if environ is None else environ)
        self.halt: Halt | None = None
        """Set while a build runs: `halt.set(…)` lets it finish what is under way and stop."""

    def load(self) -> Project:
        """The resolved manifest.

        Raises:
            ManifestFaults: everything that is wrong with it.
            UsageError: it does not exist.
        """
        return self._adapters.load()

    def plan(self, settings: Settings | None = None, emit: Emit | None = None) -> Plan:
        """What a build with these settings would do, why, and about what it would cost.

        `emit` gets the warning about calls that an earlier build left unanswered.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        with self._looking(emit):
            # Before the lockfile, which then takes the memory that reading the manifest has freed.
            loaded = load_project(self._adapters)
            return survey(self._adapters, settings or Settings(), self._lock(), loaded=loaded).plan

    def explain(self, name: str, emit: Emit | None = None) -> Explanation:
        """One asset's verdict, inputs then and now, image, and who depends on it.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        from assetgen.session.look import explain_asset  # noqa: PLC0415 - `build` needs none

        with self._looking(emit):
            return explain_asset(self._adapters, name, self._lock())

    def explain_product(self, name: str, emit: Emit | None = None) -> ProductExplanation:
        """The same for `variants:NAME`, `frames:NAME`, `atlas:NAME` or `export:NAME`.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        from assetgen.session.look import explain_one_product  # noqa: PLC0415 - as above

        with self._looking(emit):
            return explain_one_product(self._adapters, name, self._lock())

    def history(self, name: str, emit: Emit | None = None) -> History:
        """Every image ever made for one asset whose bytes are still here, newest first.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError.
        """
        from assetgen.session.look import history_of_asset  # noqa: PLC0415 - as above

        with self._looking(emit):
            return history_of_asset(self._adapters, name, self._lock())

    @contextmanager
    def _looking(self, emit: Emit | None) -> Iterator[None]:
        """A cache that nothing is written to."""
        try:
            book_before_looking(self._adapters, Listener(emit))
            yield
        finally:
            self._adapters.close()

    def _lock(self) -> Lock:
        with collector_paused():
            return self._adapters.lockfile.read()

    def use(self, name: str, digest: str, emit: Emit | None = None) -> Choice:
        """Give an asset the one of its images whose digest starts so; free, and at once.

        Raises:
            UsageError: no image has such a digest, or several have.
            ManifestFaults, LockfileError, OutputError, ImageError, CacheError.
        """
        from assetgen.session.choose import use_image  # noqa: PLC0415 - as above

        listener = Listener(emit)
        with self._changing(listener):
            return use_image(self._adapters, name, digest, listener)

    def adopt(self, selectors: Sequence[str], emit: Emit | None = None) -> list[Choice]:
        """Record the files that are there as these assets' images for their present inputs, free.

        Raises:
            UsageError: a selector matches nothing; what cannot be adopted is in the answer.
            ManifestFaults, LockfileError, OutputError, CacheError.
        """
        from assetgen.session.choose import adopt_files  # noqa: PLC0415 - as above

        listener = Listener(emit)
        with self._changing(listener):
            return adopt_files(self._adapters, selectors, listener)

    def clean(self, *, remove: bool = False, emit: Emit | None = None) -> list[Orphan]:
        """What moved and removed assets left behind; with `remove` it goes, kept in the store.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError.
        """
        from assetgen.session.choose import clean_up  # noqa: PLC0415 - as above

        if not remove:
            with self._looking(emit):
                return clean_up(self._adapters, remove=False)
        with self._changing(Listener(emit)):
            return clean_up(self._adapters, remove=True)

    @contextmanager
    def _changing(self, emit: Emit) -> Iterator[None]:
        """A cache to write to, which knows afterwards whose images these are."""
        try:
            self._adapters.open_cache(create=True)
            book_open_calls(self._adapters, emit)
            note_project(self._adapters, self._adapters.lockfile.read(), emit)
            yield
            note_project(self._adapters, self._adapters.lockfile.read(), emit)
        finally:
            self._adapters.close()

    def check(self, settings: Settings | None = None, *, inputs_only: bool = False) -> Plan:
        """The same verdicts without network, key or cache; nothing is written.

        `inputs_only` compares manifest and references with the lockfile, and takes the outputs as
        the lockfile says they are.

        Raises:
            ManifestFaults, LockfileError, OutputError, UsageError.
        """
        chosen, lock = settings or Settings(), self._adapters.lockfile.read()
        found = survey(self._adapters, chosen, lock, offline=True, inputs_only=inputs_only)
        return found.plan

    def base(self, ref: str) -> Base:
        """The project as it was at a commit of its git repository, and what changed since.

        Raises:
            UsageError: there is no git, no repository or no such commit.
            LockfileError: the present lockfile cannot be read.
        """
        from assetgen.session.base import open_base  # noqa: PLC0415 - only reports need git

        return open_base(self._adapters, ref)

    async def build(
        self,
        settings: Settings | None = None,
        emit: Emit | None = None,
        stop: Stop | None = None,
    ) -> Report:
        """Make what is stale.

        Args:
            settings: what is asked; everything, by default.
            emit: gets every event, one at a time, from any thread. What it raises is kept, the
                build goes on untold, and the exception is raised at the end.
            stop: ends the build early, from any task or thread.

        Raises:
            ManifestFaults, LockfileError, OutputError, CacheError, UsageError: nothing was tried.
        """
        chosen = settings or Settings()
        self.halt = Halt()
        listener = Listener(emit)
        try:
            with (stop or Stop()).obeyed_by(self.halt):
                async with self._open(chosen, listener) as shift:
                    turn = Turn(self.halt, Gate())
                    report = await build_once(self._adapters, chosen, shift, turn, listener)
                counts = {name: count for name, count in report.counts().items() if count}
                listener(Done(report.exit_code, counts, report.spent_usd, report.unknown_bills))
        finally:
            self.halt = None
        if listener.failure is not None:
            raise listener.failure
        return report

    @asynccontextmanager
    async def rounds(
        self, settings: Settings | None = None, emit: Emit | None = None
    ) -> AsyncIterator[Rounds]:
        """Builds one after another under one budget, as `watch` needs them: see `Rounds`.

        Raises:
            CacheError: the user's cache cannot be used.
        """
        from assetgen.session.rounds import Rounds  # noqa: PLC0415 - `build` needs none

        chosen, listener = settings or Settings(), Listener(emit)
        async with self._open(chosen, listener) as shift:

            async def build(turn: Turn, emit: Emit) -> Report:
                return await build_once(self._adapters, chosen, shift, turn, emit)

            yield Rounds(self._adapters, chosen, shift, build, listener)
        if listener.failure is not None:
            raise listener.failure

    @asynccontextmanager
    async def _open(self, settings: Settings, emit: Emit) -> AsyncIterator[Shift]:
        """What builds need, until the last of them is over."""
        try:
            self._adapters.open_cache(create=True)
            book_open_calls(self._adapters, emit)
            jobs = max(1, min(settings.jobs, room_for_calls()))
            shift = Shift(slots=Concurrency(jobs))
            try:
                yield shift
            finally:
                await shift.under_way.cut()
                await self._close_provider(emit)
        finally:
            self._adapters.close()

    async def _close_provider(self, emit: Emit) -> None:
        """End connections; what was made does not depend on how that goes."""
        try:
            await self._adapters.close_provider()
        except ProviderFault as error:
            emit(Warned(None, error.what))
