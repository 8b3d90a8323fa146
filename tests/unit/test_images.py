import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from support.images import encoded, jpeg_with_scans, noise
from vision.decode.images import Limits, Picture, View, decode
from vision.errors import BrokenImage, NotAnImage, TooManyPixels, UnsupportedFormat

LIMITS = Limits(max_pixels=64_000_000, max_scans=100)
VIEW = View(224)


def decoded(data: bytes, view: View = VIEW, limits: Limits = LIMITS) -> Picture:
    """Decode with one view."""
    return decode(data, (view,), limits)


@pytest.mark.parametrize(
    ("kind", "name"), [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WebP"), ("GIF", "GIF"), ("BMP", "BMP")]
)
def test_accepted_formats(kind: str, name: str) -> None:
    """Each accepted format is decoded and named, whatever the sender calls it."""
    picture = decoded(encoded(noise((300, 200)), kind))
    assert (picture.width, picture.height, picture.format) == (300, 200, name)
    assert picture.views[0].shape == (224, 224, 3)


def test_several_jpegs_in_one_file() -> None:
    """The MPO that a phone writes is a JPEG to people, and its first picture is what is seen."""
    data = encoded(noise((300, 200)), "MPO", save_all=True, append_images=[noise((300, 200), seed=1)])
    assert decoded(data).format == "JPEG"


def test_first_frame_only() -> None:
    """Of an animation the first frame is what is seen."""
    red, blue = (Image.new("RGB", (40, 40), colour) for colour in ("red", "blue"))
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(red, kind, save_all=True, append_images=[blue])
        assert np.abs(decoded(data).views[0].astype(int) - (255, 0, 0)).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    """A photo taken with the camera on its side is seen, and measured, upright."""
    picture = noise((300, 200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture, "PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expected = decoded(encoded(upright, "PNG"))
    turned = decoded(data)
    assert (turned.width, turned.height) == upright.size
    assert np.abs(turned.views[0].astype(int) - expected.views[0].astype(int)).max() <= 1


def test_broken_exif_is_no_reason() -> None:
    """EXIF that cannot be read is not the picture's fault."""
    data = encoded(noise((30, 20)), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\x01" * 40)
    assert decoded(data).width == 30


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_goes_over_white(mode: str) -> None:
    """What is transparent is seen as on white paper."""
    clear = Image.new(mode, (40, 40), 0)
    assert (decoded(encoded(clear, "PNG")).views[0] == 255).all()


def test_transparent_palette_goes_over_white() -> None:
    """The same holds for a palette's transparent colour, and for a PNG's transparent grey of 16 bits."""
    palette = Image.new("P", (40, 40), 0)
    grey = Image.fromarray(np.full((40, 40), 1234, np.uint16))
    assert (decoded(encoded(palette, "PNG", transparency=0)).views[0] == 255).all()
    assert (decoded(encoded(grey, "PNG", transparency=1234)).views[0] == 255).all()


def test_sixteen_bits_are_scaled() -> None:
    """A middle grey of 16 bits is a middle grey, not white."""
    grey = Image.fromarray(np.full((40, 40), 128 * 257, np.uint16))
    assert (decoded(encoded(grey, "PNG")).views[0] == 128).all()


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("L", "JPEG"), ("1", "PNG"), ("P", "GIF"), ("L", "WEBP")])
def test_every_mode_becomes_rgb(mode: str, kind: str) -> None:
    """Grey, palettes, bilevel and CMYK look as Pillow shows them in RGB."""
    data = encoded(noise((224, 224), mode), kind)
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert (decoded(data, View(224, "stretch")).views[0] == shown).all()


def test_crop_is_resize_then_cut() -> None:
    """`crop` is what bringing the shorter side to 256 and cutting out the middle 224 gives."""
    picture = noise((512, 768))
    whole = picture.resize((256, 384), Image.Resampling.BILINEAR).crop((16, 80, 240, 304))
    difference = decoded(encoded(picture, "PNG")).views[0].astype(int) - np.asarray(whole).astype(int)
    assert np.abs(difference).max() <= 1


def test_stretch_shows_all() -> None:
    """`stretch` makes a square of the whole picture."""
    picture = noise((300, 100))
    expected = np.asarray(picture.resize((224, 224), Image.Resampling.BILINEAR))
    assert (decoded(encoded(picture, "PNG"), View(224, "stretch")).views[0] == expected).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (8000, 3), (3, 8000)])
