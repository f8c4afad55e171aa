"""Whether a mirror answers, asked before anything slow is begun."""

from __future__ import annotations

import queue
import threading
import time
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from optbench.catalog.datasets.remote import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence


def await_answer(urls: Sequence[str], seconds: float) -> None:
    """Return as soon as one address answers well; proxies of the environment are used.

    Raises UnavailableError once all have failed or `seconds` have passed. Each is asked in a thread
    of its own that is left behind, because a name look-up can't be given a time limit.
    """
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for url in urls:
        ask = threading.Thread(target=lambda u=url: answers.put(_fault(u, seconds)), daemon=True)
        ask.start()
    deadline = time.monotonic() + seconds
    faults: list[str] = []
    while len(faults) < len(urls):
        try:
            fault = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise UnavailableError(f"no answer from the network in {seconds:g} s", faults) from None
        if fault is None:
            return
        faults.append(fault)
    raise UnavailableError("no network reaches its mirrors", sorted(faults))


def _fault(url: str, seconds: float) -> str | None:
    """What is wrong with an address; None where it answers well."""
    try:
        with urllib.request.urlopen(  # noqa: S310 - the addresses are torchvision's own
            urllib.request.Request(url, method="HEAD"),  # noqa: S310
            timeout=seconds,
        ):
            return None
    except (OSError, HTTPException, ValueError) as error:
        return describe_failure(url, error)


def describe_failure(url: str, error: Exception) -> str:
    """One line: the host, and what happened there."""
    if isinstance(error, HTTPError):
        what = f"HTTP {error.code} {error.reason}"
        error.close()
    elif isinstance(error, URLError) and isinstance(error.reason, Exception):
        return describe_failure(url, error.reason)
    elif isinstance(error, TimeoutError):
        what = "stalled"
    else:
        what = getattr(error, "strerror", None) or str(error).partition("\n")[0] or repr(error)
    return f"{urlsplit(url).netloc}: {what}"
