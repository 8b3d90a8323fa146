"""What the command line writes, as far as it needs no service."""

import io
import json
import os
import re
import subprocess
import sys

import pytest
import typer
from annotated_types import Ge, Gt, Le, Lt
from PIL import Image
from pydantic import BaseModel
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from bestguess.cli import exit_codes, image_files, output
from bestguess.cli.classify import in_colours, in_letters
from bestguess.cli.format import bar, make_table, prediction_table, printable
from bestguess.cli.main import cli, run
from bestguess.cli.progress import EPOCH_TITLES, EpochTable, epoch_row
from bestguess.client import Finetuning, Training
from bestguess.schemas import Prediction
from bestguess.schemas.job_params import FinetuneParams, MnistParams
from support.terminal import Terminal

HEAVY = (
    "app",
    "celery",
    "fastapi",
    "httpx",
    "bestguess.client",
    "bestguess.schemas",
    "jobs",
    "keras",
    "numpy",
    "PIL",
    "redis",
    "rich",
    "vision",
    "worker",
)


def guess(label: str, score: float) -> Prediction:
    """One guess."""
    return Prediction(label=label, wnid=None, index=0, score=score)


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("classify", "--help"), ("models", "list", "--help")]
)
def test_help_is_light(arguments: tuple[str, ...]) -> None:
    """Help and version load no shapes, no HTTP, no terminal drawing, and nothing of the service."""
    code = (
        f"import sys; from bestguess.cli.main import run; code = run({arguments!r}); "
        f"sys.stderr.write(repr([name for name in {HEAVY!r} if name in sys.modules])); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]"
    assert "bestguess" in done.stdout


def test_importing_the_package_costs_nothing() -> None:
    """`import bestguess` loads nothing, and the client neither TensorFlow nor FastAPI nor Celery."""
    code = (
        "import sys, bestguess; before = [n for n in ('httpx', 'pydantic', 'typer') if n in sys.modules]; "
        "from bestguess import Client, AsyncClient; "
        "print(before + [n for n in ('tensorflow', 'fastapi', 'celery', 'redis', 'typer', 'PIL') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def commands(group: typer.models.CommandInfo | object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Name every command there is."""
    found = getattr(group, "commands", None)
    if not found:
        return [path]
    return [each for name, command in found.items() for each in commands(command, (*path, name))]


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command's help has an example that is this command, and all the exit codes."""
    for path in commands(typer.main.get_command(cli)):
        assert run((*path, "--help")) == 0
        text = capsys.readouterr().out
        assert re.search(rf"^  +(BESTGUESS_\S+ )?bestguess {' '.join(path)}", text, re.MULTILINE)
        assert all(str(code) in text for code in exit_codes.MEANINGS)


DEFAULTS = {  # where the service's default is a thing that it decides
    "seed": "drawn",
    "base": "the first that is served",
    "freeze": "all but the last three",
    "patience": "it goes on",
    "augment": "none",
    "class_weights": "all count the same",
}


@pytest.mark.parametrize(
    ("command", "typed", "shape"), [("train", Training, MnistParams), ("finetune", Finetuning, FinetuneParams)]
)
def test_the_options_are_the_parameters(command: str, typed: type, shape: type[BaseModel]) -> None:
    """Each parameter of a training has an option, with the same bounds and with the default that it has."""
    options = {option.name: option for option in typer.main.get_command(cli).commands[command].params}
    fields = {name: field for name, field in shape.model_fields.items() if name != "dataset_id"}
    assert typed.__annotations__.keys() == fields.keys() <= options.keys()
    for name, field in fields.items():
        shown = re.search(r"\(default: (.*)\)", options[name].help)
        assert shown
        assert shown[1] == DEFAULTS.get(name, str(field.default))
        assert name in DEFAULTS or field.default not in {None, ()}
        low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
        high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
        high = next((rule.lt - 1 for rule in field.metadata if isinstance(rule, Lt) and name == "seed"), high)
        if not any(isinstance(rule, Gt) for rule in field.metadata) and (low, high) != (None, None):
            assert (options[name].min, options[name].max) == (low, high)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a.jpg", "a.jpg"),
        ("caf\xe9 \u732b.png", "caf\xe9 \u732b.png"),
        ("\x1b[31mred\x07\n\r", r"\x1b[31mred\x07\n\r"),
        ("\x9b2J\u202egpj\udcff", r"\x9b2J\u202egpj\udcff"),
    ],
)
def test_text_from_elsewhere(text: str, safe: str) -> None:
    """Names and labels stay one line and move no cursor; whatever has letters stays as it is."""
    assert printable(text) == safe


