from collections import Counter
from pathlib import Path

import pytest

from vision.networks.labels import imagenet_labels

FACTS = Path(__file__).parents[3] / "shared" / "data" / "imagenet_classes.tsv"


def test_a_thousand_distinct_classes() -> None:
    """Each of the 1,000 classes has its own WordNet id and its own name, even when capitals are ignored."""
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert len({label.wnid for label in labels}) == 1000
    assert [name for name, times in Counter(label.name.lower() for label in labels).items() if times > 1] == []


@pytest.mark.parametrize(
    ("index", "wnid", "name"),
    [(0, "n01440764", "tench"), (285, "n02124075", "Egyptian cat"), (967, "n07920052", "espresso")],
)
def test_known_classes(index: int, wnid: str, name: str) -> None:
    """A network's output has its class at the same index, named for people."""
    assert (imagenet_labels()[index].wnid, imagenet_labels()[index].name) == (wnid, name)


def test_the_facts() -> None:
    """The ids are those of Keras's order, and a name differs from Keras's only in underscores and brackets."""
    if not FACTS.is_file():
        pytest.skip(f"the class names are not at {FACTS}")
    rows = [line.split("\t") for line in FACTS.read_text().splitlines()[1:]]
    assert [label.wnid for label in imagenet_labels()] == [wnid for _, wnid, _ in rows]
    names = [label.name.partition(" (")[0].replace(" ", "_") for label in imagenet_labels()]
    assert names == [name for _, _, name in rows]
