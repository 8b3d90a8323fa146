"""Headless Chromium at a given window size and colour scheme; any error on the page fails the test."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Response

# The first has no windows: the others draw tabs and toolbars also where nobody sees them, a third of all that they do.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PHONE, DESK, WALL = (360, 780), (1440, 900), (3840, 2160)
SIZES = {"phone": PHONE, "4k": WALL}
SCREENSHOTS = os.environ.get("BESTGUESS_SCREENSHOTS")  # a folder; drawing whole pages in 4K takes seconds each
PATIENCE = 30_000.0  # milliseconds for what is awaited, on a machine that is busy
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Chromium's own note of an answer that is an error; what the page says of it is what tests look at.
STATUS = re.compile(r"Failed to load resource: the server responded with a status of [45]\d\d|net::ERR_")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium that the machine has, until the end of the block.

    Playwright runs an event loop in this thread meanwhile: tests that run their own are for other files.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium-headless-shell")
    # Chromium's own sandbox cannot be set up by root, nor in most containers.
    expect.set_options(timeout=PATIENCE)
    # And containers have little shared memory, too little for a picture in 4K.
    options = {"executable_path": program, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
    with sync_playwright() as playwright, playwright.chromium.launch(**options) as browser:
        yield browser


class Visit:
    """One window on the page; whatever its console complains of ends the test."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        self._name, self._shots = name, 0
        page.set_default_timeout(PATIENCE)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("response", self._check)

    def _hear(self, message: Any) -> None:  # noqa: ANN401 - Playwright's own
        if message.type in {"error", "warning"} and not STATUS.search(message.text):
            self.troubles.append(message.text)

    def _check(self, response: Response) -> None:
        if "/page/" in response.url and response.status >= 400:
            self.troubles.append(f"{response.status} {response.url}")

    def look(self, state: str) -> None:
        """Check what is shown against WCAG and for its width; keep a screenshot if asked to."""
        self.keep(state)
        assert self.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "it scrolls sideways"
        found = Axe().run(self.page, options={"runOnly": WCAG}).response["violations"]
        assert not found, "\n".join(f"{each['id']}: {node['html']}" for each in found for node in each["nodes"])

    def keep(self, state: str) -> None:
        """Keep a screenshot of the whole page where BESTGUESS_SCREENSHOTS names a folder."""
        if SCREENSHOTS:
            self._shots += 1
            path = Path(SCREENSHOTS, f"{self._name}-{self._shots}-{state}.png")
            self.page.screenshot(path=path, full_page=True)


class Visitor:
    """Opens windows on one service, and closes them."""

    def __init__(self, browser: Browser, test: str) -> None:
        self._browser, self._test = browser, re.sub(r"\W+", "-", test).strip("-")
        self.visits: list[Visit] = []

    def __call__(
        self,
        url: str,
        size: tuple[int, int] = DESK,
        scheme: str = "light",
        **context: Any,  # noqa: ANN401 - Playwright's own
    ) -> Visit:
        """Open a window: its size in pixels, `light` or `dark`, and whatever else Playwright can give a context."""
        width, height = size
        settings = {"reduced_motion": "reduce", "has_touch": size == PHONE, "is_mobile": size == PHONE} | context
        opened = self._browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **settings)
        visit = Visit(opened.new_page(), self._test)
        self.visits.append(visit)
        visit.page.goto(url)
        return visit

    def close(self) -> None:
        """Close every window, and complain of what they complained of."""
        for visit in self.visits:
            visit.page.context.close()
        troubles = [trouble for visit in self.visits for trouble in visit.troubles]
        assert not troubles, "\n".join(troubles)
