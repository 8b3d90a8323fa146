import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from redis._parsers.base import BaseParser
from redis.exceptions import ResponseError

from bestguess.schemas.job_params import MnistParams
from bestguess.schemas.jobs import Event, HistoryEntry, Job, JobStatus, Progress
from jobs import replies, transitions
from jobs.connection import translated
from jobs.errors import InvalidCursor, RecordDamaged, StoreUnavailable
from jobs.ids import JOB_ID, made_at, new_job_id

RECORD = {
    "kind": "mnist-train",
    "status": "running",
    "created_at": "1763870000123",
    "started_at": "1763870001000",
    "params": '{"steps": 10}',
    "attempt": "2",
}


def flat(record: dict[str, str]) -> list[str]:
    """Write a hash as Redis replies with it."""
    return [word for pair in record.items() for word in pair]


def test_ids_sort_by_time() -> None:
    """A new id sorts after older ones, tells when it was made, and is a plain name."""
    before, job_id = "job_" + f"{made_at(new_job_id()) - 1:012x}" + "f" * 16, new_job_id()
    assert before < job_id
    assert abs(made_at(job_id) / 1000 - datetime.now(UTC).timestamp()) < 5
    assert JOB_ID.fullmatch(job_id)
    assert made_at("vgg16") == 0


def test_ids_differ() -> None:
    """Ids made at the same time differ."""
    assert len({new_job_id() for _ in range(1000)}) == 1000


def test_finished_statuses() -> None:
    """Three statuses are ends."""
    assert [status for status in JobStatus if status.finished] == ["succeeded", "failed", "cancelled"]


def test_a_record_becomes_a_job() -> None:
    """A hash of strings and a list of entries become a job with times in UTC, and what is absent is null."""
    job = replies.job(["job", "job_1", flat(RECORD), ['{"step":1,"train_accuracy":0.5,"loss":2.0}']], "job_1")
    assert job == Job(
        id="job_1",
        kind="mnist-train",
        status=JobStatus.RUNNING,
        created_at=datetime(2025, 11, 23, 3, 53, 20, 123000, UTC),
        started_at=datetime(2025, 11, 23, 3, 53, 21, tzinfo=UTC),
        params={"steps": 10},
        progress=Progress(total_steps=10),  # before the first report it is what was asked for
        history=[HistoryEntry(step=1, train_accuracy=0.5, loss=2)],
        attempt=2,
    )
    assert json.loads(job.model_dump_json())["created_at"] == "2025-11-23T03:53:20.123000Z"


def test_an_entry_becomes_an_event() -> None:
    """A stream's entry becomes an event whose time is that of its id, and one more than asked for means more."""
    entries = [[f"1763870000123-{number}", ["type", "started", "data", '{"attempt": 1}']] for number in range(3)]
    page = replies.events(["events", 0, entries], "job_1", 2)
    assert page.has_more
    assert not page.finished
    assert page.events[1] == Event(
        id="1763870000123-1",
        type="started",
        at=datetime(2025, 11, 23, 3, 53, 20, 123000, UTC),
        data={"attempt": 1},
    )


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_what_is_not_finite_is_no_report(loss: float) -> None:
    """A loss that is not finite is refused where it is reported, since a record with it could not be read again."""
    with pytest.raises(ValidationError):
        HistoryEntry(step=1, train_accuracy=0.5, loss=loss)
    with pytest.raises(ValidationError):
        Progress(loss=loss)


def test_an_hour_at_most() -> None:
    """A training may read three million images, and no more."""
    assert MnistParams(steps=60_000).steps == 60_000
    with pytest.raises(ValidationError, match="3,000,050 images"):
        MnistParams(steps=60_001)


@pytest.mark.parametrize("after", ["yesterday", "1", "1-1 ", "-", "1-1\n", "9" * 25 + "-0"])
def test_what_is_no_event_id(after: str) -> None:
    """What a client sends as the last event it saw is looked at before Redis sees it."""
    with pytest.raises(InvalidCursor):
        transitions.events("job_1", after, 10, "*")


TRACE = " script: d7ddcf53b9a4e22379c731b5fd60d0aa6f6d6b24, on @user_script:249."


def test_damage_and_absence() -> None:
    """A key of another type is damage; a command that Redis refuses before a script runs is its absence."""
    for trace in ("", TRACE):
        with pytest.raises(RecordDamaged), translated():
            raise BaseParser.parse_error("WRONGTYPE Operation against a key holding the wrong kind of value" + trace)
    with pytest.raises(StoreUnavailable), translated():
        raise BaseParser.parse_error("ERR unknown command 'EVALSHA'")
    with pytest.raises(StoreUnavailable), translated():
        raise ResponseError("MISCONF Errors writing to the AOF file: No space left on device")


@pytest.mark.parametrize(
    "reply",
    [
        "NOPERM ACL failure in script: User default has no permissions to run the 'time' command",  # 7.2 and later
        "ERR The user executing the script can't run this command or subcommand",  # 7.0
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "ERR Script attempted to access a non local key in a cluster node",
        "ERR Script killed by user with SCRIPT KILL...",
    ],
)
def test_a_command_that_is_refused_in_a_script(reply: str) -> None:
    """What Redis refuses inside a script because of its state or the user is its absence."""
    with pytest.raises(StoreUnavailable), translated():
        raise BaseParser.parse_error(reply + TRACE)


@pytest.mark.parametrize(
    "reply",
    [
        "ERR user_script:1: Script attempted to access nonexistent global variable 'foo'" + TRACE,
        "ERR Error compiling script (new function): user_script:1: unexpected symbol near '+'",
        "ERR Unknown Redis command called from script" + TRACE,
    ],
)
def test_a_bug_in_a_script(reply: str) -> None:
    """An error of our own script stays what it is."""
    with pytest.raises(ResponseError), translated():
        raise BaseParser.parse_error(reply)


def test_params_are_as_they_are_described() -> None:
    """A number is a number, whole ones also as 50.0; each bound is in the schema that clients read."""
    assert MnistParams.model_validate({"steps": 50.0, "seed": 1, "dropout": 0}).steps == 50
    for wrong in ({"steps": True}, {"steps": "50"}, {"seed": False}, {"dropout": "0.5"}, {"learning_rate": True}):
        with pytest.raises(ValidationError, match="number"):
            MnistParams.model_validate(wrong)
    fields = MnistParams.model_json_schema()["properties"]
    assert {"minimum": 0, "exclusiveMaximum": 2**31, "type": "integer"} in fields["seed"]["anyOf"]
    assert (fields["steps"]["minimum"], fields["dropout"]["exclusiveMaximum"]) == (1, 1)
