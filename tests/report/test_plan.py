from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from experiments import make_runs, write_experiment
from stored_runs import load, make_rows, write_run

from optbench.catalog.experiment import load_experiment
from optbench.report.plan import (
    MOST_RUNS,
    Training,
    closing_line,
    describe_experiment,
    describe_plan,
    elsewhere,
    extended_lines,
    finished_line,
    interrupted_line,
    result_line,
    too_few_seeds,
)


def test_a_valid_file_is_told_with_its_counts(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    assert describe_experiment(load_experiment(path)) == (
        f"{path}: valid, 1 run (1 setting × 1 seed)"
    )
    optimizer = {"name": "sgd", "lr": {"grid": [0.1, 0.2, 0.3]}}
    path = write_experiment(tmp_path, optimizer=optimizer, seeds=4)
    assert describe_experiment(load_experiment(path)) == (
        f"{path}: valid, 12 runs (3 settings × 4 seeds)"
    )


def test_a_plan_names_each_run_and_its_state(tmp_path: Path) -> None:
    first, second = make_runs(tmp_path, seeds=2)
    runs = [(first, Path("runs/a"), True), (second, Path("runs/b"), False)]
    assert describe_plan(runs, Training(1, 1, 700_000_000, 3.4)) == (
        "2 runs: 1 optimizer × 2 seeds, 1 finished already\n"
        "1 to train in 1 cohort on 1 worker: about 3 s, 0.7 GB\n\n"
        "  finished  runs/a\n"
        "  to train  runs/b"
    )


def test_a_plan_tells_which_epochs_are_left_of_runs_that_go_on(tmp_path: Path) -> None:
    first, second = make_runs(tmp_path, seeds=2, training={"epochs": 20})
    runs = [(first, Path("runs/a"), False), (second, Path("runs/b"), False)]
    lines = describe_plan(runs, None, begun={second.hash: 5}).splitlines()
    assert lines[-2:] == ["  to train  runs/a", "  to train  runs/b, epochs 6 to 20"]


@pytest.mark.parametrize(
    ("committed", "said"),
    [
        ([], "The same command goes on from here."),
        ([0, 0], "the last commits, 2 runs from the start; what came after is trained again."),
        ([3], "the last commits, 1 run after epoch 3; what came after is trained again."),
        ([0, 2.5, 1], "the last commits, 3 runs after epochs 0 to 2.5; what came after is trained"),
    ],
)
def test_what_was_stopped_says_where_it_goes_on(committed: list[float], said: str) -> None:
    line = interrupted_line(1, 5, committed)
    assert line.startswith("Stopped: 1 of 5 runs finished. The same command goes on from ")
    assert said in line


def test_what_goes_on_and_what_begins_is_told_in_a_sentence_each(tmp_path: Path) -> None:
    training = {"epochs": 20, "batch_size": 64, "average": "swa"}
    runs = make_runs(tmp_path, seeds=3, training={"epochs": 20})
    (tied,) = make_runs(tmp_path, training=training, schedule="cosine")
    begun = {runs[0].hash: 5, runs[1].hash: 10}
    assert extended_lines(runs, {}, [], asked=False) == ""
    assert extended_lines(runs, begun, [], asked=False) == (
        "2 runs go on from shorter ones, after epoch 5 or 10."
    )
    assert extended_lines([runs[0], tied], begun, [tied.setting], asked=False).splitlines()[1:] == [
        "adam lr=0.01 schedule=cosine average=swa average.start=0.75 trains from the",
        "start: cosine takes its total_steps from epochs, swa begins after a share of all",
        "epochs, 0.75.",
    ]
    several = extended_lines(runs, begun, [tied.setting] * 5, asked=False)
    assert several.endswith("So do 2 other settings.")
    assert extended_lines(runs, begun, [], asked=True).splitlines()[1:] == [
        "1 run trains from the start: no shorter one of it kept its state. Those trained",
        "with `training: {keep_state: true}` do.",
    ]


def test_a_long_plan_is_cut(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, seeds=MOST_RUNS + 1003)
    training = Training(20, 2, 1_500_000_000, 4000)
    planned = [(run, Path(f"runs/{run.seed}"), False) for run in runs]
    lines = describe_plan(planned, training).splitlines()
    assert lines[:2] == [
        "1,043 runs: 1 optimizer × 1,043 seeds, 0 finished already",
        "1,043 to train in 20 cohorts on 2 workers: about 67 min, 1.5 GB",
    ]
    assert len(lines) == 3 + MOST_RUNS + 1
    assert lines[-1] == "  … and 1,003 more"


def test_what_is_finished_is_told_in_a_sentence() -> None:
    assert finished_line(0, 2) == ""
    assert finished_line(1, 1).startswith("1 of 1 run is finished already; nothing to train")
    assert finished_line(1, 3).strip() == "1 of 3 runs are finished already; 2 to train."


def test_runs_of_another_torch_are_named(tmp_path: Path) -> None:
    for seed, version in enumerate(["2.15.0+cpu", "2.13.1", "2.14.0", "2.14.0"]):
        write_run(tmp_path, make_rows([0.1, 0.9]), seed=seed, environment={"torch": version})
    runs = load(tmp_path)
    assert elsewhere(runs[:1], "2.15.0") == ""
    text = " ".join(elsewhere(runs, "2.15.0").split())
    assert text.startswith("3 finished runs came from torch 2.13.1, 2.14.0; here is 2.15.0.")


@pytest.mark.parametrize(
    ("names", "drawn"),
    [
        (["a", "b", "a"], "runs/a runs/b"),
        (["my own"], "'runs/my own'"),
        (["a", "b", "c", "d"], "runs"),
    ],
)
def test_the_last_lines_name_each_folder_once_and_draw_what_was_compared(
    tmp_path: Path, names: list[str], drawn: str
) -> None:
    one = load_experiment(write_experiment(tmp_path))
    experiments = [dataclasses.replace(one, name=name) for name in names]
    paths = [Path("runs/a/x"), Path("runs/a/y"), Path("runs/b/z")]
    assert closing_line(paths, experiments, Path("runs")).splitlines() == [
        "Runs:    runs/a, runs/b",
        f"Picture: optbench compare {drawn} --chart curves.png",
    ]


def test_a_json_line_is_result_json_and_the_directory(tmp_path: Path) -> None:
    directory = write_run(tmp_path, make_rows([0.1, 0.9]))
    line = json.loads(json.dumps(result_line(load(tmp_path)[0]), allow_nan=False))
    assert line.pop("directory") == str(directory)
    assert line == json.loads((directory / "result.json").read_bytes())


@pytest.mark.parametrize(
    ("seeds", "line"),
    [
        (5, "5 seeds cannot reach a verdict; 6 can, at differences above 1.8 standard deviations"),
        (8, "8 seeds show differences above 1.3 standard deviations, four times out of five"),
    ],
)
def test_a_plan_says_what_its_seeds_can_show(tmp_path: Path, seeds: int, line: str) -> None:
    optimizers = [{"name": name, "lr": 0.1} for name in ("adam", "sgd")]
    runs = make_runs(tmp_path, optimizer=optimizers, seeds=seeds)
    assert describe_plan([(run, tmp_path, True) for run in runs], None).splitlines()[1] == line


TOO_FEW = "{} seeds cannot reach a verdict: the same command with --seeds {} can."


@pytest.mark.parametrize(
    ("names", "seeds", "told"),
    [
        # 2/2^n is at most .04 over the number of comparisons from 6 pairs on for 1, from 7 for 2;
        # at most .01, as at a second look, from 8 and from 9.
        (["adam", "sgd"], 4, TOO_FEW.format(4, 8)),
        (["adam", "nadam", "sgd"], 6, TOO_FEW.format(6, 9)),
        (["adam", "sgd"], 6, ""),
        (["adam", "sgd"], 1, ""),
        (["adam"], 4, ""),
    ],
)
def test_seeds_that_cannot_decide_are_told_with_how_many_can(
    tmp_path: Path, names: list[str], seeds: int, told: str
) -> None:
    optimizers = [{"name": name, "lr": 0.1} for name in names]
    assert too_few_seeds(make_runs(tmp_path, optimizer=optimizers, seeds=seeds)) == told


@pytest.mark.parametrize(
    ("experiment", "declared", "told"),
    [
        ("tiny", [2], TOO_FEW.format(6, 8)),
        ("tiny", [1], ""),  # one seed is no look
        ("tiny", [2, 4], ""),  # nor is any number after two
        ("other", [2], ""),
    ],
)
def test_an_extension_that_cannot_decide_is_told_too(
    tmp_path: Path, experiment: str, declared: list[int], told: str
) -> None:
    optimizers = [{"name": name, "lr": 0.1} for name in ("adam", "sgd")]
    runs = make_runs(tmp_path, optimizer=optimizers, seeds=6)
    for seed, count in enumerate(declared):
        rows = make_rows([0.1])
        write_run(tmp_path, rows, seed=seed, experiment=experiment, declared_seeds=count)
    assert too_few_seeds(runs, load(tmp_path)) == told


@pytest.mark.parametrize(
    ("optimizers", "head"),
    [
        (["adam", "sgd"], "12 runs: 2 optimizers × 3 learning rates × 2 seeds, all finished"),
        (["adam"], "6 runs: 1 optimizer × 3 learning rates × 2 seeds, all finished"),
    ],
)
def test_a_plan_says_what_is_multiplied(tmp_path: Path, optimizers: list[str], head: str) -> None:
    rates = {"grid": [0.1, 0.2, 0.3]}
    spaces = [{"name": name, "lr": rates} for name in optimizers]
    runs = make_runs(tmp_path, optimizer=spaces, seeds=2)
    assert describe_plan([(run, tmp_path, True) for run in runs], None).startswith(head)


@pytest.mark.parametrize(
    "parts",
    [
        {"optimizer": [{"name": "adam", "lr": {"grid": [0.1, 0.2]}}, {"name": "sgd", "lr": 0.1}]},
        {"training": {"epochs": {"grid": [1, 2, 3]}, "batch_size": 16}},
        {"optimizer": {"name": "adam", "lr": 0.1, "weight_decay": {"grid": [0, 0.1, 0.2]}}},
    ],
    ids=["more rates for one", "epochs", "decay"],
)
def test_other_plans_count_settings(tmp_path: Path, parts: dict[str, Any]) -> None:
    runs = make_runs(tmp_path, **parts, seeds=2)
    text = describe_plan([(run, tmp_path, True) for run in runs], None)
    assert text.startswith("6 runs: 3 settings × 2 seeds, all finished already\n")


def test_a_plan_without_its_data_says_that_there_is_no_estimate(tmp_path: Path) -> None:
    runs = [(run, tmp_path, False) for run in make_runs(tmp_path)]
    lines = describe_plan(runs, Training(1, 1, 1, None, ("mnist", "cifar10"))).splitlines()
    assert lines[1] == "1 to train in 1 cohort on 1 worker: 0.0 GB"
    assert lines[2] == "no estimate of the time: mnist and cifar10 are not on disk yet"


def test_a_plan_with_own_code_says_in_whole_lines_that_there_is_no_estimate(tmp_path: Path) -> None:
    runs = [(run, tmp_path, False) for run in make_runs(tmp_path)]
    said = "1 to train; no estimate: a dry run runs no code of yours (MyOptimizer)"
    assert describe_plan(runs, None, ["MyOptimizer"]).splitlines()[1] == said
    lines = describe_plan(runs, None, ["MyOptimizer"] * 9).splitlines()
    assert max(map(len, lines[:4])) <= 80


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (95, "95 s"), (560, "9 min"), (5990, "1 h 40 min"), (7210, "2 h")],
)
def test_an_estimate_is_told_no_more_exactly_than_it_is(
    tmp_path: Path, seconds: float, words: str
) -> None:
    runs = [(run, tmp_path, False) for run in make_runs(tmp_path)]
    assert f": about {words}, " in describe_plan(runs, Training(1, 1, 1, seconds))
