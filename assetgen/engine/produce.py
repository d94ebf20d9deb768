"""Makes products: pictures that are not here yet, then every file that is not as it should be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, assert_never

from assetgen.core.bundle import FORMAT, Bundle, BundleFile, dump_bundle, looked
from assetgen.core.digest import digest_of
from assetgen.core.events import Warned
from assetgen.core.finish import Atlas, Export, Frames, Rendition, Variants
from assetgen.core.lock import ProductEntry
from assetgen.core.pattern import frame_name
from assetgen.core.plan_products import is_finished_picture, wanted_files
from assetgen.core.product import rendition_key
from assetgen.core.recipe import sha256_of
from assetgen.core.result import ImageInfo
from assetgen.core.value import Value, replace
from assetgen.errors import CacheError, OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from assetgen.core.decision import Decision
    from assetgen.core.facts import Facts
    from assetgen.core.finished import Finished
    from assetgen.core.model import Asset
    from assetgen.core.plan_products import ProductDecision, WantedFile
    from assetgen.core.ports import Emit, Files
    from assetgen.engine.deliver import Delivery
    from assetgen.engine.finishing import Finishing
    from assetgen.engine.observe import Supplier


class Producer(Value):
    """Everything that making products needs. Safe to call from several threads."""

    files: Files
    finishing: Finishing
    delivery: Delivery
    supplier: Supplier
    facts: Facts
    mark: Callable[[bytes, str], bytes]
    """Marks a placeholder, so that everybody knows it for one."""
    emit: Emit

    def make(
        self,
        decision: ProductDecision,
        decided: Mapping[str, Decision],
        made: Mapping[str, ProductDecision],
    ) -> ProductDecision:
        """Bring a product to what it should be; the decision with all that is known now.

        Raises:
            StepError, ImageError: a picture cannot be made.
            OutputError: a file cannot be written, or somebody has changed it meanwhile.
            CacheError: the user's bytes that are in the way cannot be kept.
        """
        fresh: dict[str, bytes] = {}
        if decision.is_draft:
            decided = self._with_sizes(decision, decided)
            made = self._with_bundles(decision, decided, made)
        if decision.bundle is None and not isinstance(decision.product.spec, Export):
            bundle = self._bundle(decision, decided, made, fresh)
            decision = replace(decision, bundle=bundle)
        decision = replace(decision, wanted=wanted_files(decision, decided, made))
        found: list[tuple[WantedFile, bytes]] = []
        for wanted in decision.wanted:
            if self._is_there(wanted, decision):
                continue
            data = wanted.text or fresh.get(wanted.role) or self.supplier.fetch(wanted.digest)
            if data is None:
                # Known by name and not here: what is made of the same again is as good.
                self._bundle(decision, decided, made, fresh)
                data = fresh.get(wanted.role)
            if data is None:
                raise OutputError(
                    f"`{wanted.path}` is not what is made of its image today",
                    hint=f"`assetgen build --force {decision.name}` makes all of it again, free",
                )
            found.append((wanted, data))
        refused = self.delivery.place(decision.name, found)
        if not decision.is_draft:
            for text in (wanted.text for wanted, _ in found if wanted.text is not None):
                self._try(decision.name, partial(self.finishing.blobs.put_derived, text))
        if refused is not None:
            raise OutputError(
                f"`{refused}` was not written by assetgen, or was changed just now",
                hint="move it away or delete it, and build again: that is free",
            )
        return decision

    def _with_sizes(
        self, decision: ProductDecision, decided: Mapping[str, Decision]
    ) -> dict[str, Decision]:
        """`decided` with the sizes of placeholders that were drawn by an earlier build."""
        known = dict(decided)
        for asset in decision.product.reads:
            read = decided[asset.name]
            data = self.files.read(asset.output) if read.finished is None else None
            if data is not None:
                known[asset.name] = replace(read, finished=self.finishing.images.inspect(data))
        return known

    def _with_bundles(
        self,
        decision: ProductDecision,
        decided: Mapping[str, Decision],
        made: Mapping[str, ProductDecision],
    ) -> dict[str, ProductDecision]:
        """`made` with the pictures of drafts that were kept: no store knows them."""
        known = dict(made)
        for name in decision.product.after:
            read = known[name]
            if read.bundle is not None or not read.is_draft:
                continue
            known |= self._with_bundles(read, decided, known)
            bundle = self._bundle(read, decided, known, {})
            read = replace(read, bundle=bundle)
            known[name] = replace(read, wanted=wanted_files(read, decided, known))
        return known

    def _is_there(self, wanted: WantedFile, decision: ProductDecision) -> bool:
        if decision.name in self.delivery.forced or decision.is_draft:
            return False
        digest = self.facts.file(wanted.path).digest
        is_other = wanted.text is None and digest is not None and digest in self.facts.journal
        is_right = digest == wanted.digest or (
            is_other and self.facts.journal[str(digest)] == wanted.key
        )
        return is_right and not self.delivery.has_moved(wanted.path)

    # Pictures

    def _bundle(
        self,
        decision: ProductDecision,
        decided: Mapping[str, Decision],
        made: Mapping[str, ProductDecision],
        fresh: dict[str, bytes],
    ) -> Bundle:
        """Make all pictures of a product; their bytes go into `fresh`, in order."""
        product = decision.product
        match product.spec:
            case Variants():
                bundle = self._variants(decision, product.spec, decided, fresh)
            case Frames():
                (asset,) = product.reads
                picture = self._picture(asset, decided[asset.name])
                found = self.finishing.finisher().frames(picture, product.spec)
                bundle = Bundle(self._kept(decision, found, fresh))
            case Atlas():
                pictures = self._members(product.reads, decided, made)
                packed = self.finishing.finisher().pack(pictures, product.spec)
                bundle = Bundle(self._kept(decision, packed.pages, fresh), frames=packed.frames)
            case Export():
                raise AssertionError("an export has no pictures")
            case _:
                assert_never(product.spec)
        self._keep_bundle(decision, bundle)
        return bundle

    def _picture(self, asset: Asset, decision: Decision) -> bytes:
        """The finished picture of an asset."""
        if decision.is_draft:
            data = self.files.read(asset.output)  # steps were carried out on the placeholder
            if data is None:
                raise OutputError(f"`{asset.output}` went away while the build was running")
            return data
        image = decision.image
        data = self.supplier.picture(image) if image is not None else None
        if data is None and is_finished_picture(decision):
            found = self.files.read(asset.output)
            if found is not None and digest_of(found) == decision.digest:
                return found
        if data is None or image is None:
            raise OutputError(
                f"the image of `{asset.name}` is not on this machine as it came",
                hint="get a teammate's store, or make it anew with "
                f"`assetgen build --force {asset.name}`",
            )
        return self.finishing.picture(image, asset.steps, data)

    def _variants(
        self,
        decision: ProductDecision,
        spec: Variants,
        decided: Mapping[str, Decision],
        fresh: dict[str, bytes],
    ) -> Bundle:
        """Only those that were not made before: adding a width makes no other again."""
        (asset,) = decision.product.reads
        of = decided[asset.name]
        picture = self._picture(asset, of)
        known = of.finished or self.finishing.images.inspect(picture, is_read_next=True)
        widest = known.width_px
        wanted = _renditions(spec, widest)
        found = self._known(asset, of, wanted)
        missing = [one for one in wanted if one not in found]
        drawn, look = self.finishing.finisher().variants(picture, missing)
        made = dict(zip(missing, drawn, strict=True))
        self._remember(asset, of, made)
        found |= made
        files = self._named(
            decision,
            [found[one] for one in wanted],
            fresh,
            name=lambda _, one: f"{one.info.width_px}.{one.info.format}",
        )
        return looked(files, look)

    def _known(
        self, asset: Asset, decision: Decision, wanted: Sequence[Rendition]
    ) -> dict[Rendition, Finished]:
        image = decision.image
        if decision.is_draft or image is None:
            return {}
        return self.finishing.known({one: rendition_key(image, asset, one) for one in wanted})

    def _remember(
        self, asset: Asset, decision: Decision, made: Mapping[Rendition, Finished]
    ) -> None:
        image = decision.image
        if decision.is_draft or image is None or not made:
            return
        by_key = {rendition_key(image, asset, one): finished for one, finished in made.items()}
        self._try(asset.name, partial(self.finishing.keep_all, image, by_key))

    def _members(
        self,
        reads: Sequence[Asset],
        decided: Mapping[str, Decision],
        made: Mapping[str, ProductDecision],
    ) -> list[tuple[str, bytes]]:
        """The pictures of an atlas by the names of their frames."""
        pictures: list[tuple[str, bytes]] = []
        for asset in reads:
            frames = made.get(f"frames:{asset.name}")
            if frames is None or asset.frames is None:
                pictures.append((asset.name, self._picture(asset, decided[asset.name])))
                continue
            for number, wanted in enumerate(frames.wanted):
                data = self.supplier.fetch(wanted.digest) or self.files.read(wanted.path)
                if data is None:
                    raise OutputError(f"`{wanted.path}` went away while the build was running")
                pictures.append((frame_name(asset.name, number), data))
        return pictures

    def _kept(
        self, decision: ProductDecision, found: Sequence[Finished], fresh: dict[str, bytes]
    ) -> tuple[BundleFile, ...]:
        """Pictures by their numbers, each kept so that just these bytes can be restored."""
        if not decision.is_draft:
            for one in found:
                self._try(decision.name, partial(self.finishing.blobs.put_derived, one.data))
        return self._named(decision, found, fresh)

    def _named(
        self,
        decision: ProductDecision,
        found: Sequence[Finished],
        fresh: dict[str, bytes],
        name: Callable[[int, Finished], str] = lambda number, _: str(number),
    ) -> tuple[BundleFile, ...]:
        """Pictures by their roles, their bytes in `fresh`; those of drafts are marked."""
        files = []
        for number, one in enumerate(found):
            data = self.mark(one.data, sha256_of(decision.name)) if decision.is_draft else one.data
            role = name(number, one)
            fresh[role] = data
            files.append(BundleFile(role, digest_of(data), one.info))
        return tuple(files)

    def _keep_bundle(self, decision: ProductDecision, bundle: Bundle) -> None:
        if decision.is_draft or decision.keyed is None:
            return
        key, document = decision.keyed.fingerprint, dump_bundle(bundle)
        info = ImageInfo(FORMAT, 0, 0)
        image = bundle.files[0].digest if bundle.files else digest_of(document)
        self._try(decision.name, partial(self.finishing.keep, key, image, document, info))

    def _try(self, name: str, keep: Callable[[], object]) -> None:
        """Keep what can be made again free: that the store does not take it fails nothing."""
        try:
            keep()
        except CacheError as error:
            self.emit(Warned(name, f"what was made is not stored: {error.what}"))


def entry_of_product(decision: ProductDecision) -> ProductEntry:
    """What the lockfile says of a product that is as it should be."""
    keyed = decision.keyed
    return ProductEntry(
        name=decision.name,
        key=keyed.fingerprint if keyed is not None else "",
        inputs=keyed.inputs if keyed is not None else {},
        bundle=decision.bundle or Bundle(),
        files={wanted.path: wanted.digest for wanted in decision.wanted},
    )


def _renditions(spec: Variants, widest: int) -> list[Rendition]:
    """What is to be made of a picture so wide: nothing is enlarged, nothing made twice."""
    widths = list(dict.fromkeys(min(width, widest) for width in spec.widths))
    return [
        Rendition(width, image_format, spec.quality.get(image_format))
        for image_format in spec.formats
        for width in widths
    ]
