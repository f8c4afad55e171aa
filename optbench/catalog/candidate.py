"""An optimizer that is to be checked: its class and the arguments given for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optbench.catalog.plugins import content_hash, is_import_path
from optbench.catalog.resolve import as_written
from optbench.config.node import Problems, from_plain
from optbench.config.overrides import apply
from optbench.config.spec import Setting, format_value
from optbench.errors import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Candidate:
    """What was asked for, and the setting that holds the optimizer with the arguments given.

    `first` is the name of its first parameter, `missing` those without a default that were not
    given; `takes_lr` tells whether lr was left open.
    """

    target: str
    setting: Setting
    first: str
    missing: tuple[str, ...]
    takes_lr: bool

    @property
    def given(self) -> str:
        """`lr=0.01 momentum=0.9`."""
        told = {name: value for name, value in self.setting.optimizer.items() if name != "name"}
        return " ".join(f"{name}={format_value(value)}" for name, value in told.items())

    def at(self, lr: float | None) -> Setting:
        """The setting at a learning rate; None leaves it as it was given, or to the default."""
        if lr is None:
            return self.setting
        return replace(self.setting, optimizer={**self.setting.optimizer, "lr": lr})


def candidate(target: str, assignments: Sequence[str] = ()) -> Candidate:
    """A catalog's name or an import path, with `name=value` texts for the constructor.

    Imports no torch. Raises `ConfigError` with every mistake: a name that leads nowhere, arguments
    that it doesn't take. One that is missing is no mistake.
    """
    problems = Problems()
    node = apply(from_plain({"name": target}, Mark(f"check {target}")), assignments)
    resolved, receiver = as_written(node, "", problems)
    problems.raise_if_any()
    assert receiver is not None  # noqa: S101  (else there was a problem)
    left = [p for p in receiver.signature.parameters[1:] if p.name not in resolved]
    name = str(resolved["name"])
    plugin = content_hash(name) if is_import_path(name) else None
    return Candidate(
        target=target,
        setting=Setting(
            dataset={"name": "check"},
            model={"name": "mlp", "hidden": [16]},
            optimizer=resolved,
            schedule={"name": "constant"},
            training={
                "loss": "cross_entropy",
                "epochs": 2,
                "batch_size": 32,
                "evaluate_every": None,
            },
            hyperparameters=(),
            plugins={name: plugin} if plugin else {},
        ),
        first="".join(receiver.filled),
        missing=tuple(p.name for p in left if p.required),
        takes_lr=any(p.name == "lr" for p in left),
    )
