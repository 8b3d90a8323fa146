"""*Draw a digit*, as a person does it in a browser, for networks that were really trained."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from support.browser import PHONE, WALL
from support.training_page import START
from support.worker_processes import SHORT

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import House
    from playwright.sync_api import Page, Route

    from support.browser import Visitor

SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]


def draw(page: Page, corners: list[tuple[float, float]]) -> None:
    """Draw a line with the mouse, its corners in parts of the pad's side."""
    pad = page.locator(".pad-canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def shorten(route: Route) -> None:
    """Let a training that a page asks for take fewer steps than a person has patience for."""
    asked = route.request.post_data_json
    assert (asked["steps"], asked["report_every"]) == (300, 50)
    route.continue_(post_data=json.dumps(asked | SHORT))


def test_nothing_trained_yet(visit: Visitor, house: House) -> None:
    """Where nothing is trained yet a button trains a network, and then drawing works without a reload."""
    for model in house.client.get("/models").json()["data"]:
        if model["trained"]:
            house.client.delete(f"/models/{model['id']}")
    seen = visit(f"{house.url}/#draw", PHONE)
    page = seen.page
    expect(page.get_by_text("Nothing is trained yet")).to_be_visible()
    seen.look("nothing")
    page.route("**/jobs/mnist-train", shorten, times=1)
    with house.place.held():  # so that the training goes on, however long a reload takes
        page.get_by_role("button", name="Train one now").click()
        expect(page.locator("#draw progress")).to_be_visible()
        seen.keep("learning")
        page.reload()
        expect(page.locator("#draw progress")).to_be_visible()
    expect(page.locator(".pad-canvas")).to_be_visible(timeout=START)
    draw(page, SEVEN)
    expect(page.locator(".draw-digit")).to_have_text(re.compile(r"^\d$"))
    seen.look("answered")


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (WALL, "dark")], ids=["phone", "4k"])
def test_draw_a_digit(visit: Visitor, house: House, model_id: str, size: tuple[int, int], scheme: str) -> None:
    """A digit that is drawn is answered with all ten and with what the network saw; undone, nothing is said of it."""
    seen = visit(house.url, size, scheme, device_scale_factor=2 if size == PHONE else 1)
    page = seen.page
    page.get_by_role("link", name="Draw", exact=True).click()
    expect(page.get_by_text("Nothing is drawn yet.")).to_be_visible()
    seen.look("empty")
    draw(page, SEVEN)
    expect(page.locator(".draw-digit")).to_have_text(re.compile(r"^\d$"))
    expect(page.locator(".draw-bars li")).to_have_count(10)
    expect(page.locator(".draw-seen")).to_have_attribute("src", re.compile("^data:image/png;base64,"))
    for length in ("naturalWidth", "naturalHeight"):
        expect(page.locator(".draw-seen")).to_have_js_property(length, 28)
    side, shown, ratio = page.locator(".pad-canvas").evaluate(
        "pad => [pad.width, pad.getBoundingClientRect().width, devicePixelRatio]"
    )
    assert side == pytest.approx(shown * ratio, abs=1)
    seen.look("answered")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nothing is drawn yet.")).to_be_visible()
    expect(page.locator(".draw-seen")).to_be_hidden()
    page.locator("#draw-model").select_option(model_id)
    draw(page, SEVEN)
    expect(page.locator(".draw-digit")).to_have_text(re.compile(r"^\d$"))
    expect(page.locator("#draw .curl code")).to_have_text(re.compile(f"curl -F file=@digit.png .*{model_id}/classify"))
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing is drawn yet.")).to_be_visible()


@pytest.mark.usefixtures("model_id")
def test_draw_without_a_pointer(visit: Visitor, house: House) -> None:
    """Arrow keys and the space bar draw; Backspace takes the stroke away."""
    page = visit(f"{house.url}/#draw").page
    page.locator(".pad-canvas").focus()
    for key in ["Space", *["ArrowDown"] * 12, "Space"]:
        page.keyboard.press(key)
    expect(page.locator(".draw-digit")).to_have_text(re.compile(r"^\d$"))
    page.keyboard.press("Backspace")
    expect(page.get_by_text("Nothing is drawn yet.")).to_be_visible()


@pytest.mark.usefixtures("model_id")
def test_a_picture_instead(visit: Visitor, house: House, photos: Path, tmp_path: Path) -> None:
    """A file can be asked instead; one that is no picture, or shows no digit, is answered in words."""
    seen = visit(f"{house.url}/#draw")
    page = seen.page
    words = tmp_path / "words.png"
    words.write_text("no picture")
    page.locator("#draw-file").set_input_files(words)
    expect(page.locator("#draw .notice.error")).to_be_visible()
    seen.look("no-picture")
    page.locator("#draw-file").set_input_files(photos / "coffee.png")
    expect(page.locator("#draw .notice.error")).to_be_hidden()
    draw(page, SEVEN)
    expect(page.locator(".draw-digit")).to_have_text(re.compile(r"^\d$"))


@pytest.mark.usefixtures("model_id")
def test_the_latest_drawing_wins(visit: Visitor, house: House) -> None:
    """A question that is still open when something else is drawn is let go, and its answer never shown."""
    page = visit(f"{house.url}/#draw").page
    held: list[Route] = []
    page.route("**/classify*", lambda route: held.append(route), times=1)  # noqa: PLW0108 - Playwright wants a function
    with page.expect_event("requestfailed") as dropped:
        with page.expect_request("**/classify*"):
            draw(page, [(0.5, 0.2), (0.5, 0.8)])
        draw(page, SEVEN)
    assert [route.request for route in held] == [dropped.value]
    expect(page.locator(".draw-digit")).to_have_text(re.compile(r"^\d$"))
