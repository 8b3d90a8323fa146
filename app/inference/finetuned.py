"""Fine-tuned models: each a tail of its own behind a base that is in memory once, for all of them and for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import ModelUnusable, NotFound, OtherWeights
from app.inference.kinds import facts_of
from app.inference.model_cache import load_trained
from app.inference.model_slot import ModelSlot
from vision.networks import transfer_learning
from vision.networks.random_weights import RANDOM_SEED
from vision.networks.transfer_learning import finetuned
from vision.networks.weights import FoundWeights, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.inference.engine import Networks
    from app.inference.model_cache import Load
    from jobs.finetuned import Finetuned
    from jobs.trained import TrainedModel
    from vision.networks.weights import Origin

LABEL = "finetuned"  # one name for all of them: there may be many, and they come and go


def base_of(model: TrainedModel, engine: Networks) -> ModelSlot | None:
    """Find the pretrained network that a fine-tuned model is a part of, ready to answer; None for any other model.

    Raises:
        ModelUnusable: this service does not have it, or has it with other weights than the model was trained on.
        NotReady, NotEnoughMemory: as `Engine.choose`, which has it loaded.
        WeightsError: the model's record cannot be understood.
    """
    facts = facts_of(model)
    if facts is None:
        return None
    try:
        base = engine.choose(facts.root).slot
    except NotFound:
        action = f"Start the service with {facts.root} in BESTGUESS_MODELS."
        raise ModelUnusable(f"{model.id} is a part of {facts.root}, which is not served here. {action}") from None
    _check_weights(model, facts, base)
    return base


def load_head(model: TrainedModel, path: Path, engine: Networks) -> ModelSlot:
    """Load what is a fine-tuned model's own from its file, verified before, and let it share its base's queue.

    Takes seconds, so not on the event loop; the base was found by `base_of` before.

    Raises:
        FileNotFoundError: the file is not there any more.
        WeightsError, NotFinite: it is of another network, or of one that has no answers.
    """
    facts = facts_of(model)
    assert facts is not None  # noqa: S101 - only fine-tuned models are loaded so
    base = engine.networks[facts.root]
    assert base.backbone is not None  # noqa: S101 - it is ready, and stays so
    try:
        cut = transfer_learning.cut_named(base.network, facts.cut.layer)
    except ValueError as error:
        raise WeightsError(f"{model.id}: {error}") from error
    network = finetuned(model.id, base.network, facts.classes)
    own = transfer_learning.tail(base.network, cut, len(facts.classes), "float32")
    transfer_learning.load(own, path)
    slot = ModelSlot(network, capacity=0, precision="float32", linger=0, label=LABEL)
    origin: Origin = "random" if facts.root_weights.origin == "random" else "trained"
    weights = FoundWeights(path, origin, f"sha256:{model.sha256}", verified=True, size=model.bytes)
    slot.share(base, base.backbone.attach(own, cut, network), weights)
    return slot


def loader(
    engine: Networks, *, capacity: int, linger: float, on_batch: Callable[[str, int], None] | None = None
) -> Load:
    """Make what loads a trained network of whichever kind; digits get a queue of `capacity` of their own."""

    def load(model: TrainedModel, path: Path) -> ModelSlot:
        if facts_of(model):
            return load_head(model, path, engine)
        return load_trained(model, path, capacity=capacity, linger=linger, on_batch=on_batch)

    return load


def _check_weights(model: TrainedModel, facts: Finetuned, base: ModelSlot) -> None:
    there = base.weights and (base.weights.hash or f"random:{RANDOM_SEED}")
    if there != facts.root_weights.hash:
        title, wanted = base.network.title, f"{facts.root_weights.origin} weights, {facts.root_weights.hash}"
        raise OtherWeights(
            f"{model.id} was trained on {title} with {wanted}; {title} is served with {there}. "
            "Start the service with the former (BESTGUESS_WEIGHTS), or fine-tune again."
        )
