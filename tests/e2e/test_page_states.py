"""The page while something is on its way, or in it: each state of the service as a person is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from app.settings import Settings
from support.browser import PHONE
from support.fake_networks import DummyRunner
from support.images import encoded, noise
from support.live_server import live
from support.waiting import wait_until
from vision.networks.weights import FoundWeights

if TYPE_CHECKING:
    from pathlib import Path

    from support.browser import Visit, Visitor
    from support.live_server import Live

TOTAL = 553_467_096  # bytes of VGG16's weights
REAL = FoundWeights(None, "imagenet", None, verified=True, size=None)
PICTURES = [
    {"name": f"{number}.png", "mimeType": "image/png", "buffer": encoded(noise((60, 40), seed=number), "PNG")}
    for number in range(5)
]


def show(visit: Visit, *pictures: object) -> None:
    """Choose pictures."""
    visit.page.locator("input[multiple]").set_input_files(pictures or PICTURES[0])


def stand_in(service: Live) -> DummyRunner:
    """Let EfficientNet-Lite0 answer."""
    assert service.networks.stand_in
    runner = DummyRunner()
    service.networks.stand_in.serve(runner, REAL)
    return runner


def test_the_stand_in_answers(visit: Visitor, tmp_path: Path) -> None:
    """While VGG16 is downloaded the page says who answers, and how far it is; and that VGG16 answers, once it does."""
    with live(Settings(data_dir=tmp_path, decode_processes=1), ready=False) as service:
        primary = service.networks.primary
        primary.downloading(66_000_000, TOTAL)
        stand_in(service)
        window = visit(str(service.client.base_url), PHONE, "dark")
        news = window.page.locator(".news")
        expect(news).to_contain_text("EfficientNet-Lite0 answers in VGG16's place")
        expect(news).to_contain_text("66 MB of 553 MB are here")
        expect(news.get_by_role("progressbar")).to_have_js_property("value", 66_000_000 / TOTAL)
        window.look("downloading")
        primary.held_up("The mirror does not answer.", "Run `bestguess weights fetch`.")
        news.get_by_text("What is wrong, and what to do").click()
        expect(news.get_by_text("The mirror does not answer.")).to_be_visible()
        expect(news.locator("code")).to_have_text("bestguess weights fetch")
        window.look("held-up")
        primary.serve(service.runner, REAL)
        window.page.reload()
        expect(news).to_be_empty()
        expect(window.page.get_by_role("button", name="Choose pictures")).to_be_visible()


def test_vgg16_takes_over(visit: Visitor, tmp_path: Path) -> None:
    """The page notices by itself that VGG16 has come, says so, and can now be told who is to answer."""
    with live(Settings(data_dir=tmp_path, decode_processes=1), ready=False) as service:
        service.networks.primary.downloading(550_000_000, TOTAL)
        stand_in(service)
        window = visit(str(service.client.base_url))
        show(window)
        expect(window.page.get_by_text("EfficientNet-Lite0, in VGG16's place, took")).to_be_visible()
        expect(window.page.get_by_label("Who answers")).to_be_hidden()
        service.networks.primary.serve(service.runner, REAL)
        expect(window.page.locator(".news")).to_be_empty()
        expect(window.page.locator("#polite")).to_have_text("VGG16 answers now.")
        again = window.page.get_by_role("button", name="Ask again")
        again.press("Enter")
        expect(window.page.get_by_text("VGG16 took")).to_be_visible()
        expect(again).to_be_focused()
        window.page.get_by_label("Who answers").select_option("EfficientNet-Lite0")
        expect(window.page.get_by_text("EfficientNet-Lite0 took")).to_be_visible()
        window.page.get_by_label("What it looks at").select_option("stretch")
        expect(window.page.locator(".curl code")).to_contain_text("/classify?model=efficientnet-lite0&fit=stretch")


def test_random_weights(visit: Visitor, service: Live) -> None:
    """Where the weights are random it is said that the guesses mean nothing, before any is asked for and with each."""
    window = visit(str(service.client.base_url), PHONE)
    expect(window.page.locator(".news")).to_contain_text("its guesses mean nothing")
    show(window)
    answer = window.page.get_by_role("article")
    expect(answer).to_contain_text("its guesses mean nothing")
    expect(answer).to_contain_text("A guess without meaning")
    window.look("random")


COUNTED = """() => {
  const real = window.fetch;
  let now = 0;
  window.most = 0;
  window.fetch = async (...asked) => {
    if (!String(asked[0]).includes("/classify")) return real(...asked);
    window.most = Math.max(window.most, ++now);
    try {
      return await real(...asked);
    } finally {
      now -= 1;
    }
  };
}"""


def test_many_are_asking(visit: Visitor, tmp_path: Path) -> None:
    """At most three pictures are sent at once; those that are told to come back later do, and all are answered."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, queue_size=1)) as service:
        service.runner.go.clear()
        window = visit(str(service.client.base_url))
        sent: list[str] = []
        window.page.on("request", lambda request: "/classify" in request.url and sent.append(request.url))
        window.page.evaluate(COUNTED)
        show(window, *PICTURES)
        expect(window.page.get_by_text("Many are asking").first).to_be_visible()
        expect(window.page.get_by_text("It is asked again in 1 s.").first).to_be_visible()
        window.look("many-are-asking")
        service.runner.go.set()
        expect(window.page.locator("[data-state=answered]")).to_have_count(len(PICTURES))
        assert len(sent) > len(PICTURES)
        assert 1 < window.page.evaluate("window.most") <= 3


