"""Fakes of the ports, small builders of values, and a whole machine to build on in memory.

A picture here is a line of text (`png 16x16 LABEL`), so a test can say which one it expects.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from assetgen.core.call import Generated, Request
from assetgen.core.decision import Options
from assetgen.core.digest import Digest, digest_of
from assetgen.core.facts import Facts
from assetgen.core.finished import Finished, Look, Packed
from assetgen.core.lock import Changes, Lock, LockEntry, Names, merged, without_orphans
from assetgen.core.lock_text import dump_lock, parse_lock
from assetgen.core.model import (
    FORMAT_OF_SUFFIX,
    Asset,
    AssetReference,
    Budget,
    FileReference,
    Generate,
    Limits,
    Parameters,
    Project,
    Source,
)
from assetgen.core.price import Estimate
from assetgen.core.product import paths_of, products_of
from assetgen.core.report import Plan, Report
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.select import in_build_order
from assetgen.core.sheet import Frame, Rectangle
from assetgen.core.step import Crop, Resize, Step, step_document
from assetgen.engine.buy import Buyer
from assetgen.engine.deliver import Delivery
from assetgen.engine.execute import Build, Orders, Workshop
from assetgen.engine.finishing import Finishing
from assetgen.engine.halt import Gate, Halt
from assetgen.engine.limits import Concurrency, Purse
from assetgen.engine.observe import Observer, StoreOracle, Supplier, settle, settle_products
from assetgen.engine.produce import Producer
from assetgen.engine.recover import Aftermath, recover
from assetgen.engine.remember import Inspected, compose
from assetgen.engine.second_look import SecondLook
from assetgen.engine.underway import UnderWay
from assetgen.errors import ImageError, OutputError, StepError
from tests.memory import MemoryActions, MemoryBlobs, MemoryClaims, MemoryInputs, MemoryLedger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from assetgen.core.decision import Decision
    from assetgen.core.drawing import Drawing
    from assetgen.core.events import Event
    from assetgen.core.finish import Atlas, Expect, Frames, Rendition
    from assetgen.core.model import ImageFormat, ProviderName, Reference, Route
    from assetgen.core.plan_products import ProductDecision
    from assetgen.core.ports import (
        ActionCache,
        BlobStore,
        Claims,
        InputStore,
        Ledger,
        Provider,
    )
    from assetgen.core.record import Entry, Record
    from assetgen.core.stamp import Stamp

PRICE = Decimal("0.04")
MODEL = "vendor/painter"
EPOCH_S = 1_800_000_000.0
AT = "2027-01-15T08:00:00Z"

_PICTURE = re.compile(rb"(png|jpeg|webp|avif|gif) ([0-9]+)x([0-9]+) (.*)", re.DOTALL)


# Builders


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what a thread does."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


def picture(label: str, image_format: str = "png", width: int = 16, height: int = 16) -> bytes:
    """Bytes that `FakeImages` takes for an image."""
    return f"{image_format} {width}x{height} {label}".encode()


def generated(
    name: str,
    prompt: str = "a ship",
    *reads: str,
    output: str | None = None,
    model: str = MODEL,
    parameters: Parameters | None = None,
    take: int = 1,
    limits: Limits | None = None,
    route: Route = "auto",
    pinned: bool = False,
    tags: tuple[str, ...] = (),
    description: str = "",
) -> Asset:
    """An asset made by a model; each of `reads` is a path or `asset:NAME`."""
    action = Generate(
        model=model,
        prompt=prompt,
        references=tuple(_reference(text) for text in reads),
        parameters=parameters or Parameters(),
        take=take,
        limits=limits or Limits(),
        route=route,
    )
    return _asset(name, action, output, pinned=pinned, tags=tags, description=description)


def sourced(
    name: str, path: str = "hand/logo.png", output: str | None = None, *, pinned: bool = False
) -> Asset:
    """An asset that copies a file the user has."""
    return _asset(name, Source(path), output, pinned=pinned)


def _asset(
    name: str,
    action: Generate | Source,
    output: str | None,
    *,
    pinned: bool,
    tags: tuple[str, ...] = (),
    description: str = "",
) -> Asset:
    path = output if output is not None else f"art/{name}.png"
    return Asset(
        name=name,
        action=action,
        output=path,
        format=FORMAT_OF_SUFFIX[path[path.rindex(".") :]],
        pinned=pinned,
        tags=tags,
        description=description,
    )


def _reference(text: str) -> Reference:
    if text.startswith("asset:"):
        return AssetReference(text.removeprefix("asset:"))
    return FileReference(text)


def project_of(
    *assets: Asset, provider: ProviderName = "openrouter", budget: Budget | None = None
) -> Project:
    """A project of these assets."""
    return Project(
        root="/project",
        manifest="assets.yaml",
        name="project",
        provider=provider,
        budget=budget or Budget(),
        assets=assets,
        read_files=("assets.yaml",),
    )


def result_of(
    data: bytes, *, cost_usd: Decimal | None = PRICE, date: str = "2027-01-15"
) -> ActionResult:
    """What a call that gave `data` is remembered as."""
    return ActionResult(
        image=digest_of(data),
        info=FakeImages().inspect(data),
        model=MODEL,
        provider="Vendor",
        generation_id="gen-1",
        cost_usd=cost_usd,
        date=date,
    )


def lock_of(*entries: LockEntry) -> Lock:
    """A lockfile with these entries and orphans."""
    return Lock(
        entries={entry.name: entry for entry in entries if not entry.is_orphan},
        orphans={entry.output: entry for entry in entries if entry.is_orphan},
    )


# Ports


class FakeClock:
    """Time that passes when somebody sleeps, or when a test says so."""

    def __init__(self, jitter: float = 0.5) -> None:
        self.time_s = EPOCH_S
        self.slept: list[float] = []
        self._jitter = jitter

    def now(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time_s += seconds
        await asyncio.sleep(0)

    def jitter(self) -> float:
        return self._jitter

    def tick(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.time_s += seconds


class FakeFiles:
    """The files of one project in memory, with a record of every read and write by assetgen."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._files: dict[str, tuple[bytes, Stamp]] = {}
        self._inode = 0
        self.reads: list[str] = []
        self.writes: list[str] = []
        self.broken: set[str] = set()
        """Paths that cannot be written."""
        self.before_write: Callable[[str], None] = lambda _: None
        self.before_read: Callable[[str], None] = lambda _: None
        self.is_coarse = False
        """Whether times are kept in whole seconds."""

    def stamp(self, path: str) -> Stamp | None:
        found = self._files.get(path)
        return found[1] if found else None

    def read(self, path: str) -> bytes | None:
        self.before_read(path)
        self.reads.append(path)
        return self.peek(path)

    def read_back(self, path: str) -> bytes | None:
        return self.read(path)

    def write(self, path: str, data: bytes) -> None:
        self.before_write(path)
        if path in self.broken:
            raise OutputError(f"cannot write `{path}`: No space left on device")
        self.writes.append(path)
        self.put(path, data)

    def peek(self, path: str) -> bytes | None:
        """The bytes, as the user sees them."""
        found = self._files.get(path)
        return found[0] if found else None

    def put(self, path: str, data: bytes) -> None:
        """Write as the user does."""
        self._inode += 1
        now = int(self._clock.now() * 1e9) + self._inode
        if self.is_coarse:
            now -= now % 10**9
        self._files[path] = (data, (now, now, len(data), self._inode))

    def remove(self, path: str) -> None:
        """Delete as the user does; what is not there stays so."""
        self._files.pop(path, None)

    def paths(self) -> set[str]:
        """Every file that is there."""
        return set(self._files)


