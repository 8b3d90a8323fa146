"""Photos to measure with: JPEG files from a folder, crops of them, or generated images with similar statistics."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from benchmarks.processes import UsageError
from jobs.datasets.photographs import Photograph, Photographs
from worker.finetune.textures import NAMES, QUALITY
from worker.finetune.textures import jpeg as texture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.random import Generator

COUNT = 20
SIZE = (500, 375)
BYTES = 110_000  # the mean in ImageNet: ILSVRC-2012 is 1.28 million JPEGs, 138 GB
MIN_CLASSES, MAX_CLASSES = 2, 100  # photos in a folder to fine-tune with
_SMALLEST_CROP = 0.6  # of the side of the largest 4:3 frame that fits
_SMALLEST_SQUARE = 0.4  # of a photo's shorter side
_QUALITIES = range(30, 101)


class Photo(NamedTuple):
    """A file with its content, opened but not yet decoded."""

    path: Path
    data: bytes
    image: Image.Image


@dataclass(frozen=True, slots=True)
class Photos:
    """JPEG files to send: how many come from a folder, are crops of its photos, and are generated."""

    files: tuple[bytes, ...]
    own: int = 0
    crops: int = 0
    drawn: int = 0

    def counts(self) -> dict[str, int]:
        """Return the counts and the mean size in bytes."""
        counts = {key: value for key, value in asdict(self).items() if key != "files"}
        return {**counts, "mean_bytes": round(sum(map(len, self.files)) / len(self.files))}

    def description(self) -> str:
        """Describe the files in words."""
        kinds = {
            "as they are": self.own,
            "crops of photographs": self.crops,
            "drawn, photograph-like JPEGs": self.drawn,
        }
        parts = " and ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
        return f"{parts}; {self.counts()['mean_bytes'] / 1000:.0f} KB on average"

    def write(self, folder: Path) -> None:
        """Write the files into a new folder."""
        folder.mkdir()
        for index, data in enumerate(self.files):
            (folder / f"{index:03}.jpg").write_bytes(data)


def gather(folder: Path | None) -> Photos:
    """Return the JPEGs in a folder, and crops of its photos up to `COUNT` files; without a folder, generated images.

    Raises:
        UsageError: the folder has no photo.
    """
    if folder is None:
        return Photos(tuple(jpeg(generate(seed)) for seed in range(COUNT)), drawn=COUNT)
    found = read(folder)
    own = [photo.data for photo in found if photo.image.format == "JPEG"]
    crops = [jpeg(crop(found[index % len(found)].image, index)) for index in range(COUNT - len(own))]
    return Photos((*own, *crops), own=len(own), crops=len(crops))


def read(folder: Path) -> list[Photo]:
    """Open the JPEGs and PNGs in a folder; skip other files.

    Raises:
        UsageError: there is no such folder, or no photo in it.
    """
    found = list(_open_all(folder))
    if not found:
        raise UsageError(f"{folder}: no JPEG or PNG in it. Give a folder with photographs, or leave --photos out.")
    return found


def _open_all(folder: Path) -> Iterator[Photo]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}. Give a folder with photographs.") from None
    for path in paths:
        data = path.read_bytes()
        try:
            yield Photo(path, data, Image.open(io.BytesIO(data), formats=("JPEG", "PNG")))
        except UnidentifiedImageError:
            continue  # a README beside the photographs


def crop(image: Image.Image, seed: int) -> Image.Image:
    """Cut a random 4:3 part out of an image, another one for each seed, and resize it to `SIZE`."""
    random = np.random.default_rng(seed)
    scale = min(image.width / SIZE[0], image.height / SIZE[1]) * random.uniform(_SMALLEST_CROP, 1)
    width, height = SIZE[0] * scale, SIZE[1] * scale
    left, top = random.uniform(0, image.width - width), random.uniform(0, image.height - height)
    box = (left, top, left + width, top + height)
    return image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS, box=box)


def generate(seed: int) -> Image.Image:
    """Generate noise with an amplitude of 1/frequency, as natural images have (Field 1987, JOSA A 4:2379).

    The channels are correlated, as in photographs: most of the variance is brightness.
    """
    random, (width, height) = np.random.default_rng(seed), SIZE
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.standard_normal((4, height, width))) / frequency
    fields = np.fft.irfft2(spectrum, (height, width))
    fields /= fields.std(axis=(1, 2), keepdims=True)
    pixels = 128 + 50 * fields[0] + 15 * fields[1:]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0).copy())


def jpeg(image: Image.Image) -> bytes:
    """Encode an image with the quality whose file size comes closest to `BYTES`."""
    low, high = _QUALITIES.start, _QUALITIES.stop - 1
    while low < high:
        middle = (low + high) // 2
        if len(_encode(image, middle)) < BYTES:
            low = middle + 1
        else:
            high = middle
    both = (_encode(image, quality) for quality in {low, max(low - 1, _QUALITIES.start)})
    return min(both, key=lambda data: abs(len(data) - BYTES))


def dataset(folder: Path, images: int, seed: int = 0) -> Photographs:
    """Return a data set to fine-tune with: each photo in a folder is a class of random square crops of it.

    Equal arguments give an equal data set. The classes have equally many crops, of any size and place, half of them
    mirrored.

    Raises:
        UsageError: the folder cannot be read, or has too few or too many photos.
    """
    photos = {photo.path.stem: ImageOps.exif_transpose(photo.image).convert("RGB") for photo in read(folder)}
    if not MIN_CLASSES <= len(photos) <= MAX_CLASSES:
        raise UsageError(
            f"{folder} has {len(photos)} photographs, and {MIN_CLASSES} to {MAX_CLASSES} are wanted, a class each"
        )
    names = tuple(photos)
    labels = [index % len(names) for index in range(images)]
    files = [_square(photos[names[label]], np.random.default_rng((seed, index))) for index, label in enumerate(labels)]
    return in_memory("crops", names, labels, files)


def _square(image: Image.Image, random: Generator) -> bytes:
    side = round(random.uniform(_SMALLEST_SQUARE, 1) * min(image.size))
    left, top = (int(random.integers(length - side, endpoint=True)) for length in image.size)
    square = image.crop((left, top, left + side, top + side))
    return _encode(ImageOps.mirror(square) if random.random() < 1 / 2 else square, QUALITY)


def _encode(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def textures(images: int, classes: int = 5, seed: int = 0) -> Photographs:
    """Generate a data set of so many JPEG files, as many of each class; equal for equal arguments and Pillow."""
    labels = [index % classes for index in range(images)]
    files = [texture(label, np.random.default_rng((seed, index))) for index, label in enumerate(labels)]
    return in_memory("textures", NAMES[:classes], labels, files)


def in_memory(name: str, classes: tuple[str, ...], labels: Sequence[int], files: Sequence[bytes]) -> Photographs:
    """Make a data set of JPEG files in memory, each with its label."""
    contents = [hashlib.sha256(data).hexdigest() for data in files]
    return Photographs(
        id=name,
        name=name,
        sha256=hashlib.sha256(" ".join(contents).encode()).hexdigest(),
        classes=classes,
        photographs=tuple(
            Photograph(f"{classes[label]}/{index}.jpg", label, content)
            for index, (label, content) in enumerate(zip(labels, contents, strict=True))
        ),
        read=files.__getitem__,
    )
