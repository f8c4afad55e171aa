"""Ray Tune driving the hand-tuned loop: a trial a run, reported each epoch, one core each.

    python benchmarks/with_ray_tune.py DATA_DIR [--runs 4] [--epochs 5]

Ray starts its own processes, as many at a time as there are cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from time import time
from typing import Any

import ray
import torch
from hand_tuned import make_optimizer, mlp, one_thread, resident, train
from piece import LEARNING_RATES, Piece, parser
from ray import tune


def trainable(config: dict[str, Any]) -> None:
    """One run, in a process of Ray's."""
    began = time()
    one_thread()
    torch.manual_seed(config["seed"])
    data, test = resident(config["data_dir"], "uint8")
    model = mlp()
    optimizer = make_optimizer(config["name"], model, LEARNING_RATES[config["name"]])
    trained = train(model, optimizer, data, test)
    for _ in range(config["epochs"]):
        epoch = next(trained)
        tune.report(
            {
                "loss": epoch.loss,
                "accuracy": epoch.accuracy,
                "began": began,
                "ended": time(),
            }
        )


def fit(name: str, runs: int, epochs: int, data_dir: Path, scratch: str) -> Piece:
    """Seconds from the first trial's beginning to the last one's end."""
    space = {
        "name": name,
        "epochs": epochs,
        "data_dir": data_dir.resolve(),
        "seed": tune.grid_search(list(range(runs))),
    }
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(metric="accuracy", mode="max", reuse_actors=True),
        run_config=tune.RunConfig(storage_path=scratch, verbose=0),
    )
    last = [result.metrics or {} for result in tuner.fit()]
    seconds = max(each["ended"] for each in last) - min(each["began"] for each in last)
    loss, accuracy = (sum(each[key] for each in last) / runs for key in ("loss", "accuracy"))
    return Piece(name, runs, epochs, seconds, loss, accuracy)


def main() -> None:
    given = parser(__doc__).parse_args()
    here = str(Path(__file__).parent)
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as scratch:
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            _temp_dir=scratch,
            runtime_env={"env_vars": {"PYTHONPATH": path}},
        )
        pieces = [
            fit(name, given.runs, given.epochs, given.data_dir, scratch)
            for name in given.optimizers
        ]
        ray.shutdown()
    sys.stdout.write("\n")  # what Ray printed may end within a line
    for piece in pieces:
        piece.tell()


if __name__ == "__main__":
    main()
