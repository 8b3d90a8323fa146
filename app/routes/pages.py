"""Routes of the web page at `/` and of Swagger UI at `/docs`.

Browsers revalidate the page's files each time, and get them only if they have changed. Swagger UI's files come from the
package fastapi-offline, so `/docs` works without a network.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from app.dependencies import SettingsDep
from app.errors import NotFound

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parents[1] / "page"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
SWAGGER_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")

DOCS_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Best Guess: the calls</title>
<link rel="icon" href="/page/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
DOCS_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
});
"""


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """Show the page."""
    return revalidated(request, FOLDER / "index.html")


@router.get("/page/limits.json")
async def limits(settings: SettingsDep) -> dict[str, int]:
    """Return the limits, so that the page can refuse a larger file without sending it."""
    return {"max_body_bytes": settings.max_body_bytes, "max_dataset_bytes": settings.max_dataset_bytes}


@router.api_route("/page/{path:path}", methods=["GET", "HEAD"])
async def asset(request: Request, path: str) -> Response:
    """Return one of the page's files."""
    return revalidated(request, FOLDER / path)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Show Swagger UI."""
    return HTMLResponse(DOCS_PAGE)


@router.get("/docs/start.js")
async def start() -> HTMLResponse:
    """Return the script that starts Swagger UI; as a file, because the page may have no inline scripts."""
    return HTMLResponse(DOCS_START, media_type="text/javascript")


@router.get("/docs/{name}")
async def docs_asset(name: str) -> FileResponse:
    """Return one of Swagger UI's files."""
    if name not in SWAGGER_FILES:
        raise NotFound("The documentation has no such file.")
    return FileResponse(str(files("fastapi_offline") / "static" / name), headers={"Cache-Control": "max-age=86400"})


def revalidated(request: Request, path: Path) -> Response:
    """Return one of the page's files, or 304 if the client has it already.

    The ETag is a hash of the content: an upgrade may leave a file's time and size as they were.

    Raises:
        NotFound: there is no such file, or it does not belong to the page.
    """
    content = read(path)  # a few KB in the system's cache: a thread would take longer, and may not be free
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers | {"Content-Type": TYPES[path.suffix]})


def read(path: Path) -> bytes:
    """Read one of the page's files. Raises what `revalidated` raises."""
    if path.suffix in TYPES and path.is_relative_to(FOLDER) and ".." not in path.parts:
        try:
            return path.read_bytes()
        except (OSError, ValueError):
            pass  # a folder, or a name that no file can have
    raise NotFound("The page has no such file.")
