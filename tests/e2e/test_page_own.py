"""*Your own classes*, as a person does it in a browser: from a folder of photographs to an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bestguess.schemas.jobs import JobStatus
from jobs.queue import FINETUNE
from support.browser import PHONE, WALL
from support.datasets import zipped
from support.finetune_jobs import submit
from support.finetuned_models import publish_child
from support.photo_datasets import png
from support.training_page import START
from support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import House
    from playwright.sync_api import Page

    from support.browser import Visitor

CLASSES = ("bark", "brick")


def textures(each: int = 5) -> dict[str, bytes]:
    """Draw the files of two classes."""
    return {f"{name}/{n}.png": png(label, n) for label, name in enumerate(CLASSES) for n in range(each)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay out a folder with two classes, a file that is no photograph, and one that is in no class."""
    files = textures() | {"bark/notes.txt": b"no picture", "brick/twice.png": png(1, 0), "loose.png": png(0, 0)}
    for name, data in files.items():
        path = tmp_path / "textures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "textures"


@pytest.fixture
def dataset_id(house: House) -> str:
    """Send a data set."""
    sent = house.client.post("/datasets?name=textures", files={"file": ("textures.zip", zipped(textures()))})
    return str(sent.json()["id"])


@pytest.fixture
def parent(house: House, dataset_id: str) -> str:
    """Name a fine-tuned network of the house; train one if there is none."""
    models = house.client.get("/models").json()["data"]
    found = [model["id"] for model in models if model["trained"] and model["trained"]["kind"] == FINETUNE]
    if found:
        return str(found[0])
    job_id = submit(house.place, dataset_id, epochs=1)
    house.place.wait(job_id, JobStatus.SUCCEEDED)
    return job_id


def fill(page: Page, epochs: int) -> None:
    """Choose the network that is there, and how often it goes through the photographs."""
    page.get_by_label("Begin with").select_option("efficientnet-lite0")
    page.get_by_label(re.compile("^Epochs")).fill(str(epochs))


def begin(page: Page, epochs: int) -> str:
    """Start a training, and return its job's id."""
    fill(page, epochs)
    page.get_by_role("button", name="Start learning").click()
    page.wait_for_url(re.compile("#own/job_"))
    return page.url.rpartition("/")[2]


def test_from_a_folder_to_an_answer(visit: Visitor, house: House, folder: Path, tmp_path: Path) -> None:
    """A folder is sent and looked at, a network learns its classes, and tells a photo, with its base beside it."""
    seen = visit(house.url, PHONE, "dark")
    page = seen.page
    page.get_by_role("link", name="Yours", exact=True).click()
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()
    page.get_by_label("A folder of photographs").set_input_files(folder)
    page.wait_for_url(re.compile("#own/ds_"))
    expect(page.get_by_role("heading", name="textures")).to_be_visible()
    expect(page.locator(".own-class-name strong")).to_have_text(list(CLASSES))
    expect(page.locator(".own-class .hint.numbers").first).to_have_text("5")
    page.locator(".own-photograph").last.scroll_into_view_if_needed()
    samples = page.locator(".own-class .own-photograph")
    wait_until(lambda: all(samples.evaluate_all("images => images.map(image => image.naturalWidth)")), 30)
    page.get_by_text("1 refused: which, and why").click()
    expect(page.get_by_text("bark/notes.txt")).to_be_visible()
    expect(page.get_by_text("1 there several times")).to_be_visible()
    expect(page.locator(".own-layer.learning")).to_have_count(2)
    page.get_by_label("Layers that stay as they are").press("Home")
    expect(page.locator(".own-layer.frozen")).to_have_count(0)
    expect(page.get_by_text("Every layer learns")).to_be_visible()
    page.get_by_label("Layers that stay as they are").press("End")
    expect(page.locator(".own-layer:not(.frozen)")).to_have_count(1)
    seen.look("classes")
    job_id = begin(page, 2)
    expect(page.get_by_role("heading", name="Training of today")).to_be_focused()
    expect(page.locator(".train-score")).to_have_text(re.compile(r"%$"), timeout=START)
    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    job = house.place.job(job_id)
    assert (job.params["freeze"], job.params["epochs"]) == (49, 2)
    chart = page.locator("figure.chart").filter(has_text="Accuracy")
    chart.locator("summary").click()
    expect(chart.locator("tbody tr")).to_have_count(2)
    cells = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.length > 0))"
    assert chart.locator("tbody tr").evaluate_all(cells) == [[True] * 3] * 2
    seen.look("report")
    photo = tmp_path / "brick.png"
    photo.write_bytes(png(1, 99))
    page.get_by_label("A photo").set_input_files(photo)
    own, other = page.locator(".own-answer").all()
    expect(own.locator(".bar")).to_have_count(2)
    expect(own.locator(".own-guess")).to_have_text(re.compile("|".join(CLASSES)))
    expect(other.locator(".bar")).to_have_count(5)
    expect(other).to_contain_text("EfficientNet-Lite0 says")
    seen.look("answered")
    page.get_by_role("link", name="Draw", exact=True).click()
    expect(page.locator("#draw :is(.pad-canvas, .draw-first)")).to_be_visible()
    assert page.locator(f"#draw-model option[value='{job_id}']").count() == 0


