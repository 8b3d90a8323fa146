"""`GET /`: the web page, and its files under `/page`. They are asked for anew each time, and sent only when changed."""

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


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """Show the page."""
    return await send(request, FOLDER / "index.html")


@router.get("/page/limits.json")
async def limits(settings: SettingsDep) -> dict[str, int]:
    """Say what would be refused, so that the page need not send it to find out."""
    return {"max_body_bytes": settings.max_body_bytes, "max_dataset_bytes": settings.max_dataset_bytes}


@router.api_route("/page/{path:path}", methods=["GET", "HEAD"])
async def asset(request: Request, path: str) -> Response:
    """Give one of the page's own files."""
    return await send(request, FOLDER / path)


async def send(request: Request, path: Path) -> Response:
    """Answer with a file, or with 304 where the client has it.

    The tag is the content's: an upgrade may leave a file's time and size as they were.
    """
    content = read(path)  # a few KB that the system has at hand: a thread would take longer, and may not be free
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers | {"Content-Type": TYPES[path.suffix]})


def read(path: Path) -> bytes:
    """Read one of the page's files.

    Raises:
        NotFound: there is none, or it is none of the page's.
    """
    if path.suffix in TYPES and path.is_relative_to(FOLDER) and ".." not in path.parts:
        try:
            return path.read_bytes()
        except (OSError, ValueError):
            pass  # a folder, or a name that no file can have
    raise NotFound("The page has no such file.")


# `GET /docs`: Swagger UI from the files that the package fastapi-offline carries; it works with no network.
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


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Show every call, with a form to try it."""
    return HTMLResponse(DOCS_PAGE)


@router.get("/docs/start.js")
async def start() -> HTMLResponse:
    """Start Swagger UI; a file of its own, so that no page needs inline scripts."""
    return HTMLResponse(DOCS_START, media_type="text/javascript")


@router.get("/docs/{name}")
async def docs_asset(name: str) -> FileResponse:
    """Give one of Swagger UI's own files."""
    if name not in SWAGGER_FILES:
        raise NotFound("The documentation has no such file.")
    return FileResponse(str(files("fastapi_offline") / "static" / name), headers={"Cache-Control": "max-age=86400"})
