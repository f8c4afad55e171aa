"""Random bytes for every reader: one clear error, or a right answer."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from faults.counts import times
from faults.fuzzing import Fuzzer, corpus
from faults.readers import READERS
from faults.sabotage import Sabotage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = pytest.mark.faults


def fuzzer_of(name: str, folder: Path) -> Fuzzer:
    return Fuzzer(name, folder, random.Random(name))


@pytest.mark.parametrize("name", READERS)
def test_a_reader_answers_or_refuses_whatever_it_is_given(
    name: str, tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fuzzer = fuzzer_of(name, tmp_path)
    fault = injecting("fuzz", f"mutated files for the reader of {name}")
    slow = name.startswith("store")  # which is seen by everything that shows runs
    for _ in range(times(100 if slow else 500)):
        with fault.holds():
            fuzzer.step()


@pytest.mark.parametrize("name", READERS)
def test_whatever_once_broke_a_reader_is_answered_or_refused(
    name: str, tmp_path: Path, injecting: Callable[[str, str], Injection]
) -> None:
    fuzzer = fuzzer_of(name, tmp_path)
    fault = injecting("fuzz", "all that has broken a reader once (tests/faults/corpus)")
    for path in corpus(name):
        with fault.holds():
            fuzzer.feed(path.read_bytes())


SABOTAGE = [
    Sabotage(
        "fuzz",
        "what numpy raises for a file that is none of its own is no refusal",
        "optbench/catalog/datasets/own_file.py",
        "except _UNREADABLE as error",
        "except ZeroDivisionError as error",
        "test_a_reader_answers_or_refuses_whatever_it_is_given[npz]",
    ),
]
