"""Experiment files written as text, what they load as, and what is wrong with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Experiment, Setting
    from optbench.errors import Problem

PARTS: dict[str, str] = {"dataset": "digits", "model": "mlp", "optimizer": "adam"}


def text_of(**parts: str) -> str:
    """A whole file: a line a part, the least that is needed where nothing else is said."""
    return "".join(f"{key}: {value}\n" for key, value in {**PARTS, **parts}.items())


def load(folder: Path, text: str, **options: Any) -> Experiment:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_experiment(path, **options)


def loaded(folder: Path, **parts: str) -> Experiment:
    return load(folder, text_of(**parts))


def only_setting(folder: Path, **parts: str) -> Setting:
    (setting,) = loaded(folder, **parts).settings
    return setting


def problems(folder: Path, text: str, **options: Any) -> list[Problem]:
    """Every mistake that loading a text reports; empty if it loads."""
    try:
        load(folder, text, **options)
    except ConfigError as error:
        return list(error.problems)
    return []


def told(folder: Path, **parts: str) -> list[str]:
    """The mistakes of a file as `key: message [remedy]`."""
    found = problems(folder, text_of(**parts))
    return [f"{p.key}: {p.message}{f' [{p.remedy}]' if p.remedy else ''}" for p in found]


def underlined(problem: Problem) -> str:
    """The text that a message's caret points at."""
    start = problem.mark.column - 1
    return problem.mark.text[start : start + problem.width]


def write_config(folder: Path, config: dict[str, object]) -> Path:
    """A run's resolved configuration as a file. JSON is YAML too."""
    path = folder / "config.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path
