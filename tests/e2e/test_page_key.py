"""The page of a service that wants keys: asked for where there is need, kept for the session, and never shown again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from app.access.keys import change_keys
from app.settings import Settings
from support.api_keys import add_key, bearer
from support.browser import PHONE, WALL
from support.images import encoded, noise
from support.live_server import live
from support.training_page import SHORT, START, begin
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from conftest import House
    from playwright.sync_api import Locator, Page, Request

    from support.browser import Visit, Visitor

PICTURES = [
    {"name": f"{number}.png", "mimeType": "image/png", "buffer": encoded(noise((60, 40), seed=number), "PNG")}
    for number in range(3)
]
NOT_KNOWN = "This key is not known here"
LEFT = """key => ({
  page: document.documentElement.outerHTML.includes(key) || [...document.querySelectorAll("input")].some(
    input => input.value.includes(key)),
  local: JSON.stringify(localStorage), cookies: document.cookie, address: location.href.includes(key),
  session: Object.values(sessionStorage),
})"""

DECLINES_AND_CHOOSES = """() => {
  [...document.querySelectorAll("dialog button")].find(button => button.textContent === "Cancel").click();
  const input = document.querySelector("input[multiple]");
  const chosen = new DataTransfer();
  chosen.items.add(new File(["second"], "second.png", { type: "image/png" }));
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}"""


@dataclass(frozen=True)
class Guarded:
    """A service that wants keys: where its page is, its file of keys, and each key as its owner was shown it."""

    client: httpx.Client
    path: Path
    keys: dict[str, str]

    @property
    def url(self) -> str:
        """The page's address."""
        return str(self.client.base_url)

    def revoke(self, name: str) -> None:
        """Take a key out of the file, and wait until the service has seen it."""
        with change_keys(self.path) as known:
            known[:] = [key for key in known if key.name != name]
        headers = bearer(self.keys[name])
        wait_until(lambda: self.client.get("/models/vgg16", headers=headers).status_code == 401, 30)


