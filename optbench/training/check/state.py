"""Whether an optimizer can be stopped and resumed, and does the same twice, to the byte."""

from __future__ import annotations

import io
import random
import re
from typing import TYPE_CHECKING

import numpy as np
import torch

from optbench.errors import FOREIGN
from optbench.training.check.finding import Finding
from optbench.training.check.trial import Trial, said

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
    """The same bytes twice, whatever Python's and numpy's generators give meanwhile."""
    first, second = Trial(subject), Trial(subject)
    before = first.generator
    random.seed(1)
    np.random.seed(1)
    first.steps(BEFORE)
    random.seed(2)
    np.random.seed(2)
    second.steps(BEFORE)
    if first.bits() != second.bits():
        reason = "gives other bytes the second time, with torch's generator seeded alike"
        return Finding("repeats", "fails", reason)
    drawn = not torch.equal(first.generator, before)
    how = "; draws from torch's generator, which is seeded" if drawn else ""
    return Finding("repeats", "works", f"the same bytes twice{how}")
