"""SIGINT and SIGTERM become `Interrupted`, but never in the middle of a commit."""

from __future__ import annotations

import math
import signal
import sys
import threading
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from optbench.errors import EXIT_SIGINT, EXIT_SIGTERM, Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_AGAIN = 0.01  # seconds until a signal is sent once more
_EXIT_CODES = {signal.SIGINT: EXIT_SIGINT, signal.SIGTERM: EXIT_SIGTERM}


class Interruptions:
    """While entered, a signal raises `Interrupted` in the main thread.

    Inside `shielded()` it waits until that ends. One that is ignored stays so. Elsewhere than in
    the main thread, where Python allows no handlers, signals stay as they were. `until` is when,
    on the monotonic clock that all processes of a machine share, the command stops by itself.
    """

    def __init__(self, until: float = math.inf) -> None:
        self.until = until
        self._depth = 0
        self._pending: int | None = None
        self._hook = sys.unraisablehook

    @property
    def reason(self) -> str:
        """Why what is stopped now is stopped."""
        return "its --max-time was up" if monotonic() > self.until else "stopped by a signal"

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Install the handlers, and put the former ones back in the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wanted = [n for n in _EXIT_CODES if signal.getsignal(n) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self._arrived) for number in wanted}
        self._hook, sys.unraisablehook = sys.unraisablehook, self._send_again
        try:
            yield
        finally:
            sys.unraisablehook = self._hook
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Let what is inside finish; a signal that came meanwhile raises afterwards."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        if self._pending is not None and not self._depth:
            code, self._pending = self._pending, None
            raise Interrupted(code)

    def _arrived(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        code = _EXIT_CODES[signal.Signals(number)]
        if self._depth:
            self._pending = code
        else:
            raise Interrupted(code)

    def _send_again(self, lost: sys.UnraisableHookArgs, /) -> None:
        """Send once more what came in a finalizer, which lets no exception out.

        Imports have such ones too. Not at once, as this is called inside of it.
        """
        if not isinstance(lost.exc_value, Interrupted):
            self._hook(lost)
            return
        code = lost.exc_value.exit_code
        (number,) = (number for number, known in _EXIT_CODES.items() if known == code)
        main = threading.main_thread().ident
        threading.Timer(_AGAIN, signal.pthread_kill, (main, number)).start()
