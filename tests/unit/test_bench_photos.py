import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.photos import BYTES, SIZE, crop, dataset, gather, generate, jpeg
from benchmarks.processes import UsageError
from support.images import encoded, noise


def test_without_a_folder_they_are_drawn() -> None:
    """20 different JPEGs of 500 x 375 and about 110 KB are drawn, the same each time, and said to be drawn."""
    photos = gather(None)
    sizes = {Image.open(io.BytesIO(data)).size for data in photos.files}
    assert len(set(photos.files)) == 20
    assert sizes == {SIZE}
    assert all(abs(len(data) - BYTES) < BYTES / 10 for data in photos.files)
    assert photos.files[3] == jpeg(generate(3))
    assert (
        photos.description()
        == f"20 drawn, photograph-like JPEGs; {photos.counts()['mean_bytes'] / 1000:.0f} KB on average"
    )


def test_crops_fill_up_a_small_folder(tmp_path: Path) -> None:
    """A folder's JPEGs are sent as they are; crops of all its pictures, each another, make them 20."""
    (tmp_path / "a.jpg").write_bytes(own := encoded(generate(1), "JPEG"))
    (tmp_path / "b.png").write_bytes(encoded(generate(2), "PNG"))
    (tmp_path / "README.md").write_text("no picture")
    photos = gather(tmp_path)
    assert photos.files[0] == own
    assert len(set(photos.files)) == 20
    assert (photos.own, photos.crops, photos.drawn) == (1, 19, 0)
    assert photos.description().startswith("1 as they are and 19 crops of photographs; ")


def test_many_photographs_are_all_sent(tmp_path: Path) -> None:
    """Of 21 JPEGs all are sent, and no crop of any."""
    for index in range(21):
        (tmp_path / f"{index}.jpg").write_bytes(encoded(Image.new("RGB", (8, 8), (index, 0, 0)), "JPEG"))
    photos = gather(tmp_path)
    assert (len(photos.files), photos.crops) == (21, 0)


def test_a_crop_is_a_part_of_the_picture() -> None:
    """A crop of a small or tall picture has the wanted size, and its colours."""
    for size in ((30, 20), (300, 900)):
        cut = crop(Image.new("RGBA", size, (10, 200, 30, 255)), seed=4)
        assert cut.size == SIZE
        assert np.asarray(cut)[0, 0].tolist() == [10, 200, 30]


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_a_folder_without_pictures_is_refused(tmp_path: Path, name: str) -> None:
    """A folder that is not there, or has no picture, is refused with its name."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        gather(tmp_path / name)


def test_a_data_set_has_crops_of_each_photograph(tmp_path: Path) -> None:
    """Each photograph is a class of equally many crops, all different, and the same ones each time."""
    for name, size in {"a": (80, 60), "b": (40, 90)}.items():
        (tmp_path / f"{name}.png").write_bytes(encoded(noise(size), "PNG"))
    (tmp_path / "notes.txt").write_text("no photograph")
    made = dataset(tmp_path, 9)
    assert made.classes == ("a", "b")
    assert [each.label for each in made.photographs] == [0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert len({each.sha256 for each in made.photographs}) == 9
    assert made.sha256 == dataset(tmp_path, 9).sha256
    (tmp_path / "b.png").unlink()
    with pytest.raises(UsageError, match="has 1 photographs, and 2 to 100 are wanted"):
        dataset(tmp_path, 9)
    with pytest.raises(UsageError, match="nowhere"):
        dataset(tmp_path / "nowhere", 9)
