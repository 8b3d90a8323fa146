"""Which class each file of an archive is of: the name of its folder, below the folders that all of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_LABEL = 100  # characters
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".jfif")


class Unlabelled(ValueError):
    """A file that is of no class; the message says why."""


class Layout(NamedTuple):
    """How many folders lie above those of the classes."""

    depth: int

    def label(self, path: str) -> str:
        """Name the class of a file.

        Raises:
            Unlabelled: it has none.
        """
        parts = path.split("/")
        if len(parts) < self.depth + 2:
            raise Unlabelled("It lies in no class's folder: each class has one, with its photographs in it.")
        return checked(parts[self.depth])

    def below(self, path: str) -> str:
        """Return a path without what lies above the classes."""
        return "/".join(path.split("/")[self.depth :])

    def folder(self, path: str) -> str | None:
        """Name the class whose folder this is, or is in; None where it lies above them."""
        parts = path.split("/")
        return parts[self.depth] if len(parts) > self.depth else None


def checked(label: str) -> str:
    """Return a class's name.

    Raises:
        Unlabelled: it is too long.
    """
    if len(label) > MOST_LABEL:
        raise Unlabelled(f"Its class's name has more than {MOST_LABEL} characters.")
    return label


def layout(paths: Iterable[str]) -> Layout:
    """Find out how deep the classes' folders lie: a folder that all files share is none, if there are folders in it."""
    split = [path.split("/") for path in paths]
    depth = 0
    while _is_shared(split, depth):
        depth += 1
    return Layout(depth)


def looks_like_a_picture(path: str) -> bool:
    """Say whether a file that could not be read was meant to be a picture."""
    return path.lower().endswith(PICTURES)


def _is_shared(split: Sequence[Sequence[str]], depth: int) -> bool:
    folders = {parts[depth] if len(parts) > depth + 1 else None for parts in split}
    return len(folders) == 1 and None not in folders and any(len(parts) > depth + 2 for parts in split)
