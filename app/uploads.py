"""The images in a request's body: a form's files, the raw bytes, or base64 in JSON. Nothing touches the disk."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.errors import Invalid, MalformedBody, UnsupportedMedia

if TYPE_CHECKING:
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


class MemoryParser(MultiPartParser):
    """Starlette's parser without its temporary files.

    The body is bounded already, and a full disk would read as the client's fault otherwise.
    """

    spool_max_size = 0  # never rolls over: SpooledTemporaryFile's meaning of 0

    def __init__(self, request: Request, limits: FormLimits) -> None:
        # Names are UTF-8, as browsers send them: a charset of the client's choice may be none that decodes to text.
        _, options = parse_options_header(request.headers.get("Content-Type"))
        boundary = options.get(b"boundary", b"").decode("latin-1")
        headers = Headers({"Content-Type": f'multipart/form-data; boundary="{boundary}"'} if boundary else {})
        super().__init__(headers, request.stream(), max_files=limits.files, max_fields=limits.parts)
        self._parts_left = limits.parts

    def on_part_begin(self) -> None:
        """Count a part."""
        self._parts_left -= 1
        if self._parts_left < 0:
            raise MultiPartException("Too many parts. Send fewer fields and files.")
        super().on_part_begin()


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
        return from_json(await request.body())
    if kind.startswith("image/"):
        return await request.body()
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
    try:
        form = await MemoryParser(request, limits).parse()
    except MultiPartException as error:
        raise MalformedBody(f"The form cannot be read: {error.message}") from None
    except KeyError:
        raise MalformedBody("The form cannot be read: its Content-Type has no boundary.") from None
    try:
        uploads = [part for name, part in form.multi_items() if name in fields and isinstance(part, UploadFile)]
        if not uploads:
            raise _missing(fields[0])
        return [Upload(part.filename or "", await part.read()) for part in uploads]
    finally:
        await form.close()


def from_json(body: bytes) -> bytes:
    """Decode the image of a JSON body.

    Raises:
        Invalid: not JSON, without the field, or not base64.
    """
    try:
        text = JsonImage.model_validate_json(body).image
    except ValidationError as error:
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in error.errors()]) from None
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
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


def _missing(field: str) -> Invalid:
    return Invalid(
        f"body.{field}: missing. Send the image in the form's field '{field}', as `curl -F {field}=@photo.jpg` does.",
        errors=[{"loc": ["body", field], "msg": "Field required", "type": "missing"}],
    )
