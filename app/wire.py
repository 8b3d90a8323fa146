"""From what classifies to what goes over the wire."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from PIL import Image

from bestguess import schemas
from vision.pictures import chart
from vision.pictures.files import data_uri

if TYPE_CHECKING:
    from app.inference.admission import Choice
    from app.inference.classifier import Classified
    from vision.decode.images import Pixels


async def classification(answer: Classified, *, show_input: bool = False) -> schemas.Classification:
    """Write an answer down, with the picture that the network saw where that is wanted, as a PNG in a data URI."""
    seconds = answer.seconds
    seen = await asyncio.to_thread(data_uri, image(answer.picture.views[0]), "PNG") if show_input else None
    return schemas.Classification(
        model=answered_by(answer.choice),
        predictions=[schemas.Prediction(**asdict(guess)) for guess in answer.guesses],
        image=schemas.ImageInfo(width=answer.picture.width, height=answer.picture.height, format=answer.picture.format),
        timing_ms=schemas.Timing(**{name: round(1000 * value, 2) for name, value in asdict(seconds).items()}),
        input=seen,
    )


def picture(answer: Classified, kind: chart.Kind) -> bytes:
    """Draw the photo beside its guesses."""
    served = answer.choice.slot
    caption = served.network.title
    if answer.choice.stand_in_for:
        caption += f", in {answer.choice.stand_in_for.upper()}'s place"
    if served.weights and served.weights.origin not in {"imagenet", "trained"}:
        caption += f" · {served.weights.origin} weights"
    return chart.draw(answer.preview, [(guess.label, guess.score) for guess in answer.guesses], caption, kind)


def answered_by(choice: Choice) -> schemas.AnsweredBy:
    """Say who answered, and for whom."""
    served = choice.slot
    assert served.weights is not None  # noqa: S101 - what answers is loaded
    assert served.hardware is not None  # noqa: S101
    return schemas.AnsweredBy(
        id=served.network.id,
        weights=served.weights.origin,
        precision=served.hardware.precision,
        device=served.hardware.device,
        stand_in_for=choice.stand_in_for,
        stand_in_reason=choice.reason,
    )


def image(pixels: Pixels) -> Image.Image:
    """Make an image of (height, width, 1 or 3) pixels."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
