import io
import math
import subprocess
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from bestguess.schemas.report import Report
from support.training_reports import findings_of, report_of
from vision.pictures.render import SHARPNESS, Kind, opened
from vision.pictures.report import HEIGHT, WIDTH, draw, percent
from vision.pictures.report_curves import ticks
from vision.pictures.report_matrix import ink_on
from vision.pictures.sheet import BEST, WRONG, width_of

SVG = "{http://www.w3.org/2000/svg}"
DIGITS = [str(digit) for digit in range(10)]
SAID = [(digit, digit) for digit in range(10)] * 20 + [(4, 9)] * 12 + [(7, 2)] * 28
LONG = ["Staffordshire bull terrier", "<b>cup</b>", "日本語の長い名前です", "Größenwahn", *map(str, range(16))]


def _root(report: Report) -> ET.Element:
    return ET.fromstring(draw(report, "svg"))  # noqa: S314 - our own


def _texts(report: Report) -> list[str]:
    return [text.text or "" for text in _root(report).iter(f"{SVG}text")]


def test_says_how_good_and_what_of() -> None:
    """The picture has the accuracy, what the network was trained on, its parameters, and the date."""
    texts = _texts(report_of(findings_of(DIGITS, SAID), steps=1000, seed=None, freeze=True, learning_rate=0.001))
    assert texts[:4] == [
        "83.3 %",
        "right on 240 test images",
        "macro F1 0.8715",
        "Trained on 800 images of my pets; tested on others",
    ]
    assert texts[-1] == "23 November 2026 · job_1 · steps 1000 · freeze yes · learning rate 0.001"


def test_matrix_and_bars() -> None:
    """Each number of the matrix that is not zero is there, and the lowest precision and recall are in orange."""
    root = _root(report_of(findings_of(DIGITS, SAID)))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert [texts.count(number) for number in ("12", "28")] == [1, 1]
    orange = [text.text for text in root.iter(f"{SVG}text") if text.get("fill") == WRONG]
    assert orange[:2] == ["41.7 %", "41.7 %"]


def test_mistakes_say_what_was_said() -> None:
    """Each of the 25 worst has its image, what it is, and what was said with its score."""
    report = report_of(findings_of(DIGITS, SAID))
    root = _root(report)
    images = [image.get("href", "") for image in root.iter(f"{SVG}image")]
    assert [opened(image).size for image in images] == [(28, 28)] * 25
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "The 25 worst of 40 mistakes" in texts
    said = [f"{each.predicted}, {100 * each.score:.0f} %" for each in report.worst_mistakes]
    assert said[0] == "2, 96 %"
    assert [text for text in texts if text in said] == said


def test_curves() -> None:
    """Accuracy and loss are lines through all their points, and validation accuracy is one more."""
    lines = list(_root(report_of(findings_of(DIGITS, SAID))).iter(f"{SVG}polyline"))
    curves = [line.get("points", "").split() for line in lines if line.get("stroke") == BEST]
    assert [len(points) for points in curves] == [10, 10]
    heights = [float(point.split(",")[1]) for point in curves[0]]
    assert heights == sorted(heights, reverse=True)
    validated = _root(report_of(findings_of(DIGITS, SAID), validated=True))
    thick = [line for line in validated.iter(f"{SVG}polyline") if line.get("stroke-width") == "2"]
    assert len(thick) == 3


def test_only_all_are_all() -> None:
    """A recall just below one is not written as 100 %."""
    findings = findings_of(["a", "b"], [(0, 0)] * 4000 + [(0, 1)] + [(1, 1)])
    texts = _texts(report_of(findings))
    assert texts.count("99.9 %") == 1
    assert texts.count("100.0 %") == 2


@pytest.mark.parametrize("points", [0, 1, 2, 5000])
@pytest.mark.parametrize("kind", ["svg", "png"])
def test_short_and_long_curves(kind: Kind, points: int) -> None:
    """A curve of no, one or very many points is drawn, in a bounded file."""
    assert 4000 < len(draw(report_of(findings_of(["a", "b"], [(0, 0)]), points), kind)) < 300_000


