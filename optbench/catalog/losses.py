"""Losses by name."""

from __future__ import annotations

from optbench.catalog.entry import Entry

LOSSES: dict[str, Entry] = {
    "cross_entropy": Entry(
        "torch.nn.functional:cross_entropy",
        "softmax and negative log likelihood of the right class, mean over the batch",
    ),
}
