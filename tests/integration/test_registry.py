import pytest

from bestguess.schemas.jobs import JobStatus
from jobs.aliases import MOST_ALIASES
from jobs.errors import AliasNotFound, InvalidAlias, JobNotFound, LeaseLost, ModelNotFound, TooManyAliases
from jobs.store import PREFIX
from jobs.transitions import finish
from support.job_store import BRIEF, LEASE, outcome, running, trained
from support.stores import FullRegistry, FullStore
from support.waiting import wait_until


@pytest.fixture
def registry(store: FullStore) -> FullRegistry:
    """A registry with no models in it."""
    return FullRegistry(store)


def ids(registry: FullRegistry) -> list[str]:
    """The models, newest first."""
    return [model.id for model in registry.list()]


def nothing_left(store: FullStore) -> bool:
    """Whether Redis has no key for models or aliases any more."""
    return not [*store._client.scan_iter(f"{PREFIX}model*"), *store._client.scan_iter(f"{PREFIX}alias*")]


def test_an_empty_registry(registry: FullRegistry) -> None:
    """Before the first model there is nothing by any name, `latest` and `best` included."""
    assert (registry.list(), registry.aliases(), registry.surplus(0), registry.leftovers()) == ([], {}, [], [])
    for name in ("latest", "best", "job_x", "", "champion"):
        with pytest.raises(ModelNotFound) as missing:
            registry.get(name)
        assert missing.value.name == name
        with pytest.raises(ModelNotFound):
            registry.set_alias("mine", name)
    with pytest.raises(AliasNotFound):
        registry.drop_alias("mine")
    assert not registry.remove("job_x")


def test_a_job_leaves_a_model(store: FullStore, registry: FullRegistry) -> None:
    """A job that succeeds with a model leaves a record of it, of the moment at which it finished."""
    job = trained(store)
    assert not nothing_left(store)
    model = registry.get(job.id)
    assert (model.id, model.job_id, model.kind, model.params) == (job.id, job.id, job.kind, job.params)
    assert (model.created_at, model.result) == (job.finished_at, job.result)
    assert registry.list() == [model]
    assert registry.aliases() == {"latest": job.id, "best": job.id}
    assert registry.get("latest") == registry.get("best") == model


def test_other_ends_leave_none(store: FullStore, registry: FullRegistry) -> None:
    """A job that failed, was cancelled, or has no model leaves none, whatever its worker sent."""
    for end in (JobStatus.FAILED, JobStatus.CANCELLED):
        claim = running(store)
        store.finish(claim.job_id, claim.fence, end, outcome(claim.job_id))
    late, plain = running(store), running(store)
    store.cancel(late.job_id)
    assert store.finish(late.job_id, late.fence, JobStatus.SUCCEEDED, outcome(late.job_id)).status == "cancelled"
    store.finish(plain.job_id, plain.fence, JobStatus.SUCCEEDED, {"test_accuracy": 0.9})
    assert registry.list() == []
    assert nothing_left(store)


def test_who_lost_its_job_leaves_none(store: FullStore, registry: FullRegistry) -> None:
    """A worker whose job another has leaves no model, and does not change the one that the other leaves."""
    old = running(store, BRIEF)
    new = wait_until(lambda: store.claim(old.job_id, "second", LEASE), 5)
    with pytest.raises(LeaseLost):
        store.finish(old.job_id, old.fence, JobStatus.SUCCEEDED, outcome(old.job_id, 0.1))
    assert registry.list() == []
    store.finish(new.job_id, new.fence, JobStatus.SUCCEEDED, outcome(new.job_id, 0.8))
    with pytest.raises(LeaseLost):
        store.finish(old.job_id, old.fence, JobStatus.SUCCEEDED, outcome(old.job_id, 0.1))
    assert [model.test_accuracy for model in registry.list()] == [0.8]


def test_an_unreadable_result_ends_nothing(store: FullStore, registry: FullRegistry) -> None:
    """A result whose model could not be read again is refused, and the job goes on."""
    claim = running(store)
    with pytest.raises(ValueError, match="sha256"):
        store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, {"model_id": claim.job_id})
    assert (store.get(claim.job_id).status, registry.list()) == ("running", [])


def test_a_model_outlives_its_job(store: FullStore, registry: FullRegistry) -> None:
    """A purge takes an old job and leaves its model with its files; a job whose model was removed takes them along."""
    kept, gone = trained(store), trained(store)
    registry.remove(gone.id)
    before, cleaned = registry.get(kept.id), dict[str, bool]()

    def remove(job_id: str, registered: bool) -> bool:
        cleaned[job_id] = registered
        return store.get(job_id).id == job_id  # as long as something may be left

    assert set(store.purge(0, remove)) == {kept.id, gone.id}
    assert cleaned == {kept.id: True, gone.id: False}
    with pytest.raises(JobNotFound):
        store.get(kept.id)
    assert registry.list() == [before]
    assert registry.get("latest") == before


