from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from app.settings import Settings
from support.browser import PHONE, SIZES
from support.live_server import live
from support.training_page import fill

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Route

    from support.browser import Visitor
    from support.live_server import Live

TITLES = {
    "photo": "What is this picture of?",
    "train": "Train your own",
    "draw": "Draw a digit",
    "layers": "VGG16, layer by layer",
}


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("4k", "dark")])
def test_layers(visit: Visitor, service: Live, size: str, scheme: str) -> None:
    """VGG16's sixteen weight layers are a drawing with a name, and a table with the sum of what they have learned."""
    window = visit(f"{service.client.base_url}/#layers", SIZES[size], scheme)
    drawing = window.page.get_by_role("img", name="VGG16's 16 weight layers")
    expect(drawing.locator(".solid")).to_have_count(16)
    expect(window.page.get_by_role("row")).to_have_count(18)
    expect(window.page.get_by_role("cell", name="138,357,544")).to_be_visible()
    window.look("layers")


def test_layers_of_the_deeper_network(visit: Visitor, service: Live) -> None:
    """VGG-19's nineteen are a click away, at an address of their own."""
    window = visit(f"{service.client.base_url}/#layers")
    window.page.get_by_role("link", name="VGG-19").click()
    drawing = window.page.get_by_role("img", name="VGG-19's 19 weight layers")
    expect(drawing.locator(".solid")).to_have_count(19)
    expect(window.page.get_by_role("cell", name="143,667,240")).to_be_visible()
    expect(window.page.get_by_role("heading", level=1, name="VGG-19, layer by layer")).to_be_visible()
    expect(window.page.get_by_text("Sixteen convolutions look for")).to_be_visible()
    expect(window.page).to_have_title("VGG-19, layer by layer · Best Guess")
    window.page.reload()
    expect(drawing.locator(".solid")).to_have_count(19)
    window.page.get_by_role("link", name="Photo").click()
    expect(window.page).to_have_title("What is this picture of? · Best Guess")
    window.page.go_back()
    expect(window.page).to_have_title("VGG-19, layer by layer · Best Guess")


def test_layers_of_no_network(visit: Visitor, service: Live) -> None:
    """An address with the id of no network says so and offers those that there are; a choice keeps the focus."""
    page = visit(f"{service.client.base_url}/#layers/nonsense").page
    expect(page.get_by_text("There is no model 'nonsense'")).to_be_visible()
    expect(page.locator("#layers nav [aria-current]")).to_have_count(0)
    chosen = page.get_by_role("link", name="VGG-19")
    chosen.press("Enter")
    expect(page.get_by_role("img", name="VGG-19's 19 weight layers")).to_be_visible()
    expect(chosen).to_have_attribute("aria-current", "page")
    expect(page.locator("#layers nav [aria-current]")).to_have_count(1)
    expect(chosen).to_be_focused()


@pytest.mark.parametrize("size", [(390, 844), (1280, 900)], ids=["phone", "desk"])
def test_layers_of_the_network_that_is_served(visit: Visitor, tmp_path: Path, size: tuple[int, int]) -> None:
    """Without a name it is the first that is served; fifty layers are in lines that fit, and their names apart."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, models="efficientnet-lite0")) as running:
        window = visit(f"{running.client.base_url}/#layers", size)
        page = window.page
        drawing = page.get_by_role("img", name="EfficientNet-Lite0's 50 weight layers")
        expect(drawing.locator(".solid")).to_have_count(50)
        expect(page.get_by_role("heading", level=1, name="EfficientNet-Lite0, layer by layer")).to_be_visible()
        expect(page).to_have_title("EfficientNet-Lite0, layer by layer · Best Guess")
        expect(page.get_by_role("link", name="EfficientNet-Lite0")).to_have_attribute("aria-current", "page")
        names = drawing.locator(".name").evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
        frame = page.locator(".drawing").bounding_box()
        window.look("layers")
        assert "VGG16" not in page.locator(".masthead").inner_text()
        page.get_by_role("link", name="VGG16").click()
        expect(page).to_have_title("VGG16, layer by layer · Best Guess")
        expect(page.get_by_role("link", name="VGG16")).to_have_attribute("href", "#layers/vgg16")
    assert frame
    assert frame["height"] < (900 if size[0] > 1000 else 2600)
    assert all(name["height"] > 9 for name in names)
    assert all(frame["x"] <= name["left"] and name["right"] <= frame["x"] + frame["width"] for name in names)
    assert not [pair for pair in combinations(names, 2) if overlap(*pair)]


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    """Return whether two boxes share more than the room that a line has around its letters."""
    room = 4  # pixels
    across = min(one["right"], other["right"]) - max(one["left"], other["left"]) > 0
    return across and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > room


def test_addresses(visit: Visitor, service: Live) -> None:
    """Each section has an address that leads there, the window's title says which, and going back goes back."""
    page = visit(f"{service.client.base_url}/#draw").page
    for name, title in TITLES.items():
        page.get_by_role("navigation").locator(f"a[href='#{name}']").click()
        expect(page.get_by_role("heading", level=1, name=title)).to_be_focused()
        expect(page).to_have_title(f"{title} · Best Guess")
        expect(page.locator(".tabs [aria-current=page]")).to_have_attribute("href", f"#{name}")
        expect(page.locator("main > section:visible")).to_have_count(1)
    page.go_back()
    expect(page.get_by_role("heading", level=1, name=TITLES["draw"])).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1, name=TITLES["draw"])).to_be_visible()


