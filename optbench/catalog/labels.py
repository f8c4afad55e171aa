"""What a problem is called: `mnist · mlp 784-128-10 · cross entropy`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.weights import RUN_WEIGHTS, START
from optbench.config.spec import Setting, display_name, format_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def problem_label(setting: Setting, input_shape: Sequence[int], classes: int) -> str:
    """Data used, model and loss of a setting, as headings show them."""
    model = _model(setting.model, math.prod(input_shape), classes)
    loss = function_label(setting.training["loss"]).replace("_", " ")
    return " · ".join([dataset_label(setting.dataset), model, loss])


def function_label(named: object) -> str:
    """A loss, say, as settings hold it: its name, and of one's own the arguments too."""
    if not isinstance(named, dict):
        return str(named)
    rest = (f"{key}={format_value(value)}" for key, value in named.items() if key != "name")
    return " ".join([display_name(str(named["name"])), *rest])


_FUNCTION = ("name", "objective")


def dataset_label(dataset: Mapping[str, object]) -> str:
    """A data set and how it was cut: `mnist (5,000 for validation)`; an objective by its name."""
    if dataset["name"] == "objective":
        function = {"name": dataset["objective"]}
        return dataset_label(function | {k: v for k, v in dataset.items() if k not in _FUNCTION})
    name = display_name(str(dataset["name"]))
    cuts = [_cut(key, v) for key, v in dataset.items() if _says_more(key, v)]
    if dataset.get("validation"):
        cuts.append(f"{dataset['validation']:,} for validation")
    return f"{name} ({', '.join(cuts)})" if cuts else name


def _says_more(key: str, value: object) -> bool:
    return key not in ("name", "validation") and value is not None and value is not False


def _cut(key: str, value: object) -> str:
    if key == "normalize" and isinstance(value, dict):
        return f"normalized by {function_label(value)}"
    return "normalized" if (key, value) == ("normalize", True) else f"{key} {_shown(key, value)}"


def _shown(key: str, value: object) -> str:
    if key == "path":
        return Path(str(value)).name
    return f"{value:,}" if type(value) is int else format_value(value)


def _model(model: Mapping[str, object], inputs: int, classes: int) -> str:
    name = display_name(str(model["name"]))
    rest = {key: value for key, value in model.items() if key not in ("name", *START)}
    if name in ("mlp", "logistic"):
        hidden = rest.pop("hidden", [])
        widths = [inputs, *(hidden if isinstance(hidden, list) else []), classes]
        name += " " + "-".join(str(width) for width in widths)
        rest = {k: v for k, v in rest.items() if (k, v) not in (("activation", "relu"),) and v}
    said = [name, *(f"{key}={format_value(value)}" for key, value in rest.items())]
    return " ".join([*said, *_start(model)])


def _start(model: Mapping[str, object]) -> Iterator[str]:
    """What the model starts from: `from weights.pt, new head`."""
    if "weights" in model:
        path = Path(str(model["weights"]))
        where = path.parent.name if path.name == RUN_WEIGHTS and path.is_absolute() else path.name
        yield f"from {where}{', new head' if model['head'] == 'new' else ''}"
