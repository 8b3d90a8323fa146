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
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.errors import Invalid, MalformedBody, UnsupportedMedia

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from fastapi import Request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent; its name is only ever repeated to its sender."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class FormLimits:
    """How many files, and how many parts with them, a form may have."""

    files: int
    parts: int


class JsonImage(BaseModel):
    """An image in JSON: base64, with or without the head of a data URI."""

    image: str


class MemoryFile(UploadFile):
    """A form's file that stays in memory."""

    def __init__(self, name: str) -> None:
        self.content = io.BytesIO()
        super().__init__(self.content, filename=name)

    async def seek(self, offset: int) -> None:
        """Do what Starlette asks for after the last byte, without the thread that it would use for a file on disk."""
        self.content.seek(offset)


class FormParser(MultiPartParser):
    """Starlette's parser without its temporary files: a full disk would read as the client's fault."""

    def __init__(self, request: Request, stream: AsyncGenerator[bytes, None], limits: FormLimits) -> None:
        # Names are UTF-8, as browsers send them: a charset of the client's choice may be none that decodes to text.
        _, options = parse_options_header(request.headers.get("Content-Type"))
        boundary = options.get(b"boundary", b"").decode("latin-1")
        headers = Headers({"Content-Type": f'multipart/form-data; boundary="{boundary}"'} if boundary else {})
        super().__init__(headers, stream, max_files=limits.files, max_fields=limits.parts)
        self._parts_left = limits.parts

    def on_part_begin(self) -> None:
        """Count a part."""
        self._parts_left -= 1
        if self._parts_left < 0:
            raise MultiPartException("Too many parts. Send fewer fields and files.")
        super().on_part_begin()

    def on_headers_finished(self) -> None:
        """Have a file's bytes kept where we want them."""
        super().on_headers_finished()
        spooled = self._current_part.file
        if spooled is not None:
            spooled.file.close()
            self._current_part.file = self.make_file(spooled.filename or "")

    def make_file(self, name: str) -> UploadFile:
        """Make what a file is written into."""
        raise NotImplementedError


class MemoryParser(FormParser):
    """Keeps files in memory."""

    def make_file(self, name: str) -> UploadFile:
        """Make what a file is written into."""
        return MemoryFile(name)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a part."""
        file = self._current_part.file
        if isinstance(file, MemoryFile):
            file.content.write(memoryview(data)[start:end])
        else:
            super().on_part_data(data, start, end)


async def read_image(request: Request, limits: FormLimits) -> bytes:
    """Take the one image out of a request, however it was sent.

    Raises:
        Problem: with what to send instead.
    """
    kind = media_type(request)
    if kind == "multipart/form-data":
        files = await read_files(request, FormLimits(1, limits.parts), ("file",))
        return files[0].data
    if kind == "application/json":
        return from_json(await read_body(request))
    if kind.startswith("image/"):
        return await read_body(request)
    raise UnsupportedMedia(
        f"The body is {kind or 'of no Content-Type'}. Send a form with the field 'file', the image itself as image/*, "
        'or JSON {"image": "<base64>"}.'
    )


async def read_files(request: Request, limits: FormLimits, fields: tuple[str, ...]) -> list[Upload]:
    """Take every file of the named fields out of a form.

    Raises:
        Problem: not a form, a broken one, too many parts, or no file in it.
    """
    if media_type(request) != "multipart/form-data":
        raise UnsupportedMedia(f"Send a multipart/form-data form with the field '{fields[0]}'.")
    form = await parsed(request, lambda stream: MemoryParser(request, stream, limits))
    files = [part for name, part in form.multi_items() if name in fields and isinstance(part, MemoryFile)]
    if not files:
        raise missing(fields[0])
    return [Upload(file.filename or "", file.content.getvalue()) for file in files]


async def parsed(request: Request, parser: Callable[[AsyncGenerator[bytes, None]], FormParser]) -> FormData:
    """Read a form to its end.

    Raises:
        MalformedBody: a broken one, or too many parts.
    """
    try:
        async with aclosing(request.stream()) as stream:
            return await parser(stream).parse()
    except MultiPartException as error:
        raise MalformedBody(f"The form cannot be read: {error.message}") from None
    except KeyError:
        raise MalformedBody("The form cannot be read: its Content-Type has no boundary.") from None


async def read_body(request: Request) -> bytes:
    """Take the whole body; `request.body()` would have it twice, and keep it as long as the request."""
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
        message = "not base64"
        raise Invalid(
            "body.image: not base64. Encode the file's bytes as base64, without line breaks.",
            errors=[{"loc": ["body", "image"], "msg": message, "type": "base64"}],
        ) from None


def media_type(request: Request) -> str:
    """Name the body's media type, in lower case and without parameters.

    Raises:
        UnsupportedMedia: the body is compressed.
    """
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise UnsupportedMedia(f"The body is encoded as {encoding[:40]}. Send it as it is, without Content-Encoding.")
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def missing(field: str, what: str = "image", example: str = "photo.jpg") -> Invalid:
    """Make the error for a form without a file."""
    return Invalid(
        f"body.{field}: missing. Send the {what} in the form's field '{field}', as `curl -F {field}=@{example}` does.",
        errors=[{"loc": ["body", field], "msg": "Field required", "type": "missing"}],
    )
