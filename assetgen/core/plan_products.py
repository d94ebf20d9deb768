"""Verdicts on products: like those on assets, by one pure function, once these are given.

A product costs nothing, so there is only one thing that must not happen unasked: writing over
somebody's work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assetgen.core.decision import Hold, Verdict
from assetgen.core.digest import Digest, digest_of
from assetgen.core.facts import FileState, Question
from assetgen.core.fingerprint import Keyed
from assetgen.core.finish import Atlas, Export
from assetgen.core.plan import Unanswered
from assetgen.core.price import FREE, Estimate
from assetgen.core.product import (
    draft_key,
    draft_roles,
    file_key,
    fits,
    key_of_product,
    known_paths,
    path_of,
    paths_of,
)
from assetgen.core.reasons import changes
from assetgen.core.value import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assetgen.core.bundle import Bundle
    from assetgen.core.decision import Decision, Options
    from assetgen.core.facts import Facts, FileFact
    from assetgen.core.product import Product
    from assetgen.errors import Location


class WantedFile(Value):
    """One file of a product as it should be."""

    path: str
    digest: Digest
    key: str
    """Under which the journal knows it."""
    role: str = ""
    """Of a picture in its bundle."""
    text: bytes | None = None
    """What it says; None for a picture."""


class ProductDecision(Value):
    """The verdict on one product, and what acting on it needs to know."""

    product: Product
    verdict: Verdict
    reason: str
    hold: Hold | None = None
    keyed: Keyed | None = None
    """None while an image it reads does not exist, and for an export."""
    bundle: Bundle | None = None
    """Its pictures, once they are known."""
    wanted: tuple[WantedFile, ...] = ()
    """All its files, once they are known."""
    is_draft: bool = False
    """Whether it shows placeholders."""
    estimate: Estimate = field(default=FREE)

    @property
    def name(self) -> str:
        """`variants:hero`."""
        return self.product.name

    @property
    def output(self) -> str:
        """Its first path, or the pattern of its paths."""
        return self.product.output

    @property
    def where(self) -> Location | None:
        """Where the manifest declares it."""
        return self.product.where

    @property
    def is_purchase(self) -> bool:
        """Never: images are there, or bought for their assets."""
        return False

    @property
    def is_work(self) -> bool:
        """Whether a build has something to run here."""
        return self.verdict not in {Verdict.KEEP, Verdict.HOLD}


def decide_products(
    products: Iterable[Product],
    facts: Facts,
    options: Options,
    decided: Mapping[str, Decision],
    made: dict[str, ProductDecision],
) -> set[Question]:
    """Add a decision to `made` for each of `products` that can be decided; see `plan.decide`."""
    questions: set[Question] = set()
    for product in products:
        if product.name in made or any(name not in made for name in product.after):
            continue
        try:
            made[product.name] = decide_product(product, facts, options, decided, made)
        except Unanswered as unanswered:
            questions.add(unanswered.question)
    return questions


def decide_product(
    product: Product,
    facts: Facts,
    options: Options,
    decided: Mapping[str, Decision],
    made: Mapping[str, ProductDecision],
) -> ProductDecision:
    """The verdict on `product`, given those on what it reads.

    Raises:
        Unanswered: a fact is missing.
    """
    blocked = _blocked(product, decided, made)
    if blocked is not None:
        return blocked
    if any(decided[asset.name].is_draft for asset in product.reads):
        return _drafted(product, facts, decided, made)
    read = {name: made[name] for name in product.after}
    keyed, bundle = None, None
    if not isinstance(product.spec, Export):
        keyed = key_of_product(product, _images(product, decided), _bundles(read))
        bundle = _known_bundle(product, keyed, facts)
    decision = ProductDecision(product, Verdict.KEEP, "up to date", keyed=keyed, bundle=bundle)
    is_forced = product.name in options.forced
    if is_forced and not isinstance(product.spec, Export):
        decision = replace(decision, bundle=None)
    if isinstance(product.spec, Export) or decision.bundle is not None:
        decision = replace(decision, wanted=wanted_files(decision, decided, made))
        wrong = [one for one in decision.wanted if not _is_right(one, facts)]
        if not wrong and not is_forced:
            return decision
        paths, reason = [one.path for one in wrong], _why_wrong(wrong, facts)
    else:
        wrong, paths = [], list(known_paths(product))
        reason = _why_new(product, keyed, facts)
    if is_forced:
        return replace(decision, verdict=Verdict.DERIVE, reason="asked for with `--force`")
    foreign = next((path for path in paths if _is_foreign(path, facts)), None)
    if foreign is not None:
        return _foreign(decision, foreign, wrong, facts)
    pictures = [one for one in wrong if one.text is None]
    if wrong and all(_is_here(one.digest, facts) for one in pictures):
        verdict = Verdict.RESTORE if pictures else Verdict.DERIVE
        return replace(decision, verdict=verdict, reason=reason)
    return _derived(decision, reason, facts, decided, read)


def is_finished_picture(decision: Decision) -> bool:
    """Whether the output that is there is the finished picture itself, without loss."""
    is_there = decision.verdict is Verdict.KEEP and decision.digest is not None
    return is_there and decision.asset.format == "png"


def wanted_files(
    decision: ProductDecision,
    decided: Mapping[str, Decision],
    made: Mapping[str, ProductDecision],
) -> tuple[WantedFile, ...]:
    """All files of a product whose pictures are known."""
    product, files = decision.product, list[WantedFile]()
    spec, bundle = product.spec, decision.bundle
    key = decision.keyed.fingerprint if decision.keyed is not None else product.name
    if bundle is not None:
        files += [
            WantedFile(
                path=path_of(spec, one.role, one.digest),
                digest=one.digest,
                key=file_key(key, one.role),
                role=one.role,
            )
            for one in bundle.files
        ]
    texts: Mapping[str, str] = {}
    if isinstance(spec, Atlas) and bundle is not None:
        from assetgen.core.texts import atlas_texts  # noqa: PLC0415 - most projects have none

        texts = atlas_texts(spec, product.reads, bundle)
    elif isinstance(spec, Export):
        from assetgen.core.texts import export_texts  # noqa: PLC0415 - as above

        known = {name: made[name].bundle for name in product.after}
        texts = export_texts(spec, product.reads, decided, known, _atlases(product, made))
    for path, text in texts.items():
        data = text.encode("utf-8")
        digest = digest_of(data)
        files.append(WantedFile(path, digest, file_key(key, path), text=data))
    return tuple(files)


def _atlases(product: Product, made: Mapping[str, ProductDecision]) -> list[Product]:
    return [made[name].product for name in product.after if made[name].product.kind == "atlas"]


# What it reads


def _blocked(
    product: Product, decided: Mapping[str, Decision], made: Mapping[str, ProductDecision]
) -> ProductDecision | None:
    """The verdict on a product that reads what is held, or must be made first; else None."""
    tells = isinstance(product.spec, Export)
    for asset in product.reads:
        read = decided[asset.name]
        if read.is_draft and not read.is_work:
            continue
        if read.image is not None and not (tells and read.finished is None):
            continue
        if read.verdict is Verdict.HOLD:
            return _held(product, asset.name, read.reason)
        return _waiting(product, asset.name)
    for name in product.after:
        other = made[name]
        if other.bundle is None and not (other.is_draft and not other.is_work):
            if other.verdict is Verdict.HOLD:
                return _held(product, name, other.reason)
            return _waiting(product, name)
    return None


def _held(product: Product, name: str, reason: str) -> ProductDecision:
    why = f"reads `{name}`, which is held: {reason}"
    return ProductDecision(product, Verdict.HOLD, why, hold=Hold.BLOCKED)


def _waiting(product: Product, name: str) -> ProductDecision:
    return ProductDecision(product, Verdict.WAIT, f"reads `{name}`, which will be made first")


def _images(product: Product, decided: Mapping[str, Decision]) -> list[str]:
    return [str(decided[asset.name].image) for asset in product.reads]


def _bundles(read: Mapping[str, ProductDecision]) -> dict[str, Bundle]:
    return {name: one.bundle for name, one in read.items() if one.bundle is not None}


# Placeholders


def _drafted(
    product: Product,
    facts: Facts,
    decided: Mapping[str, Decision],
    made: Mapping[str, ProductDecision],
) -> ProductDecision:
    """A product that shows placeholders: never put over what is no draft."""
    for path in paths_of([product], facts.lock):
        present = _look(path, facts)
        if present.is_image or present.digest in facts.lock.paths_by_digest:
            reason = f"`{path}` is from real images; `--draft` leaves it alone"
            return ProductDecision(product, Verdict.HOLD, reason, hold=Hold.REAL_IMAGE)
        if _is_foreign(path, facts):
            return _foreign(ProductDecision(product, Verdict.HOLD, ""), path, (), facts)
    images = {
        asset.name: facts.placeholders.get(asset.name) or str(decided[asset.name].image)
        for asset in product.reads
    }
    read = [
        one.keyed.fingerprint if (one := made[name]).keyed is not None else name
        for name in product.after
    ]
    keyed = Keyed(fingerprint=draft_key(product, images, read), inputs={})
    decision = ProductDecision(product, Verdict.DERIVE, "draft", keyed=keyed, is_draft=True)
    if _is_drawn(product, keyed, facts):
        return replace(decision, verdict=Verdict.KEEP)
    return decision


def _is_drawn(product: Product, keyed: Keyed, facts: Facts) -> bool:
    """Whether the files are there that this machine wrote under the key of the draft."""
    written = {key: Digest(digest) for digest, key in facts.journal.items()}
    found: dict[str, bool] = {}
    for role, needed in draft_roles(product):
        digest = written.get(file_key(keyed.fingerprint, role))
        is_there = False
        if digest is not None:
            path = path_of(product.spec, role, digest) if needed != role else role
            is_there = _look(path, facts).digest == digest
        found[needed] = found.get(needed, False) or is_there
    return bool(found) and all(found.values())


# What is known of it


def _known_bundle(product: Product, keyed: Keyed, facts: Facts) -> Bundle | None:
    """The lockfile's word first, then what was made here."""
    entry = facts.lock.products.get(product.name)
    if entry is not None and entry.key == keyed.fingerprint and fits(product, entry.bundle):
        return entry.bundle
    if keyed.fingerprint not in facts.bundles:
        raise Unanswered(Question("bundle", keyed.fingerprint))
    made = facts.bundles[keyed.fingerprint]
    return made if made is not None and fits(product, made) else None


