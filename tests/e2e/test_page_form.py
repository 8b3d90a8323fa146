"""The form for a training: what it asks, what it refuses, and that it starts one training and not two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bestguess.schemas.job_params import MnistParams
from support.browser import PHONE
from support.training_page import ENDLESS, fill, listed, stop

if TYPE_CHECKING:
    from conftest import House
    from playwright.sync_api import Route

    from support.browser import Visitor
    from support.live_server import Live


@pytest.mark.usefixtures("no_worker_free")
def test_started_once(visit: Visitor, house: House) -> None:
    """Two clicks make one job, also where the answer is lost on its way and the page asks once more."""
    page = visit(f"{house.url}/#train").page
    before = len(listed(house.client))
    fill(page, ENDLESS)
    page.route("**/jobs/mnist-train", lose_the_answer, times=1)
    page.get_by_role("button", name="Start training").dblclick()
    page.wait_for_url(re.compile("#train/job_"))
    stop(house.client, house.place, page.url.rpartition("/")[2])
    assert len(listed(house.client)) == before + 1


def lose_the_answer(route: Route) -> None:
    """Let a call be made, and its answer never come."""
    route.fetch()
    route.abort()


def test_bad_parameters(visit: Visitor, house: House) -> None:
    """What cannot be used is said beside its field, with the bounds that the service has; nothing is started."""
    seen = visit(f"{house.url}/#train")
    page = seen.page
    before = listed(house.client)
    fill(page, {"Steps": "0", "Dropout": "1", "Learning rate": "fast", "Seed": "-1"})
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#train-steps-error")).to_have_text("A whole number: at least 1, at most 100,000.")
    expect(page.locator("#train-dropout-error")).to_have_text("A number: at least 0, less than 1.")
    expect(page.locator("#train-learning_rate-error")).to_have_text("A number: more than 0, at most 1,000.")
    expect(page.locator("#train-seed-error")).to_have_text("A whole number: at least 0, less than 2,147,483,648.")
    expect(page.get_by_label(re.compile("^Steps"))).to_be_focused()
    seen.look("marked")
    for label, value in {
        "Steps": "100000",
        "Batch size": "1000",
        "Dropout": "0",
        "Learning rate": "0.1",
        "Seed": "",
    }.items():
        page.get_by_label(re.compile(f"^{label}")).fill(value)
    page.get_by_role("button", name="Start training").click()
    expect(
        page.get_by_text("Steps x batch_size is 100,000,000 images, and at most 3,000,000 are accepted.")
    ).to_be_visible()
    assert listed(house.client) == before


def test_the_form_asks_what_the_service_takes(visit: Visitor, house: House) -> None:
    """Every parameter of the call has its field, with its default."""
    page = visit(f"{house.url}/#train").page
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    for name, default in MnistParams().model_dump(mode="json").items():
        expect(page.locator(f"#train-{name}")).to_have_value("" if default is None else str(default))


def test_without_redis(visit: Visitor, service: Live) -> None:
    """Without Redis the page says what is missing, tries a start again by itself, and offers to look again."""
    seen = visit(f"{service.client.base_url}/#train", PHONE)
    page = seen.page
    page.get_by_role("button", name="Start training").click()
    expect(page.locator(".train-words")).to_contain_text("The next attempt is in 5 s.")
    seen.look("no-redis")
    page.get_by_role("link", name="Draw", exact=True).click()
    expect(page.locator("#draw").get_by_role("button", name="Try again")).to_be_visible()
    seen.look("no-redis-draw")