def test_nobody_can_answer_yet(visit: Visitor, tmp_path: Path) -> None:
    """While no network is loaded the page says so, and a picture waits for it."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, stand_in=False), ready=False) as service:
        window = visit(str(service.client.base_url))
        expect(window.page.locator(".news")).to_contain_text("VGG16 is next to be loaded.")
        show(window)
        expect(window.page.get_by_text("Not ready yet")).to_be_visible()
        window.look("not-ready")
        service.networks.primary.serve(service.runner, REAL)
        expect(window.page.locator("[data-state=answered]")).to_be_visible()


def test_too_large(visit: Visitor, tmp_path: Path) -> None:
    """A file that would be refused is not sent, and both sizes are told."""
    with live(Settings(data_dir=tmp_path, decode_processes=1, max_body_bytes=50_000)) as service:
        window = visit(str(service.client.base_url))
        show(window, {"name": "large.png", "mimeType": "image/png", "buffer": bytes(2_000_000)})
        says = window.page.get_by_role("article").locator(".notice")
        expect(says).to_contain_text("it has 2.0 MB, and at most 50 kB are accepted.")
        assert service.runner.batches == []


def test_the_service_is_away(visit: Visitor, service: Live) -> None:
    """Without a connection a person is told so; once it is back another attempt succeeds."""
    window = visit(str(service.client.base_url))
    expect(window.page.locator(".news")).not_to_be_empty()
    window.page.context.set_offline(True)
    show(window)
    expect(window.page.locator("article .notice.error")).to_contain_text("The service cannot be reached.")
    window.look("away")
    window.page.context.set_offline(False)
    window.page.get_by_role("button", name="Try again").click()
    expect(window.page.locator("[data-state=answered]")).to_be_visible()


def test_removed(visit: Visitor, tmp_path: Path) -> None:
    """A card that is removed is asked about no more, and the focus goes to its neighbour, at last to the button."""
    with live(Settings(data_dir=tmp_path, decode_processes=1)) as service:
        service.runner.go.clear()
        window = visit(str(service.client.base_url))
        show(window, *PICTURES)
        wait_until(lambda: service.runner.batches, 30)
        for number in range(4):
            window.page.get_by_role("button", name=f"Remove {number}.png").press("Enter")
            expect(window.page.get_by_role("button", name=f"Remove {number + 1}.png")).to_be_focused()
        window.page.get_by_role("button", name="Remove 4.png").press("Enter")
        expect(window.page.get_by_role("button", name="Choose pictures")).to_be_focused()
        service.runner.go.set()
        expect(window.page.get_by_role("article")).to_have_count(0)
