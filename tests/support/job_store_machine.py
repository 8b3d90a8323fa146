"""Hypothesis state machine of the job store: after any sequence of calls it answers as its model does.

A lease expires by moving its end into the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

from bestguess.schemas.jobs import Job, JobError, JobStatus
from jobs.errors import StoreError
from jobs.ids import new_job_id
from jobs.store import PREFIX
from support.job_store import LEASE, entry, outcome, progress
from support.job_store_invariants import Witness
from support.job_store_model import ACTIVE, PlainJob, PlainStore
from support.stores import TwiceStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from support.stores import FullStore

OWNERS = ("", "ann", "bob")
WORKERS = ("worker-a", "worker-b")
KIND, LONG_AGO = "mnist-train", 1000.0  # seconds; nothing in a test is as old, but what has to be published at once
QUOTA, MOST_QUEUED = 3, 4
DATASET = "ds_1"
STEPS = st.integers(0, 6)


class StoreMachine(RuleBasedStateMachine):
    """Both stores, and everything that anybody can do with them; a subclass has the connections."""

    client: redis.Redis
    once: FullStore
    repeated: TwiceStore

    ids = Bundle("ids")
    claims = Bundle("claims")  # (job's id, token, fence), also of workers that are not owners any more
    holders = claims.map(lambda claim: (claim[0], "", 0))  # whoever has the job of a claim by now

    @initialize(twice=st.booleans())
    def begin(self, twice: bool) -> None:
        """Empty the store; `twice`: every reply is lost once, and every call sent again."""
        self.client.flushdb()
        self.store = self.repeated if twice else self.once
        self.repeated.unequal.clear()
        self.plain, self.deliveries = PlainStore(), 0
        self.witness = Witness(self.once, self.plain)

    @rule(
        target=ids,
        owner=st.sampled_from(OWNERS),
        wish=st.none() | st.tuples(st.sampled_from("xy"), st.sampled_from("12")),
        quota=st.sampled_from([0, QUOTA]),
        dataset=st.none() | st.tuples(st.just(DATASET), st.integers(1, 2)),
    )
    def create(self, owner: str, wish: tuple[str, str] | None, quota: int, dataset: tuple[str, int] | None) -> object:
        """Make a job, with an idempotency key or without, from a data set as it was looked at or from none."""
        return self._create(new_job_id(), owner, wish, quota, dataset)

    @rule(version=st.integers(0, 2))
    def keep_dataset(self, version: int) -> None:
        """Let there be a version of a data set, or none."""
        name = f"{PREFIX}dataset:{DATASET}"
        if version:
            self.client.hset(name, "version", version)
            self.plain.datasets[DATASET] = version
        else:
            self.client.delete(name)
            self.plain.datasets.pop(DATASET, None)

    @rule(owner=st.sampled_from(OWNERS), wish=st.tuples(st.sampled_from("xy"), st.sampled_from("12")))
    def wished(self, owner: str, wish: tuple[str, str]) -> None:
        """Ask which job a key has made."""
        expected = self.plain.wished(wish, owner)
        job_id = expected.id if isinstance(expected, PlainJob) else "job_0"
        self._same(lambda: self.store.wished(wish, owner), expected, job_id)

    @rule(target=ids, owner=st.sampled_from(OWNERS))
    def create_at_once(self, owner: str) -> object:
        """Make jobs within a millisecond, as far as the machine is fast enough."""
        made = [self.plain.create(new_job_id(), None, MOST_QUEUED + 3, owner, 0) for _ in range(3)]
        jobs = [job for job in made if isinstance(job, PlainJob)]
        for job in jobs:
            self.once.create(KIND, {}, job_id=job.id, most_queued=MOST_QUEUED + 3, owner=owner)
        return multiple(*(job.id for job in jobs))

    @rule(job_id=ids, owner=st.sampled_from(OWNERS))
    def create_again(self, job_id: str, owner: str) -> None:
        """Make a job whose id is known: the first answer was lost. Of one that was removed nobody asks any more."""
        if job_id in self.plain.jobs:
            self._create(job_id, owner, None, 0)

    @rule(target=claims, job_id=ids, worker=st.sampled_from(WORKERS))
    def claim(self, job_id: str, worker: str) -> object:
        """Let a worker take a job that was delivered to it."""
        return self._claim(job_id, self._delivery(worker))

    @rule(claim=claims)
    def claim_again(self, claim: tuple[str, str, int]) -> None:
        """Ask again with the token of a claim, whatever has become of it."""
        self._claim(claim[0], claim[1])

    @rule(claim=claims | holders)
    def renew(self, claim: tuple[str, str, int]) -> None:
        """Keep a job."""
        job_id, fence = self._fence(*claim)
        self._same(lambda: self.store.renew(job_id, fence, LEASE), self.plain.renew(job_id, fence), job_id)

    @rule(claim=claims | holders, step=STEPS, reported=st.none() | STEPS)
    def report(self, claim: tuple[str, str, int], step: int, reported: int | None) -> None:
        """Say how far a training is, also from where it was before."""
        (job_id, fence), said = self._fence(*claim), progress(step)
        line = None if reported is None else entry(reported)
        expected = self.plain.report(job_id, fence, said, line)
        self._same(lambda: self.store.report(job_id, fence, said, line), expected, job_id)

    @rule(claim=claims | holders, how=st.sampled_from(["result", "model", "error", "cancelled"]))
    def finish(self, claim: tuple[str, str, int], how: str) -> None:
        """End a job."""
        job_id, fence = self._fence(*claim)
        result = {"result": {"test_accuracy": 0.5}, "model": outcome(job_id)}.get(how)
        error = JobError(code="training-failed", detail="as it happens") if how == "error" else None
        status = {"error": JobStatus.FAILED, "cancelled": JobStatus.CANCELLED}.get(how, JobStatus.SUCCEEDED)
        expected = self.plain.finish(job_id, fence, status, result, error.code if error else None)
        self._same(lambda: self.store.finish(job_id, fence, status, result, error), expected, job_id)

    @rule(claim=claims | holders)
    def release(self, claim: tuple[str, str, int]) -> None:
        """Give a job back."""
        job_id, fence = self._fence(*claim)
        self._same(lambda: self.store.release(job_id, fence), self.plain.release(job_id, fence), job_id)

    @rule(job_id=ids, whose=st.sampled_from([*OWNERS, "*"]))
    def cancel(self, job_id: str, whose: str) -> None:
        """Ask for the end of a job, one's own or another's."""
        self._same(lambda: self.store.cancel(job_id, whose), self.plain.cancel(job_id, whose), job_id)

    @rule(job_id=ids)
    def run_out(self, job_id: str) -> None:
        """Let a lease end."""
        self._run_out(job_id)

    @rule(job_id=ids)
    def take_back(self, job_id: str) -> None:
        """Do what a reconciler does with a job, whether it is lost or not."""
        self._take_back(job_id)

    @rule(target=claims, job_id=ids, worker=st.sampled_from(WORKERS), times=st.integers(1, 3), back=st.booleans())
    def crash(self, job_id: str, worker: str, times: int, back: bool) -> object:
        """Let a job lose its worker again and again; `back`: a reconciler sees it before the next worker comes."""
        for _ in range(times):
            claim = self._claim(job_id, self._delivery(worker))
            self._run_out(job_id)
            if back:
                self._take_back(job_id)
        return claim

    @rule(job_id=ids)
    def publish(self, job_id: str) -> None:
        """Hand a job to the queue."""
        self.store.mark_published(job_id)
        if job_id in self.plain.jobs and self.plain.jobs[job_id].status is JobStatus.QUEUED:
            self.plain.jobs[job_id].forgotten = False

    @rule(job_id=ids)
    def delete(self, job_id: str) -> None:
        """Remove a job."""
        self._same(lambda: self.store.delete(job_id), self.plain.delete(job_id), job_id)

    @rule(refused=st.booleans())
    def purge(self, refused: bool) -> None:
        """Remove all that is over, or try to where files cannot be removed."""
        over = {job.id for job in self.plain.jobs.values() if job.status.finished}
        seen = dict[str, bool]()

        def remove(job_id: str, registered: bool) -> bool:
            seen[job_id] = registered
            return not refused

        gone = set(self.store.purge(0, remove))
        assert (set(seen), gone) == (over, set() if refused else over)
        assert {job_id for job_id, registered in seen.items() if registered} == over & self.plain.registered
        for job_id in gone:
            del self.plain.jobs[job_id]

    @rule(whose=st.sampled_from([*OWNERS, "*"]), status=st.none() | st.sampled_from(JobStatus), limit=st.integers(1, 3))
    def look(self, whose: str, status: JobStatus | None, limit: int) -> None:
        """Read the list a page at a time, the counts, and what is due."""
        self.witness.pages(whose, status, limit)
        self.witness.counts()
        self.witness.due(LONG_AGO)

    def teardown(self) -> None:
        """Look at every job a last time, and that no call that was sent twice had two answers."""
        if not hasattr(self, "store"):
            return
        for job_id in self.witness.known:
            self.witness.look(job_id)
        if isinstance(self.store, TwiceStore):
            assert self.store.unequal == []

    def _create(
        self,
        job_id: str,
        owner: str,
        wish: tuple[str, str] | None,
        quota: int,
        dataset: tuple[str, int] | None = None,
    ) -> object:
        expected = self.plain.create(job_id, wish, MOST_QUEUED, owner, quota, dataset)

        def call() -> object:
            return self.store.create(
                KIND,
                {"steps": 10},
                job_id=job_id,
                idempotency=wish,
                most_queued=MOST_QUEUED,
                owner=owner,
                quota=quota,
                dataset=dataset,
            )

        self._same(call, expected, job_id)
        return expected.id if isinstance(expected, PlainJob) else multiple()

    def _fence(self, job_id: str, token: str, fence: int) -> tuple[str, int]:
        job = self.plain.jobs.get(job_id)
        return job_id, job.fence if job and not token else fence

    def _delivery(self, worker: str) -> str:
        self.deliveries += 1
        return f"{worker}:{self.deliveries}"

    def _run_out(self, job_id: str) -> None:
        job = self.plain.jobs.get(job_id)
        if job and job.status in ACTIVE:
            self.client.hset(f"{PREFIX}job:{job_id}", "lease_until", 1)
            job.lost = True

    def _take_back(self, job_id: str) -> None:
        self._same(lambda: self.store.take_back(job_id), self.plain.take_back(job_id), job_id)

    def _claim(self, job_id: str, token: str) -> object:
        expected, found = self.plain.claim(job_id, token), self.store.claim(job_id, token, LEASE)
        self.witness.look(job_id)
        if expected is None:
            assert found is None
            return multiple()
        assert found is not None
        assert (found.fence, found.attempt) == (expected.fence, expected.attempt)
        return job_id, token, found.fence

    def _same(self, call: Callable[[], object], expected: object, job_id: str) -> None:
        """Check an answer, or the error in its place, and the job that is left."""
        found: object
        try:
            found = call()
        except StoreError as error:
            found = type(error)
        if isinstance(expected, PlainJob) and isinstance(found, Job):
            self.witness.same(found, expected)
        else:
            assert found == expected
        self.witness.look(job_id)
