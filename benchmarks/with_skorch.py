"""skorch: a NeuralNetClassifier on arrays, on one thread. For a study, two of it at a time.

python benchmarks/with_skorch.py DATA_DIR [--epochs 5]
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from hand_tuned import WARM_UP, mlp, one_thread
from mnist_arrays import Part, test_part, train_part
from piece import BATCH, LEARNING_RATES, Piece, parser
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from skorch.dataset import Dataset
from skorch.helper import predefined_split

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


def network(name: str, epochs: int, test: Dataset) -> Any:
    """Loss and test accuracy each epoch, as skorch does it by itself."""
    return NeuralNetClassifier(
        mlp(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=OPTIMIZERS[name],
        optimizer__fused=True,
        lr=LEARNING_RATES[name],
        batch_size=BATCH,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=predefined_split(test),
        callbacks__valid_acc=EpochScoring("accuracy", name="test_accuracy", lower_is_better=False),
        verbose=0,
    )


def arrays(part: Part) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return part.images.astype(np.float32) / np.float32(255), part.labels.astype(np.int64)


def main() -> None:
    given = parser(__doc__).parse_args()
    one_thread()
    torch.manual_seed(0)
    inputs, labels = arrays(train_part(given.data_dir))
    test = Dataset(*arrays(test_part(given.data_dir)))
    few = slice(WARM_UP * BATCH)
    for name in given.optimizers:
        network(name, 1, test).fit(inputs[few], labels[few])
        for _ in range(given.runs):
            trained = network(name, given.epochs, test)
            began = perf_counter()
            trained.fit(inputs, labels)
            last = trained.history[-1]
            seconds = perf_counter() - began
            correct = float(last["test_accuracy"])
            Piece(name, 1, given.epochs, seconds, float(last["train_loss"]), correct).tell()


if __name__ == "__main__":
    main()
