"""The photographs that are sent: a folder's own, crops of them, or, without a folder, pictures drawn like them."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from benchmarks.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 20
SIZE = (500, 375)
BYTES = 110_000  # as ImageNet has them: ILSVRC-2012 is 1.28 million JPEGs of 138 GB
_SMALLEST_CROP = 0.6  # of the side of the largest 4:3 frame that fits
_QUALITIES = range(30, 101)


@dataclass(frozen=True, slots=True)
class Photos:
    """JPEG files, and how many of them are a folder's own, crops of its pictures, and drawn."""

    files: tuple[bytes, ...]
    own: int = 0
    crops: int = 0
    drawn: int = 0

    def about(self) -> dict[str, Any]:
        """Say what they are, without the bytes."""
        counts = {key: value for key, value in asdict(self).items() if key != "files"}
        return {**counts, "mean_bytes": round(sum(map(len, self.files)) / len(self.files))}

    def said(self) -> str:
        """Say it in words."""
        kinds = {
            "as they are": self.own,
            "crops of photographs": self.crops,
            "drawn, photograph-like JPEGs": self.drawn,
        }
        parts = " and ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
        return f"{parts}; {self.about()['mean_bytes'] / 1000:.0f} KB on average"

    def write(self, folder: Path) -> None:
        """Write each as a file."""
        folder.mkdir()
        for index, data in enumerate(self.files):
            (folder / f"{index:03}.jpg").write_bytes(data)


def gather(folder: Path | None) -> Photos:
    """Take a folder's JPEGs; where they are fewer than `COUNT`, add crops of its pictures. Without one, draw them.

    Raises:
        Refused: the folder has no picture.
    """
    if folder is None:
        return Photos(tuple(jpeg(drawn(seed)) for seed in range(COUNT)), drawn=COUNT)
    found = read(folder)
    pictures = [picture for _, picture in found]
    own = [data for data, picture in found if picture.format == "JPEG"]
    crops = [jpeg(crop(pictures[index % len(pictures)], index)) for index in range(COUNT - len(own))]
    return Photos((*own, *crops), own=len(own), crops=len(crops))


def read(folder: Path) -> list[tuple[bytes, Image.Image]]:
    """Read a folder's JPEGs and PNGs, each as its bytes and as a picture; what is none is passed over.

    Raises:
        Refused: there is no such folder, or no picture in it.
    """
    found = list(_pictures(folder))
    if not found:
        raise Refused(f"{folder}: no JPEG or PNG in it. Name a folder with photographs, or leave --photos out.")
    return found


def crop(picture: Image.Image, seed: int) -> Image.Image:
    """Cut a part of the shape of `SIZE` out of a picture, another one for each seed, and bring it to that size."""
    random = np.random.default_rng(seed)
    scale = min(picture.width / SIZE[0], picture.height / SIZE[1]) * random.uniform(_SMALLEST_CROP, 1)
    width, height = SIZE[0] * scale, SIZE[1] * scale
    left, top = random.uniform(0, picture.width - width), random.uniform(0, picture.height - height)
    box = (left, top, left + width, top + height)
    return picture.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS, box=box)


def drawn(seed: int) -> Image.Image:
    """Draw noise whose amplitude falls as 1/frequency, as that of natural images does (Field 1987, JOSA A 4:2379).

    Its colours vary together, mostly in brightness, as a photograph's do.
    """
    random, (width, height) = np.random.default_rng(seed), SIZE
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.standard_normal((4, height, width))) / frequency
    fields = np.fft.irfft2(spectrum, (height, width))
    fields /= fields.std(axis=(1, 2), keepdims=True)
    pixels = 128 + 50 * fields[0] + 15 * fields[1:]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0).copy())


def jpeg(picture: Image.Image) -> bytes:
    """Write a picture as the JPEG of the quality that comes closest to `BYTES`."""
    low, high = _QUALITIES.start, _QUALITIES.stop - 1
    while low < high:
        middle = (low + high) // 2
        if len(_encoded(picture, middle)) < BYTES:
            low = middle + 1
        else:
            high = middle
    both = (_encoded(picture, quality) for quality in {low, max(low - 1, _QUALITIES.start)})
    return min(both, key=lambda data: abs(len(data) - BYTES))


def _encoded(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _pictures(folder: Path) -> Iterator[tuple[bytes, Image.Image]]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}. Name a folder with photographs.") from None
    for path in paths:
        data = path.read_bytes()
        try:
            yield data, Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        except UnidentifiedImageError:
            continue  # a README beside the photographs
