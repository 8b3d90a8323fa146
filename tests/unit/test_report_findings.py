import json

import numpy as np
import pytest

from bestguess.schemas.report import Report
from support.training_reports import findings_of, report_of
from vision.pictures.render import opened
from vision.reports import THUMBNAIL, find, softmax

# Three of each class: one cat is called a dog, two birds are called cats.
SAID = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (1, 1), (2, 0), (2, 0), (2, 2)]
PETS = ["cat", "dog", "bird"]


def test_confusion_matrix() -> None:
    """Rows are what an image is, columns what was said."""
    findings = findings_of(PETS, SAID)
    assert findings.confusion_matrix == [[2, 1, 0], [0, 3, 0], [2, 0, 1]]
    assert (findings.test_images, findings.accuracy) == (9, pytest.approx(6 / 9))


def test_precision_and_recall() -> None:
    """Precision is by what was said, recall by what is; F1 is their harmonic mean, macro F1 the mean of these."""
    findings = findings_of(PETS, SAID)
    scores = [(each.label, each.precision, each.recall, each.support) for each in findings.per_class]
    assert scores == [("cat", 2 / 4, 2 / 3, 3), ("dog", 3 / 4, 3 / 3, 3), ("bird", 1 / 1, 1 / 3, 3)]
    harmonic = [2 * p * r / (p + r) for _, p, r, _ in scores if p and r]
    assert [each.f1 for each in findings.per_class] == pytest.approx(harmonic)
    assert findings.macro_f1 == pytest.approx(sum(harmonic) / 3)


def test_undefined_scores() -> None:
    """A class never said has no precision, one that never occurs no recall, and one that does neither is left out."""
    findings = findings_of(["a", "b", "c", "d"], [(0, 0), (1, 0), (0, 2)])
    values = [(each.precision, each.recall, each.f1) for each in findings.per_class]
    assert values == [(0.5, 0.5, 0.5), (None, 0, 0), (0, None, 0), (None, None, None)]
    assert findings.macro_f1 == pytest.approx(0.5 / 3)
    assert json.loads(findings.model_dump_json())["per_class"][3]["f1"] is None


def test_worst_mistakes() -> None:
    """They are the wrong answers farthest above the right ones, the worst first, with the scores of all classes."""
    mistakes = findings_of(PETS, SAID).worst_mistakes
    assert [(each.index, each.label, each.predicted) for each in mistakes] == [
        (7, "bird", "cat"),
        (6, "bird", "cat"),
        (2, "cat", "dog"),
    ]
    first = mistakes[0]
    assert first.scores == pytest.approx(softmax(np.array([[3.07, 0, 0]], np.float32))[0], abs=1e-6)
    assert (first.score, first.true_score) == (first.scores[0], first.scores[2])


def test_mistakes_that_are_equally_sure() -> None:
    """Of mistakes whose scores are 1 and 0, to the last digit, that with the larger logit is the worse."""
    logits = np.array([[100, 0, 0], [300, 0, 0], [200, 0, 0], [300, 0, 0]], np.float32)
    mistakes = find(np.zeros((4, 28, 28), np.uint8), np.array([1, 1, 2, 2]), logits, PETS).worst_mistakes
    assert {(each.score, each.true_score) for each in mistakes} == {(1, 0)}
    assert [each.index for each in mistakes] == [1, 3, 2, 0]


def test_at_most_25_mistakes() -> None:
    """Of many mistakes the 25 worst are kept, and none of no mistakes."""
    assert [each.index for each in findings_of(PETS, [(0, 1)] * 40).worst_mistakes] == list(range(39, 14, -1))
    assert findings_of(PETS, [(0, 0)] * 40).worst_mistakes == []


def test_mistakes_have_their_images() -> None:
    """A small image is there as it is, of a large one a thumbnail of the same proportions and colours."""
    [small] = findings_of(PETS, [(0, 1)]).worst_mistakes
    assert np.array_equal(
        np.asarray(opened(small.image)), np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8)[0]
    )
    [large] = findings_of(PETS, [(0, 1)], (300, 150, 3)).worst_mistakes
    assert (opened(large.image).size, opened(large.image).mode) == ((THUMBNAIL // 2, THUMBNAIL), "RGB")


def test_huge_logits() -> None:
    """Logits whose powers would overflow still give scores."""
    assert softmax(np.array([[1e30, 0], [-1e30, -1e30]], np.float32)).tolist() == [[1, 0], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("images", "labels", "logits", "message"),
    [
        (2, [0], np.zeros((1, 3)), "do not belong together"),
        (0, [], np.zeros((0, 3)), "do not belong together"),
        (1, [0], np.zeros((1, 2)), "do not belong together"),
        (1, [3], np.zeros((1, 3)), "labels go from 3 to 3"),
        (1, [0], np.full((1, 3), np.nan), "not finite"),
    ],
)
def test_what_does_not_belong_together(images: int, labels: list[int], logits: np.ndarray, message: str) -> None:
    """Numbers that cannot be a network's answers to these images are refused, and the message says why."""
    with pytest.raises(ValueError, match=message):
        find(np.zeros((images, 28, 28), np.uint8), np.array(labels, int), logits.astype(np.float32), PETS)


def test_json() -> None:
    """A report is the same after it was written and read, even by a version that knows fewer fields."""
    report = report_of(findings_of(PETS, SAID), steps=10)
    text = report.model_dump_json()
    assert Report.model_validate_json(text) == report
    assert json.loads(text)["learning_curve"][0] == {"step": 100, "train_accuracy": 0.8, "loss": 2.0}
    assert Report.model_validate(json.loads(text) | {"colour": "blue"}) == report
