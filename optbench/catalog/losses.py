"""Losses by name."""

from __future__ import annotations

from optbench.catalog.entry import Entry

LANDSCAPE_LOSS = "value"
LOSSES: dict[str, Entry] = {
    "cross_entropy": Entry(
        "torch.nn.functional:cross_entropy",
        "softmax and negative log likelihood of the right class, mean over the batch",
    ),
    "bce": Entry(
        "torch.nn.functional:binary_cross_entropy",
        "binary cross-entropy of probabilities: of a model that ends in a sigmoid",
    ),
    "bce_with_logits": Entry(
        "torch.nn.functional:binary_cross_entropy_with_logits",
        "binary cross-entropy of a sigmoid of the outputs, computed together",
    ),
    "mse": Entry(
        "torch.nn.functional:mse_loss", "mean squared error over all numbers of the batch"
    ),
    LANDSCAPE_LOSS: Entry(
        "optbench.catalog.loss_functions:value",
        "the mean of the outputs themselves: of objectives, which have nothing to hit",
    ),
}
SMOOTHED = "cross_entropy"  # the loss that takes smoothed labels
# Of a target for each position.
OF_POSITIONS = Entry("optbench.catalog.loss_functions:cross_entropy_of_positions", "")
