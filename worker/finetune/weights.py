"""The weights of a pretrained network for a worker: found as the service finds them, or else fetched once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

from vision.download import DownloadError, download, ignore
from vision.networks.registry import STAND_IN
from vision.networks.weights import FoundWeights, WeightsError, find, places
from worker.errors import TrainingError
from worker.keeping import stoppable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from jobs.settings import WorkerSettings
    from vision.networks.registry import Network
    from vision.networks.weights import WeightsFile

log = logging.getLogger(__name__)

MADE_UP = FoundWeights(None, "random", None, verified=False, size=None)


class WeightsUnavailable(TrainingError):
    """The pretrained network's weights cannot be had, or not be used; the message says what to do."""

    code = "weights-unavailable"


def root_weights(network: Network, settings: WorkerSettings, should_stop: Callable[[], bool]) -> FoundWeights:
    """Find a network's weights where BESTGUESS_WEIGHTS says, or else download them, in one attempt.

    Raises:
        WeightsUnavailable: they cannot be had, or a file is not what it should be.
        Stopped: `should_stop` said so meanwhile.
    """
    try:
        if network.carried is not None:
            return network.carried()
        if network.weights is None:
            return MADE_UP
        found = find(network.weights, settings.weights, settings.data_dir)
        return found or _fetched(network, network.weights, settings, should_stop)
    except (WeightsError, OSError) as error:
        raise WeightsUnavailable(f"{network.title}'s weights cannot be used: {error}") from error


def _fetched(
    network: Network, file: WeightsFile, settings: WorkerSettings, should_stop: Callable[[], bool]
) -> FoundWeights:
    target, remote = places(file, settings.data_dir)[0], file.at(settings.mirror)
    advice = (
        f"Run `{file.command('fetch')}`, or put {file.name} into {target.parent} of the worker, or train "
        f"with the base {STAND_IN.id}, whose weights are installed with this service."
    )

    def give_up(reason: str, _: float = 0) -> NoReturn:
        raise WeightsUnavailable(f"{network.title}'s weights cannot be downloaded: {reason} {advice}")

    def get(stop: threading.Event) -> None:
        download(remote.url, target, remote.size, (remote.algorithm, remote.digest), ignore, stop, give_up)

    log.info("%s's weights are downloaded from %s to %s", network.title, remote.place, target)
    try:
        stoppable(get, should_stop)
    except DownloadError as error:
        give_up(str(error))
    found = find(file, settings.weights, settings.data_dir)
    return found or give_up("the file is gone again.")
