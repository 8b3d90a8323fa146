"""What a fine-tuning takes, and what its history looks like."""

import pytest
from pydantic import ValidationError

from bestguess.schemas.job_params import FinetuneParams
from bestguess.schemas.jobs import EpochEntry, HistoryEntry, Progress
from jobs.replies import job


def test_the_tutorials_choices_are_the_defaults() -> None:
    """SGD at 0.001, ten epochs, no change of the photographs, all but the last three layers frozen."""
    params = FinetuneParams(dataset_id="ds_1")
    chosen = params.base, params.optimizer, params.learning_rate, params.epochs, params.augment, params.freeze
    assert chosen == ("vgg16", "sgd", 0.001, 10, (), None)


@pytest.mark.parametrize(
    ("augment", "meant"), [(True, ("flip", "crop", "colour")), (False, ()), (["crop"], ("crop",)), ([], ())]
)
def test_changes_are_named_or_all(augment: object, meant: tuple[str, ...]) -> None:
    """True asks for every change of a photograph, a list for some."""
    assert FinetuneParams.model_validate({"dataset_id": "ds_1", "augment": augment}).augment == meant


@pytest.mark.parametrize(
    "wrong",
    [
        {"augment": ["flip", "flip"]},
        {"augment": ["turn"]},
        {"patience": 2, "validation_split": 0},
        {"freeze": -1},
        {"class_weights": {"cat": 0}},
        {"class_weights": "equal"},
        {"learning_rate": float("inf")},
        {"batch_size": 0},
        {"steps": 3},
    ],
)
def test_what_cannot_be_done_is_refused(wrong: dict[str, object]) -> None:
    """A parameter that means nothing is an error, and so is one that there is not."""
    with pytest.raises(ValidationError):
        FinetuneParams.model_validate({"dataset_id": "ds_1"} | wrong)


def test_each_history_keeps_its_own_shape() -> None:
    """An epoch is read back as an epoch, and a report of a training in steps as what it was."""
    entries = [
        EpochEntry(step=9, train_accuracy=0.5, loss=1, epoch=1, validation_accuracy=0.25, validation_loss=2),
        HistoryEntry(step=9, train_accuracy=0.5, loss=1),
    ]
    record = ["status", "queued", "kind", "finetune", "created_at", "1", "params", "{}", "progress", "{}"]
    record += ["attempt", "0"]
    read = job(["job", "job_1", record, [entry.model_dump_json() for entry in entries]], "job_1")
    assert read.history == entries
    assert "epoch" not in read.model_dump()["history"][1]


def test_progress_in_steps_says_nothing_of_epochs() -> None:
    """What only a training in epochs has is not there for others."""
    assert "epoch" not in Progress(step=1).model_dump()
    assert Progress(epoch=2, total_epochs=10).model_dump()["epoch"] == 2
