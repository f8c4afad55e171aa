"""`optbench run`: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from experiments import (
    TINY,
    Outcome,
    command,
    only_directory,
    snapshot,
    write_experiment,
    write_plugin,
)

if TYPE_CHECKING:
    from pathlib import Path

TWO = [TINY["optimizer"], {"name": "sgd", "lr": 0.1}]


def run(folder: Path, *options: str, **parts: Any) -> Outcome:
    path = write_experiment(folder, **parts)
    return command("run", path, "--runs-dir", folder / "runs", *options)


def strict(text: str) -> list[dict[str, Any]]:
    """A JSON object a line, without the words that JSON lacks."""
    refuse = lambda name: pytest.fail(f"{name} is not JSON")  # noqa: E731
    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def test_it_ends_with_the_table_and_where_the_runs_are(tmp_path: Path) -> None:
    outcome = run(tmp_path, optimizer=TWO)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert "60 train, 15 validation, 30 test · cpu · 2 runs" in outcome.out
    assert any(line.split()[:3] == ["optimizer", "lr", "n"] for line in lines)
    assert f"{tmp_path / 'runs' / 'tiny'}" in lines[-2] + lines[-1]
    assert "optbench compare" in lines[-1]


def test_a_line_an_epoch_without_control_characters(tmp_path: Path) -> None:
    out = run(tmp_path, optimizer=TWO).out
    assert "\x1b" not in out
    assert "\r" not in out
    epochs = [line for line in out.splitlines() if " s0 " in line]
    done = [line.split(" s0 ")[1].split()[0] for line in epochs]
    assert done == ["1/3", "1/3", "2/3", "2/3", "3/3", "3/3"]  # side by side


def test_the_second_time_it_trains_nothing_and_prints_the_same_table(tmp_path: Path) -> None:
    first = run(tmp_path, optimizer=TWO).out
    second = run(tmp_path, optimizer=TWO).out
    head, _, rest = second.partition("\n\n")
    assert head == "2 of 2 runs are finished already; nothing to train (--force trains again)."
    assert first.endswith(rest)
    assert "optimizer" in rest


def test_part_of_it_may_be_finished(tmp_path: Path) -> None:
    run(tmp_path)
    out = run(tmp_path, optimizer=TWO).out
    assert out.startswith("1 of 2 runs are finished already; 1 to train.")


def test_too_few_seeds_are_told_before_they_are_trained_and_where_they_are_compared(
    tmp_path: Path,
) -> None:
    out = run(tmp_path, optimizer=TWO, seeds=2).out
    assert out.startswith(
        "2 seeds cannot reach a verdict: the same command with --seeds 8 can.\n\n"
    )
    assert "2 pairs cannot reach a verdict; the one extension can, to 8" in " ".join(out.split())
    again = run(tmp_path, optimizer=TWO, seeds=2).out
    assert "--seeds 8 can" not in again
    as_told = run(tmp_path, "--seeds", "8", optimizer=TWO, seeds=2).out
    assert "cannot reach a verdict" not in as_told


def test_a_dry_run_names_the_runs_and_makes_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path, "--dry-run", optimizer=TWO, seeds=3)
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "6 runs: 2 optimizers × 3 seeds, 0 finished already"
    assert re.fullmatch(r"6 to train in 1 cohort on 1 worker: about \d+ s, \d\.\d GB", lines[1])
    assert lines[2:4] == [
        "3 seeds cannot reach a verdict; 6 can, at differences above 1.8 standard deviations",
        "",
    ]
    assert lines[4].startswith(f"  to train  {tmp_path}/runs/tiny/adam-lr0.01-batch_size16-s0-")
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_counts_what_is_finished(tmp_path: Path) -> None:
    run(tmp_path, "--quiet", optimizer=TWO, seeds=1)
    out = run(tmp_path, "--dry-run", optimizer=TWO, seeds=3).out
    assert out.startswith("6 runs: 2 optimizers × 3 seeds, 2 finished already\n4 to train in 1 ")
    out = run(tmp_path, "--dry-run", optimizer=TWO, seeds=1).out
    assert out.startswith("2 runs: 2 optimizers × 1 seed, all finished already\n\n  finished  ")


def test_a_dry_run_downloads_nothing_and_says_what_it_cannot_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTBENCH_DATA", str(tmp_path / "data"))
    mnist = {"name": "mnist", "fallback": {"name": "mnist-5k"}}
    outcome = run(tmp_path, "--dry-run", dataset=mnist)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[2] == "no estimate of the time: mnist is not on disk yet"
    assert not (tmp_path / "data").exists()


GRIDS = [
    {"name": "adam", "lr": {"grid": [0.01, 0.02, 0.03]}},
    {"name": "sgd", "lr": {"grid": [0.1, 0.2]}},
]


def test_a_smoke_run_says_how_much_it_tries_and_nothing_of_how_optimizers_compare(
    tmp_path: Path,
) -> None:
    outcome = run(tmp_path, "--smoke", optimizer=GRIDS, seeds=8)
    assert (outcome.code, outcome.err) == (0, "")
    head, *_, end, where = outcome.out.rstrip("\n").split("\n\n")
    assert " ".join(head.split()).startswith("Smoke run: 2 of 5 settings (the first of every grid,")
    assert end.startswith("It works: 2 runs came to an end. ")
    assert where == f"Runs:    {tmp_path}/runs/.smoke/tiny"
    for conclusion in ("vs sgd", "reached", "above", "verdict", "--seeds"):
        assert conclusion not in outcome.out


def test_a_smoke_run_of_every_setting_counts_them_once(tmp_path: Path) -> None:
    out = run(tmp_path, "--smoke", optimizer=TWO, seeds=8).out
    assert out.startswith("Smoke run: 2 settings, one seed, a few hundred examples.\n\n")


def test_a_smoke_run_in_which_one_fails_does_not_say_that_it_works(tmp_path: Path) -> None:
    write_plugin(tmp_path, FAILS_AT_ONCE)
    outcome = run(tmp_path, "--smoke", optimizer=[*TWO, {"name": "./plugin.py:Fails", "lr": 0.1}])
    assert outcome.code == 3
    assert "no [/bold] luck" in outcome.err
    assert "It works" not in outcome.out


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "--quiet") == Outcome(0, "", "")
    assert run(tmp_path, "--quiet") == Outcome(0, "", "")
    assert only_directory(tmp_path / "runs")


def test_quiet_still_says_what_failed(tmp_path: Path) -> None:
    write_plugin(tmp_path, FAILS_AT_ONCE)
    outcome = run(tmp_path, "--quiet", optimizer={"name": "./plugin.py:Fails", "lr": 0.1})
    assert (outcome.code, outcome.out) == (3, "")
    assert "log.txt" in outcome.err


FAILS_AT_ONCE = """
import torch

