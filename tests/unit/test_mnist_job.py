from bestguess.schemas.job_params import MnistParams
from worker.mnist.job import seeded


def test_every_attempt_has_the_same_seed() -> None:
    """A job without a seed gets one by its id, the same each time, another than other jobs, and one that may be."""
    params = MnistParams(steps=10)
    first, again, other = (seeded(params, job_id) for job_id in ("job_1", "job_1", "job_2"))
    assert first == again
    assert first.seed != other.seed
    assert MnistParams.model_validate(first.model_dump()) == first
    assert first.model_copy(update={"seed": None}) == params


def test_a_seed_that_was_asked_for() -> None:
    """A seed that somebody chose is kept, 0 too."""
    assert seeded(MnistParams(seed=0), "job_1").seed == 0