@pytest.fixture(scope="module")
def guarded(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Serve the house's jobs to who has a key, with dummy networks for photos."""
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    scopes = {"ann": ("classify", "train"), "bob": ("classify",), "dan": ("train",)}
    headers = {name: add_key(path, name, *each) for name, each in scopes.items()}
    keys = {name: each["Authorization"].removeprefix("Bearer ") for name, each in headers.items()}
    place = house.place
    settings = Settings(redis_url=place.redis.url, data_dir=place.data_dir, keys_file=path, decode_processes=1)
    with live(settings) as service:
        yield Guarded(service.client, path, keys)


def asked(page: Page) -> Locator:
    """Find the dialog."""
    return page.get_by_role("dialog", name="A key, please")


def give(page: Page, key: str) -> None:
    """Type a key, and send it."""
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Use this key").click()


def hear(window: Visit) -> list[str]:
    """Note the address of every call that carries a key; one that has it in the address ends the test."""
    called: list[str] = []

    def note(request: Request) -> None:
        if "bg_" in request.url:
            window.troubles.append(f"A key is in the address {request.url}")
        if "authorization" in request.headers:
            called.append(request.url)

    window.page.on("request", note)
    return called


def test_from_the_question_to_the_network(visit: Visitor, guarded: Guarded) -> None:
    """With a key, asked for once, a training is started, watched live and taken home; then the key is forgotten."""
    key = guarded.keys["ann"]
    window = visit(guarded.url, PHONE)
    page = window.page
    called = hear(window)
    page.get_by_role("link", name="Train", exact=True).click()
    expect(asked(page)).to_be_visible()
    expect(page.get_by_label("Your key")).to_be_focused()
    window.look("asked")
    give(page, "bg_0000")
    expect(asked(page).get_by_role("alert")).to_contain_text("not all of one")
    give(page, "bg_00000000_" + 43 * "x")
    expect(asked(page).get_by_role("alert")).to_contain_text(NOT_KNOWN)
    window.look("mistyped")
    page.get_by_role("button", name="Show the key").click()
    expect(page.get_by_label("Your key")).to_have_attribute("type", "text")
    give(page, f' "Authorization: Bearer {key}"\n')
    expect(asked(page)).to_have_count(0)
    expect(page.locator(".train-jobs")).to_contain_text("None so far.")
    job_id = begin(window, SHORT)
    expect(page.locator(".train-score")).to_have_text(re.compile(r"%$"), timeout=START)
    assert f"{guarded.url}/jobs/{job_id}/events" in called
    expect(page.locator("#train .curl code").first).to_contain_text('"Authorization: Bearer $BESTGUESS_API_KEY"')
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the .keras file").click()
    assert download.value.suggested_filename == f"{job_id}.keras"
    assert download.value.path().read_bytes()[:2] == b"PK"
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save as SVG").click()
    assert b"<svg" in picture.value.path().read_bytes()[:200]
    window.look("report")
    left = page.evaluate(LEFT, key)
    assert left == {"page": False, "local": "{}", "cookies": "", "address": False, "session": [key]}
    page.reload()
    expect(page.locator(".job")).to_have_count(1)
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_role("heading", level=1, name="What is this picture of?")).to_be_visible()
    expect(page.get_by_role("button", name="Forget the key")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0


def test_several_at_once(visit: Visitor, guarded: Guarded) -> None:
    """Pictures that are refused together ask one question; who declines is told why, and may think better of it."""
    window = visit(guarded.url, WALL, "dark")
    page = window.page
    expect(page.get_by_role("button", name="Choose pictures")).to_be_visible()
    expect(asked(page)).to_have_count(0)
    page.locator("input[multiple]").set_input_files(PICTURES)  # type: ignore[arg-type]
    expect(asked(page)).to_be_visible()
    window.look("asked")
    page.keyboard.press("Escape")
    expect(asked(page)).to_have_count(0)
    expect(page.locator("[data-state=failed]")).to_have_count(3)
    expect(page.locator("article .notice.error").first).to_have_text("It takes a key to ask this service.")
    window.look("declined")
    again = page.get_by_role("button", name="Try again: 0.png")
    again.click()
    expect(asked(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(again).to_be_focused()
    page.locator("input[multiple]").set_input_files(PICTURES)  # type: ignore[arg-type]
    give(page, guarded.keys["bob"])
    expect(page.locator("[data-state=answered]")).to_have_count(3)
    expect(asked(page)).to_have_count(0)
    expect(page.locator("[data-state=failed]")).to_have_count(3)
    expect(page.locator(".curl code").first).to_have_text(
        re.compile(r'^curl -H "Authorization: Bearer \$BESTGUESS_API_KEY" -F file=')
    )


def test_who_is_quick(visit: Visitor, guarded: Guarded) -> None:
    """Who declines and in the same instant wants something new is asked anew."""
    page = visit(guarded.url, PHONE).page
    page.locator("input[multiple]").set_input_files(PICTURES[0])  # type: ignore[arg-type]
    expect(asked(page)).to_be_visible()
    page.evaluate(DECLINES_AND_CHOOSES)
    expect(asked(page)).to_be_visible()
    expect(page.locator("[data-state=failed]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("[data-state=failed]")).to_have_count(2)


def test_another_key(visit: Visitor, guarded: Guarded) -> None:
    """A key that does not do for a call, and one that was revoked, are asked for anew, each with the reason."""
    page = visit(f"{guarded.url}/#layers").page
    give(page, guarded.keys["bob"])
    expect(page.get_by_role("cell", name="138,357,544")).to_be_visible()
    page.get_by_role("link", name="Train", exact=True).click()
    expect(asked(page)).to_contain_text("Your key may not do this: it takes one with the scope train.")
    give(page, guarded.keys["dan"])
    expect(page.locator(".train-jobs")).to_contain_text("None so far.")
    guarded.revoke("dan")
    page.reload()
    expect(asked(page)).to_contain_text("Your key is not known any more: it was revoked.")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".train-jobs")).to_contain_text("it was revoked")
