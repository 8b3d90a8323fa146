import re
from pathlib import Path

from app.settings import Settings
from jobs.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def between(name: str) -> str:
    """Return the part of the README between two marks."""
    return README.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]


def test_every_setting_is_in_the_table() -> None:
    """The README's table is what the settings say of themselves: each variable, its default and its meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in (Settings.model_fields | WorkerSettings.model_fields).items():
        words = {bool: {True: "`on`", False: "`off`"}, type(None): {None: ""}, str: {"": ""}}.get(
            type(field.default), {}
        )
        default = words.get(field.default, f"`{field.default}`")
        rows.append(f"| `BESTGUESS_{name.upper()}` | {default} | {field.description} |")
    assert between("settings").strip() == "\n".join(rows)


def test_the_tree_is_the_tree() -> None:
    """What the README's tree names is there, and no package is missing from it."""
    folder, named = ROOT, set()
    for line in between("tree").splitlines():
        if match := re.match(r"( *)([\w.]+/?) ", line):
            folder = folder if match[1] else ROOT
            path = folder / match[2]
            folder = path if not match[1] else folder
            assert path.exists(), line
            named.add(path)
    packages = {path.parent for path in ROOT.glob("[!.]*/__init__.py")} | {
        path.parent for package in ("app", "bestguess") for path in ROOT.glob(f"{package}/*/__init__.py")
    }
    assert packages <= named


def test_the_settings_that_the_papers_name_exist() -> None:
    """What docs/keys.md says of an environment variable is said of one that is read."""
    known = {f"BESTGUESS_{name.upper()}" for name in Settings.model_fields | WorkerSettings.model_fields}
    known.add("BESTGUESS_API_KEY")  # which the client reads
    named = set(re.findall(r"BESTGUESS_[A-Z_]+", (ROOT / "docs" / "keys.md").read_text()))
    assert named
    assert named <= known
