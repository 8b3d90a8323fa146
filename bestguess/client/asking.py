"""What `Client` is made of: connections, tries and streams."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

from bestguess.client._config import checked_url, http_options
from bestguess.client._retry import Retries
from bestguess.client.trial import CAUGHT, Trial, check, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from bestguess.client._request import Call
    from bestguess.client.errors import BestGuessError

Answer = TypeVar("Answer")


class Asking:
    """The connections to one service, and each call until it is answered or given up."""

    def __init__(  # noqa: PLR0913 - all but the first by name, and none is needed
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: Retries | None = None,
        on_wait: Callable[[BestGuessError, float], None] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        base = checked_url(url)
        self.url = shown(base)
        self._http = httpx.Client(transport=transport, **http_options(base, api_key, timeout))
        self._retries, self._on_wait = retries or Retries(), on_wait

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _trial(self, call: Call[Any]) -> Trial:
        return Trial(call, self.url, self._retries, self._on_wait)

    def _send(self, call: Call[Answer]) -> Answer:
        trial = self._trial(call)
        while True:
            try:
                response = self._http.send(call.request(self._http))
                check(response)
                return call.read(response)
            except CAUGHT as error:
                time.sleep(trial.pause(error))

    def _stream(self, call: Call[bytes]) -> Iterator[bytes]:
        response = self._http.send(call.request(self._http), stream=True)
        try:
            if not response.is_success:
                response.read()
            check(response)
            yield from response.iter_bytes()
        finally:
            response.close()
