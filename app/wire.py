"""From what the engine knows to what goes over the wire."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from app import schemas

if TYPE_CHECKING:
    from app.inference.classifier import Classified
    from app.inference.engine import Choice, Engine
    from app.inference.served import Served


def classification(answer: Classified) -> schemas.Classification:
    """Write an answer down."""
    seconds = answer.seconds
    return schemas.Classification(
        model=answered_by(answer.choice),
        predictions=[schemas.Prediction(**asdict(guess)) for guess in answer.guesses],
        image=schemas.ImageInfo(width=answer.picture.width, height=answer.picture.height, format=answer.picture.format),
        timing_ms=schemas.Timing(**{name: round(1000 * value, 2) for name, value in asdict(seconds).items()}),
    )


def answered_by(choice: Choice) -> schemas.AnsweredBy:
    """Say who answered, and for whom."""
    served = choice.served
    assert served.weights is not None  # noqa: S101 - what answers is loaded
    assert served.hardware is not None  # noqa: S101
    return schemas.AnsweredBy(
        id=served.network.id,
        weights=served.weights.origin,
        precision=served.hardware.precision,
        device=served.hardware.device,
        stand_in_for=choice.stand_in_for,
        stand_in_reason=choice.reason,
    )


def statuses(engine: Engine) -> list[schemas.ModelStatus]:
    """Say how far each network is."""
    return [status(served, engine) for served in engine.networks.values()]


def status(served: Served, engine: Engine) -> schemas.ModelStatus:
    """Say how far a network is, and who answers for it until then."""
    stand_in = engine.stand_in
    covered = served is engine.primary and not served.ready and stand_in is not None and stand_in.ready
    by = stand_in.network.id if covered and stand_in else None
    return schemas.ModelStatus(id=served.network.id, **asdict(served.report), answered_by=by)


def model(served: Served, engine: Engine) -> schemas.Model:
    """Describe a network."""
    network = served.network
    return schemas.Model(
        id=network.id,
        title=network.title,
        about=network.about,
        classes=1000,
        parameters=network.parameters,
        weight_layers=len(network.layers),
        input_size=[network.input_size, network.input_size, 3],
        preprocessing=network.preprocessing,
        status=status(served, engine),
        weights=weights(served),
        precision=served.hardware.precision if served.hardware else None,
        device=served.hardware.device if served.hardware else None,
    )


def detail(served: Served, engine: Engine) -> schemas.ModelDetail:
    """Describe a network with its layers."""
    layers = [schemas.LayerInfo.model_validate(asdict(layer)) for layer in served.network.layers]
    return schemas.ModelDetail(**model(served, engine).model_dump(), layers=layers)


def weights(served: Served) -> schemas.WeightsInfo | None:
    """Say where a network's weights come from, once they are found."""
    found = served.weights
    if found is None:
        return None
    name = found.path.name if found.path else None
    return schemas.WeightsInfo(origin=found.origin, file=name, hash=found.hash, verified=found.verified)
