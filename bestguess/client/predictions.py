"""The calls that ask what is in a picture, and whether there is anybody to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from bestguess.client._request import Call, content, picture, shaped
from bestguess.schemas import Batch, BatchItem, Classification, Readiness

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

_batch = shaped(Batch)


class Question(TypedDict, total=False):
    """What can be asked for beside the image; what is left out, the service decides.

    `model`: an id or an alias. `top_k`: how many guesses. `min_score`: leave out guesses below it, 0 to 1. `fit`: the
    photo's centre, or the whole of it squeezed to a square.
    """

    model: str | None
    top_k: int | None
    min_score: float | None
    fit: Literal["crop", "stretch"] | None


def classify(image: bytes, question: Question, *, show_input: bool | None = None) -> Call[Classification]:
    """Ask for the guesses; with `show_input` also for what the network saw."""
    params = {**question, "show_input": show_input or None}
    return Call("POST", "/classify", shaped(Classification), params, files=[("file", ("image", image))])


def classify_picture(image: bytes, kind: str, question: Question) -> Call[bytes]:
    """Ask for the photo and bars beside it as a picture, `png` or `svg`."""
    return Call("POST", "/classify", content, question, picture(kind), files=[("file", ("image", image))])


def classify_batch(images: Sequence[tuple[str, bytes]], question: Question) -> Call[list[BatchItem]]:
    """Ask for the guesses of several images, each by its name."""
    files = [("file", (name or f"image-{number}", data)) for number, (name, data) in enumerate(images, 1)]
    return Call("POST", "/classify/batch", _items, question, files=files)


def ready() -> Call[Readiness]:
    """Ask whether images are classified; what is not ready says so at once."""
    return Call("GET", "/readyz", shaped(Readiness), patient=False)


def _items(response: httpx.Response) -> list[BatchItem]:
    return _batch(response).results
