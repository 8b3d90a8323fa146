"""A disk for models that is full."""

from support.compose_stack import Stack, whole


def test_the_disk_for_models_is_full(product: Stack) -> None:
    """A training that finds the disk full fails and says so; images are classified; with room the next one succeeds."""
    worker = product.containers("worker")[0]
    filler = "/data/models/filler"
    worker.run("sh", "-c", f"dd if=/dev/zero of={filler} bs=64k 2>/dev/null || true")
    try:
        job = product.ended(product.submit(steps=60))
        assert job["status"] == "failed"
        assert job["error"]["code"] == "artifacts-unavailable"
        assert "No space left on device" in job["error"]["detail"]
        assert product.classifies()
    finally:
        worker.run("rm", "-f", filler)
    whole(product, product.submit(steps=60), 60)
