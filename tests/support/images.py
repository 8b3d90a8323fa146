"""Generated images of every mode and size, and broken or hostile ones."""

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "photos"
SCAN = re.compile(rb"\xff\xda")


def noise(size: tuple[int, int], mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Make a smooth coloured picture that is different for each seed, of any mode."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 4), np.uint8)
    picture = Image.fromarray(coarse, "RGBA" if mode in {"RGBA", "LA", "PA"} else None).resize(size)
    if mode in {"I;16", "I"}:
        grey = np.asarray(picture.convert("L"), np.uint16) * 257
        return Image.fromarray(grey)
    return picture.convert("RGB").convert(mode) if mode in {"CMYK", "P", "1", "L"} else picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Write a picture as a file of a format."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg_with_scans(scans: int, size: tuple[int, int] = (64, 64)) -> bytes:
    """Make a valid progressive JPEG of one colour, with the last of its scans repeated until there are `scans`.

    At 3000 x 3000 each costs libjpeg about 7 ms and the file 23 bytes.
    """
    data = encoded(Image.new("RGB", size, "red"), "JPEG", progressive=True)
    starts = [match.start() for match in SCAN.finditer(data)]
    last, end = data[starts[-1] : -2], data[-2:]
    return data[:-2] + last * (scans - len(starts)) + end


def seven() -> Image.Image:
    """Draw a digit as a person would: dark on light, larger than MNIST's, not in the middle."""
    sheet = Image.new("L", (200, 240), 255)
    ImageDraw.Draw(sheet).line([(30, 60), (120, 60), (70, 190)], fill=20, width=14, joint="curve")
    return sheet