def test_newest_and_best_first(store: FullStore, registry: FullRegistry) -> None:
    """Models are listed newest first, or best first: of official data before others, of equals the newest first."""
    drawn = trained(store, 1.0, official=False).id
    first = trained(store, 0.98).id
    low = trained(store, 0.5).id
    second = trained(store, 0.98).id
    untested = trained(store, None, official=False).id
    assert ids(registry) == [untested, second, low, first, drawn]
    assert [model.id for model in registry.list("test_accuracy")] == [second, first, low, drawn, untested]
    assert registry.aliases() == {"latest": untested, "best": second}


def test_best_moves(store: FullStore, registry: FullRegistry) -> None:
    """The best is the best of those that are left, and drawn digits are that only among themselves."""
    drawn = [trained(store, accuracy, official=False).id for accuracy in (0.99, 1.0)]
    assert registry.get("best").id == drawn[1]
    real = trained(store, 0.1).id
    assert registry.get("best").id == real
    for best in (real, drawn[1], drawn[0]):
        assert registry.get("best").id == best
        assert registry.remove(best)
    assert registry.aliases() == {}


def test_models_of_one_moment(store: FullStore, registry: FullRegistry) -> None:
    """Of equal models that came in one millisecond the same one is first in the list, `latest` and `best`."""

    def made_in_one_moment() -> bool:
        claims = [running(store) for _ in range(20)]
        ends = [(one.job_id, one.fence, JobStatus.SUCCEEDED, outcome(one.job_id), None) for one in claims]
        with store._client.pipeline() as together:
            for call in (finish(*end) for end in ends):
                together.eval(call.script.source, 1, PREFIX, *call.arguments)
            together.execute()
        found = registry.list()
        return len({model.created_at for model in found}) < len(found)

    wait_until(made_in_one_moment, 60)  # a slow machine takes longer than a millisecond for one
    found = registry.list()
    assert found == registry.list("test_accuracy")
    assert found == sorted(found, key=lambda model: (model.created_at, model.id), reverse=True)
    assert registry.aliases() == {"latest": found[0].id, "best": found[0].id}


def test_aliases(store: FullStore, registry: FullRegistry) -> None:
    """An alias stands for what it was set to until it is moved or dropped, whatever an alias it was set by does."""
    old, new = trained(store).id, trained(store, 0.1).id
    assert registry.set_alias("champion", "best").id == old
    assert registry.set_alias("fallback", "champion").id == old
    assert registry.get("champion") == registry.get(old)
    trained(store, 1.0)
    assert registry.get("champion").id == old
    assert registry.set_alias("champion", new).id == new
    assert registry.set_alias("champion", "champion").id == new
    assert {name: one for name, one in registry.aliases().items() if name not in {"latest", "best"}} == {
        "champion": new,
        "fallback": old,
    }
    registry.drop_alias("champion")
    with pytest.raises(ModelNotFound):
        registry.get("champion")
    with pytest.raises(AliasNotFound) as unknown:
        registry.drop_alias("champion")
    assert unknown.value.name == "champion"
    assert registry.get(new).id == new


def test_refused_aliases(store: FullStore, registry: FullRegistry) -> None:
    """A name that may not be an alias is refused whether or not its model is there, and nothing is set."""
    model = trained(store).id
    for name in ("latest", "best", "aliases", "vgg16", "No", model):
        for target in (model, "job_x"):
            with pytest.raises(InvalidAlias):
                registry.set_alias(name, target, {"vgg16"})
    assert registry.aliases() == {"latest": model, "best": model}


def test_aliases_are_bounded(store: FullStore, registry: FullRegistry) -> None:
    """When as many aliases are set as may, another is refused, and those that are can be moved."""
    old, new = trained(store).id, trained(store).id
    for number in range(MOST_ALIASES):
        registry.set_alias(f"a{number}", old)
    with pytest.raises(TooManyAliases, match="drop one"):
        registry.set_alias("another", old)
    assert registry.set_alias("a0", new).id == new
    registry.drop_alias("a1")
    assert registry.set_alias("another", old).id == old


def test_aliases_go_with_their_model(store: FullStore, registry: FullRegistry) -> None:
    """Removing a model removes every alias that names it and no other, and leaves nothing but files to be removed."""
    gone, stays = trained(store).id, trained(store).id
    for name, model in (("a", gone), ("b", gone), ("c", stays)):
        registry.set_alias(name, model)
    assert registry.remove(gone)
    assert not registry.remove(gone)
    assert not registry.remove("c")
    assert registry.aliases() == {"latest": stays, "best": stays, "c": stays}
    assert (ids(registry), registry.leftovers()) == ([stays], [gone])
    registry.remove(stays)
    for model in (gone, stays):
        registry.files_removed(model)
    assert nothing_left(store)
