"""What a network saw, drawn in a terminal: each letter is two pixels, one above the other."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from bestguess.cli.output import console, width

if TYPE_CHECKING:
    from PIL import Image
    from rich.text import Text

MOST = 64  # columns
RAMP = " .:-=+*#%@"  # from dark to light, for output without colours


def draw(data_uri: str) -> None:
    """Draw a picture that came as a data URI."""
    from PIL import Image

    out = console()
    with Image.open(io.BytesIO(base64.b64decode(data_uri.partition(",")[2])), formats=["PNG"]) as picture:
        picture.thumbnail((min(MOST, width()), min(MOST, width())))
        out.print(coloured(picture.convert("RGB")) if out.color_system else plain(picture.convert("L")))


def coloured(picture: Image.Image) -> Text:
    """Draw RGB with half blocks, whose two halves have the colours of two pixels."""
    from rich.style import Style
    from rich.text import Text

    text = Text()
    for y in range(0, picture.height, 2):
        for x in range(picture.width):
            upper, lower = (picture.getpixel((x, min(row, picture.height - 1))) for row in (y, y + 1))
            text.append("▀", Style.parse(f"rgb{_triple(upper)} on rgb{_triple(lower)}"))
        text.append("\n")
    text.rstrip()
    return text


def plain(picture: Image.Image) -> str:
    """Draw greys with letters, each as bright as the two pixels that it stands for."""
    half = picture.resize((picture.width, max(1, picture.height // 2)))
    letters = "".join(RAMP[value * len(RAMP) // 256] for value in half.tobytes())
    starts = range(0, len(letters), half.width)
    return "\n".join(letters[start : start + half.width].rstrip() for start in starts)


def _triple(pixel: object) -> str:
    assert isinstance(pixel, tuple)  # noqa: S101 - RGB has three
    return f"({pixel[0]},{pixel[1]},{pixel[2]})"
