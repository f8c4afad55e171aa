"""The learning rate of online convex optimization, advanced each step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch.optim.lr_scheduler import LRScheduler

if TYPE_CHECKING:
    from torch import Tensor


class InverseSqrt(LRScheduler):
    """lr / √t, t counting steps from 1.

    Source: Zinkevich 2003, theorem 1; Kingma & Ba 2015, theorem 4.1; Reddi et al. 2018,
    algorithm 1 with α_t = α / √t.
    """

    def get_lr(self) -> list[float | Tensor]:
        """The learning rate of each parameter group at the current step."""
        root = math.sqrt(self.last_epoch + 1)
        return [base / root for base in self.base_lrs]
