"""*What is this picture of?* with the real network: each way in which a picture comes in, to its ten guesses."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.browser import DESK, PHONE, SIZES
from support.images import encoded, noise

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import House
    from playwright.sync_api import Locator

    from support.browser import Visit, Visitor

# Hands the page a file as a person's hand would: by a drop, or by a paste.
HAND_OVER = """([kind, name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  if (name) data.items.add(new File([bytes], name, { type }));
  else data.setData("text/plain", "https://example.org/cat.jpg");
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
    : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def choose(visit: Visit, *files: Path) -> None:
    """Choose files, by the button that a person would use."""
    with visit.page.expect_file_chooser() as chooser:
        visit.page.get_by_role("button", name="Choose pictures").click()
    chooser.value.set_files(list(files))


def card(visit: Visit, name: str) -> Locator:
    """Find a picture's card."""
    return visit.page.get_by_role("article").filter(has_text=name)


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("4k", "light")])
def test_a_photo(visit: Visitor, house: House, photos: Path, size: str, scheme: str) -> None:
    """A photo shows at once, and beside it its ten guesses with percentages, who answered, and how long it took."""
    window = visit(house.url, SIZES[size], scheme)
    expect(window.page.get_by_text("EfficientNet-Lite0 answers in VGG16's place")).to_be_visible()
    window.look("empty")
    choose(window, photos / "coffee.png")
    picture = window.page.get_by_role("img", name="Your picture, coffee.png")
    expect(picture).to_be_visible()
    expect(window.page.get_by_role("heading", level=2, name="espresso")).to_be_visible()
    guesses = window.page.get_by_role("list", name="Ten best guesses for coffee.png").get_by_role("listitem")
    expect(guesses).to_have_count(10)
    assert "espresso95.1 %" in guesses.first.inner_text().replace("\n", "")
    answer = card(window, "coffee.png")
    expect(answer.get_by_text("Almost certainly")).to_be_visible()
    expect(answer.get_by_text("600 \N{MULTIPLICATION SIGN} 400 PNG, 467 kB")).to_be_visible()
    expect(answer).to_contain_text("EfficientNet-Lite0, in VGG16's place, took")
    expect(window.page.locator("#polite")).to_contain_text("coffee.png: espresso, 95.1 %")
    expect(picture).to_have_js_property("naturalWidth", 600)
    window.look("answered")


def test_several_at_once(visit: Visitor, house: House, photos: Path, tmp_path: Path) -> None:
    """Each of several pictures has its card; one that is none says so, and does not spoil the others."""
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7 not a picture")
    window = visit(house.url, DESK)
    choose(window, photos / "coffee.png", photos / "chelsea.png", tmp_path / "letter.pdf", photos / "rocket.jpg")
    expect(window.page.locator("[data-state=answered]")).to_have_count(3)
    expect(card(window, "chelsea.png").get_by_role("heading", name="tiger cat")).to_be_visible()
    failed = card(window, "letter.pdf")
    expect(failed.locator(".notice")).to_contain_text("PDF is not accepted. Send JPEG, PNG, WebP, GIF or BMP.")
    expect(failed.get_by_role("button", name="Try again")).to_be_hidden()
    expect(window.page.locator("#assertive")).to_contain_text("letter.pdf: ")
    window.look("several")


def test_dropped(visit: Visitor, house: House, photos: Path) -> None:
    """A picture can be dropped anywhere; where it would go is shown while it is held over the page."""
    window = visit(house.url)
    content = base64.b64encode((photos / "coffee.png").read_bytes()).decode()
    held = ["dragenter", "coffee.png", "image/png", ""]
    window.page.get_by_role("button", name="Choose pictures").wait_for()
    window.page.evaluate(HAND_OVER, held)
    expect(window.page.locator(".welcome.dropping")).to_be_visible()
    window.keep("held-over-the-page")
    window.page.evaluate(HAND_OVER, ["drop", "coffee.png", "image/png", content])
    expect(window.page.locator(".welcome.dropping")).to_have_count(0)
    expect(card(window, "coffee.png").get_by_role("heading", name="espresso")).to_be_visible()


def test_pasted(visit: Visitor, house: House) -> None:
    """A picture can be pasted; a pasted address is answered by a word of advice."""
    window = visit(house.url)
    window.page.get_by_role("button", name="Choose pictures").wait_for()
    window.page.evaluate(HAND_OVER, ["paste", "", "", ""])
    expect(window.page.get_by_text("That is an address, not a picture.").first).to_be_visible()
    content = base64.b64encode(encoded(noise((300, 200)), "PNG")).decode()
    window.page.evaluate(HAND_OVER, ["paste", "image.png", "image/png", content])
    expect(card(window, "image.png")).to_have_attribute("data-state", "answered")
    expect(window.page.locator("#photo > .notice")).to_be_hidden()


def test_photographed(visit: Visitor, house: House) -> None:
    """On a phone a button opens its camera; a desk has no such button."""
    window = visit(house.url, PHONE)
    with window.page.expect_file_chooser() as chooser:
        window.page.get_by_role("button", name="Take a photo").click()
    assert chooser.value.element.get_attribute("capture") == "environment"
    desk = visit(house.url, DESK)
    expect(desk.page.get_by_role("button", name="Choose pictures")).to_be_visible()
    expect(desk.page.get_by_role("button", name="Take a photo")).to_be_hidden()


def test_an_animation_stands_still(visit: Visitor, house: House, tmp_path: Path) -> None:
    """Of an animated GIF the frame is shown that the network sees, which is the first one."""
    frames = [noise((90, 60), seed=seed) for seed in range(3)]
    (tmp_path / "moving.gif").write_bytes(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    window = visit(house.url)
    choose(window, tmp_path / "moving.gif")
    shown = window.page.get_by_role("img", name="Your picture, moving.gif")
    expect(shown).to_be_visible()
    assert shown.evaluate("node => [node.tagName, node.width, node.height]") == ["CANVAS", 90, 60]
    expect(card(window, "moving.gif").get_by_text("90 \N{MULTIPLICATION SIGN} 60 GIF")).to_be_visible()


def test_the_same_with_curl(visit: Visitor, house: House, photos: Path, tmp_path: Path) -> None:
    """What was just done can be copied as a curl line, which does the same in a shell, whatever the file's name."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    name = 'it\'s a "cup"; of, coffee.png'
    shutil.copy(photos / "coffee.png", tmp_path / name)
    window = visit(house.url, permissions=["clipboard-read", "clipboard-write"])
    choose(window, tmp_path / name)
    window.page.get_by_text("The same with curl").click()
    window.page.get_by_role("button", name="Copy").click()
    expect(window.page.get_by_role("button", name="Copied")).to_be_visible()
    line = window.page.evaluate("navigator.clipboard.readText()")
    assert line.startswith("curl -F ")
    done = subprocess.run(["/bin/sh", "-c", f"{line} --silent"], cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(done.stdout)["predictions"][0]["label"] == "espresso"
    window.look("curl")
