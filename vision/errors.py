"""What can be wrong with a picture that somebody sent, one class each; the message tells them what to do."""


class ImageProblem(Exception):
    """The picture cannot be used; the cause is the picture, not the service."""


class NotAnImage(ImageProblem):
    """The bytes are no picture."""


class BrokenImage(ImageProblem):
    """The bytes are a picture, but it cannot be decoded."""


class UnsupportedFormat(ImageProblem):
    """The bytes are of a format that is not accepted."""


class TooManyPixels(ImageProblem):
    """The picture is larger than the limits allow."""


class TooCostly(ImageProblem):
    """Decoding took more time than the limits allow, or crashed its process."""


class NoInk(ImageProblem):
    """Nothing on the picture is a digit: it is blank, or nothing stands out from its ground."""


PROBLEMS = {
    kind.__name__: kind for kind in (NotAnImage, BrokenImage, UnsupportedFormat, TooManyPixels, TooCostly, NoInk)
}


class DecodersUnavailable(Exception):
    """No decode process could do its work: it could not start, starved, or was killed. Not the picture's fault."""