def drawn(table: Table) -> list[str]:
    """Draw a table as Rich does where there is room for it."""
    console = Console(width=1000, file=io.StringIO(), color_system=None)
    console.print(table)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_guesses_fit(columns: int) -> None:
    """Whatever labels there are, each guess is one line of the terminal, and the bar is as long as the score says."""
    wide = [
        guess("espresso", 1.0),
        guess("a label that is longer than any narrow terminal", 0.5),
        guess("\u732b" * 30, 0),
    ]
    lines = drawn(prediction_table(wide, columns))
    assert len(lines) == 3
    assert all(cell_len(line) <= columns for line in lines)
    assert ["…" in line for line in lines] == [False, *[columns < 80] * 2]
    full, half, none = (re.sub(r"[^█▌]", "", line) for line in lines)
    assert len(full) > 0
    assert half == "█" * (len(full) // 2) + ("▌" if len(full) % 2 else "")
    assert none == ""


def test_guesses_in_a_pipe() -> None:
    """Where no terminal limits them, labels are whole."""
    label = "a label that is longer than any terminal " * 5
    assert drawn(prediction_table([guess(label, 0.5)], None))[0].startswith(f"{label} █")


def test_bars_in_ascii() -> None:
    """Where the output cannot have blocks, bars are ASCII."""
    assert bar(0.5, 10, blocks=False) == "#####     "
    assert bar(1 / 16, 2) == "▏ "


ROWS = [("job_1", "running", ""), ("job_22", "\x1b", "9 %")]
TITLES = ("JOB", "STATE", "ACCURACY")


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (25, ["JOB     STATE    ACCURACY", "job_1   running", r"job_22  \x1b     9 %"]),
        (24, ["job_1", "  state: running", "job_22", r"  state: \x1b", "  accuracy: 9 %"]),
    ],
)
def test_tables_on_a_terminal(columns: int, lines: list[str]) -> None:
    """A row is one line where the table fits; else its cells stand below one another, so that ids stay whole."""
    code = f"from bestguess.cli import format, output; output.print_table(format.make_table({TITLES!r}, {ROWS!r}))"
    with Terminal([sys.executable, "-c", code], os.environ | {"NO_COLOR": "1"}, columns) as terminal:
        assert terminal.ended() == 0
    assert terminal.text.splitlines() == lines


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (60, ["ABOUT  FOUND", "disk   " + "word " * 10, "       " + "word " * 10]),
        (59, ["disk", "  found: " + "word " * 20]),
    ],
)
def test_long_texts_on_a_terminal(columns: int, lines: list[str]) -> None:
    """Texts that are no ids are broken inside their column, where the terminal has room for columns."""
    row = ("disk", ("word " * 20).strip())
    code = (
        "from bestguess.cli import format, output; "
        f"output.print_table(format.make_table(('ABOUT', 'FOUND'), [{row!r}]), fold=True)"
    )
    with Terminal([sys.executable, "-c", code], os.environ | {"NO_COLOR": "1"}, columns) as terminal:
        assert terminal.ended() == 0
    assert [line.rstrip() for line in terminal.text.splitlines()] == [line.rstrip() for line in lines]


def test_bars_beside_a_live_bar() -> None:
    """Lines that are printed above a live bar have the same bars as others."""
    code = (
        "from bestguess.cli import output, progress\n"
        "with progress.count_up(1, hidden=False): print('blocks', output.supports_blocks())"
    )
    with Terminal([sys.executable, "-c", code], os.environ | {"PYTHONIOENCODING": "utf-8"}) as terminal:
        assert terminal.ended() == 0
    assert "blocks True" in terminal.text


