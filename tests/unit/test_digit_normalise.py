from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from support import drawn_digits
from support.drawn_digits import BLACK, WHITE, Sheet
from vision.digits.preprocess import _stroke_width, label_pieces, normalise
from vision.errors import PROBLEMS, NoInk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Digit = NDArray[np.uint8]

MNIST = Path(__file__).parents[3] / "shared" / "data" / "mnist.npz"
FIVE = [[(90, 40), (38, 40), (34, 78)], [(34, 78), (80, 74), (96, 100), (76, 128), (32, 122)]]


def pen(strokes: list[list[tuple[int, int]]], width: int = 12, size: int = 140) -> Image.Image:
    """Draw strokes, light on dark, in a square of 140."""
    sheet = Image.new("L", (size, size))
    brush = ImageDraw.Draw(sheet)
    for stroke in strokes:
        brush.line(stroke, fill=255, width=width, joint="curve")
        for point in stroke:
            brush.circle(point, width / 2, fill=255)
    return sheet


@pytest.fixture(scope="module")
def five() -> Digit:
    """A five in MNIST's convention."""
    return normalise(pen(FIVE))


def drawn(digit: Digit, sheet: Sheet = drawn_digits.PLAIN) -> Image.Image:
    """Redraw it as an RGB picture."""
    return drawn_digits.draw(digit, sheet, np.random.default_rng(0)).convert("RGB")


def alike(one: Digit, other: Digit) -> float:
    """Correlate two images: 1 for the same."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def middle(image: Digit) -> NDArray[np.float64]:
    """Find the centre of mass."""
    return np.array([np.average(np.arange(28), weights=image.sum(axis=axis, dtype=float)) for axis in (1, 0)])


def test_mnist_is_passed_on() -> None:
    """Every one of MNIST's test images is returned bit for bit, as grey and as RGB."""
    if not MNIST.exists():
        pytest.skip(f"MNIST is not at {MNIST}")
    with np.load(MNIST) as file:
        images = file["x_test"]
    changed = [i for i, image in enumerate(images) if (normalise(Image.fromarray(image)) != image).any()]
    assert (len(images), changed) == (10_000, [])
    assert (normalise(Image.fromarray(images[0]).convert("RGB")) == images[0]).all()
    assert (normalise(Image.fromarray(images[0]).convert("RGBA")) == images[0]).all()


@pytest.mark.parametrize(
    "sheet",
    [
        Sheet(),
        Sheet(ink=WHITE, paper=BLACK),
        Sheet(off=(-0.25, 0.25)),
        Sheet(size=0.5),
        Sheet(size=2),
        Sheet(ink=(220, 60, 60), paper=(70, 130, 120)),
        Sheet(ink=(200, 200, 200), paper=(240, 240, 240)),
        Sheet(quality=10),
        Sheet(pen=3),
        Sheet(ink=(60, 60, 80), paper=(235, 230, 215), quality=60, photo=True),
        Sheet(ink=(230, 230, 220), paper=(50, 70, 60), photo=True),
    ],
    ids=str,
)
def test_convention(five: Digit, sheet: Sheet) -> None:
    """However a digit is drawn, it comes out light on dark, 20 pixels long, centred by mass, and as the same digit."""
    image = normalise(drawn(five, sheet))
    assert (image.shape, image.dtype) == ((28, 28), np.uint8)
    assert 18 <= (np.ptp(np.argwhere(image > 64), axis=0) + 1).max() <= 20
    assert np.abs(middle(image) - 14).max() <= 0.5
    assert image.max() > 200
    assert np.median(image) == 0
    assert alike(image, five) > 0.8


