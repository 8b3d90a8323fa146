"""Snapshots of what people outside the repository rely on: `PYTHONPATH=tests python -m support.snapshots` renews them.

Each function derives its snapshot from the code; `tests/unit/test_contract.py` compares it with the committed file in
`tests/snapshots/`. Titles, details and descriptions may change, and then a snapshot is renewed; names may not.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import json
import logging
import re
import tempfile
import tomllib
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, is_typeddict

import typer
from annotated_types import BaseMetadata
from pythonjsonlogger.core import RESERVED_ATTRS

import bestguess
import bestguess.client
import bestguess.schemas
from app.errors import STATUSES
from app.main import create_app
from app.settings import Settings
from bestguess.cli.exit_codes import exit_code_of
from bestguess.cli.main import cli
from jobs.queue import QUEUE, TASKS, WORKER_COMMAND
from jobs.settings import SharedSettings
from support.api_keys import closed
from support.images import encoded, noise
from support.live_server import live
from support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "snapshots"
PACKAGES = ("app", "bestguess", "jobs", "vision", "worker")
PREFIX = "bestguess_"  # of every metric


def _sources(*packages: str) -> Iterator[ast.Module]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))


def _modules(pattern: str, *packages: str) -> Iterator[ModuleType]:
    """Import the modules whose source has the pattern; not all, as some start the service."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            if re.search(pattern, path.read_text(encoding="utf-8")):
                parts = path.relative_to(ROOT).with_suffix("").parts
                yield importlib.import_module(".".join(part for part in parts if part != "__init__"))


def _subclasses(kind: type) -> Iterator[type]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def _plain(value: object) -> object:
    """Write a default value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return str(value)


def openapi() -> object:
    """Return the OpenAPI document: every path, parameter, component and answer."""
    return create_app(Settings()).openapi()


def command_line() -> object:
    """Return every command with its parameters, as `--help` shows them."""
    return _command(typer.main.get_command(cli))


def _command(command: Any) -> dict[str, object]:  # noqa: ANN401 - Typer's click is an internal of some versions
    shown: dict[str, object] = {
        "help": " ".join((command.help or "").split()),
        "parameters": [_parameter(each) for each in command.params],
    }
    if subcommands := getattr(command, "commands", None):
        shown["commands"] = {name: _command(sub) for name, sub in subcommands.items()}
    return shown


def _parameter(parameter: Any) -> dict[str, object]:  # noqa: ANN401 - likewise
    facts = {
        "name": [*parameter.opts, *parameter.secondary_opts],
        "kind": parameter.param_type_name,
        "required": parameter.required,
        "several": parameter.multiple or parameter.nargs == -1,
        "default": _plain(None if callable(parameter.default) else parameter.default),
        "type": _type(parameter.type_descriptor.annotation),
        "at least": getattr(parameter, "min", None),
        "at most": getattr(parameter, "max", None),
        "environment": parameter.envvar,
        "hidden": getattr(parameter, "hidden", False),
        "help": " ".join((getattr(parameter, "help", "") or "").split()),
    }
    return {name: fact for name, fact in facts.items() if fact not in (None, [], False, "")}


def _type(annotation: object) -> object:
    """Name a parameter's type, or list its choices."""
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return [choice.value for choice in annotation]
    return _plain(list(get_args(annotation))) if get_origin(annotation) is Literal else _annotation(annotation)


def settings() -> object:
    """Return every environment variable that the service, its workers and the client read, with type and default."""
    modules = list(_modules(r"class \w+\(.*Settings\)", "app", "jobs", "worker"))
    assert modules, "no module with settings"
    fields = {name: field for kind in _subclasses(SharedSettings) for name, field in kind.model_fields.items()}
    found: dict[str, object] = {
        f"BESTGUESS_{name.upper()}": {
            "type": _annotation(field.annotation),
            "default": _plain(field.default),
            "bounds": [repr(bound) for bound in field.metadata if isinstance(bound, BaseMetadata)],
        }
        for name, field in fields.items()
    }
    client = {
        node.value
        for tree in _sources("bestguess")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"BESTGUESS_[A-Z_]+", node.value)
    }
    return found | {name: {"read by": "the client and the command line"} for name in client - found.keys()}


def metrics() -> object:
    """Return every metric with its type and labels."""
    return {
        name: {"type": re.sub("MetricFamily$", "", kind).strip("_").lower(), "labels": labels}
        for tree in _sources(*PACKAGES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args
        if (name := getattr(node.args[0], "value", None)) and isinstance(name, str) and name.startswith(PREFIX)
        for kind in [getattr(node.func, "id", getattr(node.func, "attr", ""))]
        for labels in [_labels(node)]
    }


def _labels(call: ast.Call) -> list[str]:
    lists = [*call.args[2:3], *(keyword.value for keyword in call.keywords if keyword.arg in ("labels", "labelnames"))]
    return [each.value for found in lists if isinstance(found, (ast.List, ast.Tuple)) for each in found.elts]  # type: ignore[attr-defined]


def problems() -> object:
    """Return every `type` of problem+json that the service may answer, with its statuses."""
    found: dict[str, set[int]] = {}
    for module in _modules(r"\bslug\b", "app", "jobs", "vision"):
        for kind in vars(module).values():
            if inspect.isclass(kind) and isinstance(slug := getattr(kind, "slug", None), str):
                found.setdefault(slug, set()).add(STATUSES[kind.category])
    return {slug: sorted(statuses) for slug, statuses in found.items()}


def job_errors() -> object:
    """Return every `error.code` that a failed job may have."""
    scripts = "".join(path.read_text(encoding="utf-8") for path in ROOT.joinpath("jobs").rglob("*.lua"))
    in_lua = re.findall(r"""\bcode\W{1,8}['"]([a-z-]+)['"]""", scripts)
    return sorted({code for tree in _sources("jobs", "worker") for code in _codes(tree)} | set(in_lua))


def _codes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                yield code
            case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                yield code
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="code"), *_])], value=ast.Tuple(elts=[first, *_])):
                if isinstance(first, ast.Constant):
                    yield str(first.value)


