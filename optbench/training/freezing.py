"""Parameters that a setting leaves as they are."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, cast

from optbench.training.refusal import refuse

if TYPE_CHECKING:
    from torch import nn

    from optbench.config.spec import Setting


_MOST_SHOWN = 12  # names in a refusal


def freeze(setting: Setting, model: nn.Module) -> None:
    """Take the parameters that match a glob of `training.freeze` out of training, for good.

    Raises at the line of a glob that matches none, and where nothing is left to train.
    """
    globs = cast("list[str]", setting.training.get("freeze", []))
    named = dict(model.named_parameters())
    for index, glob in enumerate(globs):
        matching = [name for name in named if fnmatchcase(name, glob)]
        if not matching:
            message = f"no parameter matches {glob!r}"
            more = ", …" if len(named) > _MOST_SHOWN else ""
            remedy = f"it has {', '.join([*named][:_MOST_SHOWN])}{more}"
            refuse(setting, "freeze", message, remedy, index)
        for name in matching:
            named[name].requires_grad = False
    if globs and not any(parameter.requires_grad for parameter in named.values()):
        refuse(setting, "freeze", "leaves no parameter to train", "name fewer of them")