def test_size_28_of_another_convention(five: Digit) -> None:
    """An image of 28 x 28 is passed on only if its digit is where and as MNIST has it."""
    assert (normalise(Image.fromarray(five)) == five).all()
    assert alike(normalise(Image.fromarray(255 - five)), five) > 0.99
    moved = np.roll(five, (-3, 4), (0, 1))
    assert alike(normalise(Image.fromarray(moved)), five) > 0.99
    coloured = Image.merge("RGB", [Image.fromarray(five), Image.fromarray(five // 2), Image.new("L", (28, 28))])
    assert alike(normalise(coloured), five) > 0.98


def test_ruled_line(five: Digit) -> None:
    """A line from edge to edge, as dark as the digit, is no part of it."""
    picture = drawn(five)
    ImageDraw.Draw(picture).line([(0, 235), (280, 231)], fill=(0, 0, 0), width=3)
    assert alike(normalise(picture), five) > 0.95


def test_specks(five: Digit) -> None:
    """Specks, near and far, are no part of it."""
    picture = drawn(five)
    brush = ImageDraw.Draw(picture)
    for x, y in np.random.default_rng(0).integers(0, 280, (30, 2)).tolist():
        brush.circle((x, y), 2, fill=(0, 0, 0))
    assert alike(normalise(picture), five) > 0.9


def test_broken_strokes(five: Digit) -> None:
    """The pieces of a digit whose pen failed here and there stay together."""
    picture = drawn(five)
    brush = ImageDraw.Draw(picture)
    for x in (130, 160):
        brush.line([(x, 0), (x, 280)], fill=(255, 255, 255), width=6)
    image = normalise(picture)
    assert label_pieces(image > 100).max() >= 6
    assert alike(image, five) > 0.7


def test_shadow_at_the_edge(five: Digit) -> None:
    """The dark side of a photo is not ink, and ink that lies half in the light is."""
    pixels = np.asarray(drawn(five), np.float64)
    shade, slope = np.ones(280), np.linspace(0.35, 1, 280)
    shade[:60] = 0.45
    shaded, sloped = (Image.fromarray((pixels * light[:, None]).astype(np.uint8)) for light in (shade, slope))
    assert alike(normalise(shaded.filter(ImageFilter.GaussianBlur(1))), five) > 0.9
    assert alike(normalise(sloped), five) > 0.95


def test_sheet_of_paper(five: Digit) -> None:
    """Where a sheet lies on a table and both are seen, the digit is what is on the sheet."""
    table = Image.new("RGB", (420, 400), (110, 70, 40))
    table.paste(drawn(five), (70, 60))
    assert alike(normalise(table), five) > 0.95


@pytest.mark.parametrize("grey", [0, 255])
def test_transparent(five: Digit, grey: int) -> None:
    """Ink of any colour on nothing is seen, from RGBA."""
    cover = Image.fromarray(255 - np.asarray(drawn(five).convert("L")))
    bare = Image.merge("RGBA", [Image.new("L", cover.size, grey)] * 3 + [cover])
    assert alike(normalise(bare), five) > 0.95


def test_transparent_corners(five: Digit) -> None:
    """Paper with a few clear pixels at its corners is still paper."""
    picture = drawn(five).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 30, 30))
    assert alike(normalise(picture), five) > 0.95


def test_thin_pen() -> None:
    """A thin pen on a large sheet gives strokes that can be seen; those of a usual pen are as they were."""
    widths = [_stroke_width(normalise(pen(FIVE, width)) / np.float32(255)) for width in (1, 2, 12, 18)]
    assert min(widths) > 1.4
    assert widths[3] > widths[2] > max(widths[:2])


def test_photo_of_twelve_megapixels(five: Digit) -> None:
    """A large photo is reduced first: numpy takes less than 16 MB for it, and the digit is the same."""
    photo = drawn(five).resize((4000, 3000), Image.Resampling.BILINEAR)
    small = drawn(five).resize((400, 300), Image.Resampling.BILINEAR)
    tracemalloc.start()
    image = normalise(photo)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16_000_000
    assert alike(image, normalise(small)) > 0.97


def blanks() -> dict[str, Image.Image]:
    """Make pictures without a digit."""
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 1, 280) * np.ones((280, 1))
    speck, dust = Image.new("L", (280, 280), 255), Image.new("L", (280, 280), 255)
    ImageDraw.Draw(speck).circle((100, 100), 2, fill=0)
    for x, y in random.integers(0, 280, (300, 2)).tolist():
        ImageDraw.Draw(dust).circle((x, y), 1, fill=0)
    return {
        "white": Image.new("RGB", (280, 280), "white"),
        "black": Image.new("L", (28, 28)),
        "one colour": Image.new("RGB", (100, 50), (20, 200, 40)),
        "one pixel": Image.new("RGB", (1, 1)),
        "a strip": Image.new("RGB", (1, 5000), "red"),
        "nothing": Image.new("RGBA", (100, 100)),
        "noise": Image.fromarray(random.integers(0, 256, (280, 280, 3), np.uint8)),
        "small noise": Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)),
        "faint noise": Image.fromarray((200 + random.normal(0, 10, (280, 280, 3))).clip(0, 255).astype(np.uint8)),
        "coarse noise": Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).resize((280, 280), 0),
        "gradient": Image.fromarray((255 * ramp).astype(np.uint8)),
        "curved gradient": Image.fromarray((255 * ramp**2.2).astype(np.uint8)),
        "round gradient": Image.radial_gradient("L"),
        "shadow": Image.fromarray(np.where(ramp < 0.25, 110, 220).astype(np.uint8)).filter(ImageFilter.GaussianBlur(4)),
        "speck": speck,
        "dust": dust,
    }


@pytest.mark.parametrize("picture", blanks().values(), ids=blanks().keys())
def test_no_ink(picture: Image.Image) -> None:
    """A picture without a digit is refused, and its sender told what to do."""
    with pytest.raises(NoInk, match=r"\. (Send|Draw) "):
        normalise(picture)


def test_problem_is_known() -> None:
    """The problem passes from a decode process to the service by its name."""
    assert PROBLEMS["NoInk"] is NoInk


def test_no_tensorflow() -> None:
    """It runs in a decode process, and imports nothing that would make one heavy."""
    code = (
        "import sys, vision.digits.preprocess; print([n for n in ('tensorflow', 'keras', 'scipy') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
