"""Whether an optimizer can be stopped and resumed, and does the same twice, to the byte."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import torch

from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding
from optbench.training.check.trial import Trial, said
from optbench.training.noise import python_tensors

if TYPE_CHECKING:
    from optbench.training.check.finding import Subject

BEFORE, AFTER = 6, 7  # steps


def resumes(subject: Subject) -> Finding:
    """Store after some steps, load into a new one, go on: the bytes of never having stopped."""
    trial = Trial(subject)
    trial.steps(BEFORE)
    buffer = io.BytesIO()
    try:
        torch.save(trial.state(), buffer)
    except FOREIGN as error:
        return Finding("resumes", "fails", f"torch.save can't write its state: {said(error)}")
    buffer.seek(0)
    try:
        state = torch.load(buffer, weights_only=True)
    except FOREIGN as error:
        return Finding("resumes", "fails", _unloadable(error))
    trial.steps(AFTER)
    resumed = Trial(subject)
    try:
        resumed.restore(state)
        resumed.steps(AFTER)
    except FOREIGN as error:
        return Finding("resumes", "fails", f"a loaded state breaks it: {said(error)}")
    if resumed.bits() != trial.bits():
        reason = "takes other steps once its state was loaded: state_dict lacks something"
        return Finding("resumes", "fails", reason)
    return Finding("resumes", "works", "saved, loaded and gone on to the same bytes")


def _unloadable(error: BaseException) -> str:
    """What torch says at length: the class of which it doesn't load an object."""
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    what = f"a {found[1]}" if found else f"what torch.load refuses ({said(error)})"
    return f"its state holds {what}, where a checkpoint can hold only tensors and plain values"


def repeats(subject: Subject) -> Finding:
    """The same bytes twice, torch's, Python's and numpy's global generators being a run's own."""
    first, second = Trial(subject), Trial(subject)
    before, python_before = first.generator, python_tensors(first.python)
    first.steps(BEFORE)
    second.steps(BEFORE)
    if first.bits() != second.bits():
        reason = "gives other bytes the second time, with all global generators seeded alike"
        return Finding("repeats", "fails", reason)
    after = python_tensors(first.python)
    from_python = not all(map(torch.equal, python_before[:2], after[:2]))
    drawn = from_python or not torch.equal(first.generator, before)
    whose = "Python's or numpy's" if from_python else "torch's"
    how = f"; draws from {whose} generator, which is seeded" if drawn else ""
    return Finding("repeats", "works", f"the same bytes twice{how}")
