"""`bestguess classify` and `bestguess digit`: ask which classes images show, one image or many at once."""

from __future__ import annotations

import base64
import io
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bestguess.cli import completion, exit_codes, image_files
from bestguess.cli.format import bar, prediction_table, printable
from bestguess.cli.options import (
    Json,
    Patience,
    Save,
    TopK,
    Url,
    connect,
    examples,
    picture_format,
    save_picture,
)
from bestguess.cli.output import (
    WIDEST,
    make_console,
    note,
    print_json,
    print_table,
    supports_blocks,
    terminal_width,
)
from bestguess.cli.progress import count_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from PIL import Image
    from rich.text import Text

    from bestguess.client import Client, Question
    from bestguess.schemas import Classification

CLASSIFY_EPILOG = examples(
    "bestguess classify photo.jpg",
    "curl -s https://example.org/photo.jpg | bestguess classify -",
    "bestguess classify photo.jpg --save chart.png --top-k 5",
    "bestguess classify holidays/ --jobs 8 > guesses.jsonl",
    "bestguess classify --json photo.jpg | jq -r '.predictions[0].label'",
)
DIGIT_EPILOG = examples("bestguess digit seven.png", "bestguess digit seven.png --model best --show-input")

LOOKAHEAD = 4  # images per worker thread: enough to keep all of them busy, few enough to hold in memory
LONGEST_NAME = 32  # columns
SHORT_BAR = 10
WIDE_TERMINAL = 80  # columns; from here on a line has room for a bar
PREVIEW_WIDTH = 64  # columns
RAMP = " .:-=+*#%@"  # letters from dark to light, for output without colours

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Images, folders, patterns, or - for stdin.")]
Model = Annotated[
    str | None, typer.Option("--model", help="The model to ask, by its id or alias.", autocompletion=completion.models)
]
MinScore = Annotated[
    float | None, typer.Option("--min-score", min=0, max=1, help="Leave out guesses below this score, 0 to 1.")
]
Fit = Annotated[
    Literal["crop", "stretch"] | None,
    typer.Option("--fit", help="The photo's centre, or all of it squeezed to a square.  (default: crop)"),
]
Parallel = Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Images to send at the same time.")]


def classify(
    files: Files,
    *,
    top_k: TopK = None,
    min_score: MinScore = None,
    model: Model = None,
    fit: Fit = None,
    save: Save = None,
    jobs: Parallel = 4,
    patience: Patience = 30,
    json: Json = False,
    url: Url = None,
) -> None:
    """Classify images: the best guesses for each, the best first.

    Folders are searched with all that is in them. Several images are written as JSON Lines, one line per image, with
    --json or if the output is no terminal. An image that cannot be classified is reported, and the others go on.
    """
    picture, several = picture_format(save), image_files.may_be_several(files)
    if save and several:
        raise typer.BadParameter("takes one image, not several", param_hint="--save")
    question: Question = {"model": model, "top_k": top_k, "min_score": min_score, "fit": fit}
    with connect(url, patience) as client:
        if several:
            _classify_many(client, files, question, jobs, as_lines=json or not sys.stdout.isatty())
        else:
            _classify_one(client, files[0], question, (save, picture), json=json)


def digit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An image of a digit, drawn or on paper; - for stdin.")],
    *,
    model: Annotated[
        str | None,
        typer.Option(
            help="A trained model's id or alias.  (default: the newest one)", autocompletion=completion.models
        ),
    ] = None,
    top_k: TopK = None,
    show_input: Annotated[bool, typer.Option("--show-input", help="Show what the network saw.")] = False,
    patience: Patience = 30,
    json: Json = False,
    url: Url = None,
) -> None:
    """Ask a network that was trained on digits which one this is: without --model, the network trained last."""
    with connect(url, patience) as client:
        model = model or _newest_digit_model(client)
        answer = client.classify(image_files.read(file), model=model, top_k=top_k, show_input=show_input)
    if json:
        print_json({"file": file} | answer.model_dump(mode="json"))
        return
    _print_answer(file, answer)
    if show_input and answer.input:
        _print_preview(answer.input)


def _newest_digit_model(client: Client) -> str:
    """Return the newest model trained on digits; the alias `latest` may name a fine-tuned one."""
    models = client.models().data
    return next((model.id for model in models if model.trained and model.trained.kind == "mnist-train"), "latest")


def _classify_one(client: Client, name: str, question: Question, save: tuple[Path | None, str], *, json: bool) -> None:
    image = image_files.read(name)
    answer = client.classify(image, **question)
    if save[0]:
        save_picture(save[0], client.classify_picture(image, save[1], **question))
    if json:
        print_json({"file": name} | answer.model_dump(mode="json"))
    else:
        _print_answer(name, answer)


def _classify_many(client: Client, files: Sequence[str], question: Question, parallel: int, *, as_lines: bool) -> None:
    def ask(name: str) -> Classification:
        return client.classify(image_files.read(name), **question)

    names = list(image_files.expand(files))
    failed = 0
    hidden = as_lines and sys.stdout.isatty()  # a bar below them would break long lines of JSON
    with count_up(len(names), hidden=hidden) as advance, in_parallel(names, ask, parallel) as results:
        for result in results:
            if result.error is not None:
                failed += 1
                note(f"{result.name}: {_reason(result.error)}")
            if as_lines:
                _print_json_line(result)
            elif result.answer is not None:
                _print_brief(result.name, result.answer)
            advance()
    if failed:
        note(f"{failed} of {len(names)} pictures could not be classified")
    raise typer.Exit(exit_codes.FAILED if failed else 0)