def test_no_mistakes() -> None:
    """A network without a mistake has a picture that says so."""
    texts = _texts(report_of(findings_of(DIGITS, [(digit, digit) for digit in range(10)])))
    assert texts[0] == "100.0 %"
    assert "every one is right" in texts


@pytest.mark.parametrize("classes", [DIGITS, LONG, LONG[:2], ["a"], ["", " "]])
@pytest.mark.parametrize("count", [1, 100_000])
def test_nothing_overflows(classes: list[str], count: int) -> None:
    """Whatever the classes are called and however many images there are, no text leaves the picture."""
    said = [(index, (index * 3) % len(classes)) for index in range(len(classes))] * 2
    findings = findings_of(classes, said, (40, 20, 3))
    matrix = [[count * number for number in row] for row in findings.confusion_matrix]
    params = {f"a parameter {number}": "and its value" for number in range(30)}
    root = _root(report_of(findings.model_copy(update={"confusion_matrix": matrix}), **params))
    for text in root.iter(f"{SVG}text"):
        left, right, top = _extent(text)
        assert left >= 20, text.text
        assert right <= WIDTH - 20, text.text
        assert top >= 100 or not text.get("transform"), text.text
        assert float(text.get("y", "")) <= HEIGHT - 10


def _extent(text: ET.Element) -> tuple[float, float, float]:
    x, y, size = (float(text.get(key, "")) for key in ("x", "y", "font-size"))
    width = width_of(text.text or "", int(size))
    if text.get("transform"):
        return x - size, x, y - width
    start = {"middle": x - width / 2, "end": x - width}.get(text.get("text-anchor", ""), x)
    return start, start + width, y - size


def test_png_is_the_svg() -> None:
    """The PNG is 16:9, sharper than the layout, and has the same matrix in the same colours."""
    report = report_of(findings_of(DIGITS, SAID))
    image = Image.open(io.BytesIO(draw(report, "png")))
    assert image.size == (WIDTH * SHARPNESS, HEIGHT * SHARPNESS)
    assert image.width * 9 == image.height * 16
    pixels = np.asarray(image)
    cells = [box for box in _root(report).iter(f"{SVG}rect") if box.get("rx") == "3.00"]
    assert len(cells) == 100
    for cell in cells:
        x, y = (round((float(cell.get(key, "")) + 5) * SHARPNESS) for key in ("x", "y"))
        assert bytes(pixels[y, x]).hex() == cell.get("fill", "")[1:]


def test_ticks() -> None:
    """Ticks are round numbers that enclose what is shown."""
    assert ticks(0, 1000, 3) == [0, 500, 1000]
    assert ticks(0.83, 1, 4) == pytest.approx([0.8, 0.85, 0.9, 0.95, 1.0])
    assert ticks(0, 0, 4) == pytest.approx([0, 0.5, 1])
    assert ticks(0, 2.3, 4) == [0, 1, 2, 3]
    for power in range(-9, 9):
        marks = ticks(0, 1.7 * 10.0**power, 4)
        assert marks[-1] >= 1.7 * 10.0**power
        assert 3 <= len(marks) <= 6


def test_percentages_are_not_rounded_to_all() -> None:
    """Only what is all of them is 100 %."""
    assert percent(0.9901, 10_000) == "99.01 %"
    for count in (2, 9, 99, 1000, 10_000, 60_000, 99_999):
        assert not percent((count - 1) / count, count).startswith("100")
        assert math.isclose(float(percent(1, count)[:-2]), 100)


def test_letters_are_read_on_every_colour() -> None:
    """Letters are white on deep colours, dark on pale ones."""
    assert {ink_on(colour) for colour in (BEST, WRONG, "#000000")} == {"#ffffff"}
    assert {ink_on(colour) for colour in ("#ffffff", "#fde6d8", "#f4f6f8")} == {"#1a1d21"}


def test_drawing_needs_no_tensorflow() -> None:
    """A report is read and drawn without TensorFlow."""
    code = (
        "import sys, vision.pictures.report, bestguess.schemas.report;"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
