"""LitServe with the same network, weights and precision, written as in its documentation.

It runs in a process of its own, because importing LitServe changes Starlette's limits on forms: no other module may
import this one. LitServe reads the annotations of the methods, so they are not strings here.
"""

import json
import sys
from pathlib import Path
from typing import Any

import litserve  # type: ignore[import-untyped]
import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from PIL import Image

from vision.decode.images import FILTERS
from vision.engines.tensorflow import import_tensorflow
from vision.networks.labels import imagenet_labels
from vision.networks.random_weights import RANDOM_SEED
from vision.networks.registry import NETWORKS

TOP_K = 10  # the service's default


class Classify(litserve.LitAPI):  # type: ignore[misc] # LitServe has no types
    """LitServe's four methods. Pillow decodes in the worker, as in LitServe's examples."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(max_batch_size=parameters["max_batch_size"], batch_timeout=parameters["batch_timeout"])
        self.parameters = parameters

    def setup(self, device: str) -> None:  # noqa: ARG002 - TensorFlow finds a GPU by itself
        """Load the network in the worker's process, trace it for batches of any size, and warm it up."""
        parameters = self.parameters
        tf, network, precision = import_tensorflow(), NETWORKS[parameters["model"]], parameters["precision"]
        model = network.build(precision)
        weights = parameters["weights"]
        if weights is None and network.randomise:
            network.randomise(model, RANDOM_SEED)
        else:
            network.load(model, Path(weights) if weights else None)

        def scores(pixels: Any) -> Any:  # noqa: ANN401 - tensors have no types
            ready = tf.cast(network.preprocess(tf.cast(pixels, tf.float32)), precision)
            return tf.nn.softmax(tf.cast(model(ready, training=False), tf.float32))

        self.network, self.side = network, network.input_size
        self.scores = tf.function(scores, input_signature=[tf.TensorSpec((None, self.side, self.side, 3), tf.uint8)])
        for size in range(1, parameters["max_batch_size"] + 1):
            self.scores(np.zeros((size, self.side, self.side, 3), np.uint8))

    def decode_request(self, request: Request) -> NDArray[np.uint8]:
        """Resize the shorter side, and cut the square from the centre.

        LitServe passes the form where its documentation promises a request.
        """
        image = Image.open(request["file"].file).convert("RGB")
        scale = self.network.resize / min(image.size)
        size = round(image.width * scale), round(image.height * scale)
        image = image.resize(size, FILTERS[self.network.interpolation])
        left, top = (image.width - self.side) // 2, (image.height - self.side) // 2
        return np.asarray(image.crop((left, top, left + self.side, top + self.side)))

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return scores (batch, classes) for pixels (batch, height, width, RGB)."""
        scores: NDArray[np.float32] = self.scores(batch).numpy()
        return scores

    def encode_response(self, scores: NDArray[np.float32]) -> dict[str, Any]:
        """Return the top classes."""
        labels, order = imagenet_labels(), np.argsort(-scores)[:TOP_K]
        return {"predictions": [{"label": labels[index].name, "score": float(scores[index])} for index in order]}


def main() -> None:
    """Serve until killed; the parameters are the first argument, as JSON."""
    parameters = json.loads(sys.argv[1])
    server = litserve.LitServer(Classify(parameters), accelerator="cpu", timeout=parameters["timeout"])
    server.run(host="127.0.0.1", port=parameters["port"], generate_client_file=False, log_level="error")


if __name__ == "__main__":
    main()