def exit_codes() -> object:
    """Return every exit code of the command line, as its help lists them, and that of each error of the client."""
    epilog = typer.main.get_command(cli).epilog or ""
    errors = {}
    for name in bestguess.client.__all__:
        kind = getattr(bestguess.client, name)
        if inspect.isclass(kind) and issubclass(kind, bestguess.BestGuessError):
            error = kind.__new__(kind)  # the constructors want a response
            if isinstance(error, bestguess.client.ProblemError):
                error.problem = bestguess.schemas.Problem(type="about:blank", title="", status=500, detail="")
            errors[name] = exit_code_of(error)
    return {"codes": [int(code) for code in re.findall(r"(?:: |; )(\d+) ", epilog)], "errors": errors}


def public_names() -> object:
    """Return the public names of the client with the signatures of its calls."""
    names = {f"bestguess.{name}": getattr(bestguess, name) for name in bestguess.__all__}
    names |= {f"bestguess.client.{name}": getattr(bestguess.client, name) for name in bestguess.client.__all__}
    shown = {name: _public(value) for name, value in names.items()}
    shown["bestguess.schemas"] = bestguess.schemas.__all__
    for module in _modules("TypedDict", "bestguess/client"):
        for name, kind in vars(module).items():
            if is_typeddict(kind):  # the parameters of a call, as `**params: Unpack[...]`
                shown[f"parameters {name}"] = {key: _annotation(hint) for key, hint in kind.__annotations__.items()}
    return shown


def _public(value: object) -> object:
    if not inspect.isclass(value):
        return _plain(value)
    members: dict[str, object] = {"bases": [base.__name__ for base in value.__mro__[1:-1] if _is_public(base)]}
    for name, member in inspect.getmembers(value):
        call = member.__func__ if inspect.ismethod(member) else member
        if inspect.isfunction(call) and (not name.startswith("_") or name == "__init__"):
            members[name] = _signature(call)
        elif isinstance(member, property):
            members[name] = "property"
    return members


def _is_public(kind: type) -> bool:
    return kind.__name__ in {*bestguess.client.__all__, *dir(builtins)} and not kind.__name__.startswith("_")


def _signature(call: Callable[..., object]) -> str:
    signature = inspect.signature(call)
    parts = [
        each if each.annotation is each.empty else each.replace(annotation=_annotation(each.annotation))
        for each in signature.parameters.values()
    ]
    text = str(signature.replace(parameters=parts, return_annotation=_annotation(signature.return_annotation)))
    return ("async " if inspect.iscoroutinefunction(call) else "") + text.replace("'", "")


def _annotation(annotation: object) -> str:
    """Write an annotation without the modules of its names, which may move."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__forward_arg__", None)
    if text is None:
        plain = isinstance(annotation, type) and get_origin(annotation) is None
        text = annotation.__name__ if plain else str(annotation)
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text)


def log_fields() -> object:
    """Return the fields of the access log's line for a photo, beside those of every line."""
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append  # type: ignore[method-assign]
    logger = logging.getLogger("bestguess.request")
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings, headers = closed(Path(folder), "ann-classify")
            with live(settings) as service:
                photo = {"file": encoded(noise((32, 32)), "PNG")}
                service.client.post("/classify", files=photo, headers=headers["ann"]).raise_for_status()
                service.client.post("/classify", headers=headers["ann"])  # refused: it has no body
                wait_until(lambda: len(lines) >= 2, 10)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    return sorted({name for line in lines for name in vars(line)} - {*RESERVED_ATTRS, "message", "taskName"})


def processes() -> object:
    """Return the programs, modules and Celery names that manifests, images and running systems use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    manifests = [*ROOT.glob("deploy/**/*"), *ROOT.glob("docker-compose*.yml"), ROOT / "Dockerfile"]
    text = "".join(path.read_text(encoding="utf-8") for path in manifests if path.is_file())
    modules = re.findall(r"""python\d?["']?[, ]+["']?-m["']?[, ]+["']?([a-z_]+(?:\.[a-z_]+)*)""", text)
    return {
        "programs": sorted(project["scripts"]),
        "python -m": sorted(
            {"bestguess", *WORKER_COMMAND[2:], *(name for name in modules if name.startswith(PACKAGES))}
        ),
        "variables of Docker Compose": sorted(set(re.findall(r"\$\{([A-Z_]+)", text))),
        "celery tasks": TASKS,
        "celery queue": QUEUE,
    }


SNAPSHOTS: dict[str, Callable[[], object]] = {
    "openapi": openapi,
    "command_line": command_line,
    "settings": settings,
    "metrics": metrics,
    "problems": problems,
    "job_errors": job_errors,
    "exit_codes": exit_codes,
    "public_names": public_names,
    "processes": processes,
    "log_fields": log_fields,
}


def text_of(name: str) -> str:
    """Make a snapshot from the code, as its file has it."""
    return json.dumps(SNAPSHOTS[name](), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for snapshot in SNAPSHOTS:
        (FOLDER / f"{snapshot}.json").write_text(text_of(snapshot), encoding="utf-8")
