"""Bytes to pixels: which formats, which way up, in which colours, and within every limit.

Run it in a decode process (`vision.decode.sandbox`): a broken file may take the decoder with it.
"""

from __future__ import annotations

import io
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PIL import Image, UnidentifiedImageError

from vision.errors import BrokenImage, ImageProblem, NotAnImage, TooManyPixels, UnsupportedFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

Fit = Literal["crop", "stretch", "inside", "digit"]

ACCEPTED = ("JPEG", "PNG", "WEBP", "GIF", "BMP")  # as Pillow names its decoders
# What Pillow says that it found, and what we call it: its JPEG decoder calls several JPEGs in one file, as phones make
# them, MPO.
FORMATS = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "WEBP": "WebP", "GIF": "GIF", "BMP": "BMP"}
WEBP_HEADER = 30  # bytes
# Of files that people send by mistake: (offset, bytes, name), each from the format's own specification.
SIGNATURES = (
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftyphev", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (4, b"ftypmsf1", "HEIC"),
    (4, b"ftyp", "A video"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xffO\xffQ", "JPEG 2000"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\n", "JPEG XL"),
    (0, b"\0\0\x01\0", "ICO"),
    (0, b"8BPS", "PSD"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"DDS ", "DDS"),
    (0, b"qoif", "QOI"),
    (0, b"\x1aE\xdf\xa3", "A video"),
)

SCALES = (8, 4, 2)  # what Pillow asks of libjpeg, which takes a share of each block's coefficients
# How many times as large as needed a JPEG has to stay. At 2 a photo of 12 megapixels is decoded in 20 ms instead of 29
# (85 at full size), but EfficientNet-Lite0's ten best guesses change places where their scores are 0.005 apart; at 4
# only where they are 0.001 apart.
LEFT_OVER = 4
# Markers of a JPEG.
JPEG_START = b"\xff\xd8"
END_OF_IMAGE = 0xD9
START_OF_SCAN = 0xDA
# A marker is FF and a byte that is neither 00 (a stuffed FF of the data) nor FF (fill): ITU-T T.81, B.1.1.
# Of several FF the last one counts; a pattern that starts with one certain byte is looked for twenty times as fast.
MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
# These stand alone, all others are followed by their length: T.81, table B.1 (TEM, RST0 to RST7, SOI). The reserved
# ones, 02 to BF, are skipped by libjpeg without a length when it looks for a restart, so they must not hide anything.
ALONE = frozenset({*range(0x01, 0xC0), *range(0xD0, 0xD9)})

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
ON_ITS_SIDE = {UPRIGHT[orientation] for orientation in (5, 6, 7, 8)}


