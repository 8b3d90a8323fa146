"""Where the time of an image goes, and how many share a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Histogram

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from app.inference.classifier import Classified

# Seconds. Decoding takes 2 to 20 ms and may take 10 s; a network 1 ms (a digit on a GPU) to 10 s (a batch of 32 by two
# cores); a queue from nothing to the deadline of 30 s.
WORK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
WAIT = (0.0005, *WORK, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class ImageCounts:
    """What is told of images; `batch` may be called from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decode = Histogram(
            "bestguess_decode_seconds", "An image's way through a decode process.", buckets=WORK, registry=registry
        )
        waits = "An image's wait for its batch to begin."
        self._queue = Histogram("bestguess_queue_seconds", waits, ("model",), buckets=WAIT, registry=registry)
        runs = "The run of the batch that an image was in; its count is that of images."
        self._inference = Histogram("bestguess_inference_seconds", runs, ("model",), buckets=WORK, registry=registry)
        self._batches = Histogram(
            "bestguess_batch_size", "Images in a batch.", ("model",), buckets=SIZES, registry=registry
        )

    def classified(self, found: Classified) -> None:
        """Count an image that was answered."""
        model, seconds = found.choice.slot.label, found.seconds
        self._decode.observe(seconds.decode)
        self._queue.labels(model).observe(seconds.queue)
        self._inference.labels(model).observe(seconds.inference)

    def batch(self, model: str, size: int) -> None:
        """Count a batch; called in the thread that runs it."""
        self._batches.labels(model).observe(size)
