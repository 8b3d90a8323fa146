import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from bestguess.schemas.jobs import JobStatus
from jobs.artifacts import ArtifactsUnavailable
from jobs.async_registry import AsyncRegistry
from jobs.async_store import AsyncJobStore
from jobs.connection import connect, connect_async
from jobs.errors import AliasNotFound, InvalidAlias, ModelNotFound, ModelUsed, StoreUnavailable
from jobs.ids import new_job_id
from jobs.registry import Registry
from jobs.store import JobStore
from support.job_store import PROMISE, outcome, running, timed, trained
from support.redis_server import LiveRedis
from support.stores import FullRegistry, FullStore, TwiceStore
from support.worker_processes import BUSY


@pytest.fixture
def registry(store: FullStore) -> FullRegistry:
    """A registry with no models in it."""
    return FullRegistry(store)


def test_a_model_lives_twice(twice: TwiceStore) -> None:
    """Where every reply is lost once a model has the same life, and who removes something hears that it was there."""
    registry, old, new = FullRegistry(twice), trained(twice).id, trained(twice).id
    assert [model.id for model in registry.list()] == [new, old]
    assert registry.set_alias("mine", "latest").id == new
    assert registry.set_alias("yours", "mine").id == new
    registry.drop_alias("yours")
    assert registry.remove(new)
    assert registry.aliases() == {"latest": old, "best": old}
    assert registry.leftovers() == [new]
    registry.files_removed(new)
    assert registry.leftovers() == []


def test_absence_is_repeated(twice: TwiceStore) -> None:
    """Where every reply is lost once, what is not there is not there."""
    registry = FullRegistry(twice)
    assert not registry.remove("job_x")
    with pytest.raises(AliasNotFound):
        registry.drop_alias("mine")


def test_a_removed_model_stays_removed(store: FullStore, registry: FullRegistry) -> None:
    """A worker that says once more how its job ended, after its model was removed, does not bring it back."""
    claim = running(store)
    ends = [claim.job_id, claim.fence, JobStatus.SUCCEEDED, outcome(claim.job_id)]
    done = store.finish(*ends)
    registry.remove(claim.job_id)
    assert store.finish(*ends) == done
    assert registry.list() == []


def test_what_is_remembered_is_forgotten(store: FullStore, registry: FullRegistry) -> None:
    """What a removal leaves, for one that is repeated, goes within a minute."""
    model = trained(store).id
    registry.set_alias("mine", model)
    registry.drop_alias("mine")
    registry.remove(model)
    left = [store._client.pttl(key) for key in store._client.scan_iter("*:once:*")]
    assert [0 < time <= 60_000 for time in left] == [True, True]


def test_no_alias_dangles(server: LiveRedis, store: FullStore, registry: FullRegistry) -> None:
    """However setting an alias and removing its model meet, the alias goes with the model or is refused."""
    with ThreadPoolExecutor(4) as threads, JobStore(connect(server.url)) as another:
        for _ in range(40):
            model = trained(store).id
            setters = [threads.submit(registry.set_alias, f"a{number}", model) for number in range(3)]
            assert threads.submit(Registry(another).remove, model).result()
            for setter in setters:
                assert isinstance(setter.exception(), ModelNotFound | None)
            assert registry.aliases() == {}


def test_surplus(store: FullStore, registry: FullRegistry) -> None:
    """What is beyond the newest and has no alias is surplus, oldest first; the best and what has one are not."""
    best, *others = [trained(store, accuracy).id for accuracy in (0.99, 0.5, 0.6, 0.7, 0.8)]
    registry.set_alias("mine", others[1])
    assert registry.surplus(5) == []
    assert [model.id for model in registry.surplus(2)] == [others[0]]
    assert [model.id for model in registry.surplus(0)] == [others[0], others[2]]
    assert best not in {model.id for model in registry.surplus(0)}


def test_what_a_job_begins_with_stays(twice: TwiceStore) -> None:
    """A model that an unfinished job begins with is no surplus and cannot be removed; once the job is over it can."""
    registry, base, other = FullRegistry(twice), trained(twice, 0.5).id, trained(twice, 0.6).id
    trained(twice, 0.9)
    job = twice.create("finetune", {"base": base}, job_id=new_job_id(), most_queued=9)
    assert [model.id for model in registry.surplus(0)] == [other]
    assert not registry.remove(base, unnamed=True)
    with pytest.raises(ModelUsed, match=job.id):
        registry.remove(base)
    twice.cancel(job.id)
    assert [model.id for model in registry.surplus(0)] == [base, other]
    assert registry.remove(base)


class Files:
    """Networks' files, those of one of which cannot be removed."""

    def __init__(self, stuck: str | None = None) -> None:
        self.gone, self._stuck = list[str](), stuck

    def __call__(self, model_id: str) -> bool:
        """Remove them, and say whether that is done."""
        if model_id != self._stuck:
            self.gone.append(model_id)
        return model_id != self._stuck


