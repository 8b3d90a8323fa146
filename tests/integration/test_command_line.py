"""The command line and the client's page, against one real service with a real worker."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bestguess.cli import exit_codes
from bestguess.cli.main import run
from bestguess.schemas.jobs import JobStatus
from support.command_line import Desk, read_aloud
from support.images import encoded, noise
from support.terminal import CONTROL, CTRL_C, Terminal

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
TRAIN = ("train", "--batch-size", "20", "--report-every", "20", "--seed", "1")
ENDLESS = ("--steps", "100000")


@pytest.fixture(scope="module")
def documented(desk: Desk) -> dict[str, Any]:
    """Run the blocks of the client's page, and return what they have made."""
    names = read_aloud(PAGE, desk)
    for name in ("client", "impatient", "patient"):
        names[name].close()
    return names


@pytest.fixture(autouse=True)
def here(desk: Desk, documented: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """Sit down at the desk, with one trained model; return its id."""
    monkeypatch.chdir(desk.folder)
    monkeypatch.setenv("BESTGUESS_URL", desk.environment["BESTGUESS_URL"])
    model_id: str = documented["job"].id
    return model_id


def test_the_page_of_the_client(desk: Desk, documented: dict[str, Any]) -> None:
    """What the page shows happens: guesses, pictures, a training followed to its end, its model as a file."""
    assert len(documented["answer"].predictions) == 3
    assert documented["seen"].startswith("data:image/png;base64,")
    assert documented["job"].status == "succeeded"
    assert documented["happened"][:: len(documented["happened"]) - 1] == ["created", "succeeded"]
    assert documented["digit"].model.id == documented["best"].id == documented["job"].id
    assert documented["path"].name == f"{documented['job'].id}.keras"
    assert (desk.folder / documented["path"]).stat().st_size > 1_000_000
    assert (desk.folder / "chart.svg").read_bytes().startswith(b"<svg")
    assert (desk.folder / "report.png").read_bytes().startswith(b"\x89PNG")
    assert len(documented["answers"]) == 4
    assert [(each.name, each.images) for each in documented["pets"].classes] == [("cats", 5), ("dogs", 5)]
    assert (documented["more"].added, documented["more"].unchanged) == (0, 5)
    assert documented["thumbnail"].startswith(b"\xff\xd8")
    assert [entry.epoch for entry in documented["taught"].history] == [1, 2]
    assert {guess.label for guess in documented["mine"].predictions} == {"cats", "dogs"}


def test_one_picture(capsys: pytest.CaptureFixture[str]) -> None:
    """Guesses are bars, without a control code in a pipe; JSON has what the service says; a chart is saved."""
    assert run(("classify", "photo.jpg", "--top-k", "3", "--save", "chart.png")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "photo.jpg (300 x 200, JPEG)"
    assert all(re.fullmatch(r".+ [█▏▎▍▌▋▊▉ ]+ +\d+\.\d %", line) for line in lines[1:4])
    assert lines[4].startswith("efficientnet-lite0")
    assert "in the place of vgg16" in lines[4]
    assert not CONTROL.search("".join(lines))
    assert Path("chart.png").read_bytes().startswith(b"\x89PNG")
    assert run(("classify", "photo.jpg", "--top-k", "3", "--json")) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["file"] == "photo.jpg"
    assert len(answer["predictions"]) == 3


def test_a_picture_from_a_pipe(desk: Desk) -> None:
    """A dash is standard input."""
    done = desk.types("classify", "-", "--json", "--top-k", "1", stdin=(desk.folder / "photo.jpg").read_bytes())
    assert (done.returncode, json.loads(done.stdout)["file"]) == (0, "-")


def test_many_pictures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A folder is told as JSON Lines in order; bad files are told of, go on to the next, and are the exit code."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("a.jpg", "c.png", "in/d.jpg", "in/deep/e.jpg"):
        (tmp_path / name).write_bytes(encoded(noise((40, 30)), "JPEG"))
    (tmp_path / "b\x1b[31m.jpg").write_bytes(b"no picture")
    assert run(("classify", str(tmp_path), "nowhere.jpg", "--jobs", "3", "--top-k", "1")) == exit_codes.FAILED
    out, err = capsys.readouterr()
    lines = [json.loads(line) for line in out.splitlines()]
    names = ("a.jpg", "b\x1b[31m.jpg", "c.png", "in/d.jpg", "in/deep/e.jpg")
    assert [line["file"] for line in lines] == [*(f"{tmp_path}/{name}" for name in names), "nowhere.jpg"]
    assert [line["error"].get("status") for line in lines if "error" in line] == [400, None]
    assert err.splitlines()[-1] == "bestguess: 2 of 6 pictures could not be classified"
    assert len(err.splitlines()) == 3
    assert "\x1b" not in out + err


def test_nobody_reads_any_more(desk: Desk) -> None:
    """Whoever reads only the beginning gets no complaint."""
    words = ["classify", *["photo.jpg"] * 40, "--top-k", "1000"]
    with subprocess.Popen(
        desk.command(*words), cwd=desk.folder, env=desk.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == exit_codes.BROKEN_PIPE


def test_a_bar_beside_a_file(desk: Desk) -> None:
    """While lines go into a file, the terminal shows how many are done, and each line is in the file."""
    words = " ".join(desk.command("classify", *["photo.jpg"] * 5, "nowhere.jpg"))
    script = f"cd {desk.folder} && {words} >lines.jsonl"
    with Terminal(["/bin/sh", "-c", script], desk.environment) as terminal:
        assert terminal.ended() == exit_codes.FAILED
    lines = [json.loads(line) for line in (desk.folder / "lines.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == [*["photo.jpg"] * 5, "nowhere.jpg"]
    assert "6/6" in terminal.text
    assert "nowhere.jpg: No such file" in terminal.text
    assert "predictions" not in terminal.text


def test_on_a_terminal(desk: Desk) -> None:
    """On a narrow terminal no line is longer than it, there are colours, and NO_COLOR takes all of them away."""
    picture = str(desk.folder / "photo.jpg")
    with desk.terminal("classify", picture, "--top-k", "3", columns=40) as terminal:
        assert terminal.ended() == 0
        assert CONTROL.search(terminal.shown)
        bars = [line for line in terminal.text.splitlines() if line.rstrip().endswith("%")]
        assert [len(line) <= 40 for line in bars] == [True] * 3
    with Terminal(desk.command("classify", picture), desk.environment | {"NO_COLOR": "1"}) as terminal:
        assert terminal.ended() == 0
        assert "%" in terminal.shown
        assert not CONTROL.search(terminal.shown)


def test_jobs(here: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Jobs are listed, shown and watched, for people and as JSON; a finished one cannot be cancelled."""
    assert run(("jobs", "list", "--status", "succeeded")) == 0
    assert re.search(rf"^{here}  succeeded  60/60 ", capsys.readouterr().out, re.MULTILINE)
    assert run(("jobs", "list", "--all", "--json")) == 0
    assert here in [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert run(("jobs", "show", here)) == 0
    assert "step 60: " in capsys.readouterr().out
    assert run(("jobs", "watch", here)) == 0
    assert f"{here} succeeded: " in capsys.readouterr().out
    assert run(("jobs", "watch", here, "--json")) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["type"] == "succeeded"
    assert run(("jobs", "cancel", here)) == exit_codes.FAILED
    assert run(("jobs", "show", "job_nobody")) == exit_codes.FAILED


def test_a_model_that_is_not_ready_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not ready after the patience that was asked for has an exit code of its own."""
    assert run(("classify", "photo.jpg", "--model", "vgg16", "--patience", "0")) == exit_codes.REFUSED
    assert "VGG16" in capsys.readouterr().err


def test_training_is_watched_and_cancelled(desk: Desk) -> None:
    """The bar shows steps and accuracy live; after Ctrl-C and a yes the job is cancelled, with exit code 130."""
    with desk.terminal(*TRAIN, *ENDLESS, "--watch") as terminal:
        terminal.shows("/100000 ")
        terminal.shows(" %")
        terminal.types(CTRL_C)
        terminal.shows("Cancel the job as well?")
        terminal.types("y\n")
        assert terminal.ended() == exit_codes.INTERRUPTED
    [job_id] = set(re.findall(r"job_[0-9a-f]{28}", terminal.text))
    assert f"{job_id} is cancelled" in terminal.text
    assert desk.place.job(job_id).status is JobStatus.CANCELLED


def test_a_second_ctrl_c_leaves(desk: Desk) -> None:
    """After a second Ctrl-C the command is gone, and the job goes on, which is told with how to see it again."""
    with desk.terminal(*TRAIN, *ENDLESS, "--watch", columns=40) as terminal:
        terminal.shows("started")
        terminal.types(CTRL_C)
        terminal.shows("Cancel the job as well?")
        terminal.types(CTRL_C)
        assert terminal.ended() == exit_codes.INTERRUPTED
    assert "bestguess jobs watch job_" in terminal.text
    job_id = re.findall(r"job_[0-9a-f]{28}", terminal.text)[0]
    assert not desk.place.job(job_id).status.finished
    desk.place.store.cancel(job_id)
    desk.place.wait(job_id, JobStatus.CANCELLED)


def test_ctrl_c_where_nobody_can_be_asked(desk: Desk) -> None:
    """In a script an interrupt leaves at once, without a question."""
    with subprocess.Popen(
        desk.command(*TRAIN, *ENDLESS, "--watch"),
        env=desk.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        job_id = process.stdout.readline().strip()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == exit_codes.INTERRUPTED
    assert "Cancel" not in err
    assert f"`bestguess jobs cancel {job_id}`" in err
    desk.place.store.cancel(job_id)
