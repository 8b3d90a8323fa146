"""The picture formats that are accepted, and the signatures of those that people send by mistake."""

from __future__ import annotations

ACCEPTED = ("JPEG", "PNG", "WEBP", "GIF", "BMP")  # as Pillow names its decoders
# What Pillow says that it found, and what we call it: its JPEG decoder calls several JPEGs in one file, as phones make
# them, MPO.
FORMATS = {"JPEG": "JPEG", "MPO": "JPEG", "PNG": "PNG", "WEBP": "WebP", "GIF": "GIF", "BMP": "BMP"}

WEBP_HEADER = 30  # bytes
# (offset, bytes, name), each from the format's own specification.
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


def foreign_format(data: bytes) -> str | None:
    """Name the format of a file that is a picture, document or video, but not one that is accepted."""
    for offset, signature, name in SIGNATURES:
        if data.startswith(signature, offset):
            return name
    head = data[:1024].lstrip().lower()
    return "SVG" if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head else None


def webp_canvas(data: bytes) -> int:
    """Count the pixels that an extended WebP says it has, 0 for another file.

    Its decoder allocates them before Pillow can be asked (RFC 9649, 2.7: width and height less one, 24 bits each).
    """
    if not (data.startswith(b"RIFF") and data[8:16] == b"WEBPVP8X" and len(data) >= WEBP_HEADER):
        return 0
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
    return width * height
