import contextlib
import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from support.images import encoded, noise
from vision.decode.images import Limits, Picture, View, decode, scale
from vision.decode.sandbox import Cost, Sandbox
from vision.errors import BrokenImage, TooManyPixels

LIMITS = Limits(max_pixels=64_000_000, max_scans=100)
VIEWS = (View(32, resize=36), View(32, "stretch"), View(32, "inside"))
# Measured on the waves below: at most 0.16 and 1 of 255. A picture whose rounded-up edge is taken for its own is off by
# 0.4 on average in the mildest of the sizes below, by 1.5 in the worst.
MEAN, MOST = 0.25, 2


def waves(size: tuple[int, int]) -> Image.Image:
    """Draw waves of 14 pixels in a view of 32, across and down: a shift shows, and no filter swallows them."""
    across, down = (np.sin(np.arange(side) * 32 / side * 2 * np.pi / 14) for side in size)
    grid = np.stack(np.broadcast_arrays(across, down[:, None], across * down[:, None]), axis=-1)
    return Image.fromarray((128 + 90 * grid).round().astype(np.uint8))


def whole(data: bytes) -> Picture:
    """Decode the same pixels from a format that is never decoded smaller."""
    with Image.open(io.BytesIO(data)) as picture:
        return decode(encoded(ImageOps.exif_transpose(picture).convert("RGB"), "BMP"), VIEWS, LIMITS)


def assert_shows_the_same(data: bytes) -> None:
    """Compare each view of a JPEG, and its size, with what the whole gives."""
    found, expected = decode(data, VIEWS, LIMITS), whole(data)
    assert (found.width, found.height) == (expected.width, expected.height)
    for view, other in zip(found.views, expected.views, strict=True):
        difference = np.abs(view.astype(int) - other.astype(int))
        assert difference.mean() < MEAN
        assert difference.max() <= MOST


@pytest.mark.parametrize(
    ("side", "expected"), [(50, 1), (799, 1), (800, 2), (1590, 2), (1600, 4), (3200, 8), (500_000, 8)]
)
def test_how_small(side: int, expected: int) -> None:
    """A JPEG is decoded no smaller than four times what is needed, and at least at an eighth."""
    for size, view in (
        ((side, 2 * side), View(50, resize=100)),
        ((2 * side, side), View(100, "stretch")),
        ((side, side // 2), View(100, "inside")),
        ((side // 2, side), View(28, "digit", resize=100)),
    ):
        assert scale(size, (view,)) == expected
        assert scale(size, (View(1, "stretch"), view)) == expected
    assert scale((side, side), ()) == 1


@pytest.mark.parametrize("size", [(512, 512), (577, 1023), (1201, 603), (1025, 1031), (289, 2000)])
def test_every_view_shows_the_same(size: tuple[int, int]) -> None:
    """However the smaller size is rounded, every view shows the part of the photo that it would show of the whole."""
    assert_shows_the_same(encoded(waves(size), "JPEG", quality=95))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours(mode: str) -> None:
    """Grey and CMYK come out in the same colours."""
    assert_shows_the_same(encoded(waves((577, 1023)).convert(mode), "JPEG", quality=95))


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"progressive": True}), ("MPO", {"save_all": True})])
def test_other_jpegs(kind: str, options: dict[str, object]) -> None:
    """So do a progressive JPEG and the first picture of several in one file."""
    more = {"append_images": [waves((300, 300))]} if kind == "MPO" else {}
    assert_shows_the_same(encoded(waves((577, 1023)), kind, quality=95, **options, **more))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation: int) -> None:
    """A photo taken with the camera on its side is seen, and measured, upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_shows_the_same(encoded(waves((577, 1023)), "JPEG", quality=95, exif=exif))


def test_a_large_photo_needs_little_memory() -> None:
    """A JPEG of 12 megapixels, which as a whole takes 48 MB, is decoded in half of that; a PNG cannot be."""
    photo = noise((4000, 3000))
    with contextlib.closing(Sandbox(1, Cost(30, 24 * 1024 * 1024), LIMITS)) as sandbox:
        picture = sandbox.decode(encoded(photo, "JPEG"), VIEWS).result(60)
        assert (picture.width, picture.height) == (4000, 3000)
        with pytest.raises(TooManyPixels, match="memory"):
            sandbox.decode(encoded(photo, "PNG", compress_level=1), VIEWS).result(60)


def test_limits_are_on_the_whole() -> None:
    """What is decoded smaller is still refused for the pixels that it has."""
    with pytest.raises(TooManyPixels, match="1,000,000 pixels; at most 999,999"):
        decode(encoded(noise((1000, 1000)), "JPEG"), VIEWS, Limits(999_999, 100))


@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_half_a_photo_is_broken(part: float) -> None:
    """What is decoded smaller has to be complete all the same."""
    data = encoded(waves((1000, 1000)), "JPEG")
    with pytest.raises(BrokenImage, match="Save it anew"):
        decode(data[: int(len(data) * part)], VIEWS, LIMITS)