def test_prune(store: FullStore, registry: FullRegistry) -> None:
    """Pruning removes the surplus and then its files, and those of models that somebody else removed."""
    models, files = [trained(store, 0.1 * number).id for number in range(5)], Files()
    registry.remove(models[4])
    assert sorted(registry.prune(2, files)) == sorted(files.gone) == sorted([models[0], models[1], models[4]])
    assert [model.id for model in registry.list()] == [models[3], models[2]]
    assert registry.leftovers() == []
    assert registry.prune(2, files) == []


def test_prune_is_taken_up_again(store: FullStore, registry: FullRegistry) -> None:
    """Where files could not be removed nobody sees their model any more, and the next round removes them."""
    old = trained(store).id
    trained(store)

    def broken(_: str) -> bool:
        assert old not in {model.id for model in registry.list()}
        raise ArtifactsUnavailable("the disk is away", passing=True)

    with pytest.raises(ArtifactsUnavailable):
        registry.prune(1, broken)
    assert registry.leftovers() == [old]
    files = Files()
    assert registry.prune(1, files) == files.gone == [old]


def test_one_that_cannot_be_removed(store: FullStore, registry: FullRegistry) -> None:
    """Files that cannot be removed do not keep others from being, and are found again."""
    models = [trained(store, 0.1 * number).id for number in range(4)]
    files = Files(stuck=models[1])
    assert sorted(registry.prune(1, files)) == sorted([models[0], models[2]])
    assert registry.leftovers() == [models[1]]
    assert registry.prune(1, Files()) == [models[1]]


def test_who_got_a_name_meanwhile_stays(store: FullStore, registry: FullRegistry) -> None:
    """A model that was surplus and has an alias by the time it would be removed stays."""
    old, new = trained(store, 0.1).id, trained(store).id
    assert [model.id for model in registry.surplus(1)] == [old]
    registry.set_alias("mine", old)
    for model in (old, new):
        assert not registry.remove(model, unnamed=True)
    registry.drop_alias("mine")
    assert registry.remove(old, unnamed=True)


def test_full_redis(store: FullStore, registry: FullRegistry, server: LiveRedis) -> None:
    """When Redis is full no job ends without its model, models can be read and removed, and space mends it."""
    claim, model = running(store), trained(store).id
    with server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable):
                store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, outcome(claim.job_id))
            with pytest.raises(StoreUnavailable):
                registry.set_alias("mine", model)
            assert [one.id for one in registry.list()] == [model]
            assert registry.remove(model)
            assert (registry.list(), registry.leftovers()) == ([], [model])
        finally:
            client.config_set("maxmemory", 0)
    store.finish(claim.job_id, claim.fence, JobStatus.SUCCEEDED, outcome(claim.job_id))
    assert registry.get("latest").id == claim.job_id


def test_killed_redis(store: FullStore, registry: FullRegistry, server: LiveRedis) -> None:
    """Models and aliases are there again when Redis is."""
    model = trained(store).id
    registry.set_alias("mine", model)
    before = registry.list(), registry.aliases()
    server.kill()
    with pytest.raises(StoreUnavailable):
        registry.get("mine")
    server.start()
    assert (registry.list(), registry.aliases()) == before


def test_hung_redis(store: FullStore, registry: FullRegistry, server: LiveRedis) -> None:
    """While Redis is silent the registry says so in time."""
    model = trained(store).id
    with server.hung(), timed() as seconds, pytest.raises(StoreUnavailable):
        registry.list()
    assert seconds() < PROMISE + BUSY
    assert registry.get("best").id == model


def test_async_twin(store: FullStore, registry: FullRegistry, server: LiveRedis) -> None:
    """The asyncio registry reads, names and removes the very models that the blocking one sees."""

    async def scenario() -> None:
        async with AsyncJobStore(connect_async(server.url)) as asked:
            twin = AsyncRegistry(asked)
            model = await twin.set_alias("mine", "latest", {"vgg16"})
            assert model == await twin.get("mine") == registry.get("mine")
            assert await twin.list() == registry.list()
            assert await twin.list("test_accuracy") == registry.list("test_accuracy")
            assert await twin.aliases() == registry.aliases()
            await twin.drop_alias("mine")
            with pytest.raises(InvalidAlias):
                await twin.set_alias("vgg16", "latest", {"vgg16"})
            assert await twin.remove(model.id)
            assert registry.leftovers() == [model.id]
            await twin.files_removed(model.id)

    for accuracy in (0.9, 0.8):
        trained(store, accuracy)
    asyncio.run(scenario())
    assert (len(registry.list()), registry.leftovers()) == (1, [])
