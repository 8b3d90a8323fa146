"""Errors of pictures and networks; the message tells the sender of a picture what to do.

`slug`, `title` and `category` say to callers of the service what kind of problem it is. `answer` is what they read, and
`{error}` in it is the message; `retry_after` is when to come back, in seconds; `log_level` is the level at which the
service logs the message, where its operator should know of it. `app.errors` renders them. The decode processes import
this module, so that it imports next to nothing.
"""

import logging


class VisionError(Exception):
    """The base of the errors."""

    slug: str
    title: str
    category: str
    answer = "{error}"
    retry_after: int | None = None
    log_level: int = logging.NOTSET


class ImageProblem(VisionError):
    """The picture cannot be used; the cause is the picture, not the service."""

    slug, title, category = "not-an-image", "This is not an image that can be read", "unreadable"


class NotAnImage(ImageProblem):
    """The bytes are no picture."""


class BrokenImage(ImageProblem):
    """The bytes are a picture, but it cannot be decoded."""


class TooCostly(ImageProblem):
    """Decoding took more time than the limits allow, or crashed its process."""


class UnsupportedFormat(ImageProblem):
    """The bytes are of a format that is not accepted."""

    slug, title, category = "unsupported-format", "This format is not accepted", "unsupported"


class TooManyPixels(ImageProblem):
    """The picture is larger than the limits allow."""

    slug, title, category = "too-large", "This is larger than is accepted", "too large"


class NoInk(ImageProblem):
    """Nothing on the picture is a digit: it is blank, or nothing stands out from its background."""

    slug, title, category = "no-ink", "There is no digit on this picture", "unreadable"


PROBLEMS = {
    kind.__name__: kind for kind in (NotAnImage, BrokenImage, UnsupportedFormat, TooManyPixels, TooCostly, NoInk)
}


class DecodersUnavailable(VisionError):
    """No decode process could do its work: it could not start, starved, or was killed. Not the picture's fault."""

    slug, title, category = "not-ready", "Not ready yet", "unavailable"
    answer = "No decode process could take the image. Send it again in a moment."
    retry_after = 2
    log_level = logging.WARNING
