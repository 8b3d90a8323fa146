"""`GET /docs`: Swagger UI from the files that the package fastapi-offline carries; it works with no network."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

from app.errors import NotFound

router = APIRouter(include_in_schema=False)

FILES = ("swagger-ui.css", "swagger-ui-bundle.js")

PAGE = """<!doctype html>
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
START = """SwaggerUIBundle({
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
    return HTMLResponse(PAGE)


@router.get("/docs/start.js")
async def start() -> HTMLResponse:
    """Start Swagger UI; a file of its own, so that no page needs inline scripts."""
    return HTMLResponse(START, media_type="text/javascript")


@router.get("/docs/{name}")
async def asset(name: str) -> FileResponse:
    """Give one of Swagger UI's own files."""
    if name not in FILES:
        raise NotFound("The documentation has no such file.")
    return FileResponse(str(files("fastapi_offline") / "static" / name), headers={"Cache-Control": "max-age=86400"})