def test_a_parent_that_was_removed(visit: Visitor, house: House, parent: str, tmp_path: Path) -> None:
    """Beside a network whose parent was removed stand the guesses of the pretrained one that both go back to."""
    job_id = publish_child(house.place.store, house.place.data_dir, parent)
    assert house.client.delete(f"/models/{parent}").status_code == 204
    seen = visit(f"{house.url}/#own/{job_id}", PHONE)
    photo = tmp_path / "brick.png"
    photo.write_bytes(png(1, 99))
    for _ in range(2):
        seen.page.get_by_label("A photo").set_input_files(photo)
        own, other = seen.page.locator(".own-answer").all()
        expect(own.locator(".bar")).to_have_count(2)
        expect(other).to_contain_text("EfficientNet-Lite0 says what it goes back to")
        expect(other.locator(".bar")).to_have_count(5)
    expect(seen.page.locator(".own-answer .notice")).to_have_count(0)
    seen.look("root")


def test_a_reload_in_the_middle(visit: Visitor, house: House, dataset_id: str) -> None:
    """A training that goes on is there after a reload, and can be cancelled; its parameters can be used again."""
    seen = visit(f"{house.url}/#own/{dataset_id}", WALL)
    page = seen.page
    job_id = begin(page, 1000)
    expect(page.locator(".chart-loss .chart-dot").first).to_be_visible(timeout=START)
    page.goto(f"{house.url}/#own")
    page.reload()
    expect(page.locator(".chart-loss .chart-dot").first).to_be_visible()
    seen.look("learning")
    page.get_by_role("button", name="Cancel this training").click()
    expect(page.get_by_text("It was cancelled after")).to_be_visible()
    house.place.wait(job_id, JobStatus.CANCELLED)
    page.get_by_role("button", name="Change the parameters").click()
    expect(page.get_by_label(re.compile("^Epochs"))).to_have_value("1000")
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name="Trainings")).to_be_visible()
    assert page.locator(f"#train .job[href$='{job_id}']").count() == 0


def test_a_folder_that_is_dropped(visit: Visitor, house: House, folder: Path) -> None:
    """A dropped folder is a class; with another one it becomes something to tell apart, and then it is removed."""
    seen = visit(f"{house.url}/#own")
    page = seen.page
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()
    drop(page, folder / "bark")
    expect(page.get_by_text("It takes two classes at least")).to_be_visible()
    expect(page.get_by_role("button", name="Start learning")).to_be_disabled()
    seen.look("one-class")
    page.get_by_label("Add a folder's photographs to bark").check()
    drop(page, folder / "brick")
    expect(page.locator(".own-class-name strong")).to_have_text(list(CLASSES))
    expect(page.get_by_role("button", name="Start learning")).to_be_enabled()
    dataset_id = page.url.rpartition("/")[2]
    page.get_by_role("button", name="Remove this data set").click()
    page.get_by_role("button", name="Remove it for good?").click()
    expect(page.locator(f".own-sets .job[href$='{dataset_id}']")).to_have_count(0)
    assert house.client.get(f"/datasets/{dataset_id}").status_code == 404


def drop(page: Page, path: Path) -> None:
    """Drop a file or a folder on the page, as from a file manager."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 300, "data": data})


def test_an_archive(visit: Visitor, house: House, tmp_path: Path) -> None:
    """An archive is sent as it is; one that is none is refused in words."""
    page = visit(f"{house.url}/#own").page
    (tmp_path / "words.zip").write_text("no archive")
    page.get_by_label("An archive").set_input_files(tmp_path / "words.zip")
    expect(page.locator(".own-trouble .notice.error")).to_be_visible()
    (tmp_path / "walls.zip").write_bytes(zipped(textures(2)))
    page.get_by_label("An archive").set_input_files(tmp_path / "walls.zip")
    expect(page.get_by_role("heading", name="walls")).to_be_visible()
    expect(page.get_by_text("There are few photographs of bark, brick.")).to_be_visible()


SORTED = """async paths => {
  const { sorted, batches } = await import("/page/own/paths.js");
  const file = { size: 10 };
  const { name, photographs, loose } = sorted(paths.map(path => ({ path, file })));
  const sent = batches(photographs, 2, 25).map(batch => [batch[0].label, ...batch.map(one => one.name)]);
  return [name, loose, sent];
}"""


SORTINGS = (
    (["pets/cats/1", "pets/dogs/1"], ["pets", 0, [["cats", "1"], ["dogs", "1"]]]),
    (["/cats/1", "/dogs/1", "/dogs/.x", "/__MACOSX/cats/1"], ["cats", 0, [["cats", "1"], ["dogs", "1"]]]),
    (["a/b/cats/1", "a/b/cats/old/1", "a/b/dogs/1", "a/b/2"], ["a", 1, [["cats", "1", "old 1"], ["dogs", "1"]]]),
    (["cats/1", "cats/2", "cats/3"], ["cats", 0, [["cats", "1", "2"], ["cats", "3"]]]),
    (["1", "2"], ["photographs", 2, []]),
    ([], ["photographs", 0, []]),
)


def test_which_class_a_file_is_of(visit: Visitor, house: House) -> None:
    """The folder says the class; folders above all classes are passed over, and so are hidden files."""
    page = visit(f"{house.url}/#layers").page
    for paths, expected in SORTINGS:
        assert page.evaluate(SORTED, paths) == expected
