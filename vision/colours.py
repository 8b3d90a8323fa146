"""Colours as networks see them: 8-bit RGB, made of whatever a picture has."""

from __future__ import annotations

from PIL import Image


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
