"""The calls as the OpenAPI document has them: answered as it says, whatever is sent.

Every check that schemathesis has is made. What it could not know is in `described_hooks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.settings import Settings
from support.api_keys import closed
from support.fake_networks import DummyRunner
from support.fuzz_budget import long, seeds
from support.live_server import live
from support.schemathesis_run import called
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.redis_server import LiveRedis

MANY = 1_000_000  # jobs that may wait: there is no worker, and a full queue would hide the rest


@pytest.mark.fuzz
@pytest.mark.parametrize("keys", [True, False] if long() else [True], ids=lambda keys: "keys" if keys else "open")
def test_the_document_is_kept(server: LiveRedis, tmp_path: Path, keys: bool) -> None:
    """Every call, as the document has it and as it has it not, alone and after another, is answered as it says.

    Also without a key and with a wrong one, and with a method that is not there.
    """
    if keys:
        settings, named = closed(tmp_path, "boss-admin", redis_url=server.url, max_queued_jobs=MANY)
        check(settings, named["boss"])
    else:
        check(Settings(redis_url=server.url, data_dir=tmp_path, decode_processes=1, max_queued_jobs=MANY), {})


def check(settings: Settings, headers: Mapping[str, str]) -> None:
    """Serve every network, and call everything."""
    with live(settings) as running:
        for served in running.networks.slots.values():
            if not served.ready:
                served.serve(DummyRunner(), FoundWeights(None, "random", None, verified=False, size=None))
        for seed in seeds():
            if found := called(str(running.client.base_url).rstrip("/"), headers, settings.data_dir, seed):
                pytest.fail(found, pytrace=False)
