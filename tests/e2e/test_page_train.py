"""*Train your own*, as a person does it in a browser: a real worker learns, and the page shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from bestguess.schemas.job_params import MnistParams
from bestguess.schemas.jobs import JobError, JobStatus
from jobs.ids import new_job_id
from jobs.queue import MNIST_TRAIN
from support.browser import PHONE, WALL
from support.tcp_proxy import relay
from support.training_page import ENDLESS, SHORT, START, Played, begin, listed, stop
from support.waiting import wait_until
from support.worker_processes import LONG
from worker.errors import Diverged

if TYPE_CHECKING:
    from conftest import House
    from playwright.sync_api import Page

    from support.browser import Visitor


def shown(page: Page, name: str) -> list[tuple[int, str]]:
    """Read a chart's table: steps and values."""
    chart = page.locator("figure.chart").filter(has_text=name)
    if not chart.locator("details[open]").count():
        chart.locator("summary").click()
        chart.locator("tbody tr").first.wait_for()  # the table is filled after the click, by the event `toggle`
    cells = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    rows = chart.locator("tbody tr").evaluate_all(cells)
    return [(int(step.replace(",", "")), value) for step, value in rows]


def check_report(page: Page, house: House, job_id: str) -> None:
    """Compare what is shown of a finished training with what the service says of it."""
    expect(page.locator(".train-score")).to_have_text(re.compile(r"%$"), timeout=START)
    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    job = house.place.job(job_id)
    assert [step for step, _ in shown(page, "Loss")] == [entry.step for entry in job.history] != []
    report = house.client.get(f"/models/{job_id}/report").json()
    wrong = sum(map(sum, report["confusion_matrix"])) - round(report["accuracy"] * report["test_images"])
    expect(page.locator(".matrix td.right, .matrix td.wrong, .matrix td.none")).to_have_count(100)
    expect(page.locator(".mistakes li")).to_have_count(min(25, wrong))


def test_from_the_first_click_to_the_report(visit: Visitor, house: House) -> None:
    """A training is asked for, watched, and reported on; its network can be taken home and drawn for."""
    seen = visit(house.url, PHONE, "dark")
    page = seen.page
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    seen.look("form")
    job_id = begin(seen, SHORT)
    expect(page.get_by_role("heading", name="Training of today")).to_be_focused()
    check_report(page, house, job_id)
    assert [entry.step for entry in house.place.job(job_id).history] == [20, 40, 60]
    seen.look("report")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the .keras file").click()
    assert download.value.path().read_bytes() == house.client.get(f"/models/{job_id}/download").content
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save as SVG").click()
    assert b"<svg" in picture.value.path().read_bytes()[:200]
    page.get_by_role("link", name="Draw a digit for it").click()
    expect(page.locator("#draw-model")).to_have_value(job_id)


def test_a_finished_training(visit: Visitor, house: House, model_id: str) -> None:
    """A training of before is in the list, and opens with its curves and its report, also on a wall."""
    seen = visit(house.url, WALL)
    page = seen.page
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    page.locator(f".job[href$='{model_id}']").click()
    check_report(page, house, model_id)
    page.locator(".train-more summary").click()
    seen.look("report")
    page.get_by_role("link", name="Draw a digit for it").click()
    expect(page.locator("#draw-model")).to_have_value(model_id)


@pytest.mark.usefixtures("no_worker_free")
def test_what_breaks_in_the_middle(visit: Visitor, house: House) -> None:
    """A reload and a lost connection in the middle lose nothing and repeat nothing; then the training is cancelled."""
    with relay(house.url) as line:
        seen = visit(f"{line.url}/#train")
        page = seen.page
        job_id = begin(seen, ENDLESS)
        training = Played(house.place, job_id)
        training.learn(3)
        expect(page.locator(".chart-loss .chart-dot")).to_be_visible()
        page.reload()
        expect(page.locator(".chart-loss .chart-dot")).to_be_visible()
        line.cut()
        expect(page.get_by_text("The connection is lost")).to_be_visible()
        seen.look("lost")
        missed = training.learn(3)
        line.mend()
        expect(page.get_by_text("The connection is lost")).to_be_hidden()
        wait_until(lambda: shown(page, "Loss")[-1][0] == missed, 60)
        latest = training.learn(3)
        wait_until(lambda: shown(page, "Loss")[-1][0] == latest, 60)
        seen.look("learning")
        page.get_by_role("button", name="Cancel this training").click()
        house.place.wait(job_id, JobStatus.CANCELLING)
        training.end(JobStatus.CANCELLED)
        expect(page.get_by_text("It was cancelled after")).to_be_visible()
        history = house.place.job(job_id).history
        assert [step for step, _ in shown(page, "Loss")] == [entry.step for entry in history] == [*range(10, 91, 10)]
        seen.look("cancelled")


