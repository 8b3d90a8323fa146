"""Models and reports in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bestguess.cli.outcomes import percent

if TYPE_CHECKING:
    from bestguess.schemas import Model, ModelDetail, TrainedInfo
    from bestguess.schemas.report import Report


def row(model: Model) -> tuple[str, ...]:
    """Say the essentials of a model."""
    trained = model.trained
    origin = f"{trained.created_at:%Y-%m-%d %H:%M} UTC" if trained else model.title
    if trained and trained.parent:
        origin = f"{(trained.dataset or {}).get('name')}, {origin}"
    accuracy = percent(measured(trained)) if trained else ""
    return model.id, ", ".join(model.aliases), model.status.state, accuracy, origin


def facts(model: ModelDetail) -> list[str]:
    """Say what a model is, with its layers."""
    lines = [f"{model.id}: {model.title}", model.about]
    lines += [f"also: {', '.join(model.aliases)}"] if model.aliases else []
    lines += [f"state: {model.status.state}. {model.status.detail}"]
    lines += [model.status.action] if model.status.action else []
    lines += [f"{model.classes:,} classes, {model.parameters:,} parameters, {model.weight_layers} layers with weights"]
    if model.trained:
        trained = model.trained
        params = trained.changed_params.items()
        lines += [
            f"trained {trained.created_at:%Y-%m-%d %H:%M} UTC: {percent(measured(trained)) or 'none'} right when tested"
        ]
        lines += learned(trained)
        lines += ["  ".join(f"{name}={value}" for name, value in params)] if params else []
        lines += [f"SHA-256 {trained.sha256}, {trained.bytes:,} bytes"]
    lines += [model.trouble] if model.trouble else []
    lines += [
        f"  {layer.name}: {layer.kind} {' x '.join(map(str, layer.kernel))}, {layer.parameters:,}"
        for layer in model.layers
    ]
    return lines


def measured(trained: TrainedInfo) -> float | None:
    """Find the accuracy on what a model has not learned from."""
    return trained.validation_accuracy if trained.test_accuracy is None else trained.test_accuracy


def learned(trained: TrainedInfo) -> list[str]:
    """Say what a fine-tuned model tells apart, and what it began with."""
    if not trained.classes:
        return []
    random = trained.root_weights is not None and trained.root_weights.origin == "random"
    begun = f"from {trained.parent}, {trained.freeze} layers of which stayed" + (" (random weights)" if random else "")
    return [f"tells apart {', '.join(trained.classes)}", f"{begun}; epoch {trained.best_epoch} of {trained.epochs}"]


def findings(report: Report) -> list[str]:
    """Say how good a model is, with the confusion matrix."""
    lines = [f"{report.model_id}: {percent(report.accuracy)} of {report.test_images:,} {report.tested_on} are right"]
    lines += [f"from {report.dataset.description}", "", *matrix(report), ""]
    worst = sorted(report.per_class, key=lambda one: one.f1 or 0)[:3]
    hardest = ", ".join(f"{one.label} (F1 {percent(one.f1) or 'none'})" for one in worst)
    return [*lines, f"hardest: {hardest}"]


def matrix(report: Report) -> list[str]:
    """Lay the confusion matrix out: a row for what an image is, a column for what was said."""
    counts = [[str(count) for count in line] for line in report.confusion_matrix]
    wide = max((len(text) for line in (report.classes, *counts) for text in line), default=1)
    if len(report.classes) > 16:  # noqa: PLR2004 - more fit no terminal
        return [f"The confusion matrix of {len(report.classes)} classes is in --json, and drawn by --save."]
    head = " ".join(name.rjust(wide) for name in ("", *report.classes))
    rows = zip(report.classes, counts, strict=True)
    return [head, *(" ".join(text.rjust(wide) for text in (name, *line)) for name, line in rows)]
