import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bestguess.schemas.jobs import JobStatus
from jobs import aliases, registrations
from jobs.errors import InvalidAlias, ModelNotFound
from jobs.trained import rank_of
from jobs.transitions import finish
from support.job_store import outcome

JOB = "job_01a2077937a3fa8e715bec5ed58e"  # the same in each process, so that tests can be divided


def reply(result: dict[str, Any]) -> list[Any]:
    """Write a model's hash as Redis replies with it."""
    record = {"kind": "mnist-train", "created_at": "1763870000123", "params": '{"steps": 10}'}
    return ["model", JOB, [word for pair in {**record, "result": json.dumps(result)}.items() for word in pair]]


def standing(test_accuracy: float | None, *, official: bool) -> float:
    """How a model stands beside others."""
    return float(rank_of(JOB, outcome(JOB, test_accuracy, official=official)))


def test_a_record_becomes_a_model() -> None:
    """A record becomes a model with its facts, what only its kind of job says, and a time in UTC."""
    result = outcome(JOB) | {"epochs_run": 3}
    model = registrations.model(reply(result), JOB)
    assert (model.id, model.job_id, model.kind, model.owner) == (JOB, JOB, "mnist-train", "")
    assert model.params == {"steps": 10}
    assert (model.test_accuracy, model.seed, model.bytes, model.sha256) == (0.9, 7, 13_000_000, "f" * 64)
    assert (model.files["report.json"].bytes, model.dataset["official"]) == (99, True)
    assert model.result == result
    assert model.created_at == datetime(2025, 11, 23, 3, 53, 20, 123000, UTC)
    assert json.loads(model.model_dump_json())["created_at"] == "2025-11-23T03:53:20.123000Z"


def test_other_kinds_of_models() -> None:
    """A model may have been validated instead of tested, and know nothing of data set, seed or precision."""
    model = registrations.model(reply({"validation_accuracy": 0.8, "sha256": "a", "bytes": 1}), JOB)
    assert (model.validation_accuracy, model.test_accuracy, model.dataset, model.files) == (0.8, None, {}, {})


def test_a_result_cannot_pose_as_something_else() -> None:
    """What the registry itself knows of a model is not what the job's result says of it."""
    model = registrations.model(reply(outcome(JOB) | {"id": "best", "kind": "x", "owner": "y", "params": {}}), JOB)
    assert (model.id, model.kind, model.owner, model.params) == (JOB, "mnist-train", "", {"steps": 10})


def test_standing() -> None:
    """What was tested on an official set comes before all else, then test accuracy counts, and none is the least."""
    stands = [
        standing(None, official=False),
        standing(0.0, official=False),
        standing(1.0, official=False),
        standing(None, official=True),
        standing(0.0, official=True),
        standing(0.9911, official=True),
        standing(0.9912, official=True),
        standing(1.0, official=True),
    ]
    assert stands == sorted(set(stands))


@pytest.mark.parametrize("official", ["yes", 1, None])
def test_official_is_said_plainly(official: object) -> None:
    """A data set is official if its description says exactly that, and not by something that is almost true."""
    result = outcome(JOB, 0.5) | {"dataset": {"name": "x", "official": official}}
    assert float(rank_of(JOB, result)) == 0.5


@pytest.mark.parametrize("result", [None, {}, {"test_accuracy": 0.5}])
def test_a_job_without_a_model(result: dict[str, Any] | None) -> None:
    """A job whose result names no model has none to be registered."""
    assert rank_of(JOB, result) == ""


@pytest.mark.parametrize(
    "wrong",
    [{"model_id": "m"}, {"model_id": None}, {"sha256": None}, {"bytes": "many"}, {"test_accuracy": 1.1}, {"files": []}],
)
def test_what_could_not_be_read_again(wrong: dict[str, Any]) -> None:
    """A result that makes no readable record of its model is refused before the job ends with it."""
    with pytest.raises(ValueError, match=r"validation error|has none"):
        finish(JOB, 1, JobStatus.SUCCEEDED, outcome(JOB) | wrong, None)


@pytest.mark.parametrize("name", ["a", "0", "v1.2", "my-best_one", "latest2", "a" * 64, "job_1"])
def test_names_for_models(name: str) -> None:
    """Small letters, digits, dots, dashes and underscores make an alias."""
    assert aliases.check(name, ["vgg16"]) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *[(name, "1 to 64 of a-z") for name in ("", "A", "a b", "-a", ".", "..", "_a", "a/b", "ä", "a\n", "a" * 65)],
        ("latest", "newest"),
        ("best", "best test accuracy"),
        ("aliases", "where aliases are set"),
        ("vgg16", "another model"),
        (JOB, "model's id"),
    ],
)
def test_names_for_nothing(name: str, reason: str) -> None:
    """A name that is taken, or none, is refused with the reason in words."""
    with pytest.raises(InvalidAlias, match=reason) as refused:
        registrations.set_alias(name, "best", {"vgg16"})
    assert reason in refused.value.reason


@pytest.mark.parametrize("call", [registrations.drop_alias, lambda name: registrations.set_alias(name, "x", ())])
@pytest.mark.parametrize("name", ["latest", "best"])
def test_what_goes_by_itself(call: Callable[[str], object], name: str) -> None:
    """`latest` and `best` can be neither set nor dropped."""
    with pytest.raises(InvalidAlias, match="always names"):
        call(name)


def test_messages_are_bounded() -> None:
    """An error does not repeat more of a name than helps."""
    with pytest.raises(ModelNotFound) as missing:
        registrations.get("x" * 5000, "*").parse(["missing"])
    assert len(str(missing.value)) < 200


def test_no_number_of_models() -> None:
    """Nobody can keep fewer than no models."""
    with pytest.raises(ValueError, match="-1"):
        registrations.surplus(-1)
