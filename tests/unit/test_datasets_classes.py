"""Which class a file is of, and what a data set is in figures."""

import re

import pytest

from app.errors import Invalid
from app.openapi import LABEL, NAME
from app.services.dataset_ingest import MAX_REJECTED, IngestResult, Photograph, add_labelled, parse_label
from jobs.datasets.archives.names import hides
from jobs.datasets.classes import Unlabelled, layout
from jobs.datasets.model import Entry, Index
from jobs.datasets.publishing import Spot
from jobs.datasets.summary import content_hash, summary


@pytest.mark.parametrize(
    ("paths", "depth"),
    [
        (["cats/1.png", "dogs/1.png"], 0),
        (["top/cats/1.png", "top/dogs/1.png"], 1),
        (["a/b/c/cats/1.png", "a/b/c/dogs/1.png"], 3),
        (["cats/1.png", "cats/2.png"], 0),
        (["cats/kittens/1.png", "dogs/1.png"], 0),
        (["top/cats/1.png", "dogs/1.png"], 0),
        (["top/1.png", "top/cats/1.png"], 1),
        (["1.png", "cats/1.png"], 0),
        (["1.png"], 0),
        ([], 0),
    ],
)
def test_folders_above_the_classes(paths: list[str], depth: int) -> None:
    """A folder that has everything in it, and folders for the classes, is above them; another is a class."""
    assert layout(paths).depth == depth


def test_labels() -> None:
    """A class is called as its folder, whatever is in that; a file above has none, and a name may be so long."""
    found = layout(["top/cats/1.png", "top/dogs/puppies/2.png"])
    assert [found.label(path) for path in ("top/cats/1.png", "top/dogs/puppies/2.png")] == ["cats", "dogs"]
    assert found.below("top/dogs/puppies/2.png") == "dogs/puppies/2.png"
    assert [found.folder(path) for path in ("top", "top/cats", "top/cats/old")] == [None, "cats", "cats"]
    for path, words in (("top/1.png", "no class's folder"), (f"top/{'x' * 101}/1.png", "100 characters")):
        with pytest.raises(Unlabelled, match=words):
            found.label(path)


def entry(path: str, sha256: str, side: int) -> Entry:
    """A photograph of which the content does not matter."""
    about = {"part": 0, "offset": 0, "bytes": 10 * side, "width": side, "height": 2 * side, "format": "PNG"}
    return Entry(path=path, label=path.partition("/")[0], sha256=sha256, **about)


def test_figures() -> None:
    """Each class has its number, its bytes, its range of sizes, and samples of which none is there twice."""
    found = summary(
        Index(photographs=[entry("b/1", "x", 3), entry("a/1", "y", 5), entry("b/2", "x", 3), entry("b/3", "z", 1)])
    )
    assert [(one.name, one.images, one.bytes, one.samples) for one in found.classes] == [
        ("a", 1, 50, ["y"]),
        ("b", 3, 70, ["x", "z"]),
    ]
    assert (found.classes[1].width.min, found.classes[1].width.max, found.classes[1].height.max) == (1, 3, 6)
    assert (found.images, found.bytes, found.duplicates_total, found.mixed) == (4, 120, 1, 0)


def test_the_hash_of_a_content() -> None:
    """It is what its documentation says, so that others can compute it: order aside, each photograph counts."""
    # printf '[["a",["1","2"]],["b",["3"]]]' | sha256sum
    known = "9bb76e4fd075c3a306eb079dd6bfcdc355e11a337c616f835e145eac9be56c70"
    assert content_hash({"b": ["3"], "a": ["2", "1"]}) == known
    others = ({"a": ["1", "2", "2"], "b": ["3"]}, {"a": ["1"], "b": ["2", "3"]}, {"a": ["1", "2"], "c": ["3"]})
    assert all(content_hash(other) != known for other in others)


def test_files_that_are_refused_again_and_again() -> None:
    """However often files are refused, each is kept once for each reason; many are cut, and all are counted."""
    index = Index()
    for number in range(3):
        result = IngestResult([Photograph(f"cats/{number}.png", f"{number}" * 64, Spot(number, 0, 1), 1, 1, "PNG")])
        result.reject("cats/x.png", "broken")
        result.reject("cats/x.png", f"broken in another way {number % 2}")
        index, _, _ = add_labelled(index, result)
    assert [one.reason[-1] for one in index.rejected] == ["n", "0", "1"]
    for number in range(2):
        many = IngestResult([Photograph(f"cats/9{number}.png", f"9{number}" * 32, Spot(9, 0, 1), 1, 1, "PNG")])
        for refused in range(MAX_REJECTED):
            many.reject(f"cats/{number}-{refused}.png", "broken")
        index, _, _ = add_labelled(index, many)
    assert (len(index.rejected), summary(index).rejected_total) == (MAX_REJECTED, 3 + 2 * MAX_REJECTED)


def test_the_patterns_of_names() -> None:
    """The OpenAPI document's pattern for a data set's name takes the characters that the service takes."""
    characters = [chr(code) for code in range(0x3100)]  # spaces, controls and marks of direction are among these
    assert [one for one in characters if bool(re.search(NAME, f"a{one}b")) == hides(one)] == []
    assert [one for one in characters if bool(re.search(NAME, one)) != bool(one.strip() and not hides(one))] == []


@pytest.mark.parametrize(
    "label",
    [
        "cats",
        " cats ",
        "cats/",
        "a:",
        "\u00e9\u2003",
        "",
        " ",
        ".cats",
        "a/b",
        "a\\b",
        "C:",
        "a\0b",
        "\u202ea",
        "/",
        100 * "a",
        100 * "a" + " ",
    ],
)
def test_the_pattern_of_labels(label: str) -> None:
    """The OpenAPI document's pattern and length for a label take what the service takes."""
    try:
        taken = bool(parse_label(label))
    except Invalid:
        taken = False
    assert (len(label) <= 100 and bool(re.search(LABEL, label))) == taken
