"""The 1,000 ImageNet classes, in the order of Keras's outputs, with labels written for people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Label:
    """One class: its WordNet id, as `n02124075`, or None, and what people call it, as `Egyptian cat`."""

    wnid: str | None
    name: str


@cache
def imagenet_labels() -> tuple[Label, ...]:
    """Read the table of the ILSVRC-2012 classes; the index in it is the index of a network's output.

    The source is the order of Keras's `imagenet_class_index.json`. Four names that it gives to two classes each, or
    that differ only in a capital, are told apart in brackets: crane, crane, maillot, Cardigan.
    """
    table = (files("vision") / "imagenet_classes.tsv").read_text(encoding="utf-8")
    return tuple(Label(*line.split("\t")) for line in table.splitlines()[1:])