@dataclass(frozen=True, slots=True)
class View:
    """How a picture is wanted: `size` is a side in pixels.

    `crop` brings the shorter side to `resize` and cuts a square of `size` from the centre; `stretch` makes a square of
    `size` of the whole; `inside` keeps the shape, with the longer side at most `size`. `digit` is one digit's ink in
    grey, as `vision.digits.preprocess` has it, looked for with `resize` on the longer side.
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
    """A decoded picture: its upright size in pixels, its format, and each view.

    A view is (height, width, channels) in 0 to 255: three channels, RGB, or the one of a digit.
    """

    width: int
    height: int
    format: str
    views: tuple[Pixels, ...]


@dataclass(frozen=True, slots=True)
class Rendering:
    """A picture as Pillow has it: what `Picture` says of it, and each view as an RGB image, or as a grey digit."""

    width: int
    height: int
    format: str
    images: tuple[Image.Image, ...]


def decode(data: bytes, views: tuple[View, ...], limits: Limits) -> Picture:
    """Turn a file's bytes into the wanted views of its first frame.

    Raises:
        ImageProblem: as `render`.
    """
    import numpy as np  # noqa: PLC0415 - decode processes do not import NumPy: they start in half the time

    found = render(data, views, limits)
    views_of = tuple(np.atleast_3d(np.asarray(image)) for image in found.images)
    return Picture(found.width, found.height, found.format, views_of)


def render(data: bytes, views: tuple[View, ...], limits: Limits) -> Rendering:
    """Decode as `decode` does, without NumPy.

    Raises:
        NotAnImage: the bytes are no picture that anybody would know.
        UnsupportedFormat: they are a picture, or a document, of a format that is not accepted.
        BrokenImage: a picture that cannot be decoded, or only in part.
        TooManyPixels: larger than `limits` allow.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = _open(data, limits)
            width, height = size = image.size
            smaller = scale(size, views)
            drafted = image.draft(None, (width // smaller, height // smaller)) if smaller > 1 else None
            image.load()
            # How many of the decoded pixels show the picture: the last ones may do so in part.
            extent: tuple[float, float] = drafted[1][2:] if drafted else size
            turn: Image.Transpose | None = None
            with suppress(Exception):  # broken EXIF says nothing about the picture, which is fine
                turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
            rgb = to_rgb(image)
            images = tuple(
                _digit(image, rgb, turn) if view.fit == "digit" else _view(rgb, size, extent, turn, view)
                for view in views
            )
    except ImageProblem:
        raise
    except MemoryError:
        raise TooManyPixels("The image needs more memory than this service gives to one. Send a smaller one.") from None
    except Exception as error:  # noqa: BLE001 - Pillow raises nearly anything on a broken file
        raise BrokenImage(f"The image is broken or incomplete: {error}. Save it anew and send that.") from None
    if turn in ON_ITS_SIDE:
        width, height = height, width
    return Rendering(width, height, FORMATS[image.format or ""], images)


def _open(data: bytes, limits: Limits) -> Image.Image:
    """Recognise the format and read the header, after every check that can be made before pixels are decoded."""
    if not data:
        raise NotAnImage("The file is empty. Send a picture.")
    if data.startswith(b"RIFF") and (pixels := webp_canvas(data)) > limits.max_pixels:
        raise _too_many(pixels, limits)
    if count_scans(data, limits.max_scans + 1) > limits.max_scans:
        raise TooManyPixels(f"The JPEG has more than {limits.max_scans} scans. Save it anew, without as many passes.")
    Image.MAX_IMAGE_PIXELS = None  # the check below is ours, and says what to do
    try:
        image = Image.open(io.BytesIO(data), formats=ACCEPTED)
    except UnidentifiedImageError:
        foreign = foreign_format(data)
        if foreign:
            raise UnsupportedFormat(f"{foreign} is not accepted. Send JPEG, PNG, WebP, GIF or BMP.") from None
        raise NotAnImage("The file is not an image that can be read. Send JPEG, PNG, WebP, GIF or BMP.") from None
    if (pixels := image.width * image.height) > limits.max_pixels:
        raise _too_many(pixels, limits)
    return image


def _too_many(pixels: int, limits: Limits) -> TooManyPixels:
    return TooManyPixels(
        f"The image has {pixels:,} pixels; at most {limits.max_pixels:,} are accepted. Send a smaller one."
    )


def webp_canvas(data: bytes) -> int:
    """Count the pixels that an extended WebP says it has, 0 for another file.

    Its decoder allocates them before Pillow can be asked (RFC 9649, 2.7: width and height less one, 24 bits each).
    """
    if not (data.startswith(b"RIFF") and data[8:16] == b"WEBPVP8X" and len(data) >= WEBP_HEADER):
        return 0
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    return width * height


def count_scans(data: bytes, enough: int) -> int:
    """Count start-of-scan markers up to the end of the first image, stopping at `enough`; 0 for what is no JPEG.

    A progressive JPEG of 110 KB with 306 scans costs seconds of processor time, one of 10 MB an hour: each scan goes
    over every coefficient again, and no limit on pixels helps.

    Segments are stepped over by their length, so that a picture inside the metadata, or a video behind the end, does
    not count; so does libjpeg find them.
    """
    if not data.startswith(JPEG_START):
        return 0
    scans, at = 0, len(JPEG_START)
    while scans < enough and (found := MARKER.search(data, at)):
        marker, at = found[1][0], found.end()
        if marker == END_OF_IMAGE:
            break
        scans += marker == START_OF_SCAN
        if marker not in ALONE:
            at += int.from_bytes(data[at : at + 2], "big")
    return scans


def foreign_format(data: bytes) -> str | None:
    """Return the format of a file that is a picture, document or video, but not one that is accepted."""
    for offset, signature, name in SIGNATURES:
        if data.startswith(signature, offset):
            return name
    head = data[:1024].lstrip().lower()
    return "SVG" if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head else None


def scale(size: tuple[int, int], views: tuple[View, ...]) -> int:
    """Choose by how much libjpeg may shrink a picture, so that every view still has plenty: 8, 4, 2 or 1.

    Enough is left that the filter that comes next, and not libjpeg's, makes the pixels.
    """
    spare = []  # how many times as large the picture is as each view needs it
    for view in views:
        needed = view.resize if view.fit in {"crop", "digit"} else view.size
        spare.append((min(size) if view.fit in {"crop", "stretch"} else max(size)) / needed)
    return next((scale for scale in SCALES if min(spare, default=1) / scale >= LEFT_OVER), 1)


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
    table = [(value + 128) // 257 for value in range(65536)]
    if isinstance(transparent := image.info.get("transparency"), int):
        table[transparent] = 255  # the one grey that a PNG may call transparent
    grey = image.convert("I").point(table, "L")
    grey.info.pop("transparency", None)
    return grey


def _view(
    image: Image.Image, size: tuple[int, int], extent: tuple[float, float], turn: Image.Transpose | None, view: View
) -> Image.Image:
    """Cut and scale a picture of `size`, of which `extent` was decoded, and bring the result upright.

    Cutting first and scaling once is what scaling to `resize` and cutting then would give, but never makes a
    1 x 5000 image 256 x 1,280,000 on the way. Scaling and centred cutting give the same before and after turning, and
    turning the small result is cheaper.
    """
    width, height = extent
    box, target = (0.0, 0.0, width, height), (view.size, view.size)
    if view.fit == "crop":
        side = min(extent) * view.size / view.resize
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    elif view.fit == "inside":
        scale = min(1.0, view.size / max(size))
        target = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    resized = image.resize(target, FILTERS[view.interpolation], box=box)
    return resized if turn is None else resized.transpose(turn)


def _digit(image: Image.Image, colours: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    from vision.digits.preprocess import normalise  # noqa: PLC0415 - NumPy comes with it, which photos do without

    # White ink on nothing would vanish on the white that colours are laid on.
    inked = image.convert("RGBA") if image.has_transparency_data and not image.mode.startswith("I") else colours
    return Image.fromarray(normalise(inked if turn is None else inked.transpose(turn)))
