"""Small valid files of each format, from which mutations are made."""

from __future__ import annotations

from PIL import Image, PngImagePlugin

from support.images import encoded, noise

SIZE = (37, 23)  # odd, and no multiple of a block


def seeds() -> list[bytes]:
    """Write them; always the same."""
    return [*_jpegs(), *_pngs(), *_webps(), *_gifs(), *_bmps()]


def _jpegs() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        encoded(noise(SIZE), "JPEG"),
        encoded(noise(SIZE), "JPEG", progressive=True),
        encoded(noise((64, 48)), "JPEG", subsampling=2, restart_marker_blocks=1),
        encoded(noise(SIZE, "L"), "JPEG", exif=exif),
        encoded(noise(SIZE, "CMYK"), "JPEG", icc_profile=b"not a profile" * 9),
        encoded(noise((2000, 1500)), "JPEG", quality=30),  # decoded at a part of its size
    ]


def _pngs() -> list[bytes]:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "words " * 50, zip=True)
    text.add_itxt("Titel", "Wörter", zip=True)
    modes = [encoded(noise(SIZE, mode), "PNG") for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")]
    return [
        *modes,
        encoded(noise(SIZE, "P"), "PNG", transparency=3),
        encoded(noise(SIZE), "PNG", pnginfo=text),
        _apng(),
    ]


def _apng() -> bytes:
    frames = [noise(SIZE, seed=seed) for seed in range(3)]
    return encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50)


def _webps() -> list[bytes]:
    frames = [noise(SIZE, "RGBA", seed) for seed in range(2)]
    return [
        encoded(noise(SIZE), "WEBP"),
        encoded(noise(SIZE, "RGBA"), "WEBP"),
        encoded(noise(SIZE), "WEBP", lossless=True),
        encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=50),
    ]


def _gifs() -> list[bytes]:
    frames = [noise(SIZE, "P", seed) for seed in range(3)]
    animated = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], transparency=1, disposal=2)
    return [
        encoded(frames[0], "GIF"),
        encoded(noise(SIZE, "1"), "GIF"),
        animated,
        encoded(frames[0], "GIF", interlace=1),
    ]


def _bmps() -> list[bytes]:
    return [encoded(noise(SIZE, mode), "BMP") for mode in ("RGB", "L", "P", "1", "RGBA")]
