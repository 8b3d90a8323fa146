"""Both clients' logic, written once: what each call sends, how its response is read, what is repeated.

The calls are coroutines over a `Transport`. `AsyncClient` inherits them. `Client` runs each to its end in one step,
because with its blocking transport no await ever suspends.
"""

from __future__ import annotations

import math
import time
import uuid
from contextlib import aclosing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeAlias, TypedDict, TypeVar, Unpack

from pydantic import ValidationError

from bestguess.client import _sse, images
from bestguess.client._config import without_secrets
from bestguess.client._request import (
    Request,
    check_response,
    parse_as,
    parse_bytes,
    parse_nothing,
    path_segment,
    picture_headers,
)
from bestguess.client._retry import FAILURES, Attempts, Retries
from bestguess.client.archive import Archive, dataset_name
from bestguess.client.errors import InvalidArgument, StillRunning, UnexpectedAnswer
from bestguess.client.files import AtomicFile, download_target
from bestguess.schemas import (
    Alias,
    Aliases,
    Batch,
    BatchItem,
    Classification,
    DatasetAdded,
    DatasetBrief,
    DatasetDetail,
    DatasetList,
    Event,
    Job,
    Jobs,
    JobStatus,
    ModelDetail,
    Models,
    Readiness,
    Report,
)

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import httpx

    from bestguess.client.errors import BestGuessError

Answer = TypeVar("Answer")
Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")
Item = TypeVar("Item", bound="Listed")
Item_co = TypeVar("Item_co", bound="Listed", covariant=True)
Sort: TypeAlias = Literal["created_at", "test_accuracy"]

