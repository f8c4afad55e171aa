"""Images changed at random while training, on the device, a batch in one operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from optbench.training.seeding import derive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """As torchvision's RandomCrop, with `crop` black pixels around, and RandomHorizontalFlip.

    `flip` mirrors an image with probability 1/2.
    """

    flip: bool = False
    crop: int = 0

    def draw(self, seed: int, epoch: int, examples: int, device: torch.device) -> Draws:
        """What happens to each example of an epoch, in the order in which they come.

        Streams of the run's seed and the epoch, as that order is: a resumed run needs no state.
        """
        flips, corners = (
            torch.Generator().manual_seed(derive(seed, stream, epoch))
            for stream in ("flip", "crop")
        )
        mirrored = torch.randint(2 if self.flip else 1, (examples,), generator=flips)
        drawn = torch.randint(2 * self.crop + 1, (examples, 2), generator=corners)
        return Draws(self.crop, mirrored.bool().to(device), drawn.to(device))


class Draws(NamedTuple):
    """Which examples are mirrored, `[n]`, and where crops begin in the image with `crop` around.

    `corners` `[n, 2]` are rows and columns.
    """

    crop: int
    mirrored: Tensor
    corners: Tensor

    def change(self, images: Tensor, start: int) -> Tensor:
        """Images `[batch, channels, height, width]`, the epoch's from `start` on, changed."""
        batch, channels, height, width = images.shape
        device, part = images.device, slice(start, start + batch)
        rows = torch.arange(height, device=device) + self.corners[part, :1]
        across = torch.arange(width, device=device).expand(batch, width)
        columns = torch.where(self.mirrored[part, None], width - 1 - across, across)
        columns = columns + self.corners[part, 1:]
        padded = functional.pad(images, [self.crop] * 4)
        return padded[
            torch.arange(batch, device=device)[:, None, None, None],
            torch.arange(channels, device=device)[:, None, None],
            rows[:, None, :, None],
            columns[:, None, None, :],
        ]
