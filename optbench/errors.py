"""What can go wrong, and the exit code that each kind ends a command with.

Everything that a user can cause is an `OptbenchError`; anything else that reaches
the command line is a bug (exit code 70).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EXIT_OK = 0
EXIT_CLAIM = 1
EXIT_USAGE = 2
EXIT_RUNS_FAILED = 3
EXIT_ENVIRONMENT = 4
EXIT_BUG = 70
EXIT_SIGINT = 130
EXIT_SIGTERM = 143


class OptbenchError(Exception):
    """A failure that the user can understand and mend; its text says how."""

    exit_code = EXIT_USAGE

    @property
    def at_command_line(self) -> str:
        """The text where options were given, not arguments of a call."""
        return str(self)


class UsageError(OptbenchError):
    """A command or call was given something that it does not take."""


class ArgumentError(UsageError):
    """An argument has a value that it does not take: `workers` of a call, `--workers` of a command.

    `told` goes on after its name: "must be 1 or more, got 0".
    """

    def __init__(self, argument: str, told: str) -> None:
        super().__init__(argument, told)
        self.argument = argument
        self.told = told

    def __str__(self) -> str:
        return f"{self.argument} {self.told}"

    @property
    def at_command_line(self) -> str:
        return f"--{self.argument.replace('_', '-')} {self.told}"


class EnvironmentFault(OptbenchError):  # noqa: N818 (EnvironmentError is Python's own)
    """The disk, the data or the network is not as it has to be."""

    exit_code = EXIT_ENVIRONMENT


class DataError(EnvironmentFault):
    """A data set is missing, damaged or can't be downloaded."""


class ContentError(DataError):
    """Files of the user's own are there and hold what nothing can be trained on."""

    exit_code = EXIT_USAGE


class StreamError(DataError):
    """Examples that are read while runs train can't be trained on: those runs fail."""


class StoreError(EnvironmentFault):
    """A run directory can't be read, written or locked."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived. Not an `Exception`: nothing may swallow it by accident."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"interrupted, exit code {exit_code}")
        self.exit_code = exit_code


# What somebody else's code may raise: also what Ctrl-C raises where nothing makes an `Interrupted`
# of it, so that here it comes from that code alone.
FOREIGN = (Exception, SystemExit, KeyboardInterrupt)


def spoken(error: BaseException) -> str:
    """`ValueError: what it says`; its type alone where its own `__str__` raises."""
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except FOREIGN:
        return name


@dataclass(frozen=True)
class Mark:
    """Where a value stands: a file (or `--set …`), a line and a column, both from 1."""

    file: str
    line: int = 0
    column: int = 0
    text: str = ""  # the source line, without its line break

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One mistake in an experiment file.

    `key` is the dotted path (`optimizer[0].lr`), `message` the rule and the value found,
    `remedy` what to do about it, `width` how many characters of the line to underline.
    """

    mark: Mark
    key: str
    message: str
    remedy: str = ""
    width: int = 0

    def __str__(self) -> str:
        where = f"{self.mark}: {self.key}: " if self.key else f"{self.mark}: "
        headline = f"{where}{self.message}"
        if not (self.mark.line and self.width):
            return f"{headline}\n  {self.remedy}" if self.remedy else headline
        number = str(self.mark.line)
        gutter = " " * len(number)
        pointer = " " * (self.mark.column - 1) + "^" * self.width
        remedy = f"  {self.remedy}" if self.remedy else ""
        return f"{headline}\n  {number} │ {self.mark.text}\n  {gutter} │ {pointer}{remedy}"


class ConfigError(OptbenchError):
    """An experiment file says something that can't be; holds every mistake found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)  # else pickle would give it its text
