import logging
from pathlib import Path

import pytest

from jobs.artifacts import Artifact, ArtifactsUnavailable, PublishedFile, open_store
from jobs.errors import LeaseLost, StoreUnavailable
from worker.errors import Stopped
from worker.keeping import ModelNotKept, forget_checkpoint, insist, keep

ARTIFACT = Artifact({"model.keras": PublishedFile("0" * 64, 7)})


class Flaky:
    """A store that raises what it is given, one each time, and then publishes."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> Artifact:
        """Publish, or not."""
        if self.errors:
            raise self.errors.pop(0)
        return ARTIFACT


def away(*, passing: bool) -> ArtifactsUnavailable:
    """What a store says that does not take anything."""
    return ArtifactsUnavailable("Check the keys", passing=passing)


def test_a_store_that_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    """A trained network waits for a store that is away, and says so in the log."""
    publish = Flaky(away(passing=True), away(passing=True))
    with caplog.at_level(logging.WARNING):
        assert keep(publish, lambda: False, pause=0.01) is ARTIFACT
    assert caplog.text.count("waits to be published") == 2


def test_a_store_that_refuses() -> None:
    """Where waiting would not help the job fails at once, with what to do."""
    publish = Flaky(away(passing=False))
    with pytest.raises(ModelNotKept, match="Check the keys") as error:
        keep(publish, lambda: False)
    assert error.value.code == "artifacts-unavailable"


def test_what_else_needs_the_store(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever needs the store, or Redis, waits for it likewise; where the store refuses, its own word stands."""
    flaky = Flaky(away(passing=True), StoreUnavailable("Connection refused"))
    with caplog.at_level(logging.WARNING):
        assert insist(flaky, lambda: False, "The base waits", pause=0.01) is ARTIFACT
    assert "The base waits: Check the keys" in caplog.text
    assert "The base waits: Connection refused" in caplog.text
    with pytest.raises(ArtifactsUnavailable, match="Check the keys"):
        insist(Flaky(away(passing=False)), lambda: False, "The base waits")


def test_a_wait_can_be_ended() -> None:
    """A job that is to stop does not wait for its store."""
    with pytest.raises(Stopped):
        keep(Flaky(away(passing=True)), lambda: True)


def test_a_later_owner() -> None:
    """A job that is another's by now is not published again."""
    publish = Flaky(LeaseLost("job_1"), LeaseLost("job_1"))
    with pytest.raises(LeaseLost):
        keep(publish, lambda: False)
    assert len(publish.errors) == 1


def test_a_checkpoint_that_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A checkpoint that cannot be removed costs disk for a while, and not the job."""
    refuses = open_store("data://nothing", tmp_path)
    with caplog.at_level(logging.WARNING):
        forget_checkpoint(refuses, "job_1")
    assert "checkpoint of job job_1 stays" in caplog.text