PAGE_SIZE = 100  # items; the service's maximum
UPLOAD_BATCH = 50  # photographs in a request, so that progress can be shown between them
# Seconds between two chunks of a response:
INGEST_TIMEOUT = 1860.0  # the service decodes uploads for half an hour by default
EVENTS_TIMEOUT = 45.0  # the service sends a keep-alive comment every 15
RECONNECT = 0.5  # seconds before an event stream that the service has closed is opened again
POLL_FIRST, POLL_LONGEST, POLL_FACTOR = 0.1, 2.0, 1.5  # seconds between two looks at a job, and their growth
LAST_EVENTS = {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


class Question(TypedDict, total=False):
    """Options of a classification; the service has the defaults.

    `model`: id or alias. `top_k`: number of predictions. `min_score`: drop predictions below this score, 0 to 1.
    `fit`: crop the photograph's centre, or stretch the whole of it to a square.
    """

    model: str | None
    top_k: int | None
    min_score: float | None
    fit: Literal["crop", "stretch"] | None


class Training(TypedDict, total=False):
    """Parameters of a training on digits, as in `bestguess.schemas.MnistParams`; the service has the defaults."""

    steps: int | None
    batch_size: int | None
    learning_rate: float | None
    optimizer: Literal["adam", "sgd"] | None
    report_every: int | None
    dropout: float | None
    seed: int | None
    dataset: Literal["mnist", "synthetic-digits"] | None


class Finetuning(TypedDict, total=False):
    """Parameters of a fine-tuning, as in `bestguess.schemas.FinetuneParams`; the service has the defaults.

    `augment`: names of augmentations, or True for all. `class_weights`: `balanced`, or a number for each class.
    """

    base: str | None
    freeze: int | None
    optimizer: Literal["sgd", "adam"] | None
    learning_rate: float | None
    epochs: int | None
    batch_size: int | None
    validation_split: float | None
    augment: bool | Sequence[Literal["flip", "crop", "colour"]] | None
    patience: int | None
    class_weights: Literal["balanced"] | Mapping[str, float] | None
    seed: int | None


class Transport(Protocol):
    """The I/O of a client, blocking or on asyncio's event loop."""

    @property
    def http(self) -> httpx.Client | httpx.AsyncClient:
        """The connections, which also hold base URL, authentication and timeouts."""

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole response."""

    def stream(self, request: httpx.Request) -> AsyncGenerator[bytes, None]:
        """Send a request, check the response with `check_response`, and yield its body in chunks."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Do work that reads or writes files."""


class Listed(Protocol):
    """An item of a page."""

    @property
    def id(self) -> str:
        """The cursor of the page after it."""


class Page(Protocol[Item_co]):
    """A page of a list."""

    @property
    def data(self) -> Sequence[Item_co]:
        """The items."""

    @property
    def has_more(self) -> bool:
        """Whether another page follows."""


class Core:
    """Every call of the API, over any transport."""

    def __init__(
        self, transport: Transport, retries: Retries | None, on_wait: Callable[[BestGuessError, float], None] | None
    ) -> None:
        self.url = without_secrets(transport.http.base_url)
        self._transport = transport
        self._retries = retries or Retries()
        self._on_wait = on_wait

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def ready(self) -> Readiness:
        """Return which networks are ready, and whether jobs can be queued. Not retried.

        Raises:
            NotReady: no network can classify yet.
        """
        return await self._send(Request("GET", "/readyz", parse_as(Readiness), retry_busy=False))

    async def classify(
        self, image: images.Image, *, show_input: bool | None = None, **question: Unpack[Question]
    ) -> Classification:
        """Classify an image; the best prediction comes first.

        With `show_input` the answer's `input` is the image as the network saw it, a PNG as a data URI.
        """
        files = [("file", ("image", await self._transport.run(images.load, image)))]
        params = {**question, "show_input": show_input or None}
        return await self._send(Request("POST", "/classify", parse_as(Classification), params, files=files))

    async def classify_picture(self, image: images.Image, kind: str = "svg", **question: Unpack[Question]) -> bytes:
        """Classify an image; return the photograph with bars beside it, as the bytes of an `svg` or a `png`."""
        files = [("file", ("image", await self._transport.run(images.load, image)))]
        return await self._send(Request("POST", "/classify", parse_bytes, question, picture_headers(kind), files=files))

    async def classify_batch(self, pictures: Iterable[images.Image], **question: Unpack[Question]) -> list[BatchItem]:
        """Classify several images in one request; return a result or an error for each, in order."""
        files = []
        for number, image in enumerate(pictures, 1):
            data = await self._transport.run(images.load, image)
            files.append(("file", (images.filename(image) or f"image-{number}", data)))
        batch = await self._send(Request("POST", "/classify/batch", parse_as(Batch), question, files=files))
        return batch.results

    async def train(self, *, idempotency_key: str | None = None, **params: Unpack[Training]) -> Job:
        """Queue a training on digits. The same key and parameters within a day return the same job."""
        return await self._queue("mnist-train", params, idempotency_key)

    async def finetune(
        self, dataset_id: str, *, idempotency_key: str | None = None, **params: Unpack[Finetuning]
    ) -> Job:
        """Queue a fine-tuning of a pretrained network on a data set. `idempotency_key` is as for `train`."""
        return await self._queue("finetune", {"dataset_id": dataset_id, **params}, idempotency_key)

    def jobs(self, status: JobStatus | str | None = None) -> AsyncGenerator[Job, None]:
        """Iterate over the jobs, newest first and without their histories. Pages are fetched as needed."""
        return self._paginate("/jobs", parse_as(Jobs), {"status": status})

    async def job(self, job_id: str) -> Job:
        """Return a job with its history."""
        return await self._send(Request("GET", f"/jobs/{path_segment(job_id)}", parse_as(Job)))

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job and return it: `cancelled`, or `cancelling` for a moment."""
        return await self._send(Request("POST", f"/jobs/{path_segment(job_id)}/cancel", parse_as(Job)))

    async def events(self, job_id: str, after: str | None = None) -> AsyncGenerator[Event, None]:
        """Follow a job live, from its first event or from the one after the id `after`, until its last event.

        After a broken connection it reconnects and resumes: no event is lost or repeated.
        """
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        path = f"/jobs/{path_segment(job_id)}/events"
        request = Request("GET", path, parse_bytes, headers=headers, read_timeout=EVENTS_TIMEOUT)
        attempts = self._attempts(request)
        ended = was_finished = False
        while not ended:
            if after:
                request = replace(request, headers=headers | {"Last-Event-ID": after})
            decoder = _sse.Decoder()
            try:
                async with aclosing(self._stream(request)) as chunks:
                    async for chunk in chunks:
                        attempts.restart()
                        for message in decoder.feed(chunk):
                            event = _parse_event(message.data, job_id)
                            after, ended = event.id, event.type in LAST_EVENTS
                            yield event
                if not ended:
                    # The service closed the stream: it is shutting down, or nothing follows `after`. The latter is
                    # certain if the job had finished before this stream was opened.
                    job = await self.job(job_id)
                    ended, was_finished = was_finished, job.status.finished
                    await self._transport.sleep(0 if ended else RECONNECT)
            except FAILURES as failure:
                if not ended:
                    await self._transport.sleep(attempts.pause_after(failure))

    async def wait(self, job_id: str, timeout: float | None = None) -> Job:  # noqa: ASYNC109 - as `Client` has it
        """Poll a job until it is finished, and return it; its `status` says how it ended.

        Raises:
            StillRunning: it has not finished within `timeout` seconds.
        """
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        pause = POLL_FIRST
        while not (job := await self.job(job_id)).status.finished:
            left = deadline - time.monotonic()
            if left <= 0:
                raise StillRunning(f"{job_id} has not finished within {timeout:g} s")
            await self._transport.sleep(min(pause, left))
            pause = min(POLL_LONGEST, pause * POLL_FACTOR)
        return job

    async def models(self, sort: Sort | None = None) -> Models:
        """List the networks in `data`; `trouble` says why trained ones are missing, if they are."""
        return await self._send(Request("GET", "/models", parse_as(Models), {"sort": sort}))

    async def model(self, model_id: str) -> ModelDetail:
        """Return a network by its id or an alias, with its layers and its report."""
        return await self._send(Request("GET", f"/models/{path_segment(model_id)}", parse_as(ModelDetail)))

    async def report(self, model_id: str) -> Report:
        """Return the metrics of a trained network on its test images."""
        return await self._send(Request("GET", f"/models/{path_segment(model_id)}/report", parse_as(Report)))

    async def report_picture(self, model_id: str, kind: str = "svg") -> bytes:
        """Return the report as a picture for a slide, the bytes of an `svg` or a `png`."""
        path = f"/models/{path_segment(model_id)}/report"
        return await self._send(Request("GET", path, parse_bytes, headers=picture_headers(kind)))

    async def download(self, model_id: str, path: str | os.PathLike[str] = ".") -> Path:
        """Download a trained network as a `.keras` file, to a path or into a folder, and return where it is.

        The file appears only when it is complete and its SHA-256 is right; until then a file of that name stays.
        """
        model = await self.model(model_id)
        target, record = download_target(model, path)
        headers = {"Accept": "application/zip", "Accept-Encoding": "identity"}  # the hash is of the file itself
        request = Request("GET", f"/models/{path_segment(model.id)}/download", parse_bytes, headers=headers)
        attempts = self._attempts(request)
        while True:
            try:
                with AtomicFile(target) as file:
                    async with aclosing(self._stream(request)) as chunks:
                        async for chunk in chunks:
                            file.write(chunk)
                    return await self._transport.run(file.keep, record.sha256)
            except FAILURES as failure:
                await self._transport.sleep(attempts.pause_after(failure))

    async def delete(self, model_id: str) -> None:
        """Delete a trained network with its files and aliases. Its job stays."""
        await self._send(Request("DELETE", f"/models/{path_segment(model_id)}", parse_nothing, repeatable=False))

    async def aliases(self) -> dict[str, str]:
        """Return the aliases, each with the id of its network."""
        aliases = await self._send(Request("GET", "/models/aliases", parse_as(Aliases)))
        return {alias.name: alias.model_id for alias in aliases.data}

    async def set_alias(self, alias: str, model_id: str) -> Alias:
        """Set an alias of a trained network, which is given by its id or another alias."""
        path = f"/models/aliases/{path_segment(alias)}"
        return await self._send(Request("PUT", path, parse_as(Alias), json={"model_id": model_id}))

    async def drop_alias(self, alias: str) -> None:
        """Delete an alias. Its network stays."""
        path = f"/models/aliases/{path_segment(alias)}"
        await self._send(Request("DELETE", path, parse_nothing, repeatable=False))

    async def create_dataset(
        self, source: str | os.PathLike[str] | None = None, name: str | None = None
    ) -> DatasetDetail:
        """Create a data set from a folder with a folder of photographs for each class, or a zip, tar or tar.gz of one.

        Without a source the data set is empty; add photographs with `add_images`.
        """
        if source is None:
            return await self._create_dataset(name, None)
        with await self._transport.run(Archive.open, source) as archive:
            return await self._create_dataset(name or dataset_name(source), archive)

    def datasets(self) -> AsyncGenerator[DatasetBrief, None]:
        """Iterate over the data sets, newest first. Pages are fetched as needed."""
        return self._paginate("/datasets", parse_as(DatasetList), {})

    async def dataset(self, dataset_id: str) -> DatasetDetail:
        """Return a data set: its classes, the rejected files with reasons, and the duplicates."""
        return await self._send(Request("GET", f"/datasets/{path_segment(dataset_id)}", parse_as(DatasetDetail)))

    async def add_images(self, dataset_id: str, label: str, photographs: Iterable[images.Image]) -> DatasetAdded:
        """Add photographs to one class, 50 in a request. Those that the data set already has change nothing.

        Raises:
            InvalidArgument: there are no photographs.
        """
        path = f"/datasets/{path_segment(dataset_id)}/images"
        remaining = iter(photographs)
        parts: list[DatasetAdded] = []
        while batch := list(islice(remaining, UPLOAD_BATCH)):
            files = [("file", await self._transport.run(images.load_named, image)) for image in batch]
            request = Request(
                "POST", path, parse_as(DatasetAdded), fields={"label": label}, files=files, read_timeout=INGEST_TIMEOUT
            )
            parts.append(await self._send(request))
        if not parts:
            raise InvalidArgument("There are no photographs to add")
        return DatasetAdded(
            added=sum(part.added for part in parts),
            unchanged=sum(part.unchanged for part in parts),
            rejected=[file for part in parts for file in part.rejected],
            dataset=parts[-1].dataset,
        )

    async def photograph(self, dataset_id: str, sha256: str, size: int = 96) -> bytes:
        """Return a photograph of a data set as a JPEG; `size` is the longest side in pixels, at most."""
        path = f"/datasets/{path_segment(dataset_id)}/images/{path_segment(sha256)}"
        return await self._send(Request("GET", path, parse_bytes, {"size": size}, {"Accept": "image/jpeg"}))

    async def delete_dataset(self, dataset_id: str) -> None:
        """Delete a data set with its photographs. Models that were trained on them stay."""
        await self._send(Request("DELETE", f"/datasets/{path_segment(dataset_id)}", parse_nothing, repeatable=False))

    async def _queue(self, kind: str, params: Mapping[str, object], idempotency_key: str | None) -> Job:
        """Queue a job. With its key, made up if none is given, it can be sent again without queueing a second one."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        given = {name: value for name, value in params.items() if value is not None}
        return await self._send(Request("POST", f"/jobs/{kind}", parse_as(Job), headers=headers, json=given))

    async def _create_dataset(self, name: str | None, archive: Archive | None) -> DatasetDetail:
        request = Request(
            "POST",
            "/datasets",
            parse_as(DatasetDetail),
            {"name": name},
            {"Content-Type": archive.media_type} if archive else {},
            body=archive.body if archive else None,
            repeatable=False,
            read_timeout=INGEST_TIMEOUT,
        )
        return await self._send(request)

    async def _paginate(
        self, path: str, parse: Callable[[httpx.Response], Page[Item]], params: Mapping[str, Any]
    ) -> AsyncGenerator[Item, None]:
        after: str | None = None
        while True:
            page = await self._send(Request("GET", path, parse, {**params, "limit": PAGE_SIZE, "after": after}))
            for item in page.data:
                yield item
            if not (page.has_more and page.data):
                return
            after = page.data[-1].id

    async def _send(self, request: Request[Answer]) -> Answer:
        attempts = self._attempts(request)
        while True:
            try:
                response = await self._transport.send(request.build(self._transport.http))
                check_response(response)
                return request.parse(response)
            except FAILURES as failure:
                await self._transport.sleep(attempts.pause_after(failure))

    def _stream(self, request: Request[bytes]) -> AsyncGenerator[bytes, None]:
        return self._transport.stream(request.build(self._transport.http))

    def _attempts(self, request: Request[Any]) -> Attempts:
        return Attempts(request, self.url, self._retries, self._on_wait)


def _parse_event(data: str, job_id: str) -> Event:
    try:
        return Event.model_validate_json(data)
    except ValidationError:
        raise UnexpectedAnswer(f"The event stream of {job_id} has an event that this client does not know") from None
