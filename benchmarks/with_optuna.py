"""Optuna driving the hand-tuned loop: a trial a run, reported each epoch, on one thread.

    python benchmarks/with_optuna.py DATA_DIR [--epochs 5]

For a study, two of it at a time.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

import optuna
import torch
from hand_tuned import Epoch, Split, make_optimizer, mlp, one_thread, resident, train, warm_up
from piece import LEARNING_RATES, Piece, parser


def objective(
    trial: optuna.Trial, name: str, epochs: int, data: Split, test: Split, last: list[Epoch]
) -> float:
    lr = trial.suggest_float("lr", LEARNING_RATES[name], 2 * LEARNING_RATES[name], log=True)
    model = mlp()
    optimizer = make_optimizer(name, model, lr)
    trained = train(model, optimizer, data, test)
    for number in range(epochs):
        last[:] = [next(trained)]
        trial.report(last[0].accuracy, number)
    return last[0].accuracy


def main() -> None:
    given = parser(__doc__).parse_args()
    one_thread()
    torch.manual_seed(0)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    data, test = resident(given.data_dir, "uint8")
    for name in given.optimizers:
        warm_up(name, data, test)
        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
        )
        last: list[Epoch] = []
        trial = partial(objective, name=name, epochs=given.epochs, data=data, test=test, last=last)
        began = perf_counter()
        study.optimize(trial, n_trials=given.runs)
        seconds = perf_counter() - began
        Piece(name, given.runs, given.epochs, seconds, last[0].loss, last[0].accuracy).tell()


if __name__ == "__main__":
    main()
