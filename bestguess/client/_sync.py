"""`Client`, which blocks."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, Unpack

import httpx

from bestguess.client._config import http_options, service_url
from bestguess.client._core import Core
from bestguess.client._request import check_response

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
    from pathlib import Path

    from bestguess import schemas
    from bestguess.client._core import Finetuning, Question, Sort, Training
    from bestguess.client._retry import Retries
    from bestguess.client.errors import BestGuessError
    from bestguess.client.images import Image

Item = TypeVar("Item")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class BlockingTransport:
    """Blocking I/O behind coroutines, none of which ever suspends."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole response."""
        return self.http.send(request)

    async def stream(self, request: httpx.Request) -> AsyncGenerator[bytes, None]:
        """Send a request, check the response, and yield its body in chunks."""
        response = self.http.send(request, stream=True)
        try:
            if not response.is_success:
                response.read()
            check_response(response)
            for chunk in response.iter_bytes():
                yield chunk
        finally:
            response.close()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)  # noqa: ASYNC251 - there is no event loop

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Do work that reads or writes files."""
        return work(*args, **kwargs)


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never suspends, and return its result. No event loop is used."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    coroutine.close()
    raise RuntimeError("A call of the blocking client was suspended")


def iterate(items: AsyncGenerator[Item, None]) -> Iterator[Item]:
    """Iterate over an asynchronous generator that never suspends, and close it at the end."""
    try:
        while True:
            try:
                with unknown_to_event_loops():
                    item = run(items.__anext__())
            except StopAsyncIteration:
                return
            yield item
    finally:
        run(items.aclose())


@contextmanager
def unknown_to_event_loops() -> Iterator[None]:
    """Keep an event loop that runs in this thread from adopting the generator, which it would close at its own end."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(*hooks)


