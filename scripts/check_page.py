"""Writes docs/check.md: `optbench check` on torch's optimizers and all of pytorch_optimizer.

Leaves the page as it is where pytorch_optimizer isn't installed.
"""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.catalog.candidate import candidate
from optbench.catalog.optimizers import optimizers
from optbench.catalog.reference import REFERENCE
from optbench.config.spec import display_name
from optbench.execution.examination import Examiner
from optbench.execution.signals import Interruptions
from optbench.report.check import summary_table
from optbench.report.formats import markdown_text, to_markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optbench.catalog.candidate import Candidate
    from optbench.training.check.finding import Checked

PAGE = Path(__file__).parents[1] / "docs" / "check.md"
PACKAGE = "pytorch_optimizer"
MARK = "<!-- what follows is made by `python scripts/check_page.py` -->\n"

# What no default could be; the others are checked with theirs.
GIVEN = {"Ranger21": ["num_iterations=500"], "BSAM": ["num_data=256"]}

# Why one can't be used, by what the finding says; the first that fits.
GROUPS = (
    (r"another optimizer", "wrap another optimizer, which has to be made before them"),
    (r"the model rather", "take the model instead of its parameters"),
    (r"use_muon", "want parameter groups that say `use_muon`"),
    (r"losure", "need a closure, although their `step` can be called without one"),
    (r"does not require grad", "need gradients made by `backward(create_graph=True)`"),
    (r"process group", "want a distributed process group"),
    (r"ImportError|ModuleNotFoundError|can't load", "need a package that is not installed"),
    (r"it needs", "have an argument without default that a file can't give"),
    (r"does not halve", "halve the loss at no learning rate that is tried"),
    (r"state holds", "have a state that `torch.load(weights_only=True)` refuses"),
    (r"once its state was loaded|a loaded state", "go on otherwise once their state was loaded"),
    (r"the second time", "draw random numbers that no seed fixes"),
    (r"did not end", "take longer for a check than a minute"),
    (r"", "fail for a reason of their own"),
)


def package_version() -> str | None:
    """Of the installed pytorch_optimizer."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None


def package_candidates() -> list[Candidate]:
    """Every optimizer that the package defines, by name."""
    from torch.optim import Optimizer

    names = sorted(
        name
        for name, value in vars(import_module(PACKAGE)).items()
        if inspect.isclass(value)
        and issubclass(value, Optimizer)
        and value.__module__.startswith(PACKAGE)
        and not inspect.isabstract(value)
    )
    return [candidate(f"{PACKAGE}:{name}", GIVEN.get(name, ())) for name in names]


def torch_candidates() -> list[Candidate]:
    return [candidate(name) for name in optimizers() if name not in REFERENCE]


def check_all(candidates: Sequence[Candidate]) -> list[Checked]:
    """What was found of each; a line each on standard error."""
    checked = []
    with Examiner(Interruptions()) as examiner:
        for one in candidates:
            checked.append(examiner.examine(one))
            told = "usable" if checked[-1].usable else "not usable"
            sys.stderr.write(f"{one.target}: {told}\n")
    return checked


def grouped(checked: Sequence[Checked]) -> Iterator[str]:
    """A line a reason, the most frequent first, with the classes that it keeps from use."""
    groups: dict[str, list[str]] = {}
    for one in checked:
        if not one.usable:
            reason = next(iter(preventing(one)))[1]
            said = next(said for pattern, said in GROUPS if re.search(pattern, reason))
            groups.setdefault(said, []).append(display_name(one.candidate.target))
    for said, names in sorted(groups.items(), key=lambda item: -len(item[1])):
        yield f"- {said} ({len(names)}): {', '.join(names)}."


def preventing(one: Checked) -> list[tuple[str, str]]:
    """The checks that keep an optimizer from use, with their reasons."""
    from optbench.training.check.finding import NEEDED

    return [(f.check, f.reason) for f in one.findings if f.check in NEEDED and f.verdict != "works"]


def reasons(checked: Sequence[Checked]) -> Iterator[str]:
    yield "| optimizer | check | reason |"
    yield "| --- | --- | --- |"
    for one in checked:
        for check, reason in preventing(one):
            name = display_name(one.candidate.target)
            yield f"| {markdown_text(name)} | {check} | {markdown_text(reason)} |"


def results(torchs: Sequence[Checked], others: Sequence[Checked]) -> str:
    """The part of the page that is made."""
    usable = sum(one.usable for one in others)
    given = " and ".join(
        f"{display_name(one.candidate.target)} with {one.candidate.given}"
        for one in others
        if one.candidate.given
    )
    return "\n".join(
        [
            f"## torch {version('torch').partition('+')[0]}\n",
            to_markdown(summary_table(torchs)),
            f"## {PACKAGE} {package_version()}\n",
            f"{usable} of its {len(others)} optimizers can be used (each made with its defaults, "
            f"{given}). The others\n",
            *grouped(others),
            "",
            to_markdown(summary_table(others)),
            "What keeps those that can't be used from it, in the words of the check:\n",
            *reasons(others),
            "",
        ]
    )


def main() -> None:
    if package_version() is None:
        print(f"{PACKAGE} is not installed: {PAGE} is left as it is")
        return
    torchs, others = (check_all(some) for some in (torch_candidates(), package_candidates()))
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    PAGE.write_text(f"{head}{MARK}\n{results(torchs, others)}", encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
