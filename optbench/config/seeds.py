"""Seeds: a count, a list, or `--seeds` on the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optbench.config.node import Node, Problems

MAX_SEEDS = 10_000
MAX_SEED = 2**31 - 1
_RANGE = re.compile(r"(\d{1,10})-(\d{1,10})", re.ASCII)


def read_seeds(node: Node, problems: Problems) -> tuple[int, ...]:
    """`seeds: 8` (0 to 7) or `seeds: [0, 3, 7]`; notes what is wrong with it."""
    if node.is_sequence:
        return read_seed_list(node, problems)
    count = node.value
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_SEEDS:
        rule = f"must be a count from 1 to {MAX_SEEDS:,} or a list of seeds"
        problems.add(node, "seeds", f"{rule}, got {node.shown()}")
        return ()
    return tuple(range(count))


def read_seed_list(node: Node, problems: Problems, path: str = "seeds") -> tuple[int, ...]:
    """A list of seeds, each once; notes what is wrong with it."""
    seeds: list[int] = []
    for key, item in node.children(path):
        seed = item.value
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
            rule = f"must be a whole number from 0 to {MAX_SEED:,}"
            problems.add(item, key, f"{rule}, got {item.shown()}")
        elif seed in seeds:
            problems.add(item, key, f"seed {seed} is listed twice")
        else:
            seeds.append(seed)
    if not node.sequence:
        problems.add(node, path, "must hold at least one seed", "write a count: seeds: 1")
    return tuple(seeds)


def parse_seeds(text: str, declared: Sequence[int]) -> tuple[int, ...]:
    """What `--seeds` says: `5` a count, `0,3,7` and `0-4` lists, `+5` five beyond `declared`.

    Raises `UsageError` for anything else.
    """
    text = text.strip()
    if re.fullmatch(r"\+\d{1,5}", text, re.ASCII):
        start = max(declared, default=-1) + 1
        return _checked([*declared, *range(start, start + int(text[1:]))], text)
    if re.fullmatch(r"\d{1,10}", text, re.ASCII):
        if not 1 <= int(text) <= MAX_SEEDS:
            raise UsageError(f"--seeds: a count must be 1 to {MAX_SEEDS:,}, got {text}")
        return tuple(range(int(text)))
    return _checked([seed for item in text.split(",") for seed in _item(item.strip(), text)], text)


def _item(item: str, text: str) -> Sequence[int]:
    if found := _RANGE.fullmatch(item):
        first, last = int(found[1]), int(found[2])
        if last - first >= MAX_SEEDS:
            raise UsageError(f"--seeds: at most {MAX_SEEDS:,} seeds, got {text!r}")
        return range(first, last + 1)
    if re.fullmatch(r"\d{1,10}", item, re.ASCII):
        return [int(item)]
    raise UsageError(
        f"--seeds: must be a count (5), a list (0,3,7), a range (0-4) or more (+5), got {text!r}"
    )


def _checked(seeds: list[int], text: str) -> tuple[int, ...]:
    if not seeds or len(set(seeds)) < len(seeds) or len(seeds) > MAX_SEEDS or max(seeds) > MAX_SEED:
        raise UsageError(
            f"--seeds: must be 1 to {MAX_SEEDS:,} different seeds up to {MAX_SEED:,}, got {text!r}"
        )
    return tuple(seeds)
