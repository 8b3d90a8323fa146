"""Bytes to pixels: which formats, which way up, in which colours, and within every limit.

Run it in a decode process (`vision.sandbox`): a broken file may take the decoder with it.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

from vision import jpeg
from vision.formats import ACCEPTED, FORMATS, foreign_format, webp_canvas
from vision.problems import BrokenImage, ImageProblem, NotAnImage, TooManyPixels, UnsupportedFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

Fit = Literal["crop", "stretch", "inside"]
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
ORIENTATION = 0x0112
# EXIF 2.32, 4.6.4: how a picture that was stored with this orientation is brought upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class View:
    """How a picture is wanted: `size` is a side in pixels.

    `crop` brings the shorter side to `resize` and cuts a square of `size` from the centre; `stretch` makes a square of
    `size` of the whole; `inside` keeps the shape, with the longer side at most `size`.
    """

    size: int
    fit: Fit = "crop"
    resize: int = 256
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may cost: pixels after decoding, and scans of a JPEG."""

    max_pixels: int
    max_scans: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: its upright size in pixels, its format, and each view as (height, width, RGB) in 0 to 255."""

    width: int
    height: int
    format: str
    views: tuple[Pixels, ...]


def decode(data: bytes, views: tuple[View, ...], limits: Limits) -> Picture:
    """Turn a file's bytes into the wanted views of its first frame.

    Raises:
        NotAnImage: the bytes are no picture that anybody would know.
        UnsupportedFormat: they are a picture, or a document, of a format that is not accepted.
        BrokenImage: a picture that cannot be decoded, or only in part.
        TooManyPixels: larger than `limits` allow.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(data, views, limits)
    except ImageProblem:
        raise
    except MemoryError:
        raise TooManyPixels("The image needs more memory than this service gives to one. Send a smaller one.") from None
    except Exception as error:  # noqa: BLE001 - Pillow raises nearly anything on a broken file
        raise BrokenImage(f"The image is broken or incomplete: {error}. Save it anew and send that.") from None


def _decode(data: bytes, views: tuple[View, ...], limits: Limits) -> Picture:
    image = _open(data, limits)
    _check_pixels(image.width * image.height, limits)
    image.load()
    orientation = _orientation(image)
    width, height = image.size if orientation < 5 else image.size[::-1]  # noqa: PLR2004 - 5 to 8 lie on their side
    colours = to_rgb(image)
    return Picture(
        width, height, FORMATS[image.format or ""], tuple(_view(colours, orientation, view) for view in views)
    )


def _check_pixels(pixels: int, limits: Limits) -> None:
    if pixels > limits.max_pixels:
        raise TooManyPixels(
            f"The image has {pixels:,} pixels; at most {limits.max_pixels:,} are accepted. Send a smaller one."
        )


def _open(data: bytes, limits: Limits) -> Image.Image:
    if not data:
        raise NotAnImage("The file is empty. Send a picture.")
    _check_pixels(webp_canvas(data), limits)
    scans = jpeg.count_scans(data, limits.max_scans + 1)
    if scans > limits.max_scans:
        raise TooManyPixels(f"The JPEG has more than {limits.max_scans} scans. Save it anew, without as many passes.")
    Image.MAX_IMAGE_PIXELS = None  # the check above is ours, and says what to do
    try:
        return Image.open(io.BytesIO(data), formats=ACCEPTED)
    except UnidentifiedImageError:
        foreign = foreign_format(data)
        if foreign:
            raise UnsupportedFormat(f"{foreign} is not accepted. Send JPEG, PNG, WebP, GIF or BMP.") from None
        raise NotAnImage("The file is not an image that can be read. Send JPEG, PNG, WebP, GIF or BMP.") from None


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken EXIF says nothing about the picture, which is fine
        return 1
    return value if value in UPRIGHT else 1


def to_rgb(image: Image.Image) -> Image.Image:
    """Make 8-bit RGB of any mode: alpha over white, 16 bits scaled to 8, CMYK and palettes converted."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    # The accepted formats have at most 16 bits of grey, which Pillow's own conversion to L would cut off at 255.
    table = np.rint(np.arange(65536) / 257).astype(np.uint8)
    if isinstance(transparent := image.info.get("transparency"), int):
        table[transparent] = 255  # the one grey that a PNG may call transparent
    return Image.fromarray(table[np.asarray(image).clip(0, 65535).astype(np.uint16)])


def _view(image: Image.Image, orientation: int, view: View) -> Pixels:
    # Scaling and centred cutting give the same before and after turning, and turning the small result is cheaper.
    resized = image.resize(_target(image, view), FILTERS[view.interpolation], box=_box(image, view))
    upright = resized.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else resized
    return np.asarray(upright)


def _target(image: Image.Image, view: View) -> tuple[int, int]:
    if view.fit != "inside":
        return view.size, view.size
    scale = min(1.0, view.size / max(image.size))
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _box(image: Image.Image, view: View) -> tuple[float, float, float, float] | None:
    """Say which part of the image a view shows.

    Cutting first and scaling once is what scaling to `resize` and cutting then would give, but never makes a
    1 x 5000 image 256 x 1,280,000 on the way.
    """
    if view.fit != "crop":
        return None
    side = min(image.size) * view.size / view.resize
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return left, top, left + side, top + side