def _is_right(wanted: WantedFile, facts: Facts) -> bool:
    """Whether a file is as it should be, or what the same work wrote here with other bytes."""
    present = _look(wanted.path, facts)
    if present.digest is None or present.state is FileState.DRAFT:
        return False
    if present.digest == wanted.digest:
        return True
    return wanted.text is None and facts.journal.get(present.digest) == wanted.key


def _foreign(
    decision: ProductDecision, path: str, wrong: Sequence[WantedFile], facts: Facts
) -> ProductDecision:
    """Held, because somebody's work is at `path`; usable only when no other file is missing."""
    is_there = facts.file(path).state is not FileState.OBSTRUCTED
    others = [one for one in wrong if one.path != path]
    is_usable = is_there and all(facts.file(one.path).digest is not None for one in others)
    return replace(
        decision,
        verdict=Verdict.HOLD,
        hold=Hold.EDITED if is_usable else Hold.OBSTRUCTED,
        reason=_why_foreign(decision.product, path, facts.file(path)),
    )


def _derived(
    decision: ProductDecision,
    reason: str,
    facts: Facts,
    decided: Mapping[str, Decision],
    read: Mapping[str, ProductDecision],
) -> ProductDecision:
    """Make it, unless an image it reads is only named here and not here itself."""
    for asset in decision.product.reads:
        image = decided[asset.name].image
        frames = read.get(f"frames:{asset.name}")
        if frames is not None and frames.bundle is not None:
            is_made = frames.is_work or all(
                _is_here(file.digest, facts) for file in frames.bundle.files
            )
        else:
            is_made = (image is not None and _has_picture(image, facts)) or is_finished_picture(
                decided[asset.name]
            )
        if not is_made:
            why = (
                f"{reason}; the image of `{asset.name}` is not on this machine as it came: get a "
                f"teammate's store, or make it anew with `assetgen build --force {asset.name}`"
            )
            return replace(decision, verdict=Verdict.HOLD, hold=Hold.BLOCKED, reason=why)
    return replace(decision, verdict=Verdict.DERIVE, reason=reason)


