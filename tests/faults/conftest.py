from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.counts import count_as_asked, is_full
from faults.injections import Injection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

_REPORT = pytest.StashKey[pytest.TestReport]()


def pytest_configure(config: pytest.Config) -> None:
    count_as_asked(config.option.markexpr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


@pytest.fixture
def injecting(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], Injection]]:
    """`injecting(row, by)` counts faults; full counts are stored in results/.

    fault = injecting("killed", "SIGKILL at random moments")
    for moment in moments(times(200)):
        with fault.holds():
            ...  # inject it, and assert the promise
    """
    made: list[Injection] = []

    def begin(row: str, by: str) -> Injection:
        made.append(Injection(row, by, f"{request.path.name}::{request.node.name}"))
        return made[-1]

    yield begin
    report = request.node.stash.get(_REPORT, None)
    if is_full() and report is not None and not report.skipped:
        for injection in made:
            injection.store(passed=report.passed)
