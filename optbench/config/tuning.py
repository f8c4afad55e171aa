"""`tuning:` of an experiment file: how its spaces are searched, and under which budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from optbench.config.keys import check_keys
from optbench.config.metrics import metric_columns
from optbench.config.node import Node, child_key
from optbench.config.seeds import MAX_SEED, MAX_SEEDS, read_seed_list
from optbench.config.suggest import did_you_mean

if TYPE_CHECKING:
    from optbench.config.node import Problems

SamplerName = Literal["tpe", "random", "gp", "cmaes", "grid"]
PrunerName = Literal["none", "hyperband", "median"]
OBJECTIVES = ("val_loss", "val_accuracy")  # beside what an experiment has measured besides
SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)
PRUNERS: tuple[PrunerName, ...] = get_args(PrunerName)

KEYS = ("trials", "sampler", "pruner", "objective", "seeds")
MAX_TRIALS = 100_000
# A count of reporting seeds ends long before; a list that comes so far is refused.
FIRST_SEED = 1_000_000

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class Tuning:
    """How a search is made; None where nothing was said, which leaves it to the sampler.

    `batch` trials of each optimizer are proposed at a time. `reduction` is Hyperband's η: one of
    so many trials goes on, for so many times the epochs; `min_epochs` is what each trial gets.
    """

    trials: int | None = None
    sampler: SamplerName = "tpe"
    sampler_seed: int = 0
    batch: int | None = None
    pruner: PrunerName = "none"
    reduction: int = 3
    min_epochs: int = 1
    objective: str = "val_loss"
    seeds: tuple[int, ...] = (FIRST_SEED,)


def read_tuning(node: Node, problems: Problems, metrics: tuple[str, ...] = ()) -> Tuning:
    """Check `tuning:`, noting every mistake; `metrics` are what the experiment has measured."""
    objectives = (*OBJECTIVES, *metric_columns(metrics, ["val"]))
    if not node.is_mapping:
        remedy = "tuning: {trials: 30, sampler: tpe}"
        problems.add(node, "tuning", f"must be a mapping, got {node.shown()}", remedy)
        return Tuning()
    check_keys(node, "tuning", KEYS, problems)
    found = node.mapping
    sampler = _named(found.get("sampler"), "sampler", ("seed", "batch"), problems)
    pruner = _named(found.get("pruner"), "pruner", ("reduction", "min_epochs"), problems)
    return Tuning(
        trials=_whole(found, "tuning", "trials", problems, most=MAX_TRIALS),
        sampler=_word(sampler, "tuning.sampler", "name", SAMPLERS, problems) or "tpe",
        sampler_seed=_whole(sampler, "tuning.sampler", "seed", problems, least=0) or 0,
        batch=_whole(sampler, "tuning.sampler", "batch", problems, most=MAX_TRIALS),
        pruner=_word(pruner, "tuning.pruner", "name", PRUNERS, problems) or "none",
        reduction=_whole(pruner, "tuning.pruner", "reduction", problems, least=2) or 3,
        min_epochs=_whole(pruner, "tuning.pruner", "min_epochs", problems) or 1,
        objective=_word(found, "tuning", "objective", objectives, problems) or "val_loss",
        seeds=_seeds(found["seeds"], problems) if "seeds" in found else (FIRST_SEED,),
    )


def _named(
    node: Node | None, name: str, arguments: tuple[str, ...], problems: Problems
) -> dict[str, Node]:
    """`tpe`, or `{name: tpe, …}`, as the latter."""
    if node is None:
        return {}
    if not node.is_mapping:
        return {"name": node}
    check_keys(node, f"tuning.{name}", ("name", *arguments), problems)
    return node.mapping


def _word(
    found: dict[str, Node], key: str, name: str, known: tuple[Word, ...], problems: Problems
) -> Word | None:
    node = found.get(name)
    if node is None:
        return None
    for word in known:
        if word == node.value:
            return word
    path = key if name == "name" else child_key(key, name)
    message = f"must be one of {', '.join(known)}, got {node.shown()}"
    problems.add(node, path, message, did_you_mean(str(node.value), known))
    return None


def _whole(
    found: dict[str, Node],
    key: str,
    name: str,
    problems: Problems,
    *,
    least: int = 1,
    most: int = MAX_SEED,
) -> int | None:
    node = found.get(name)
    if node is None:
        return None
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        rule = f"must be a whole number from {least} to {most:,}"
        problems.add(node, child_key(key, name), f"{rule}, got {node.shown()}")
        return None
    return value


def _seeds(node: Node, problems: Problems) -> tuple[int, ...]:
    """A count, from 1,000,000 on, or a list."""
    if node.is_sequence:
        return read_seed_list(node, problems, "tuning.seeds")
    count = node.value
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_SEEDS:
        rule = f"must be a count from 1 to {MAX_SEEDS:,} or a list of seeds"
        problems.add(node, "tuning.seeds", f"{rule}, got {node.shown()}")
        return (FIRST_SEED,)
    return tuple(range(FIRST_SEED, FIRST_SEED + count))
