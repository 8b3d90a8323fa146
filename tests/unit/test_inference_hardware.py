"""In which number format a network computes, by what the device is fast at."""

import pytest

from vision import machine


@pytest.mark.parametrize(
    ("bfloat16", "gpu", "precision"),
    [
        (True, None, "bfloat16"),
        (False, None, "float32"),
        (False, {"compute_capability": (9, 0)}, "bfloat16"),
        (False, {"compute_capability": (8, 0)}, "bfloat16"),
        (True, {"compute_capability": (7, 5)}, "float16"),
        (True, {"compute_capability": (6, 1)}, "float32"),
        (True, {}, "float32"),
    ],
)
def test_auto_is_what_the_device_is_fast_at(
    monkeypatch: pytest.MonkeyPatch, bfloat16: bool, gpu: dict[str, object] | None, precision: str
) -> None:
    """VGG16 takes 16 bits where the device has instructions for them; a depthwise network never does."""
    monkeypatch.setattr(machine, "has_bfloat16", lambda: bfloat16)
    assert machine.fastest(gpu, gains_from_16_bits=True) == precision
    assert machine.fastest(gpu, gains_from_16_bits=False) == "float32"
