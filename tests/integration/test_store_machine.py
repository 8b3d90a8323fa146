from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis.stateful import run_state_machine_as_test

from jobs.connection import connect
from support.fuzz_budget import examples, seeds
from support.job_store_machine import StoreMachine
from support.stores import FullStore, TwiceStore

if TYPE_CHECKING:
    from support.redis_server import LiveRedis


@pytest.mark.fuzz
def test_the_store_does_as_a_plain_one(server: LiveRedis) -> None:
    """Whatever two workers, clients and a clock do, the store does as a plain one does, and no job goes back or twice.

    Statuses follow each other as they may, what is over stays as it is, fences only grow, steps never go back, a job
    has one owner at most, events are ascending and complete, and a call that is sent twice is one.
    """
    with connect(server.url) as client, FullStore(server.url) as once, TwiceStore(server.url) as repeated:

        class Machine(StoreMachine):
            pass

        Machine.client, Machine.once, Machine.repeated = client, once, repeated
        for _ in seeds():
            run_state_machine_as_test(Machine, settings=examples(quick=40, steps=40))
