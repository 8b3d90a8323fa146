"""The images in a request's body: a form's files, the raw bytes, or base64 in JSON.

Nothing touches the disk, and what may be large is in memory once: io.BytesIO gives its buffer away, uncopied, when it
is asked for its value.
"""

from __future__ import annotations

import binascii
import io
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.errors import Invalid, MalformedBody, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request
    from starlette.datastructures import FormData

FORM_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent; its name is only ever repeated to its sender."""

    name: str
    data: bytes


class JsonImage(BaseModel):
    """An image in JSON: base64, with or without the head of a data URI."""

    image: str


class MemoryFile(io.BytesIO):
    """A form's file that stays in memory; Starlette writes what has not "rolled" to disk without a thread."""

    _rolled = False


class FormParser(MultiPartParser):
    """Starlette's parser without its temporary files: a full disk would read as the client's fault.

    At most `max_files` files are accepted, and `max_fields` parts with them.
    """

    def on_headers_finished(self) -> None:
        """Begin a part: bound their count, and keep the bytes of a file in memory."""
        if self._current_files + self._current_fields >= self.max_fields:
            raise MultiPartException("Too many parts. Send fewer fields and files.")
        super().on_headers_finished()
        spooled = self._current_part.file
        if spooled is not None:
            spooled.file.close()
            self._current_part.file = UploadFile(MemoryFile(), filename=spooled.filename)


async def read_form(
    request: Request, *, files: int, parts: int, parser: Callable[..., FormParser] = FormParser
) -> FormData:
    """Read a form to its end; it may have so many files, and so many parts with them.

    Raises:
        MalformedBody: a broken one, or too many parts.
    """
    # Names are UTF-8, as browsers send them: a charset of the client's choice may be none that decodes to text.
    _, options = parse_options_header(request.headers.get("Content-Type"))
    boundary = options.get(b"boundary", b"").decode("latin-1")
    if not boundary:
        raise MalformedBody("The form cannot be read: its Content-Type has no boundary.")
    headers = Headers({"Content-Type": f'multipart/form-data; boundary="{boundary}"'})
    try:
        async with aclosing(request.stream()) as stream:
            return await parser(headers, stream, max_files=files, max_fields=parts).parse()
    except MultiPartException as error:
        raise MalformedBody(f"The form cannot be read: {error.message}") from None


async def read_image(request: Request, parts: int) -> bytes:
    """Return the one image of a request, however it was sent; a form may have so many parts.

    Raises:
        Problem: with what to send instead.
    """
    kind = media_type(request)
    if kind == FORM_TYPE:
        form = await read_form(request, files=1, parts=parts)
        sent = next((part for part in form.getlist("file") if isinstance(part, UploadFile)), None)
        if sent is None or not isinstance(sent.file, MemoryFile):
            raise missing("file")
        return sent.file.getvalue()
    if kind == "application/json":
        return from_json(await read_body(request))
    if kind.startswith("image/"):
        return await read_body(request)
    raise UnsupportedMedia(
        f"The body is {kind or 'of no Content-Type'}. Send a form with the field 'file', the image itself as image/*, "
        'or JSON {"image": "<base64>"}.'
    )


async def read_files(request: Request, fields: tuple[str, ...], *, files: int, parts: int) -> list[Upload]:
    """Return every file of the named fields of a form, which may have so many files and parts.

    Raises:
        Problem: not a form, a broken one, too many parts, or no file in it.
    """
    if media_type(request) != FORM_TYPE:
        raise UnsupportedMedia(f"Send a multipart/form-data form with the field '{fields[0]}'.")
    form = await read_form(request, files=files, parts=parts)
    uploads = [
        Upload(part.filename or "", part.file.getvalue())
        for name, part in form.multi_items()
        if name in fields and isinstance(part, UploadFile) and isinstance(part.file, MemoryFile)
    ]
    if not uploads:
        raise missing(fields[0])
    return uploads


async def read_body(request: Request) -> bytes:
    """Return the whole body; `request.body()` would have it twice, and keep it as long as the request."""
    body = io.BytesIO()
    async with aclosing(request.stream()) as stream:
        async for piece in stream:
            body.write(piece)
    return body.getvalue()


def from_json(body: bytes) -> bytes:
    """Decode the image of a JSON body, which is given up as soon as its text is taken out.

    Raises:
        Invalid: not JSON, without the field, or not base64.
    """
    try:
        text = JsonImage.model_validate_json(body).image
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from None
    del body
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return binascii.a2b_base64(text, strict_mode=True)  # base64.b64decode would copy the text
    except (binascii.Error, ValueError):
        raise Invalid(
            "body.image: not base64. Encode the file's bytes as base64, without line breaks.",
            errors=[{"loc": ["body", "image"], "msg": "not base64", "type": "base64"}],
        ) from None


def media_type(request: Request) -> str:
    """Return the body's media type, in lower case and without parameters.

    Raises:
        UnsupportedMedia: the body is compressed.
    """
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise UnsupportedMedia(f"The body is encoded as {encoding[:40]}. Send it as it is, without Content-Encoding.")
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def missing(field: str, what: str = "image", example: str = "photo.jpg") -> Invalid:
    """Return the error for a form without a file."""
    return Invalid(
        f"body.{field}: missing. Send the {what} in the form's field '{field}', as `curl -F {field}=@{example}` does.",
        errors=[{"loc": ["body", field], "msg": "Field required", "type": "missing"}],
    )