# Reasons


def _why_new(product: Product, keyed: Keyed | None, facts: Facts) -> str:
    entry = facts.lock.products.get(product.name)
    if entry is None or keyed is None:
        return "not made yet"
    return changes(entry.inputs, keyed.inputs)


def _why_wrong(wrong: list[WantedFile], facts: Facts) -> str:
    """What is the matter with its files, told by the first of them."""
    words = {
        FileState.MISSING: "is missing",
        FileState.EMPTY: "is empty",
        FileState.UNREADABLE: "is not a readable image",
        FileState.DRAFT: "is only a draft",
    }
    if not wrong:
        return ""
    first = wrong[0]
    state = facts.file(first.path).state
    text = "says something else today" if first.text is not None else "is another picture"
    more = f", and {len(wrong) - 1} more" if wrong[1:] else ""
    return f"`{first.path}` {words.get(state, text)}{more}"


def _why_foreign(product: Product, path: str, present: FileFact) -> str:
    if present.state is FileState.OBSTRUCTED:
        return f"{present.problem}; remove it, or choose another path"
    return (
        f"`{path}` was not written by assetgen, or was edited since; delete it to have it made "
        f"again, free; `assetgen build --force {product.name}` replaces it and puts these bytes in "
        "the store"
    )


# Questions


def _look(path: str, facts: Facts) -> FileFact:
    if not facts.has_seen(path):
        raise Unanswered(Question("file", path))
    return facts.file(path)


def _is_foreign(path: str, facts: Facts) -> bool:
    """Whether something is at a path that assetgen did not put there."""
    present = _look(path, facts)
    if present.state is FileState.OBSTRUCTED:
        return True
    digest = present.digest
    if digest is None or present.state in {FileState.DRAFT, FileState.UNREADABLE}:
        return False
    if digest in facts.known:
        return False
    if digest not in facts.ours:
        raise Unanswered(Question("ours", digest))
    return not facts.ours[digest]


def _has_picture(image: Digest, facts: Facts) -> bool:
    if image not in facts.pictures:
        raise Unanswered(Question("picture", image))
    return facts.pictures[image]


def _is_here(digest: Digest, facts: Facts) -> bool:
    if digest not in facts.here:
        raise Unanswered(Question("here", digest))
    return facts.here[digest]