class FakeImages:
    """Understands what `picture` gives; another `encoder` converts to other bytes."""

    def __init__(self, encoder: str = "one") -> None:
        self.encoder = encoder
        self.inspected = 0

    def inspect(self, data: bytes, *, is_read_next: bool = False) -> ImageInfo:  # noqa: ARG002
        self.inspected += 1
        match = _PICTURE.fullmatch(data)
        if match is None:
            raise ImageError("these bytes are no image")
        return ImageInfo(match[1].decode(), int(match[2]), int(match[3]))

    def convert(self, data: bytes, target: ImageFormat) -> bytes:
        info = self.inspect(data)
        label = f"of {digest_of(data)} by encoder {self.encoder}"
        return picture(label, target, info.width_px, info.height_px)

    def shrink(self, data: bytes, max_bytes: int) -> bytes:
        return data[:max_bytes]

    def paint(self, drawing: Drawing, target: ImageFormat) -> bytes:
        return picture("drawn", target, drawing.width_px, drawing.height_px)


class FakeFinisher:
    """Carries out steps on what `picture` gives, in words; notes what it was asked.

    `crop` asks for more than there is when its width is 0, as a step that cannot be done.
    """

    def __init__(self, images: FakeImages) -> None:
        self.images = images
        self.applied: list[str] = []
        self.unmet_words: list[str] = []

    def apply(self, data: bytes, step: Step) -> bytes:
        self.applied.append(step.name)
        info = self.images.inspect(data)
        if isinstance(step, Crop) and step.width_px == 0:
            raise StepError("`crop` cannot be done")
        width, height = info.width_px, info.height_px
        if isinstance(step, Resize):
            width, height = step.width_px or width, step.height_px or height
        return picture(f"{step_document(step)} of {digest_of(data)}", "png", width, height)

    def unmet(self, data: bytes, expect: Expect) -> list[str]:  # noqa: ARG002 - the port's
        self.images.inspect(data)
        return list(self.unmet_words)

    def variants(self, data: bytes, wanted: Sequence[Rendition]) -> tuple[list[Finished], Look]:
        self.applied += [f"{one.width_px}.{one.format}" for one in wanted]
        info = self.images.inspect(data)
        made = []
        for one in wanted:
            width = min(one.width_px, info.width_px)
            height = max(1, info.height_px * width // info.width_px)
            words = f"{width} {one.format} {one.quality} of {digest_of(data)}"
            made.append(self._finished(words, one.format, width, height))
        return made, Look(colour="#102030", thumbhash="abcd")

    def frames(self, data: bytes, frames: Frames) -> list[Finished]:
        info = self.images.inspect(data)
        width, height = info.width_px // frames.columns, info.height_px // frames.rows
        return [
            self._finished(f"cell {n} of {digest_of(data)}", frames.format, width, height)
            for n in range(frames.count)
        ]

    def pack(self, pictures: Sequence[tuple[str, bytes]], atlas: Atlas) -> Packed:
        """All in one row."""
        self.applied.append(f"pack {atlas.name}")
        placed, x, height = [], 0, 1
        for name, data in sorted(pictures):
            info = self.images.inspect(data)
            place = Rectangle(x, 0, info.width_px, info.height_px)
            placed.append(Frame(name, 0, place, info.width_px, info.height_px))
            x, height = x + info.width_px, max(height, info.height_px)
        words = " ".join(f"{name}={digest_of(data)}" for name, data in sorted(pictures))
        page = self._finished(f"page of {words}", atlas.format, x, height)
        return Packed(pages=(page,), frames=tuple(placed))

    def _words(self, words: str) -> str:
        return words

    def _finished(self, words: str, format_name: str, width: int, height: int) -> Finished:
        data = picture(self._words(words), format_name, width, height)
        return Finished(data, ImageInfo(format_name, width, height))


Answer = Generated | Exception


def painted(request: Request) -> bytes:
    """A picture that differs whenever the fingerprint does."""
    return picture(f"for {request.fingerprint}")


class FakeProvider:
    """Answers what a test scripted for an asset, then a picture; notes every request."""

    def __init__(self, paint: Callable[[Request], bytes] = painted) -> None:
        self.paint = paint
        self.cost_usd: Decimal | None = PRICE
        self.calls: list[Request] = []
        self.running = 0
        self.most_running = 0
        self._script: dict[str, list[Answer]] = defaultdict(list)
        self.during: Callable[[Request], Awaitable[None]] = _nothing

    def script(self, asset: str, *answers: Answer) -> None:
        """What the next calls for an asset give."""
        self._script[asset] += answers

    async def generate(self, request: Request) -> Generated:
        self.calls.append(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.during(request)
        finally:
            self.running -= 1
        if not self._script[request.asset]:
            return Generated(
                images=(self.paint(request),),
                cost_usd=self.cost_usd,
                provider="Vendor",
                model=request.generate.model,
                generation_id=f"gen-{len(self.calls)}",
            )
        answer = self._script[request.asset].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def called(self) -> list[str]:
        """Names of the assets that calls were made for, in order."""
        return [request.asset for request in self.calls]


async def _nothing(_: Request) -> None:
    await asyncio.sleep(0)


class FakeJournal:
    """The journal of outputs written, in memory."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def read(self) -> Mapping[str, str]:
        return dict(self.entries)

    def add(self, entries: Mapping[Digest, str]) -> None:
        self.entries.update((str(digest), key) for digest, key in entries.items())

    def replace(self, entries: Mapping[str, str]) -> None:
        self.entries = dict(entries)


class FakeLocks:
    """The lockfile as text in memory; counts how often the text changed."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.writes = 0

    def read(self) -> Lock:
        return parse_lock(self.text, "assets.lock") if self.text is not None else Lock()

    def update(self, changes: Changes, names: Names) -> Lock:
        lock = merged(self.read(), changes, names)
        text = dump_lock(lock)
        if text != self.text and (self.text is not None or not lock.is_empty):
            self.text = text
            self.writes += 1
        return lock

    def forget(self, outputs: Iterable[str], names: Names) -> Lock:
        lock = without_orphans(self.read(), outputs, names)
        self.text = dump_lock(lock)
        return lock


# A machine


@dataclass(slots=True)
class Machine:
    """One user's machine with one project: put together like a session, but in memory."""

    clock: FakeClock = field(default_factory=FakeClock)
    images: FakeImages = field(default_factory=FakeImages)
    provider: FakeProvider = field(default_factory=FakeProvider)
    files: FakeFiles = field(init=False)
    finisher: FakeFinisher = field(init=False)
    locks: FakeLocks = field(default_factory=FakeLocks)
    journal: FakeJournal = field(default_factory=FakeJournal)
    blobs: BlobStore = field(default_factory=MemoryBlobs)
    ledger: Ledger = field(default_factory=MemoryLedger)
    actions: ActionCache = field(default_factory=MemoryActions)
    inputs: InputStore = field(default_factory=MemoryInputs)
    claims: Claims = field(default_factory=MemoryClaims)
    recorded: dict[str, Entry] = field(default_factory=dict)
    record: Record | None = None
    events: list[Event] = field(default_factory=list)
    halt: Halt | None = None
    """Of the build that runs, or ran last."""
    gate: Gate = field(default_factory=Gate)
    under_way: UnderWay = field(default_factory=UnderWay)
    purse: Purse | None = None
    """Of all builds together, as while watching; else each has its own."""

    def __post_init__(self) -> None:
        self.files = FakeFiles(self.clock)
        self.finisher = FakeFinisher(self.images)
        self.files.put("assets.yaml", b"version: 1\n")
        self.clock.tick()

    def finishing(self) -> Finishing:
        """As a session makes it."""
        return Finishing(
            images=self.images,
            finisher=lambda: self.finisher,
            blobs=self.blobs,
            actions=self.actions,
        )

    def plan(
        self,
        project: Project,
        *,
        names: Iterable[str] | None = None,
        draft: bool = False,
        rebuy: bool = False,
        forced: Iterable[str] = (),
        price: Decimal | None = PRICE,
    ) -> Survey:
        """What a build would do, and all that it needs to do it."""
        options = Options(
            provider=project.provider,
            draft=draft,
            rebuy=rebuy,
            forced=frozenset(forced),
            estimate=lambda _: Estimate(price, "as the test says"),
        )
        observer = Observer(
            files=self.files,
            inspect=self.images.inspect,
            clock=self.clock,
            marked_key=marked_key,
            recorded=self.recorded,
        )
        lock = self.locks.read()
        journal = self.journal.read()
        chosen = [a for a in project.assets if names is None or a.name in set(names)]
        facts = Facts(
            lock=lock,
            inputs=observer.inputs(input_paths(chosen)),
            outputs=observer.outputs(
                [asset.output for asset in chosen], lock.digests | frozenset(journal)
            ),
            journal=journal,
            placeholders={a.name: placeholder_key(a) for a in chosen} if draft else {},
        )
        supplier = Supplier(blobs=self.blobs, files=self.files, facts=facts, actions=self.actions)
        oracle = StoreOracle(actions=self.actions, blobs=self.blobs, supplier=supplier)
        decided: dict[str, Decision] = {}
        settle(in_build_order(chosen), facts, options, oracle, decided)
        products = products_of(project) if names is None else ()
        facts.files.update(
            observer.files_of_products(paths_of(products, lock), lock.digests | frozenset(journal))
        )
        made: dict[str, ProductDecision] = {}
        settle_products(
            products,
            facts,
            options,
            oracle=oracle,
            observer=observer,
            decided=decided,
            made=made,
        )
        plan = Plan(
            project=project,
            decisions=tuple(decided[asset.name] for asset in chosen),
            products=tuple(made[product.name] for product in products),
            is_whole=names is None,
        )
        return Survey(plan, facts, options, observer, oracle, supplier, decided, made)

    def build(
        self,
        project: Project,
        *,
        survey: Survey | None = None,
        names: Iterable[str] | None = None,
        draft: bool = False,
        rebuy: bool = False,
        forced: Iterable[str] = (),
        price: Decimal | None = PRICE,
        jobs: int = 8,
        orders: Orders | None = None,
    ) -> Report:
        """One whole command: what a session remembers besides the files is gone before and after.

        `survey` is one made before, if any.
        """
        self.under_way = UnderWay()
        return asyncio.run(
            self.build_async(
                project,
                survey=survey
                or self.plan(
                    project, names=names, draft=draft, rebuy=rebuy, forced=forced, price=price
                ),
                jobs=jobs,
                orders=orders,
            )
        )

    async def build_async(
        self, project: Project, *, survey: Survey, jobs: int = 8, orders: Orders | None = None
    ) -> Report:
        self.halt = Halt()
        buyer = self.buyer(
            halt=self.halt,
            budget=project.budget,
            jobs=jobs,
            is_paid=survey.options.is_paid,
            is_repeatable=survey.options.is_repeatable,
        )
        delivery = Delivery(
            actions=self.actions,
            forced=survey.options.forced,
            files=self.files,
            finishing=self.finishing(),
            blobs=self.blobs,
            journal=self.journal,
            observer=survey.observer,
            facts=survey.facts,
            emit=self.events.append,
        )
        shop = Workshop(
            files=self.files,
            images=self.images,
            delivery=delivery,
            locks=self.locks,
            clock=self.clock,
            oracle=survey.oracle,
            supplier=survey.supplier,
            buyer=lambda: buyer,
            paint_placeholder=paint_placeholder,
            mark=mark,
            producer=Producer(
                files=self.files,
                finishing=self.finishing(),
                delivery=delivery,
                supplier=survey.supplier,
                facts=survey.facts,
                mark=mark,
                emit=self.events.append,
            ),
            second_look=SecondLook(
                delivery.written, survey.observer, files=self.files, clock=self.clock
            ),
            inputs=self.inputs,
            halt=self.halt,
            emit=self.events.append,
            gate=self.gate,
            under_way=self.under_way,
        )
        build = Build(
            plan=survey.plan,
            facts=survey.facts,
            options=survey.options,
            orders=orders or Orders(),
            shop=shop,
            decided=survey.decided,
            made=survey.made,
        )
        stamps = {"assets.yaml": self.files.stamp("assets.yaml")}
        read = Inspected(stamps=stamps, at_ns=int(self.clock.now() * 1e9))
        report = await build.run()
        is_as_written = await shop.second_look.finish("assets.lock")
        self.record = compose(
            plan=survey.plan,
            report=report,
            version="1",
            draft=survey.options.draft,
            is_as_written=is_as_written,
            read=read,
            lockfile="assets.lock",
            folder="/project",
            known_at="",
            observer=survey.observer,
            files=self.files,
            clock=self.clock,
        )
        self.recorded = {entry.path: entry for entry in self.record.entries}
        self.clock.tick()
        return report

    def buyer(
        self,
        *,
        halt: Halt | None = None,
        budget: Budget | None = None,
        jobs: int = 8,
        is_paid: bool = True,
        is_repeatable: bool = False,
        provider: Provider | None = None,
    ) -> Buyer:
        """What buys; call it inside a running event loop."""
        purse = self.purse or Purse(budget or Budget())
        purse.budget = budget or Budget()
        return Buyer(
            provider=provider or self.provider,
            blobs=self.blobs,
            ledger=self.ledger,
            actions=self.actions,
            claims=self.claims,
            images=self.images,
            clock=self.clock,
            purse=purse,
            slots=Concurrency(jobs),
            halt=halt or Halt(),
            emit=self.events.append,
            is_paid=is_paid,
            project="harbour",
            is_repeatable=is_repeatable,
        )

    def recover(self) -> Aftermath:
        """What every build does first: book what arrived right before a crash."""
        return recover(
            blobs=self.blobs,
            ledger=self.ledger,
            actions=self.actions,
            claims=self.claims,
            images=self.images,
            at=AT,
        )

    def fresh_clone(self) -> Machine:
        """The committed files on another machine: nothing of the cache, record or journal."""
        other = Machine(provider=self.provider)
        for path in self.files.paths():
            data = self.files.peek(path)
            if data is not None:
                other.files.put(path, data)
        other.locks.text = self.locks.text
        other.clock.tick()
        return other

    def is_known(self, data: bytes) -> bool:
        """Whether these bytes can still be had: from the store or as a file of the project."""
        paths = self.files.paths()
        in_files = any(self.files.peek(path) == data for path in paths)
        return in_files or self.blobs.get(digest_of(data)) == data


@dataclass(frozen=True, slots=True)
class Survey:
    """A plan and what it was made from."""

    plan: Plan
    facts: Facts
    options: Options
    observer: Observer
    oracle: StoreOracle
    supplier: Supplier
    decided: dict[str, Decision]
    made: dict[str, ProductDecision]

    def verdicts(self) -> dict[str, str]:
        """Verdict by name, as users read it."""
        return {d.name: d.verdict.value for d in self.plan.everything}

    def reasons(self) -> dict[str, str]:
        """Reason by name."""
        return {d.asset.name: d.reason for d in self.plan.decisions}


def input_paths(assets: Iterable[Asset]) -> list[str]:
    """Files that the assets read."""
    paths: dict[str, None] = {}
    for asset in assets:
        if isinstance(asset.action, Source):
            paths[asset.action.path] = None
        else:
            for reference in asset.action.references:
                if isinstance(reference, FileReference):
                    paths[reference.path] = None
    return list(paths)


# Placeholder drafts


def placeholder_key(asset: Asset) -> str:
    """Key of today's placeholder draft of an asset."""
    prompt = asset.action.prompt if isinstance(asset.action, Generate) else ""
    return digest_of(f"{asset.name} {prompt}".encode()).removeprefix("sha256:")


def paint_placeholder(request: Request) -> bytes:
    """A picture that carries its key where `marked_key` finds it."""
    return picture(f"draft of {request.asset} {request.generate.prompt}", request.format)


def mark(data: bytes, key: str) -> bytes:
    """A picture with a key where `marked_key` finds it."""
    return data + f" draft:{key}".encode()


def marked_key(data: bytes) -> str | None:
    """Key of a placeholder draft, or None."""
    match = re.search(rb" draft:([0-9a-f]{64})\Z", data)
    return match[1].decode() if match else None
