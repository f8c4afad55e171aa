"""A least pace for downloads: what drips breaks no time limit of a single receive."""

from __future__ import annotations

import io
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST = 10_000  # bytes a second
WINDOW = 30.0  # seconds over which that is asked for


class TooSlowError(OSError):
    """A mirror sends, but so little that a file would take hours."""


@contextmanager
def least_pace(window: float = WINDOW) -> Iterator[None]:
    """Inside, HTTP responses raise TooSlowError once `window` seconds brought less than `LEAST`.

    For the whole process, as whoever asks (torchvision) takes no such argument.
    """
    before = HTTPConnection.response_class
    paced = staticmethod(partial(_PacedResponse, window))  # Python 3.14 binds a bare partial
    HTTPConnection.response_class = paced  # type: ignore[assignment]
    try:
        yield
    finally:
        HTTPConnection.response_class = before


class _PacedResponse(HTTPResponse):
    def __init__(self, window: float, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fp = io.BufferedReader(_Paced(self.fp.detach(), window))


class _Paced(io.RawIOBase):
    """Reads what another stream has."""

    def __init__(self, stream: io.RawIOBase, window: float) -> None:
        self._stream = stream
        self._window = window
        self._began = monotonic()
        self._bytes = 0  # since then

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._stream.readinto(buffer)
        self._bytes += count or 0
        now = monotonic()
        if now - self._began > self._window:
            if self._bytes < LEAST * self._window:
                raise TooSlowError(f"less than {LEAST // 1000} kB a second for {self._window:g} s")
            self._began, self._bytes = now, 0
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()
