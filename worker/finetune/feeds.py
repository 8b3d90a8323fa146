"""What a head is fed with: outputs of the frozen layers, computed once, or else photographs that go through them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from worker.finetune.augment import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import tensorflow as tf
    from numpy.typing import NDArray

    from bestguess.schemas.job_params import Change
    from worker.finetune.cache import ArrayCache
    from worker.finetune.network import Base, Parts
    from worker.finetune.photos import Photos

_PORTIONS = (4, 8, 16, 32)  # photographs that go through the frozen layers at once
_QUICK = 0.4  # seconds under which a portion is followed by a larger one: a cancel is promised within two


class Feed(Protocol):
    """Gives what is at some places of the data set, and says in a graph how that becomes what the head takes."""

    shape: tuple[int, ...]
    dtype: str

    def take(self, places: NDArray[np.int32], epoch: int) -> NDArray[Any]:
        """Return (places, *shape), as an epoch, from 0, is to see them."""
        ...

    def features(self, batch: tf.Tensor) -> tf.Tensor:
        """Bring a batch to the cut."""
        ...


class Ready:
    """Outputs of the frozen layers."""

    dtype = "float32"

    def __init__(self, rows: NDArray[np.float32], row_of: NDArray[np.int32]) -> None:
        self._rows, self._row_of = rows, row_of
        self.shape = rows.shape[1:]

    def take(self, places: NDArray[np.int32], epoch: int) -> NDArray[np.float32]:  # noqa: ARG002 - as Seen's
        """Return them; every epoch sees the same."""
        return self._rows[self._row_of[places]]

    def features(self, batch: tf.Tensor) -> tf.Tensor:
        """Return the batch as it is."""
        return batch


class Seen:
    """Photographs, changed by chance where that was asked for, on their way through the frozen layers each time."""

    dtype = "uint8"

    def __init__(
        self, rows: NDArray[np.uint8], row_of: NDArray[np.int32], parts: Parts, changes: Sequence[Change], seed: int
    ) -> None:
        self._rows, self._row_of, self._parts = rows, row_of, parts
        self._changes, self._seed = changes, seed
        self.shape = rows.shape[1:]

    def take(self, places: NDArray[np.int32], epoch: int) -> NDArray[np.uint8]:
        """Return them; a change depends on the seed, the epoch and the place only, so that a resume sees the same."""
        found = self._rows[self._row_of[places]]
        if not self._changes:
            return found
        randoms = (np.random.default_rng((self._seed, epoch, place)) for place in places.tolist())
        return np.stack([changed(*each) for each in zip(found, [self._changes] * len(found), randoms, strict=True)])

    def features(self, batch: tf.Tensor) -> tf.Tensor:
        """Send a batch through the frozen layers."""
        return self._parts.features(batch)


class Feeds(NamedTuple):
    """What is learned from, what is validated with, and whether both go around the frozen layers."""

    train: Feed
    validation: Feed
    ready: bool


class Preparation:
    """Makes feeds of a data set; `look(done, total)` hears of photographs that were computed, and may raise."""

    def __init__(  # noqa: PLR0913 - what they are made of, and for whom
        self,
        base: Base,
        parts: Parts,
        photos: Photos,
        *,
        cache: ArrayCache,
        owner: str,
        look: Callable[[int, int], None],
    ) -> None:
        self._base, self._parts, self._photos = base, parts, photos
        self._cache, self._owner, self._look = cache, owner, look

    def feeds(
        self, train: NDArray[np.int32], validation: NDArray[np.int32], changes: Sequence[Change], seed: int
    ) -> Feeds:
        """Feed from outputs of the frozen layers wherever photographs stay as they are, and there is room for that.

        Raises:
            OSError: the disk is full or cannot be written. Whatever `look` raises.
        """
        both = np.concatenate([train, validation])
        if not changes and self._worth_it(both):
            ready = self._ready(both)
            self._parts.drop_backbone()
            return Feeds(ready, ready, ready=True)
        seen = self._seen(both, changes, seed)
        if changes and self._worth_it(validation):
            return Feeds(seen, self._ready(validation), ready=False)
        return Feeds(seen, self._seen(both, (), seed) if changes else seen, ready=False)

    def _worth_it(self, places: NDArray[np.int32]) -> bool:
        if self._parts.backbone is None or not len(places):
            return False
        contents = self._photos.contents(places.tolist())
        return self._cache.fits(len(contents), self._parts.cut.shape, np.float32)

    def _ready(self, places: NDArray[np.int32]) -> Ready:
        contents = self._photos.contents(places.tolist())
        key = {
            "what": "features",
            "root": self._parts.root.id,
            "weights": self._base.hash,
            "cut": self._parts.cut.layer,
            "precision": self._parts.precision,
            "contents": contents,
        }
        shape = self._parts.cut.shape
        rows = self._cache.rows(
            key, len(contents), shape, np.float32, lambda at: self._through(contents, at), self._owner
        )
        return Ready(rows, self._photos.rows_of(contents))

    def _seen(self, places: NDArray[np.int32], changes: Sequence[Change], seed: int) -> Seen:
        contents = self._photos.contents(places.tolist())
        key = {"what": "pixels", "as": self._photos.view, "contents": contents}
        shape = self._photos.shape
        rows = self._cache.rows(
            key, len(contents), shape, np.uint8, lambda at: self._decoded(contents, at), self._owner
        )
        return Seen(rows, self._photos.rows_of(contents), self._parts, changes, seed)

    def _decoded(self, contents: Sequence[str], at: Sequence[int]) -> Iterator[tuple[Sequence[int], NDArray[Any]]]:
        for done, (place, pixels) in enumerate(zip(at, self._photos.of([contents[i] for i in at]), strict=True)):
            self._look(done, len(at))
            yield [place], pixels[None]

    def _through(self, contents: Sequence[str], at: Sequence[int]) -> Iterator[tuple[Sequence[int], NDArray[Any]]]:
        """Send photographs through the frozen layers, as many at once as keep it easy to stop."""
        import tensorflow as tf  # noqa: PLC0415 - seconds, and only whoever trains needs it

        spec = tf.TensorSpec((None, *self._photos.shape), tf.uint8)
        features = tf.function(self._parts.features, input_signature=[spec], autograph=False)
        pictures = self._photos.of([contents[place] for place in at])
        done, size = 0, 0
        while done < len(at):
            self._look(done, len(at))
            places = at[done : done + _PORTIONS[size]]
            pixels = np.stack([next(pictures) for _ in places])
            started = time.perf_counter()
            values = features(pixels).numpy()
            if time.perf_counter() - started < _QUICK and size + 1 < len(_PORTIONS):
                size += 1
            yield places, values
            done += len(places)