def test_tables_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe a row is one line, however long, without spaces at its end, and nothing is taken for markup."""
    long = "x" * 500
    output.print_table(make_table(("NAME", "OWNER"), [(long, "[bold]:smile:"), ("b", "")]))
    assert capsys.readouterr().out.splitlines() == [
        f"NAME{' ' * 498}OWNER",
        f"{long}  [bold]:smile:",
        "b",
    ]


def test_what_was_seen_in_letters() -> None:
    """Without colours a picture is letters, as bright as its pixels are."""
    picture = Image.new("L", (6, 4), 0)
    picture.paste(255, (0, 0, 3, 4))
    assert in_letters(picture) == "@@@\n@@@"
    assert in_colours(picture.convert("RGB")).plain == "▀▀▀▀▀▀\n▀▀▀▀▀▀"


def test_which_pictures_are_meant(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Folders are searched to their ends, patterns matched, and what is not there is left to fail in its turn."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "deep" / "er").mkdir(parents=True)
    for name in ("b.JPG", "a.png", "notes.txt", "deep/er/c.webp", "[x].png"):
        (folder / name).touch()
    names = [f"{folder}/{name}" for name in ("[x].png", "a.png", "b.JPG", "deep/er/c.webp")]
    assert list(image_files.expand([str(folder)])) == names
    assert list(image_files.expand([f"{folder}/*.png", "nowhere.png", "-"])) == [*names[:2], "nowhere.png", "-"]
    assert list(image_files.expand([f"{folder}/[x].png"])) == names[:1]
    assert not image_files.may_be_several(["-"])
    assert image_files.may_be_several([f"{folder}/**/*.webp"])
    for empty in (folder / "deep" / "no*", folder.parent / f"{folder.name}x*"):
        with pytest.raises(typer.BadParameter):
            list(image_files.expand([str(empty)]))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("classify",), exit_codes.USAGE),
        (("classify", "x.jpg", "--top-k", "0"), exit_codes.USAGE),
        (("classify", "x.jpg", "--save", "x.gif"), exit_codes.USAGE),
        (("classify", "x.jpg", "y.jpg", "--save", "x.png"), exit_codes.USAGE),
        (("classify", "x.jpg", "--url", "nonsense"), exit_codes.USAGE),
        (("classify", "nowhere.jpg"), exit_codes.FAILED),
        (("models", "alias", "x"), exit_codes.USAGE),
        (("nonsense",), exit_codes.USAGE),
        (("jobs", "list", "--url", "http://127.0.0.1:9"), exit_codes.UNREACHABLE),
        (("jobs", "cancel", ".."), exit_codes.USAGE),
    ],
)
def test_errors_are_one_line(
    arguments: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong is one line on standard error, under our name, with the exit code that belongs to it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"bestguess: .+\n", err)


def test_without_a_service_it_says_how_to_start_one(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing answers, `classify` names the command that starts a service, for one picture or for many."""
    folder = tmp_path_factory.mktemp("one")
    (folder / "a.png").write_bytes(b"x")
    for what in (folder / "a.png", folder):
        assert run(("classify", str(what), "--url", "http://127.0.0.1:9")) == exit_codes.UNREACHABLE
        assert "`bestguess up`" in capsys.readouterr().err


def test_json_is_ascii() -> None:
    """JSON has no letter that a terminal could obey, and reads back as it was."""
    text = output.to_json({"file": "\x9b\u732b\udcff"})
    assert text.isascii()
    assert json.loads(text) == {"file": "\x9b\u732b\udcff"}


def test_epochs_are_told_once() -> None:
    """Each epoch is one row under one line of titles, however often it is heard of, and no longer than the terminal."""
    epochs = EpochTable()
    told = {"epoch": 0, "total_epochs": 2, "train_accuracy": None, "validation_accuracy": None, "loss": None}
    one = told | {"epoch": 1, "train_accuracy": 0.5, "validation_accuracy": 1.0, "loss": 0.25}
    two = told | {"epoch": 2, "train_accuracy": 0.5, "loss": 0.25}
    heard = [epochs.add(each, width=60, blocks=False) for each in (told, one, one, two)]
    assert heard[0] == heard[2] == ""
    assert heard[1].splitlines() == [EPOCH_TITLES, "    1/2    50.00 %    100.00 %   0.2500  " + "#" * 19]
    assert heard[3] == "    2/2    50.00 %               0.2500  ##########\n"
    assert epoch_row(one, width=40, blocks=False) == "    1/2    50.00 %    100.00 %   0.2500"
