"""A backup as docs/operations.md makes it, and what a project is after it was restored, with one replica of each."""

import re
import subprocess
from pathlib import Path

import httpx

from support.compose_stack import ROOT, START, Stack, until, whole

IMAGE = "bestguess:cpu"  # as the commands name it


def commands() -> tuple[str, str]:
    """Read the two blocks of commands: to make a backup, and to restore it."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition("## Backup and restore\n")[2].partition("\n## ")[0]
    made, restored = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return re.sub(r"^\$ ", "", made, flags=re.MULTILINE), re.sub(r"^\$ ", "", restored, flags=re.MULTILINE)


def run(product: Stack, block: str, folder: Path) -> None:
    """Run a block for this project, its archive in a folder."""
    for here, there in {
        "docker compose": " ".join(product.command),
        "bestguess_": f"{product.project}_",
        IMAGE: product.environment["BESTGUESS_IMAGE"],
        "$PWD": str(folder),
    }.items():
        block = block.replace(here, there)
    words = ("bash", "-euo", "pipefail", "-c", block)
    done = subprocess.run(words, cwd=ROOT, env=product.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_was_deleted_is_there_again(product: Stack, tmp_path: Path) -> None:
    """A job and its model that were there when the backup was made are there after it is restored, and answer."""
    backup, restore = commands()
    job_id = product.submit(steps=60)
    job = whole(product, job_id, 60)
    run(product, backup, tmp_path)
    assert product.client.delete(f"/models/{job_id}").is_success
    assert product.client.get(f"/models/{job_id}").status_code == httpx.codes.NOT_FOUND
    later = product.submit(steps=20)
    run(product, restore, tmp_path)
    product.all_ready()
    until(lambda: product.job(job_id), START)
    assert product.job(job_id)["result"] == job["result"]
    assert product.client.get(f"/jobs/{later}").status_code == httpx.codes.NOT_FOUND
    assert product.client.get(f"/models/{job_id}/download").is_success
    whole(product, product.submit(steps=20), 20)