@dataclass(frozen=True, slots=True)
class Result:
    """The answer for one image, or the error."""

    name: str
    answer: Classification | None = None
    error: Exception | None = None


@contextmanager
def in_parallel(
    names: Iterable[str], ask: Callable[[str], Classification], parallel: int
) -> Iterator[Iterator[Result]]:
    """Yield an iterator over the results, in the order of the names; leaving the block cancels what has not begun."""
    pool = ThreadPoolExecutor(parallel)
    try:
        yield _in_order(names, ask, pool, parallel * LOOKAHEAD)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    names: Iterable[str], ask: Callable[[str], Classification], pool: ThreadPoolExecutor, ahead: int
) -> Iterator[Result]:
    pending: deque[Future[Result]] = deque()
    for name in names:
        pending.append(pool.submit(_try, name, ask))
        if len(pending) >= ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _try(name: str, ask: Callable[[str], Classification]) -> Result:
    """Classify one image.

    Raises:
        ServiceUnreachable: nothing answers, so no other image would fare better.
    """
    from bestguess.client import BestGuessError, ServiceUnreachable

    try:
        return Result(name, answer=ask(name))
    except ServiceUnreachable as error:
        if not error.sent:
            raise
        return Result(name, error=error)
    except (BestGuessError, OSError, ValueError) as error:  # ValueError: a zero byte in the name
        return Result(name, error=error)


def _print_answer(name: str, answer: Classification) -> None:
    """Print all guesses for one image, with bars."""
    from rich.text import Text

    console, image = make_console(), answer.image
    console.print(Text(f"{printable(name)} ({image.width} x {image.height}, {image.format})", "bold"))
    if answer.predictions:
        print_table(prediction_table(answer.predictions, terminal_width(), blocks=supports_blocks()))
    else:
        console.print("No guess has so high a score.")
    console.print(Text(_source(answer), "dim"))


def _source(answer: Classification) -> str:
    """Return which model has answered, for which other one, how long it took, and whether its weights are random."""
    model = answer.model
    text = f"{printable(model.id)}, {answer.timing_ms.total:.0f} ms"
    if model.stand_in_for:
        text += f"; in the place of {printable(model.stand_in_for)}: "
        text += printable(model.stand_in_reason or "it is not ready")
    if model.weights == "random":
        text += "; random weights: these guesses mean nothing"
    return text


def _print_brief(name: str, answer: Classification) -> None:
    """Print the best guess for one of several images as a line that fits the terminal."""
    from rich.text import Text

    width, best = terminal_width() or WIDEST, next(iter(answer.predictions), None)
    line = Text(printable(name))
    line.truncate(min(LONGEST_NAME, width // 2), overflow="ellipsis", pad=True)
    if best is None:
        line.append("  nothing")
    else:
        if width >= WIDE_TERMINAL:
            line.append(" " + bar(best.score, SHORT_BAR, blocks=supports_blocks()), "cyan")
        line.append(f" {100 * best.score:5.1f} %", "bold").append(f"  {printable(best.label)}")
    line.truncate(width, overflow="ellipsis")
    make_console().print(line)


def _print_json_line(result: Result) -> None:
    """Print one image's answer, or its `error`, as a line of JSON."""
    content = result.answer.model_dump(mode="json") if result.answer else {"error": _problem(result.error)}
    print_json({"file": result.name} | content, indent=None)


def _problem(error: Exception | None) -> dict[str, Any]:
    """Return an error as the service's problem details; for one that the service did not send, the same fields."""
    from bestguess.client import ProblemError

    if isinstance(error, ProblemError):
        return error.problem.model_dump(mode="json", exclude_none=True)
    return {"title": "This picture was not sent", "detail": _reason(error)}


def _reason(error: Exception | None) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _print_preview(data_uri: str) -> None:
    """Draw what the network saw: each letter is two pixels, one above the other."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        note("to see here what the network saw, install Pillow: pip install pillow")
        return
    console, width = make_console(), min(PREVIEW_WIDTH, terminal_width() or WIDEST)
    with Image.open(io.BytesIO(base64.b64decode(data_uri.partition(",")[2])), formats=["PNG"]) as picture:
        picture.thumbnail((width, width))
        console.print(in_colours(picture.convert("RGB")) if console.color_system else in_letters(picture.convert("L")))


def in_colours(picture: Image.Image) -> Text:
    """Draw an RGB picture with half blocks, whose halves have the colours of two pixels."""
    from rich.style import Style
    from rich.text import Text

    text = Text()
    for y in range(0, picture.height, 2):
        for x in range(picture.width):
            upper, lower = (picture.getpixel((x, min(row, picture.height - 1))) for row in (y, y + 1))
            text.append("▀", Style.parse(f"rgb{_rgb(upper)} on rgb{_rgb(lower)}"))
        text.append("\n")
    text.rstrip()
    return text


def in_letters(picture: Image.Image) -> str:
    """Draw a grey picture with letters, each as bright as the two pixels that it stands for."""
    half = picture.resize((picture.width, max(1, picture.height // 2)))
    letters = "".join(RAMP[value * len(RAMP) // 256] for value in half.tobytes())
    starts = range(0, len(letters), half.width)
    return "\n".join(letters[start : start + half.width].rstrip() for start in starts)


def _rgb(pixel: object) -> str:
    assert isinstance(pixel, tuple)  # noqa: S101 - RGB has three
    return f"({pixel[0]},{pixel[1]},{pixel[2]})"
