"""PyTorch Lightning: its Trainer, over tensors in a DataLoader, on one thread.

    python benchmarks/with_lightning.py DATA_DIR [--epochs 5]

No logger, no checkpoints, no progress bar. For a study, two of it at a time.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from time import perf_counter
from typing import TYPE_CHECKING, Any

import lightning
import torch
from hand_tuned import Split, make_optimizer, mlp, one_thread, resident, warm_up
from piece import BATCH, LEARNING_RATES, Piece, parser
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from torch import Tensor

EVALUATED = 1_000  # test examples at a time


class Classifier(lightning.LightningModule):  # type: ignore[misc]  # no types where it isn't
    """Mean loss and test accuracy each epoch, by the module's own log."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.model, self.name = mlp(), name

    def training_step(self, batch: list[Tensor]) -> Tensor:
        inputs, targets = batch
        loss = cross_entropy(self.model(inputs), targets)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: list[Tensor]) -> None:
        inputs, targets = batch
        correct = (self.model(inputs).argmax(1) == targets).float().mean()
        self.log("accuracy", correct)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return make_optimizer(self.name, self.model, LEARNING_RATES[self.name])


def loader(split: Split, batch: int, *, shuffle: bool) -> DataLoader[Any]:
    return DataLoader(TensorDataset(*split), batch_size=batch, shuffle=shuffle)


def main() -> None:
    given = parser(__doc__).parse_args()
    one_thread()
    torch.manual_seed(0)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")  # advice about workers, which are slower here
    data, test = resident(given.data_dir, "float32")
    for name in given.optimizers:
        warm_up(name, data, test)
        for _ in range(given.runs):
            fit(name, given.epochs, data, test).tell()


def fit(name: str, epochs: int, data: Split, test: Split) -> Piece:
    with tempfile.TemporaryDirectory() as scratch:
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=scratch,
        )
        loaders = loader(data, BATCH, shuffle=True), loader(test, EVALUATED, shuffle=False)
        began = perf_counter()
        trainer.fit(Classifier(name), *loaders)
        seconds = perf_counter() - began
    said = trainer.callback_metrics
    return Piece(name, 1, epochs, seconds, float(said["loss"]), float(said["accuracy"]))


if __name__ == "__main__":
    main()
