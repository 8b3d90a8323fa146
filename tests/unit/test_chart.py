import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from vision.pictures.chart import Kind, draw
from vision.pictures.render import SHARPNESS

PHOTO = np.full((320, 480, 3), (200, 30, 30), np.uint8)
SVG = "{http://www.w3.org/2000/svg}"


def test_svg_says_what_it_shows() -> None:
    """Each guess is a label, a percentage, and a bar as long as its score."""
    root = ET.fromstring(draw(PHOTO, [("cup", 0.5), ("soup bowl", 0.25)], "VGG16", "svg"))  # noqa: S314 - our own
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert texts == ["What is this picture of?", "cup", "50.0%", "soup bowl", "25.0%", "VGG16"]
    widths = [float(node.get("width", "")) for node in root.iter(f"{SVG}rect") if node.get("rx")]
    assert widths[1] / widths[0] == pytest.approx(0.5)
    assert widths[3] / widths[2] == pytest.approx(0.25)


def test_words_are_never_markup() -> None:
    """A label with an angle bracket is text, whatever it says."""
    drawn = draw(PHOTO, [("<script>alert(1)</script>", 0.5)], "a & b", "svg")
    assert b"<script" not in drawn
    ET.fromstring(drawn)  # noqa: S314 - our own


def test_png_has_the_layout_of_the_svg() -> None:
    """The PNG is the same sheet, with more pixels for each of its own, and shows the photo and the best bar."""
    guesses = [("cup", 0.9), ("soup bowl", 0.1)]
    root = ET.fromstring(draw(PHOTO, guesses, "VGG16", "svg"))  # noqa: S314 - our own
    image = Image.open(io.BytesIO(draw(PHOTO, guesses, "VGG16", "png")))
    assert image.size == (int(root.get("width", "")) * SHARPNESS, int(root.get("height", "")) * SHARPNESS)
    colours = {colour for _, colour in image.getcolors(1 << 24) or []}
    assert {(200, 30, 30), (0x25, 0x63, 0xEB)} <= colours


@pytest.mark.parametrize("kind", ["svg", "png"])
@pytest.mark.parametrize("size", [(1, 1), (480, 1), (1, 480)])
def test_odd_photos(kind: Kind, size: tuple[int, int]) -> None:
    """A thin photo, and no guesses at all, still make a picture."""
    assert len(draw(np.zeros((*size, 3), np.uint8), [], "VGG16", kind)) > 500
