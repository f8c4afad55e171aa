"""A random search by Optuna with the hand-tuned loop: Adam's learning rate and betas.

    python benchmarks/with_optuna_search.py DATA_DIR [--trials 200] [--epochs 5] [--seed 0]

What `optbench tune benchmarks/tuning.yaml` searches: 55,000 images to train on, 5,000 of them held
out and evaluated after each epoch; a trial's value is the last loss on these. One thread. For the
search in two processes, two of it with half of the trials each. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import perf_counter

import optuna
import torch
from hand_tuned import Split, mlp, one_thread, resident, train, warm_up
from torch.nn.functional import cross_entropy


def objective(trial: optuna.Trial, epochs: int, data: Split, held_out: Split) -> float:
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    betas = trial.suggest_float("beta1", 0.5, 0.99), trial.suggest_float("beta2", 0.9, 0.9999)
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, betas=betas, fused=True)
    trained = train(model, optimizer, data, held_out)
    for number in range(epochs):
        trial.report(next(trained).accuracy, number)
    return _loss(model, held_out)


@torch.inference_mode()
def _loss(model: torch.nn.Module, held_out: Split) -> float:
    inputs, targets = held_out.batch(torch.arange(len(held_out.targets)))
    return float(cross_entropy(model(inputs), targets))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data_dir", type=Path)
    arguments.add_argument("--trials", type=int, default=200)
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--held-out", type=int, default=5_000)
    given = arguments.parse_args()
    one_thread()
    torch.manual_seed(given.seed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    whole, _ = resident(given.data_dir, "uint8")
    data = Split(*(tensor[given.held_out :] for tensor in whole))
    held_out = Split(*(tensor[: given.held_out] for tensor in whole))
    warm_up("adam", data, held_out)
    sampler = optuna.samplers.RandomSampler(seed=given.seed)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    began = perf_counter()
    study.optimize(
        lambda trial: objective(trial, given.epochs, data, held_out), n_trials=given.trials
    )
    seconds = perf_counter() - began
    told = {"trials": given.trials, "epochs": given.epochs, "seconds": seconds}
    print(json.dumps(told | {"best": study.best_value}), flush=True)


if __name__ == "__main__":
    main()