@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_odd_sizes(size: tuple[int, int], fit: str) -> None:
    """A thin picture is a picture, and needs no more memory than another."""
    assert decoded(encoded(noise(size), "PNG"), View(224, fit)).views[0].shape == (224, 224, 3)


def test_inside_keeps_the_shape() -> None:
    """A preview keeps its proportions, and is never enlarged."""
    view = View(100, "inside")
    assert decoded(encoded(noise((400, 200)), "PNG"), view).views[0].shape == (50, 100, 3)
    assert decoded(encoded(noise((20, 10)), "PNG"), view).views[0].shape == (10, 20, 3)


def test_too_many_pixels() -> None:
    """A picture above the limit is refused before it is decoded, with both numbers."""
    with pytest.raises(TooManyPixels, match="60,000 pixels; at most 59,999"):
        decoded(encoded(noise((300, 200)), "PNG"), limits=Limits(59_999, 100))


def test_decompression_bomb() -> None:
    """A small file that claims 4 gigapixels is refused for its pixels."""
    header = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 2, 0, 0, 0)
    with pytest.raises(TooManyPixels):
        decoded(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))


def test_webp_bomb() -> None:
    """A WebP that claims a canvas of 268 megapixels is refused for its pixels, before its decoder allocates them."""
    data = bytearray(
        encoded(noise((40, 40), "RGBA"), "WEBP", save_all=True, append_images=[noise((40, 40), "RGBA", 1)])
    )
    assert data[12:16] == b"VP8X"
    data[24:30] = (16383).to_bytes(3, "little") * 2
    with pytest.raises(TooManyPixels, match="268,435,456 pixels"):
        decoded(bytes(data))


def test_too_many_scans() -> None:
    """A progressive JPEG with more scans than a camera makes is refused before it is decoded; fewer are fine."""
    with pytest.raises(TooManyPixels, match="more than 100 scans"):
        decoded(jpeg_with_scans(101))
    assert decoded(jpeg_with_scans(100)).width == 64


def test_png_text_bomb() -> None:
    """A PNG whose compressed text unpacks to far more than it is worth is a broken image."""
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "a" * 70_000_000, zip=True)
    with pytest.raises(BrokenImage):
        decoded(encoded(noise((10, 10)), "PNG", pnginfo=info))


def test_png_profile_bomb() -> None:
    """So is one whose colour profile does."""
    data = encoded(noise((10, 10)), "PNG")
    bomb = chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"\0" * 70_000_000))
    with pytest.raises(BrokenImage):
        decoded(data[:33] + bomb + data[33:])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("part", [0.3, 0.7])
def test_truncated(kind: str, part: float) -> None:
    """Half a file is a broken image, with advice."""
    data = encoded(noise((300, 200)), kind)
    with pytest.raises((BrokenImage, NotAnImage), match=r"Send|send"):
        decoded(data[: int(len(data) * part)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_random_damage_never_escapes(kind: str) -> None:
    """Whatever bytes are flipped, the answer is a picture or a problem with a picture, never another error."""
    data = encoded(noise((40, 30)), kind)
    random = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(data)
        for place in random.integers(0, len(data), 5):
            broken[place] = random.integers(0, 256)
        try:
            picture = decoded(bytes(broken), limits=Limits(1_000_000, 100))
        except (BrokenImage, NotAnImage, TooManyPixels, UnsupportedFormat):
            continue
        assert picture.views[0].shape == (224, 224, 3)


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 1000, b"<html>", b"GIF"])
def test_not_an_image(data: bytes) -> None:
    """What is no picture is said to be none."""
    with pytest.raises(NotAnImage):
        decoded(data)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(noise((10, 10)), "TIFF"), "TIFF"),
        (encoded(noise((32, 32)), "ICO"), "ICO"),
        (encoded(noise((10, 10)), "AVIF"), "AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_foreign_formats(data: bytes, name: str) -> None:
    """A picture of another format is named, and what to send instead."""
    with pytest.raises(UnsupportedFormat, match=f"{name} is not accepted. Send JPEG, PNG, WebP, GIF or BMP"):
        decoded(data)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Write a PNG's chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
