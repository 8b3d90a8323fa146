"""A data set's photographs as pixels: decoded within every limit, in a process of its own, as a network sees them."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from jobs.artifacts import ArtifactsUnavailable
from vision.decode.images import View
from vision.decode.sandbox import Sandbox
from vision.errors import DecodersUnavailable, ImageProblem
from worker.errors import DatasetUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from jobs.datasets.photographs import Photographs
    from vision.decode.images import Limits, Picture
    from vision.decode.sandbox import Cost
    from vision.networks.registry import Network

AHEAD = 16  # photographs that are decoded before they are asked for
PAUSES = (1.0, 5.0, 15.0)  # seconds before each further try, where no decode process could take a photograph


class Photos:
    """Photographs as uint8 (side, side, 3), cut as `/classify` cuts; use it as a context manager."""

    def __init__(self, photographs: Photographs, network: Network, cost: Cost, limits: Limits) -> None:
        self._photographs = photographs
        self._view = View(network.input_size, "crop", network.resize, network.interpolation)
        self._sandbox = Sandbox(1, cost, limits)
        self._first: dict[str, int] = {}
        for place, photograph in enumerate(photographs.photographs):
            self._first.setdefault(photograph.sha256, place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.close()

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one."""
        return self._view.size, self._view.size, 3

    @property
    def view(self) -> dict[str, Any]:
        """How they are cut, in words that JSON has."""
        return asdict(self._view)

    def rows_of(self, contents: Sequence[str]) -> NDArray[np.int32]:
        """Return for each place of the data set where its content is among `contents`; -1 where it is not."""
        at = {content: row for row, content in enumerate(contents)}
        return np.asarray([at.get(photograph.sha256, -1) for photograph in self._photographs.photographs], np.int32)

    def contents(self, places: Sequence[int]) -> list[str]:
        """List what is at these places, each content once, in an order of its own."""
        return sorted({self._photographs.photographs[place].sha256 for place in places})

    def of(self, contents: Sequence[str]) -> Iterator[NDArray[np.uint8]]:
        """Decode contents one after the other, a few of them ahead.

        Raises:
            DatasetUnavailable: one is not what it was, or is no picture any more.
            ArtifactsUnavailable: the place where they are kept cannot be read.
        """
        waiting: deque[tuple[str, Future[Picture]]] = deque()
        for content in contents:
            waiting.append((content, self._sandbox.decode(self._read(content), (self._view,))))
            if len(waiting) > AHEAD:
                yield self._decoded(*waiting.popleft())
        while waiting:
            yield self._decoded(*waiting.popleft())

    def at(self, place: int) -> NDArray[np.uint8]:
        """Decode the photograph at a place. Raises as `of`."""
        return next(self.of([self._photographs.photographs[place].sha256]))

    def _read(self, content: str) -> bytes:
        place = self._first[content]
        try:
            return self._photographs.read(place)
        except OSError as error:  # each file was verified at the job's beginning, and is again at the next attempt's
            message = f"The photographs cannot be read: {error.strerror or error}."
            raise ArtifactsUnavailable(message, passing=True) from error
        except Exception as error:  # whatever the place where they are kept makes of it
            raise self._lost(place, error) from error

    def _decoded(self, content: str, future: Future[Picture], pauses: tuple[float, ...] = PAUSES) -> NDArray[np.uint8]:
        try:
            return np.ascontiguousarray(future.result().views[0])
        except ImageProblem as error:
            raise self._lost(self._first[content], error) from error
        except DecodersUnavailable:
            if not pauses:
                raise
        time.sleep(pauses[0])
        return self._decoded(content, self._sandbox.decode(self._read(content), (self._view,)), pauses[1:])

    def _lost(self, place: int, error: Exception) -> DatasetUnavailable:
        path = self._photographs.photographs[place].path
        return DatasetUnavailable(f"The photograph {path[:200]} cannot be read: {error} Send the data set anew.")