class Fails(torch.optim.SGD):
    def step(self, closure=None):
        raise ValueError("no [/bold] luck \\x1b[31m")
"""


def test_json_is_a_strict_line_a_run_and_nothing_else(tmp_path: Path) -> None:
    items = [*TWO, {"name": "sgd", "lr": 1e30}]
    first = run(tmp_path, "--json", optimizer=items)
    assert first.code == 0
    runs = strict(first.out)
    # As they end; those that train together may end in any order.
    assert sorted(found["status"] for found in runs) == ["completed", "completed", "diverged"]
    assert all(found["schema"] == 1 for found in runs)
    for found in runs:
        stored = json.loads((tmp_path / found.pop("directory") / "result.json").read_bytes())
        stored.pop("digest")  # of result.json itself
        assert found == stored
    assert "optimizer" in first.err  # the table
    again = run(tmp_path, "--json", optimizer=items)
    assert {found["run"]: found for found in strict(again.out)} == {
        found["run"]: found for found in strict(first.out)
    }


TALKATIVE = """
import torch

class Talks(torch.optim.SGD):
    def step(self, closure=None):
        print("stepping", end=" ")
        return super().step(closure)
"""


def test_what_an_optimizer_prints_stays_out_of_the_json(tmp_path: Path) -> None:
    write_plugin(tmp_path, TALKATIVE)
    outcome = run(tmp_path, "--json", "--quiet", optimizer={"name": "./plugin.py:Talks", "lr": 0.1})
    assert len(strict(outcome.out)) == 1


def test_json_and_quiet_leave_only_json(tmp_path: Path) -> None:
    outcome = run(tmp_path, "--json", "--quiet")
    assert outcome.err == ""
    assert len(strict(outcome.out)) == 1


def test_values_and_seeds_of_the_command_line_replace_the_files(tmp_path: Path) -> None:
    options = ("--set", "optimizer.lr=0.5", "--set", "training.epochs=1", "--seeds", "4,7")
    found = strict(run(tmp_path, "--json", *options).out)
    assert [run["seed"] for run in found] == [4, 7]
    assert {run["config"]["optimizer"]["lr"] for run in found} == {0.5}
    assert {run["last"]["epoch"] for run in found} == {1}
    assert {run["declared_seeds"] for run in found} == {2}


def test_a_device_may_be_named(tmp_path: Path) -> None:
    (found,) = strict(run(tmp_path, "--json", "--device", "cpu").out)
    assert found["config"]["device"] == "cpu"
    assert found["environment"]["device"] == "cpu"


def test_a_device_that_is_not_here_names_those_that_are(tmp_path: Path) -> None:
    outcome = run(tmp_path, "--device", "cuda:99")
    assert outcome.code == 2
    assert "there is no cuda:99 here; present: cpu" in outcome.err
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--set", "optimizer.lr=-1"), "must be greater than 0, got -1"),
        (("--set", "optimizer.learning_rate=1"), "did you mean 'lr'?"),
        (("--seeds", "many"), "--seeds"),
        (("--device", "gpu"), "--device"),
        (("--no-such-option",), "No such option"),
    ],
)
def test_what_can_not_be_ends_with_2_on_standard_error(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    outcome = run(tmp_path, *options)
    assert outcome.code == 2
    assert told in outcome.err
    assert outcome.out == ""
    assert not (tmp_path / "runs").exists()


def test_a_store_below_a_file_ends_with_4(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = write_experiment(tmp_path)
    outcome = command("run", path, "--runs-dir", tmp_path / "file" / "runs")
    assert outcome.code == 4
    assert outcome.err.startswith(f"can't write {tmp_path}/file/runs: ")


def test_forced_runs_are_trained_again(tmp_path: Path) -> None:
    run(tmp_path)
    before = snapshot(tmp_path / "runs")
    assert "finished already" not in run(tmp_path, "--force").out
    after = snapshot(tmp_path / "runs")
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name][1] != before[name][1]}
    assert changed == set(after)
    (metrics,) = (name for name in after if name.endswith("metrics.csv"))
    assert after[metrics][0] == before[metrics][0]
