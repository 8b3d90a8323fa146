import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from vision.pictures.render import SHARPNESS, Kind, data_uri, draw_sheet, opened
from vision.pictures.sheet import BEST, INK, WRONG, Box, Line, Photo, Sheet, Text, fitted, paintable, width_of

SVG = "{http://www.w3.org/2000/svg}"


def _pixels(*shapes: Box | Line | Photo | Text) -> np.ndarray:
    picture = Image.open(io.BytesIO(draw_sheet(Sheet(100, 100, "a sheet", shapes), "png")))
    assert picture.size == (100 * SHARPNESS, 100 * SHARPNESS)
    return np.asarray(picture)


def _svg(*shapes: Box | Line | Photo | Text) -> ET.Element:
    return ET.fromstring(draw_sheet(Sheet(100, 100, "a <sheet>", shapes), "svg"))  # noqa: S314 - our own


def _extent(pixels: np.ndarray) -> tuple[int, int]:
    rows, columns = np.nonzero((pixels < 128).all(axis=2))
    return int(np.ptp(rows)), int(np.ptp(columns))


def test_shapes_are_where_they_should_be() -> None:
    """In the PNG a box, a line and an image have their colour at their place, and the paper is white around them."""
    photo = Photo(10, 70, 20, 20, Image.new("RGB", (2, 2), (0, 128, 0)), "PNG")
    pixels = _pixels(Box(10, 10, 20, 20, BEST), Line([(50, 20), (90, 20)], WRONG, 4), photo)
    at = {place: tuple(pixels[place[1] * 2, place[0] * 2]) for place in ((20, 20), (70, 20), (20, 80), (40, 50))}
    assert at == {
        (20, 20): (0x25, 0x63, 0xEB),
        (70, 20): (0xD9, 0x48, 0x0F),
        (20, 80): (0, 128, 0),
        (40, 50): (255, 255, 255),
    }


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_nothing_is_too_small(kind: Kind) -> None:
    """A shape without any extent is drawn, or not, and breaks nothing."""
    shapes = [Box(5, 5, 0, 0, INK, 3), Line([(1, 1), (1, 1)], INK), Text(1, 1, 7, INK, "")]
    assert len(draw_sheet(Sheet(1, 1, "", shapes), kind)) > 50


def test_upright_text_is_flat_text_turned() -> None:
    """A text that reads upwards is as high as the flat one is wide."""
    flat = _extent(_pixels(Text(10, 50, 15, "#000000", "Wide words")))
    tall = _extent(_pixels(Text(50, 90, 15, "#000000", "Wide words", upwards=True)))
    assert flat[1] > 2 * flat[0]
    assert tall == pytest.approx((flat[1], flat[0]), abs=2)


def test_measure_is_what_is_painted() -> None:
    """A text is as wide in the PNG as it was measured, and the SVG tells its reader to keep to that."""
    width = width_of("Staffordshire", 15)
    assert _extent(_pixels(Text(2, 50, 15, "#000000", "Staffordshire")))[1] / SHARPNESS == pytest.approx(width, abs=3)
    text = next(_svg(Text(2, 50, 15, INK, "Staffordshire")).iter(f"{SVG}text"))
    assert float(text.get("textLength", "")) == pytest.approx(width, abs=0.01)


@pytest.mark.parametrize("words", ["a rather long name of a class", "日本語の長い名前", "i" * 60, "Ж" * 40])
@pytest.mark.parametrize("room", [0, 10, 50.5, 90])
def test_fitted(words: str, room: float) -> None:
    """What does not fit is shortened, with an ellipsis, to what does; what fits is left alone."""
    short = fitted(words, 12, room)
    assert short.endswith("…")
    assert len(short) == 1 or width_of(short, 12) <= room
    assert fitted(words, 12, 1000) == words


def test_letters_that_the_font_lacks() -> None:
    """In the PNG accents are left out and what else the font lacks becomes question marks; the SVG has every letter."""
    assert paintable("crème brûlée … 50 %") == "creme brulee … 50 %"
    assert paintable("人 and я") == "? and ?"
    assert [text.text for text in _svg(Text(0, 9, 9, INK, "crème 人")).iter(f"{SVG}text")] == ["crème 人"]
    assert _pixels(Text(0, 90, 40, INK, "人")).min() < 100


def test_hostile_words() -> None:
    """Words are never markup, whatever they are, and what XML forbids is left out."""
    words = "<script>alert('1')</script> & \"two\"\x00\x1b\ud800\nlines"
    [text] = _svg(Text(0, 9, 9, INK, words)).iter(f"{SVG}text")
    assert text.text == "<script>alert('1')</script> & \"two\"    lines"
    assert _pixels(Text(0, 50, 9, INK, words)).min() < 100


def test_svg_stands_alone() -> None:
    """The SVG contains its images, and has no link, no script and no style from elsewhere."""
    root = _svg(Photo(0, 0, 9, 9, Image.new("RGB", (3, 3))), Text(0, 9, 9, INK, "https://example.org"))
    links = [value for node in root.iter() for key, value in node.items() if key.endswith("href")]
    assert [link[:23] for link in links] == ["data:image/jpeg;base64,"]
    assert {node.tag.removeprefix(SVG) for node in root.iter()} == {"svg", "rect", "image", "text"}
    assert root.get("aria-label") == "a <sheet>"


def test_data_uri() -> None:
    """An image written as a PNG URI is read as the same image; another URI, or a broken one, is refused."""
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    assert np.array_equal(np.asarray(opened(data_uri(image, "PNG"))), np.asarray(image))
    for wrong in (data_uri(image, "JPEG"), "https://example.org/a.png", "data:image/png;base64,*"):
        with pytest.raises(ValueError, match=r"PNG|base64"):
            opened(wrong)
    with pytest.raises(OSError, match="cannot identify"):
        opened("data:image/png;base64,aGVsbG8=")
