import pytest

from bestguess.client._sse import Decoder, Message

STREAM = (
    "retry: 1000\n\nid: 1-0\nevent: started\ndata: {}\n\n: still here\n\n"
    "id: 2-0\r\ndata: one\r\ndata:two\u2028x\r\n\r\n"
    "data: three\r\rid: 4-0\n\nevent: none\ndata: cut"
).encode()
MESSAGES = [Message("{}", "1-0"), Message("one\ntwo\u2028x", "2-0"), Message("three", "2-0")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_messages(size: int) -> None:
    """However the bytes are cut, each message comes once with its id; an unfinished one never comes."""
    decoder = Decoder()
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert [message for piece in pieces for message in decoder.feed(piece)] == MESSAGES


def test_bytes_that_are_no_text() -> None:
    """Bytes that are not UTF-8 are replaced, and break nothing."""
    assert list(Decoder().feed(b"data: \xff\n\n")) == [Message("\ufffd", "")]
