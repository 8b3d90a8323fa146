"""`bestguess train`: a small network of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from bestguess.cli.options import Json, Key, Patience, Url, Watch, decided, examples

if TYPE_CHECKING:
    from bestguess.client import Training

EPILOG = examples(
    "bestguess train --watch",
    "bestguess train --steps 2000 --learning-rate 0.0005 --seed 1",
    "bestguess train --dataset synthetic-digits --watch",
)


def train(
    *,
    steps: Annotated[int | None, decided("Batches to learn from.", 1000, min=1, max=100_000)] = None,
    batch_size: Annotated[int | None, decided("Images in a batch.", 50, min=1, max=1000)] = None,
    learning_rate: Annotated[float | None, decided("Of the optimizer.", 0.001)] = None,
    optimizer: Annotated[Literal["adam", "sgd"] | None, decided("How the weights follow the gradient.", "adam")] = None,
    report_every: Annotated[int | None, decided("Steps between two reports.", 100, min=1, max=100_000)] = None,
    dropout: Annotated[float | None, decided("Part of the dense layer left out in each step.", 0.5, min=0)] = None,
    seed: Annotated[int | None, decided("Makes the training repeatable.", "drawn", min=0, max=2**31 - 1)] = None,
    dataset: Annotated[Literal["mnist", "synthetic-digits"] | None, decided("What it learns from.", "mnist")] = None,
    watch: Watch = False,
    key: Key = None,
    patience: Patience = 30,
    json: Json = False,
    url: Url = None,
) -> None:
    """Train the classic small network on handwritten digits, on the service's worker.

    Prints the job's id; with --watch a live bar, and at the end how well it does. Ctrl-C asks whether to cancel
    the job.
    """
    from bestguess.cli.connection import connected
    from bestguess.cli.following import queued

    params: Training = {
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "optimizer": optimizer,
        "report_every": report_every,
        "dropout": dropout,
        "seed": seed,
        "dataset": dataset,
    }
    with connected(url, patience) as client:
        queued(client, client.train(idempotency_key=key, **params), watch=watch, json=json)