@pytest.mark.usefixtures("no_worker_free")
def test_a_failed_training(visit: Visitor, house: House) -> None:
    """A training that diverges says so as a person would, and gives its parameters back to be changed."""
    seen = visit(f"{house.url}/#train", PHONE)
    page = seen.page
    training = Played(house.place, begin(seen, SHORT | {"Learning rate": "900"}))
    error = Diverged("The loss became inf", 3, 900)
    training.end(JobStatus.FAILED, JobError(code=error.code, detail=str(error)))
    expect(page.get_by_text("It did not learn: its numbers grew without bound.")).to_be_visible()
    expect(page.get_by_text("Choose a smaller one.")).to_be_visible()
    seen.look("failed")
    page.get_by_role("button", name="Change the parameters").click()
    expect(page.get_by_label(re.compile("^Learning rate"))).to_have_value("900")


@pytest.mark.usefixtures("no_worker_free")
def test_without_mnist(visit: Visitor, house: House) -> None:
    """Where MNIST cannot be had, digits that are drawn are offered, and learned from with the same parameters."""
    store, job_id = house.place.store, new_job_id()
    asked = MnistParams(steps=77).model_dump(mode="json")
    store.create(MNIST_TRAIN, asked, job_id=job_id, most_queued=100)
    claim = store.claim(job_id, "a worker without a network", 60)
    assert claim is not None
    error = JobError(code="dataset-unavailable", detail="The name of the server is not known")
    store.finish(job_id, claim.fence, JobStatus.FAILED, error=error)
    seen = visit(f"{house.url}/#train/{job_id}", PHONE)
    page = seen.page
    expect(page.get_by_text("The digits to learn from cannot be had. The name of the server")).to_be_visible()
    seen.look("no-mnist")
    page.get_by_role("button", name="Learn from drawn digits instead").click()
    page.wait_for_url(re.compile(f"#train/(?!{job_id})job_"))
    next_id = page.url.rpartition("/")[2]
    stop(house.client, house.place, next_id)
    assert house.place.job(next_id).params == asked | {"dataset": "synthetic-digits"}


RETRIED = """async events => {
  const { Course } = await import("/page/train/course.js");
  const progress = { step: 40, total_steps: 60, train_accuracy: 0.5, loss: 1, images_per_second: 9, eta_seconds: 2 };
  const course = new Course({ id: "job_1", status: "running", attempt: 2, created_at: "2026-11-26T12:00:00Z",
    params: { report_every: 20 }, progress, history: [20, 40].map(step => ({ step, train_accuracy: 0.5, loss: 1 })) });
  return events.map(([type, data]) => {
    course.hear({ id: "", at: "", type, data: { ...progress, ...data } });
    return [course.status, course.progress.step, course.history.map(entry => entry.step)];
  });
}"""


def test_what_was_known_already(visit: Visitor, house: House) -> None:
    """Events that a page hears after it has read a later state do not take it back."""
    page = visit(house.url).page
    old = [("created", {}), ("started", {"attempt": 1}), ("progress", {"step": 20}), ("retried", {"attempt": 1})]
    old += [("started", {"attempt": 2}), ("progress", {"step": 30})]
    new = [("progress", {"step": 60}), ("retried", {"attempt": 2}), ("started", {"attempt": 3}), ("cancelling", {})]
    told = page.evaluate(RETRIED, [*old, *new, ("cancelled", {}), ("progress", {"step": 50})])
    assert told[: len(old)] == [["running", 40, [20, 40]]] * len(old)
    statuses = ["running", "queued", "running", "cancelling", "cancelled", "cancelled"]
    assert told[len(old) :] == [[status, 60, [20, 40, 60]] for status in statuses]


PIECEMEAL = """async ([text, pieces]) => {
  const { serverEvents } = await import("/page/shared/events.js");
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream({ start(line) {
    for (let at = 0; at < bytes.length; at += pieces) line.enqueue(bytes.slice(at, at + pieces));
    line.close();
  }});
  const events = [];
  for await (const event of serverEvents(new Response(body), () => {})) events.push(Object.values(event));
  return events;
}"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_events_in_pieces(visit: Visitor, house: House, end: str) -> None:
    """A stream's events are the same however the line cuts them; comments are none, nor is one that is not whole."""
    page = visit(house.url).page
    lines = ["retry: 1000", "", ": still here", "", "id: 1-0", "event: progress", 'data: {"a": "é"}', ""]
    lines += ["data:two", "data:  lines", "", "id: 2-0", "", "data", "", "event: lost", "data: cut"]
    whole = [["1-0", "progress", '{"a": "é"}'], ["1-0", "message", "two\n lines"], ["2-0", "message", ""]]
    for pieces in (1, 2, 3, 1000):
        assert page.evaluate(PIECEMEAL, [end.join(lines), pieces]) == whole


@pytest.mark.usefixtures("no_worker_free")
def test_many_trainings(visit: Visitor, house: House) -> None:
    """The list shows the newest trainings, and older ones on demand, each once."""
    for _ in range(10):
        job_id = house.place.submit(**LONG)
        house.client.post(f"/jobs/{job_id}/cancel")
    page = visit(f"{house.url}/#train").page
    rows = page.locator(".job")
    expect(rows).to_have_count(8)
    everything = listed(house.client)
    while (count := rows.count()) < len(everything):
        page.get_by_role("button", name="Show older ones").click()
        expect(rows.nth(count)).to_be_focused()
    expect(page.get_by_role("button", name="Show older ones")).to_be_hidden()
    assert [str(row.get_attribute("href")).rpartition("/")[2] for row in rows.all()] == everything
