"""LitServe around the same network, weights and precision, as its documentation would have it. A process of its own.

Importing LitServe changes Starlette's limits on forms, so that nothing else may import this module. LitServe reads the
annotations of the verbs, so that they are no strings here.
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

from app.inference.hardware import import_tensorflow
from vision.images import FILTERS
from vision.labels import imagenet_labels
from vision.networks import NETWORKS
from vision.random_weights import RANDOM_SEED

TOP_K = 10  # as the service answers unless told otherwise


class Classify(litserve.LitAPI):  # type: ignore[misc] # LitServe has no types
    """Its four verbs: setup, decode, predict, encode; decoding is Pillow's, in the worker, as in its examples."""

    def __init__(self, asked: dict[str, Any]) -> None:
        super().__init__(max_batch_size=asked["max_batch_size"], batch_timeout=asked["batch_timeout"])
        self.asked = asked

    def setup(self, device: str) -> None:  # noqa: ARG002 - TensorFlow finds a GPU by itself
        """Load the network in the worker's process, compile it for batches of any size, and warm it up."""
        tf, network, precision = import_tensorflow(), NETWORKS[self.asked["model"]], self.asked["precision"]
        model = network.build(precision)
        weights = self.asked["weights"]
        if weights is None and network.randomise:
            network.randomise(model, RANDOM_SEED)
        else:
            network.load(model, Path(weights) if weights else None)

        def scores(pixels: Any) -> Any:  # noqa: ANN401 - tensors have no types
            ready = tf.cast(network.preprocess(tf.cast(pixels, tf.float32)), precision)
            return tf.nn.softmax(tf.cast(model(ready, training=False), tf.float32))

        self.network, self.side = network, network.input_size
        self.scores = tf.function(scores, input_signature=[tf.TensorSpec((None, self.side, self.side, 3), tf.uint8)])
        for size in range(1, self.asked["max_batch_size"] + 1):
            self.scores(np.zeros((size, self.side, self.side, 3), np.uint8))

    def decode_request(self, request: Request) -> NDArray[np.uint8]:
        """Bring the shorter side to what the network wants, and cut the square from the centre.

        LitServe hands the form itself over where it promises a request.
        """
        image = Image.open(request["file"].file).convert("RGB")
        scale = self.network.resize / min(image.size)
        size = round(image.width * scale), round(image.height * scale)
        image = image.resize(size, FILTERS[self.network.interpolation])
        left, top = (image.width - self.side) // 2, (image.height - self.side) // 2
        return np.asarray(image.crop((left, top, left + self.side, top + self.side)))

    def predict(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Answer (batch, height, width, RGB) with (batch, classes)."""
        found: NDArray[np.float32] = self.scores(batch).numpy()
        return found

    def encode_response(self, scores: NDArray[np.float32]) -> dict[str, Any]:
        """Write the best guesses down."""
        labels, order = imagenet_labels(), np.argsort(-scores)[:TOP_K]
        return {"predictions": [{"label": labels[index].name, "score": float(scores[index])} for index in order]}


def main() -> None:
    """Read what is asked for, and serve until killed."""
    asked = json.loads(sys.argv[1])
    server = litserve.LitServer(Classify(asked), accelerator="cpu", timeout=asked["timeout"])
    server.run(host="127.0.0.1", port=asked["port"], generate_client_file=False, log_level="error")


if __name__ == "__main__":
    main()
