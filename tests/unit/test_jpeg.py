import io

from PIL import Image

from support.images import encoded, jpeg_with_scans, noise
from vision.decode.images import count_scans


def test_baseline_has_one_scan() -> None:
    """An ordinary JPEG has one scan."""
    assert count_scans(encoded(noise((64, 64)), "JPEG"), 1000) == 1


def test_every_scan_counts() -> None:
    """A progressive JPEG has as many scans as were written into it, and Pillow decodes it all the same."""
    data = jpeg_with_scans(306)
    assert count_scans(data, 1000) == 306
    Image.open(io.BytesIO(data)).load()


def test_counting_stops() -> None:
    """Counting ends as soon as there are enough to refuse the file."""
    assert count_scans(jpeg_with_scans(306), 101) == 101


def test_what_follows_the_end_does_not_count() -> None:
    """A video behind the picture, as phones put it there, is no scan of it."""
    assert count_scans(encoded(noise((64, 64)), "JPEG") + b"\xff\xda" * 500, 1000) == 1


def test_what_lies_in_metadata_does_not_count() -> None:
    """A thumbnail within a segment of metadata is no scan of the picture."""
    data = encoded(noise((64, 64)), "JPEG")
    segment = b"\xff\xda" * 200
    comment = b"\xff\xfe" + (len(segment) + 2).to_bytes(2, "big") + segment
    assert count_scans(data[:2] + comment + data[2:], 1000) == 1


def test_a_reserved_marker_hides_nothing() -> None:
    """A marker that libjpeg skips alone does not hide what follows, whatever length is written behind it."""
    data = encoded(noise((64, 64)), "JPEG")
    assert count_scans(data[:-10] + b"\xff\x02\xf0\0" + b"\xff\xda\0\x02" * 200 + data[-10:], 1000) >= 200


def test_fill_bytes_hide_nothing() -> None:
    """A marker may have any number of FF before it."""
    data = encoded(noise((64, 64)), "JPEG")
    assert count_scans(data[:-2] + b"\xff\xff\xff\xda\0\x02" * 5 + data[-2:], 1000) == 6


def test_nothing_but_fill_bytes() -> None:
    """Millions of FF that lead to no marker are read once, not once for each of them."""
    assert count_scans(b"\xff\xd8" + b"\xff" * 5_000_000 + b"\0", 1000) == 0


def test_other_files_have_none() -> None:
    """What is no JPEG has no scans, whatever bytes are in it."""
    assert count_scans(b"\x89PNG" + b"\xff\xda" * 500, 1000) == 0
