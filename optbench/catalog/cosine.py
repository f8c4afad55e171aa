"""Linear warm-up followed by half a cosine, advanced each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch.optim.lr_scheduler import LRScheduler

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


class WarmupCosine(LRScheduler):
    """lr·(t+1)/w in the first w = warmup·total steps, then a cosine from lr to final·lr.

    Source: SGDR, Loshchilov & Hutter 2017, equation 5, without restarts; warm-up as in
    Goyal et al. 2017, section 2.2. t counts from 0; the last step is the lowest.
    """

    def __init__(
        self, optimizer: Optimizer, total_steps: int, warmup: float = 0.0, final: float = 0.0
    ) -> None:
        self.total_steps = total_steps
        self.warmup_steps = round(warmup * total_steps)
        self.final = final
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """The learning rate of each parameter group at the current step."""
        factor = self._factor(self.last_epoch)
        return [base * factor for base in self.base_lrs]

    def _factor(self, step: int) -> float:
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        span = max(1, self.total_steps - self.warmup_steps - 1)
        progress = min(1.0, (step - self.warmup_steps) / span)
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2
