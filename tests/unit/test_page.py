import re
from pathlib import Path

import pytest

import app
from support.live_server import Live

FOLDER = Path(app.__file__).parent / "page"
FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file())


def test_the_front_door_is_the_page(service: Live) -> None:
    """The root shows the page, every address of which is this service's own and there; no script or style is inline."""
    page = service.client.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert len(addresses) >= 10
    for address in addresses:
        assert address.startswith("/"), address
        assert service.client.get(address).status_code == 200, address
    assert not re.search(r"<style|<script>|<script [^>]*>[^<]| style=| on[a-z]+=", page.text)


@pytest.mark.parametrize("name", FILES)
def test_every_file_of_the_page_is_served(service: Live, name: str) -> None:
    """Each file is sent as what it is, and speaks of no address but this service's."""
    answer = service.client.get(f"/page/{name}")
    assert answer.content == (FOLDER / name).read_bytes()
    kinds = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
    assert answer.headers["Content-Type"].startswith(kinds[Path(name).suffix])
    assert set(re.findall(r"https?://[^\s\"'`]+", answer.text)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", ["/", "/page/main.js"])
def test_the_page_is_never_stale(service: Live, path: str) -> None:
    """A browser asks each time, and is told by the content's tag that what it has is still right."""
    first = service.client.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = service.client.get(path, headers={"If-None-Match": f'W/"x", {first.headers["ETag"]}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert service.client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    head = service.client.head(path)
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", first.headers["ETag"])


@pytest.mark.parametrize(
    "path", ["", "styles", "../main.py", "..%2Fmain.py", "%2Fetc%2Fpasswd.js", "x%00.js", "a" * 300 + ".js"]
)
def test_only_its_own_files_are_served(service: Live, path: str) -> None:
    """What is not a file of the page is 404, however its name is written."""
    assert service.client.get(f"/page/{path}").status_code == 404
