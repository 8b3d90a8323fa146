"""How well a training does, and did, in words and rows; digits and photographs alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bestguess.cli.output import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bestguess.schemas.jobs import EpochEntry, HistoryEntry, Job

FINETUNE = "finetune"
EPOCHS = f"{'EPOCH':>7}  {'ACCURACY':>9}  {'VALIDATION':>10}  {'LOSS':>7}"
LONGEST_BAR = 30


def percent(accuracy: object) -> str:
    """Write an accuracy of 0 to 1 for people; nothing where there is none."""
    return f"{100 * accuracy:.2f} %" if isinstance(accuracy, float | int) else ""


def accuracy_of(result: Mapping[str, Any], instead: object = None) -> object:
    """Find the accuracy on what was not learned from, or else another."""
    found = (result.get(name) for name in ("test_accuracy", "validation_accuracy"))
    return next((accuracy for accuracy in found if accuracy is not None), instead)


def outcome(job: Job) -> str:
    """Say how well what a job has trained does."""
    result = job.result or {}
    name = shown((result.get("dataset") or {}).get("name", "its data"))
    accuracy = accuracy_of(result)
    if not isinstance(accuracy, float | int):
        trained = result.get("train_accuracy")
        return f"{percent(trained)} of what it learned from is right" if trained else "its accuracy is not known"
    if job.kind != FINETUNE:
        return f"{100 * accuracy:.2f} % of the test images of {name} are right"
    words = f"{100 * accuracy:.2f} % of the photographs of {name} that it has not learned from are right"
    words += f" (epoch {result.get('best_epoch')} of {result.get('epochs')} is kept)"
    random = (result.get("root_weights") or {}).get("origin") == "random"
    return f"{words}; it began with random weights" if random else words


def next_step(job: Job) -> str:
    """Say how to ask what a job has trained."""
    if job.kind == FINETUNE:
        return f"Ask it: bestguess classify --model {shown(job.id)} photo.jpg"
    return f"Ask it: bestguess digit FILE --model {shown(job.id)}"


def entry_words(entry: HistoryEntry | EpochEntry) -> str:
    """Write an entry of a history as a line."""
    words = f"{percent(entry.train_accuracy)}, loss {entry.loss:.4f}"
    epoch, validation = getattr(entry, "epoch", None), getattr(entry, "validation_accuracy", None)
    place = f"step {entry.step}" if epoch is None else f"epoch {epoch}"
    return f"{place}: {words}" + (f", validation {percent(validation)}" if validation is not None else "")


class Epochs:
    """Turns what is heard of a fine-tuning into a table that grows: its titles, then a row for each epoch, once."""

    def __init__(self) -> None:
        self._last = 0

    def heard(self, told: Mapping[str, Any], *, columns: int, blocks: bool) -> str:
        """Give the lines that follow from a progress event; mostly none."""
        epoch = int(told.get("epoch") or 0)
        if epoch <= self._last:
            return ""
        lines = [] if self._last else [EPOCHS]
        self._last = epoch
        return "\n".join([*lines, epoch_row(told, columns=columns, blocks=blocks)]) + "\n"


def epoch_row(told: Mapping[str, Any], *, columns: int, blocks: bool) -> str:
    """Lay an epoch out under the titles, with a bar of how many are right where there is room."""
    from bestguess.cli.format import bar

    validation, loss = told.get("validation_accuracy"), told.get("loss")
    of = f"{told.get('epoch')}/{told.get('total_epochs', '?')}"
    cells = [of.rjust(7), percent(told.get("train_accuracy")).rjust(9), percent(validation).rjust(10)]
    cells += [("" if loss is None else f"{loss:.4f}").rjust(7)]
    row = "  ".join(cells)
    room = min(LONGEST_BAR, columns - len(row) - 2)
    right = told.get("train_accuracy") if validation is None else validation
    drawn = bar(right, room, blocks=blocks).rstrip() if right is not None and room >= len(EPOCHS) // 4 else ""
    return f"{row}  {drawn}".rstrip()
