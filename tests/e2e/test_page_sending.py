"""A folder of photographs on its way from the page: as many requests as a data set can take, or words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from app.services.datasets import MAX_FILES, MAX_PARTS

if TYPE_CHECKING:
    from conftest import House

    from support.browser import Visitor

DIVIDED = """async ([classes, each, size, most]) => {
  const { divided } = await import("/page/own/paths.js");
  const names = [...Array(each).keys()].map(String);
  const labels = [...Array(classes).keys()].map(String);
  const photographs = labels.flatMap(label => names.map(name => ({ label, name, file: { size } })));
  const sent = divided(photographs, most).map(batch => batch.length);
  return [sent.length, Math.max(...sent), sent.reduce((sum, files) => sum + files)];
}"""

# Classes, photographs of each, bytes of one, bytes of a request at most; and how many photographs are in the largest.
FOLDERS = (
    ((2, 100, 10_000, 1e9), 50),
    ((2, 100, 3e6, 1e9), 8),
    ((2, 100, 3e6, 1e7), 3),
    ((4, 5000, 3e6, 45e9), 67),
    ((390, 51, 10_000, 1e9), 51),
)

SENT = """async classes => {
  const { sendFolder } = await import("/page/own/sending.js");
  const file = new File(["x"], "x.png");
  const photographs = [...Array(classes).keys()].map(label => ({ label: String(label), name: "x.png", file }));
  const how = { signal: new AbortController().signal, made() {}, progress() {}, waiting() {} };
  return sendFolder({ name: "many", photographs }, how).catch(error => error.detail);
}"""


def test_folders_of_every_size(visit: Visitor, house: House) -> None:
    """A folder is sent in small requests; a large one, or one of many classes, in as few as a data set can take."""
    page = visit(f"{house.url}/#layers").page
    for folder, files in FOLDERS:
        requests, largest, every = page.evaluate(DIVIDED, folder)
        assert requests <= MAX_PARTS * 0.8  # which leaves some for what is added later
        assert largest == files <= MAX_FILES
        assert every == folder[0] * folder[1]


def test_a_folder_of_too_many_classes(visit: Visitor, house: House) -> None:
    """A folder of more classes than a data set can take requests is refused in words before anything is sent."""
    page = visit(f"{house.url}/#layers").page
    assert "Pack it into a zip" in page.evaluate(SENT, MAX_PARTS + 1)
    assert "many" not in {each["name"] for each in house.client.get("/datasets").json()["data"]}


# What a browser gives for a dropped folder in which it may not read `path`: a file, or a folder.
REFUSED = """path => {
  const fails = (_, fail) => fail(new DOMException("no", "NotReadableError"));
  const folder = (fullPath, readEntries) => ({ fullPath, isDirectory: true, createReader: () => ({ readEntries }) });
  const inside = { ...folder(path, fails), isFile: path.includes("."), file: fails };
  const top = folder("/pets", then => then([inside]));
  const dataTransfer = { items: [{ kind: "file", webkitGetAsEntry: () => top }], files: [] };
  dispatchEvent(Object.assign(new Event("drop"), { dataTransfer }));
}"""


def test_what_the_browser_may_not_read(visit: Visitor, house: House) -> None:
    """Where a file or a folder of what was dropped cannot be read the page names it, and nothing is sent."""
    page = visit(f"{house.url}/#own").page
    expect(page.get_by_role("button", name="Choose a folder")).to_be_visible()
    for path in ("pets/cats", "pets/1.png"):
        page.evaluate(REFUSED, f"/{path}")
        expect(page.get_by_text(f"{path} cannot be read, and nothing was sent.")).to_be_visible()
    assert "pets" not in {each["name"] for each in house.client.get("/datasets").json()["data"]}