@pytest.mark.parametrize("fragment", ["#nonsense", "#__proto__", "#photo/%E0%A4%A", "#%"])
def test_an_address_that_leads_nowhere(visit: Visitor, service: Live, fragment: str) -> None:
    """A fragment that means nothing shows the first section."""
    page = visit(f"{service.client.base_url}/{fragment}").page
    expect(page.get_by_role("heading", level=1, name=TITLES["photo"])).to_be_visible()


def test_a_part_that_does_not_come(visit: Visitor, service: Live) -> None:
    """A section whose files cannot be fetched says so, and the others are there."""
    window = visit(str(service.client.base_url))
    expect(window.page.get_by_role("button", name="Choose pictures")).to_be_visible()
    window.page.context.set_offline(True)
    window.page.get_by_role("link", name="Layers").click()
    expect(window.page.get_by_role("alert").filter(has_text="could not be loaded")).to_be_visible()
    window.page.get_by_role("link", name="Photo").click()
    expect(window.page.get_by_role("button", name="Choose pictures")).to_be_visible()
    assert "dynamically imported module" in window.troubles.pop()


@pytest.mark.parametrize("lost", ["main.js", "shared/key.js"])
def test_a_page_that_does_not_come(visit: Visitor, service: Live, lost: str) -> None:
    """A page whose script, or an import of it, is lost on the way says so and loads again by itself, where it was."""
    page = visit("about:blank").page
    page.route(f"**/page/{lost}", lambda route: route.abort("connectionreset"), times=1)
    page.clock.install(time=0)
    page.clock.pause_at(1)  # so that the message is there for as long as this test wants to read it
    page.goto(f"{service.client.base_url}/#draw")
    expect(page.locator("#main").get_by_role("alert")).to_contain_text("could not be loaded")
    page.clock.resume()
    expect(page.get_by_role("heading", level=1, name=TITLES["draw"])).to_be_visible()


def test_a_page_that_comes_never(visit: Visitor, service: Live) -> None:
    """A page whose script is lost each time is not loaded every two seconds: after the second time it waits longer."""
    page = visit("about:blank").page
    lost: list[Route] = []

    def lose(route: Route) -> None:
        lost.append(route)
        route.abort("connectionreset")

    page.route("**/page/main.js", lose)
    page.goto(str(service.client.base_url), wait_until="commit")  # before it loads again
    expect(page.locator("#main").get_by_role("alert")).to_contain_text("in half a minute")
    assert len(lost) == 2
    page.unroute("**/page/main.js")
    page.reload()
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()


def test_a_script_of_somebody_else(visit: Visitor, service: Live) -> None:
    """A script that a browser's extension adds in vain leaves a page that works, and what was typed there, alone."""
    page = visit(f"{service.client.base_url}/#train").page
    fill(page, {"Learning rate": "0.5"})
    field = page.get_by_label("Learning rate")
    page.evaluate("document.head.appendChild(document.createElement('script')).dispatchEvent(new Event('error'))")
    expect(field).to_have_value("0.5")
    expect(page.locator("#main")).not_to_contain_text("could not be loaded")


def test_by_keyboard(visit: Visitor, service: Live) -> None:
    """The first stop skips to the content, the next lead through the sections, and each is seen to have the focus."""
    page = visit(str(service.client.base_url), PHONE).page
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    expect(page.get_by_role("heading", level=1, name=TITLES["photo"])).to_be_visible()
    page.keyboard.press("Tab")
    choose = page.get_by_role("button", name="Choose pictures")
    expect(choose).to_be_focused()
    assert choose.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"


def test_colours_of_ones_own(visit: Visitor, service: Live) -> None:
    """With the system's own colours the drawing and the focus are still there."""
    window = visit(f"{service.client.base_url}/#layers", forced_colors="active")
    expect(window.page.locator(".drawing .solid").first).to_be_visible()
    window.look("forced-colours")


def test_docs(visit: Visitor, service: Live) -> None:
    """Swagger UI works under its own policy, and a call can be tried."""
    page = visit(f"{service.client.base_url}/docs").page
    page.get_by_text("/healthz").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text('"alive"').first).to_be_visible()