class Client:
    """Client of one service. Threads may share it.

    `url`: the service's; without it BESTGUESS_URL, or this machine. `api_key`: without it BESTGUESS_API_KEY, if that is
    set. `timeout`: seconds without any data from the service. `retries`: how often and how long each call is retried.
    `on_wait`: called before each delay with the error and the seconds. Every call may raise a `BestGuessError`.
    """

    def __init__(  # noqa: PLR0913 - all but the first are keywords, and none is required
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: Retries | None = None,
        on_wait: Callable[[BestGuessError, float], None] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(transport=transport, **http_options(service_url(url), api_key, timeout))
        self._core = Core(BlockingTransport(self._http), retries, on_wait)
        self.url = self._core.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ready(self) -> schemas.Readiness:
        """Return which networks are ready, and whether jobs can be queued. Not retried.

        Raises:
            NotReady: no network can classify yet.
        """
        return run(self._core.ready())

    def classify(
        self, image: Image, *, show_input: bool | None = None, **question: Unpack[Question]
    ) -> schemas.Classification:
        """Classify an image; the best prediction comes first.

        With `show_input` the answer's `input` is the image as the network saw it, a PNG as a data URI.
        """
        return run(self._core.classify(image, show_input=show_input, **question))

    def classify_picture(self, image: Image, kind: str = "svg", **question: Unpack[Question]) -> bytes:
        """Classify an image; return the photograph with bars beside it, as the bytes of an `svg` or a `png`."""
        return run(self._core.classify_picture(image, kind, **question))

    def classify_batch(self, pictures: Iterable[Image], **question: Unpack[Question]) -> list[schemas.BatchItem]:
        """Classify several images in one request; return a result or an error for each, in order."""
        return run(self._core.classify_batch(pictures, **question))

    def train(self, *, idempotency_key: str | None = None, **params: Unpack[Training]) -> schemas.Job:
        """Queue a training on digits. The same key and parameters within a day return the same job."""
        return run(self._core.train(idempotency_key=idempotency_key, **params))

    def finetune(
        self, dataset_id: str, *, idempotency_key: str | None = None, **params: Unpack[Finetuning]
    ) -> schemas.Job:
        """Queue a fine-tuning of a pretrained network on a data set. `idempotency_key` is as for `train`."""
        return run(self._core.finetune(dataset_id, idempotency_key=idempotency_key, **params))

    def jobs(self, status: schemas.JobStatus | str | None = None) -> Iterator[schemas.Job]:
        """Iterate over the jobs, newest first and without their histories. Pages are fetched as needed."""
        return iterate(self._core.jobs(status))

    def job(self, job_id: str) -> schemas.Job:
        """Return a job with its history."""
        return run(self._core.job(job_id))

    def cancel(self, job_id: str) -> schemas.Job:
        """Cancel a job and return it: `cancelled`, or `cancelling` for a moment."""
        return run(self._core.cancel(job_id))

    def events(self, job_id: str, after: str | None = None) -> Iterator[schemas.Event]:
        """Follow a job live, from its first event or from the one after the id `after`, until its last event.

        After a broken connection it reconnects and resumes: no event is lost or repeated.
        """
        return iterate(self._core.events(job_id, after))

    def wait(self, job_id: str, timeout: float | None = None) -> schemas.Job:
        """Poll a job until it is finished, and return it; its `status` says how it ended.

        Raises:
            StillRunning: it has not finished within `timeout` seconds.
        """
        return run(self._core.wait(job_id, timeout))

    def models(self, sort: Sort | None = None) -> schemas.Models:
        """List the networks in `data`; `trouble` says why trained ones are missing, if they are."""
        return run(self._core.models(sort))

    def model(self, model_id: str) -> schemas.ModelDetail:
        """Return a network by its id or an alias, with its layers and its report."""
        return run(self._core.model(model_id))

    def report(self, model_id: str) -> schemas.Report:
        """Return the metrics of a trained network on its test images."""
        return run(self._core.report(model_id))

    def report_picture(self, model_id: str, kind: str = "svg") -> bytes:
        """Return the report as a picture for a slide, the bytes of an `svg` or a `png`."""
        return run(self._core.report_picture(model_id, kind))

    def download(self, model_id: str, path: str | os.PathLike[str] = ".") -> Path:
        """Download a trained network as a `.keras` file, to a path or into a folder, and return where it is.

        The file appears only when it is complete and its SHA-256 is right; until then a file of that name stays.
        """
        return run(self._core.download(model_id, path))

    def delete(self, model_id: str) -> None:
        """Delete a trained network with its files and aliases. Its job stays."""
        run(self._core.delete(model_id))

    def aliases(self) -> dict[str, str]:
        """Return the aliases, each with the id of its network."""
        return run(self._core.aliases())

    def set_alias(self, alias: str, model_id: str) -> schemas.Alias:
        """Set an alias of a trained network, which is given by its id or another alias."""
        return run(self._core.set_alias(alias, model_id))

    def drop_alias(self, alias: str) -> None:
        """Delete an alias. Its network stays."""
        run(self._core.drop_alias(alias))

    def create_dataset(
        self, source: str | os.PathLike[str] | None = None, name: str | None = None
    ) -> schemas.DatasetDetail:
        """Create a data set from a folder with a folder of photographs for each class, or a zip, tar or tar.gz of one.

        Without a source the data set is empty; add photographs with `add_images`.
        """
        return run(self._core.create_dataset(source, name))

    def datasets(self) -> Iterator[schemas.DatasetBrief]:
        """Iterate over the data sets, newest first. Pages are fetched as needed."""
        return iterate(self._core.datasets())

    def dataset(self, dataset_id: str) -> schemas.DatasetDetail:
        """Return a data set: its classes, the rejected files with reasons, and the duplicates."""
        return run(self._core.dataset(dataset_id))

    def add_images(self, dataset_id: str, label: str, photographs: Iterable[Image]) -> schemas.DatasetAdded:
        """Add photographs to one class, 50 in a request. Those that the data set already has change nothing.

        Raises:
            InvalidArgument: there are no photographs.
        """
        return run(self._core.add_images(dataset_id, label, photographs))

    def photograph(self, dataset_id: str, sha256: str, size: int = 96) -> bytes:
        """Return a photograph of a data set as a JPEG; `size` is the longest side in pixels, at most."""
        return run(self._core.photograph(dataset_id, sha256, size))

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a data set with its photographs. Models that were trained on them stay."""
        run(self._core.delete_dataset(dataset_id))
