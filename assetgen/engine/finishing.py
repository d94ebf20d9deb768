"""From an image to its finished picture: steps, conversion, expectations; kept by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from assetgen.core.digest import digest_of
from assetgen.core.finished import Finished
from assetgen.core.recipe import derived_mark
from assetgen.core.result import ActionResult, ImageInfo
from assetgen.core.step import step_key
from assetgen.core.value import Value
from assetgen.errors import CacheError, StepError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from assetgen.core.digest import Digest
    from assetgen.core.model import Asset
    from assetgen.core.ports import ActionCache, BlobStore, Finisher, Images
    from assetgen.core.step import Step


T = TypeVar("T")


class Finishing(Value):
    """Carries out steps, beginning after those whose picture is still here. Safe with threads."""

    images: Images
    finisher: Callable[[], Finisher]
    """Made on first use: most outputs need no step."""
    blobs: BlobStore
    actions: ActionCache

    def output(self, asset: Asset, result: ActionResult, data: bytes) -> tuple[bytes, ImageInfo]:
        """The bytes of an asset's output, from `data`, the image as it came, and what they are.

        Raises:
            StepError: a step cannot be done, or the output is not what was expected.
            ImageError.
        """
        info = result.info
        if asset.steps:
            data = self.picture(result.image, asset.steps, data)
            info = self.images.inspect(data, is_read_next=True)
        if asset.steps or result.info.format != asset.format:
            # Also PNG to PNG: pictures between steps are packed for speed, not for size.
            data = self.images.convert(data, asset.format)
        info = ImageInfo(asset.format, info.width_px, info.height_px)
        if asset.expect is not None:
            unmet = self.finisher().unmet(data, asset.expect)
            if unmet:
                raise StepError(
                    f"`{asset.name}` is not what `expect` says: {'; '.join(unmet)}",
                    hint="change its steps, or what is expected, and build again: that is free",
                )
        return data, info

    def placeholder(self, asset: Asset, data: bytes) -> tuple[bytes, StepError | None]:
        """A drawing with the steps of its asset, in the format of its output; nothing is kept.

        A step that cannot be done to a drawing, which has no ground of a stated colour for one, is
        left out, so that the others still give it its size; the first reason is told.
        """
        reason: StepError | None = None
        for step in asset.steps:
            try:
                data = self.finisher().apply(data, step)
            except StepError as error:
                reason = reason or error
        data = data if asset.format == "png" else self.images.convert(data, asset.format)
        return data, reason

    def picture(self, image: Digest, steps: Sequence[Step], data: bytes) -> bytes:
        """The finished picture of an image, losslessly; `data` is the image as it came.

        Raises:
            StepError, ImageError.
        """
        done, picture = self._longest(image, steps)
        picture = data if picture is None else picture
        for count, step in enumerate(steps[done:], done + 1):
            picture = self.finisher().apply(picture, step)
            if step.is_slow:
                self._remember(step_key(image, steps[:count]), image, picture)
        return picture

    def keep(self, key: str, image: Digest, data: bytes, info: ImageInfo) -> Digest:
        """Keep what was derived from an image under its key. Raises `CacheError`."""
        (digest,) = self.keep_all(image, {key: Finished(data, info)})
        return digest

    def keep_all(self, image: Digest, made: Mapping[str, Finished]) -> list[Digest]:
        """Keep everything that was derived from an image, by its keys; the digests in order.

        Raises:
            CacheError: nothing is known of any of them then.
        """
        digests: list[Digest] = []
        results: dict[str, ActionResult] = {}
        for key, one in made.items():
            digest = digest_of(one.data)
            if digest == image:  # only checked: it is what was bought
                self.blobs.put(one.data)
            else:
                self.blobs.put_derived(one.data)
                results[derived_mark(digest)] = ActionResult(image=image, info=one.info)
            results[key] = ActionResult(image=digest, info=one.info)
            digests.append(digest)
        self.actions.put_many(results)
        return digests

    def known(self, keys: Mapping[T, str]) -> dict[T, Finished]:
        """What was derived before under these keys and is still here."""
        results = self.actions.get_many(keys.values())
        found: dict[T, Finished] = {}
        for one, key in keys.items():
            result = results.get(key)
            data = self.blobs.get(result.image) if result is not None else None
            if result is not None and data is not None:
                found[one] = Finished(data, result.info)
        return found

    def _longest(self, image: Digest, steps: Sequence[Step]) -> tuple[int, bytes | None]:
        """How many of the steps need not be done again, and the picture after them."""
        counts = [n for n in range(len(steps), 0, -1) if steps[n - 1].is_slow]
        keys = {n: step_key(image, steps[:n]) for n in counts}
        known = self.actions.get_many(keys.values()) if keys else {}
        for n in counts:
            result = known.get(keys[n])
            data = self.blobs.get(result.image) if result is not None else None
            if data is not None:
                return n, data
        return 0, None

    def _remember(self, key: str, image: Digest, picture: bytes) -> None:
        """Keep a picture between two steps; without it they are done again, which is all."""
        try:
            self.keep(key, image, picture, self.images.inspect(picture))
        except CacheError:
            return
