from __future__ import annotations

import signal
import sys
import threading

import pytest
from experiments import DEADLINE

from optbench.errors import Interrupted
from optbench.execution.signals import Interruptions

CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_becomes_an_interruption_with_its_exit_code(number: int, code: int) -> None:
    with pytest.raises(Interrupted) as told, Interruptions().caught():
        signal.raise_signal(number)
    assert told.value.exit_code == code


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number, _ in CODES]
    with Interruptions().caught():
        assert [signal.getsignal(number) for number, _ in CODES] != before
    assert [signal.getsignal(number) for number, _ in CODES] == before


@pytest.mark.parametrize(("number", "code"), CODES)
def test_one_that_comes_in_a_finalizer_is_not_lost(number: int, code: int) -> None:
    class Late:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def work() -> None:
        Late()
        threading.Event().wait(DEADLINE)

    hook = sys.unraisablehook
    with pytest.raises(Interrupted) as told, Interruptions().caught():
        work()
    assert told.value.exit_code == code
    assert sys.unraisablehook == hook


def test_what_else_a_finalizer_raises_is_told_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken:
        def __del__(self) -> None:
            raise KeyError("broken")

    told: list[BaseException | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_value))
    with Interruptions().caught():
        Broken()
    assert [type(error) for error in told] == [KeyError]


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_shielded_block_finishes_first(number: int, code: int) -> None:
    done = []
    interruptions = Interruptions()

    def work() -> None:
        with interruptions.shielded():
            with interruptions.shielded():
                signal.raise_signal(number)
                done.append("inner")
            done.append("outer")
        done.append("after")

    with pytest.raises(Interrupted) as told, interruptions.caught():
        work()
    assert done == ["inner", "outer"]
    assert told.value.exit_code == code


def test_an_interruption_is_raised_once() -> None:
    interruptions = Interruptions()
    with interruptions.caught():
        with pytest.raises(Interrupted), interruptions.shielded():
            signal.raise_signal(signal.SIGINT)
        with interruptions.shielded():
            pass


def test_an_error_in_a_shielded_block_is_not_hidden() -> None:
    interruptions = Interruptions()

    def work() -> None:
        with interruptions.shielded():
            signal.raise_signal(signal.SIGINT)
            raise KeyError

    with interruptions.caught(), pytest.raises(KeyError):
        work()


def test_outside_the_main_thread_signals_stay_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with Interruptions().caught():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_an_interruption_is_no_exception_that_plugins_catch() -> None:
    assert not issubclass(Interrupted, Exception)
