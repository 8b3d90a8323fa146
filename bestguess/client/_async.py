"""`AsyncClient`: the calls of `Client`, for asyncio."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING, Unpack

from bestguess.client import data_sets, images, networks, predictions, training
from bestguess.client.archive import packed, title_of
from bestguess.client.async_asking import AsyncAsking
from bestguess.client.files import Arriving, place
from bestguess.client.following import Following
from bestguess.client.trial import CAUGHT
from bestguess.client.waiting import Patience

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Iterable
    from pathlib import Path

    from bestguess import schemas
    from bestguess.schemas.jobs import Event, Job, JobStatus
    from bestguess.schemas.report import Report


class AsyncClient(AsyncAsking):
    """A running service, to be asked by a program that may not block; arguments and calls are those of `Client`."""

    async def ready(self) -> schemas.Readiness:
        """Say who classifies, and whether jobs are taken; raises `NotReady` while nobody does."""
        return await self._send(predictions.ready())

    async def classify(
        self, image: images.Image, *, show_input: bool | None = None, **question: Unpack[predictions.Question]
    ) -> schemas.Classification:
        """Ask what a picture is of, best guess first; `show_input` adds what the network saw, as a data URI."""
        return await self._send(
            predictions.classify(await asyncio.to_thread(images.load, image), question, show_input=show_input)
        )

    async def classify_picture(
        self, image: images.Image, kind: str = "svg", **question: Unpack[predictions.Question]
    ) -> bytes:
        """Ask for the photo with bars beside it, as the bytes of an `svg` or a `png`."""
        return await self._send(
            predictions.classify_picture(await asyncio.to_thread(images.load, image), kind, question)
        )

    async def classify_batch(
        self, pictures: Iterable[images.Image], **question: Unpack[predictions.Question]
    ) -> list[schemas.BatchItem]:
        """Ask about several pictures in one request: for each, in order, a result or an error."""
        loaded = [(images.title(image), await asyncio.to_thread(images.load, image)) for image in pictures]
        return await self._send(predictions.classify_batch(loaded, question))

    async def train(self, *, idempotency_key: str | None = None, **params: Unpack[training.Training]) -> Job:
        """Queue a training of digits; the same key and parameters within a day give the same job."""
        return await self._send(training.train(params, idempotency_key))

    async def finetune(
        self, dataset_id: str, *, idempotency_key: str | None = None, **params: Unpack[training.Finetuning]
    ) -> Job:
        """Queue a training of a pretrained network on photographs of one's own; else as `train`."""
        return await self._send(training.finetune(dataset_id, params, idempotency_key))

    async def jobs(self, status: JobStatus | str | None = None) -> AsyncGenerator[Job, None]:
        """Go through the jobs, the newest first, without their histories; pages are fetched as they are needed."""
        after: str | None = None
        while True:
            page = await self._send(training.jobs(status, after))
            for job in page.data:
                yield job
            if not (page.has_more and page.data):
                return
            after = page.data[-1].id

    async def job(self, job_id: str) -> Job:
        """Look at a job, with its history."""
        return await self._send(training.job(job_id))

    async def cancel(self, job_id: str) -> Job:
        """Ask for the end of a job, and give it as it is then: `cancelled`, or `cancelling` for a moment."""
        return await self._send(training.cancel(job_id))

    async def events(self, job_id: str, after: str | None = None) -> AsyncGenerator[Event, None]:
        """Follow a job live until its last event, from its first or from after the event with the id `after`.

        A connection that breaks is made again, and goes on where it was: no event is lost or comes twice.
        """
        following = Following(job_id, after)
        trial = self._trial(following.connect())
        while not following.done:
            try:
                async with aclosing(self._stream(following.connect())) as pieces:
                    async for piece in pieces:
                        trial.heard()
                        for event in following.feed(piece):
                            yield event
                if not following.done:
                    await asyncio.sleep(following.ended(await self.job(job_id)))
            except CAUGHT as error:
                await asyncio.sleep(trial.pause(error))

    async def wait(self, job_id: str, timeout: float | None = None) -> Job:  # noqa: ASYNC109 - as `Client` has it
        """Wait for the end of a job, whichever it is: look at its `status`.

        Raises:
            StillRunning: it has not come within `timeout` seconds.
        """
        patience = Patience(job_id, timeout)
        while not (job := await self.job(job_id)).status.finished:  # noqa: ASYNC110 - the service is elsewhere
            await asyncio.sleep(patience.pause())
        return job

    async def models(self, sort: networks.Sort | None = None) -> schemas.Models:
        """List the networks in `data`; `trouble` says why trained ones are not among them, where they cannot be."""
        return await self._send(networks.models(sort))

    async def model(self, model_id: str) -> schemas.ModelDetail:
        """Look at a network, by its id or an alias, with its layers and its report."""
        return await self._send(networks.model(model_id))

    async def report(self, model_id: str) -> Report:
        """Say how well a trained network does."""
        return await self._send(networks.report(model_id))

    async def report_picture(self, model_id: str, kind: str = "svg") -> bytes:
        """Draw that for a slide, as the bytes of an `svg` or a `png`."""
        return await self._send(networks.report_picture(model_id, kind))

    async def download(self, model_id: str, path: str | os.PathLike[str] = ".") -> Path:
        """Save a trained network as a `.keras` file, at a path or in a folder, once its SHA-256 is right."""
        model = await self.model(model_id)
        target, record = place(model, path)
        call = networks.download(model.id)
        trial = self._trial(call)
        while True:
            try:
                with Arriving(target) as file:
                    async with aclosing(self._stream(call)) as pieces:
                        async for piece in pieces:
                            file.write(piece)
                    return await asyncio.to_thread(file.keep, record.sha256)
            except CAUGHT as error:
                await asyncio.sleep(trial.pause(error))

    async def delete(self, model_id: str) -> None:
        """Remove a trained network, with its files and aliases; its job stays."""
        await self._send(networks.delete(model_id))

    async def aliases(self) -> dict[str, str]:
        """Give each alias with the id of the network that it stands for."""
        return await self._send(networks.aliases())

    async def set_alias(self, alias: str, model_id: str) -> schemas.Alias:
        """Let a name stand for a trained network, from now on."""
        return await self._send(networks.set_alias(alias, model_id))

    async def drop_alias(self, alias: str) -> None:
        """Forget an alias; its network stays."""
        await self._send(networks.drop_alias(alias))

    async def create_dataset(
        self, source: str | os.PathLike[str] | None = None, name: str | None = None
    ) -> schemas.DatasetDetail:
        """Send a folder with a folder of photographs for each class, or an archive of one (zip, tar, tar.gz).

        Without a source it makes an empty data set of this name, for `add_images`.
        """
        if source is None:
            return await self._send(data_sets.create(None, name))
        with ExitStack() as held:
            archive = await asyncio.to_thread(held.enter_context, packed(source))
            return await self._send(data_sets.create(archive, name or title_of(source)))

    async def datasets(self) -> AsyncGenerator[schemas.DatasetBrief, None]:
        """Go through the data sets, the newest first; pages are fetched as they are needed."""
        after: str | None = None
        while True:
            page = await self._send(data_sets.listed(after))
            for dataset in page.data:
                yield dataset
            if not (page.has_more and page.data):
                return
            after = page.data[-1].id

    async def dataset(self, dataset_id: str) -> schemas.DatasetDetail:
        """Look at a data set: its classes, what was rejected and why, which photographs are there several times."""
        return await self._send(data_sets.one(dataset_id))

    async def add_images(
        self, dataset_id: str, label: str, photographs: Iterable[images.Image]
    ) -> schemas.DatasetAdded:
        """Add photographs of one class, 50 a request; those that are there already change nothing."""
        parts = []
        for batch in data_sets.batches(photographs):
            files = [await asyncio.to_thread(images.named, image) for image in batch]
            parts.append(await self._send(data_sets.add(dataset_id, label, files)))
        return data_sets.together(parts)

    async def photograph(self, dataset_id: str, sha256: str, size: int = 96) -> bytes:
        """Ask for one photograph of a data set as a JPEG, its longer side at most so many pixels."""
        return await self._send(data_sets.photograph(dataset_id, sha256, size))

    async def delete_dataset(self, dataset_id: str) -> None:
        """Remove a data set with its photographs; what was learned from them stays."""
        await self._send(data_sets.delete(dataset_id))
