"""Runs of more epochs go on from shorter ones, to the bytes of those trained at once."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from experiments import (
    DRAWS,
    TINY,
    Child,
    command,
    make_runs,
    only_directory,
    signal_at,
    snapshot,
    status_of,
    write_experiment,
    write_plugin,
)
from test_executors import EXECUTORS, NEEDS_RAY

import optbench
from optbench.errors import ConfigError, UsageError
from optbench.execution.cohorts import Footprint, make_cohorts
from optbench.execution.plan import Planned
from optbench.execution.study import Options, load_experiments, plan_runs, train_plan
from optbench.store.checkpoint_header import MAGIC
from optbench.store.kept import Kept, kept_states
from optbench.training.events import Started

if TYPE_CHECKING:
    from pathlib import Path

    from test_executors import Choice

    from optbench.execution.plan import Plan

PLUGIN = (
    DRAWS
    + """
class Keeps(torch.optim.SGD):
    "Its state holds what no file should."
    def state_dict(self):
        return {**super().state_dict(), "own": object()}
"""
)
OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "adam", "lr": {"grid": [0.01, 0.1]}},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": {"name": "steplr", "step_size": 3}},
    {"name": "sgd", "lr": 1e30},  # diverges: there is nothing to go on from
]
OWN = {"name": "./plugin.py:Draws", "lr": 0.1, "schedule": {"name": "exponentiallr", "gamma": 0.7}}
PARTS: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [5], "dropout": 0.3},
    "optimizer": OPTIMIZERS,
    "seeds": 2,
}
WITH_OWN = [*OPTIMIZERS, OWN]
SHORT, LONG = 2, 5


def training(epochs: int, **more: Any) -> dict[str, Any]:
    """Of 4 steps an epoch: after two, and after five, no row is due but the end's."""
    every = {"steps": 3}
    return {"epochs": epochs, "batch_size": 16, "evaluate_every": every, "keep_state": True} | more


def written(folder: Path, epochs: int = LONG, **parts: Any) -> Path:
    write_plugin(folder, PLUGIN)
    how = training(epochs, **parts.pop("training", {}))
    return write_experiment(folder, training=how, **(PARTS | parts))


def run(folder: Path, epochs: int, *words: str, **parts: Any) -> Any:
    path = written(folder, epochs, **parts)
    return command("run", path, "--runs-dir", folder / "runs", *words)


def results(store: Path, epochs: int) -> dict[str, tuple[bytes, bytes]]:
    """What the completed runs of so many epochs hold, by their directories' names."""
    found = {}
    for path in store.glob("*/[!.]*/result.json"):
        result = json.loads(path.read_bytes())
        if result["status"] == "completed" and result["config"]["training"]["epochs"] == epochs:
            folder = path.parent
            metrics, weights = folder / "metrics.csv", folder / "weights.pt"
            found[folder.name] = metrics.read_bytes(), weights.read_bytes()
    return found


def results_of_runs(store: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(store.glob("*/[!.]*/result.json"))]


def timing_rows(place: Path) -> list[str]:
    return (place / "timing.csv").read_text().splitlines()[1:]


def plan(folder: Path, epochs: int = LONG, **parts: Any) -> Plan:
    options = Options(runs_dir=folder / "runs")
    path = written(folder, epochs, **parts)
    return plan_runs(load_experiments([path], options), options, lambda _: None)


def started(folder: Path, **parts: Any) -> list[Started]:
    found = plan(folder, **parts)
    events = train_plan(found, Options(runs_dir=folder / "runs", workers=1))
    return [event for event in events if isinstance(event, Started)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, bytes]]:
    """Runs of five epochs that were trained at once."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, LONG)
    found = results(folder / "runs", LONG)
    assert len(found) == 6
    return found


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with runs of two epochs that have kept their state."""
    folder = tmp_path_factory.mktemp("short")
    run(folder, SHORT)
    return folder


@pytest.fixture
def folder(tmp_path: Path, short: Path) -> Path:
    shutil.copytree(short / "runs", tmp_path / "runs")
    return tmp_path


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(choice, marks=NEEDS_RAY if "ray" in choice.words else (), id=name)
        for name, choice in EXECUTORS.items()
    ],
)
def test_only_what_is_added_is_trained_to_the_bytes_of_all_at_once(
    folder: Path, whole: dict[str, tuple[bytes, bytes]], chosen: Choice, tmp_path: Path
) -> None:
    run(folder, SHORT, optimizer=OWN)
    before = snapshot(folder / "runs")
    outcome = run(folder, LONG, *chosen.words, optimizer=WITH_OWN)
    assert outcome.code == 0, outcome.err
    assert "8 runs go on from shorter ones, after epoch 2." in outcome.out
    found = results(folder / "runs", LONG)
    (tmp_path / "anew").mkdir()
    run(tmp_path / "anew", LONG, optimizer=OWN)
    assert found == whole | results(tmp_path / "anew" / "runs", LONG)
    after = snapshot(folder / "runs")
    assert {name: after[name] for name in before} == before  # the shorter ones stay as they are
    bases = {result["run"]: result for result in results_of_runs(folder / "runs")}
    places = {place.name[-8:]: place for place in (folder / "runs").glob("*/[!.]*")}
    extended = [one for one in bases.values() if one["extended"] is not None]
    assert len(extended) == 8
    for one in extended:
        assert one["extended"]["epochs"] == SHORT
        base = bases[one["extended"]["run"]]
        assert base["seed"] == one["seed"]
        assert base["labels"] == one["labels"]
        longer, shorter = (timing_rows(places[each["run"][:8]]) for each in (one, base))
        assert longer[:3] == shorter[:3]  # what it took until steps 0, 3 and 6 counts


def test_runs_begin_where_the_shorter_ones_ended(folder: Path) -> None:
    steps = {event.run.hash: event.steps for event in started(folder)}
    diverging = {p.run.hash for p in plan(folder, LONG + 1).to_train if p.base is None}
    assert sorted(steps.values()) == [0] * 2 + [4 * SHORT] * 6
    assert len(diverging) == 2


def test_the_longest_of_several_is_gone_on_from(
    folder: Path, whole: dict[str, tuple[bytes, bytes]]
) -> None:
    run(folder, 3, training={"keep_state": False})
    assert {one.begun for one in plan(folder).to_train} == {0, SHORT}
    run(folder, 4)
    assert {one.begun for one in plan(folder).to_train} == {0, 4}
    run(folder, LONG)
    assert results(folder / "runs", LONG) == whole


def test_runs_that_kept_nothing_are_not_gone_on_from(
    tmp_path: Path, whole: dict[str, tuple[bytes, bytes]]
) -> None:
    run(tmp_path, SHORT, training={"keep_state": False})
    assert not list((tmp_path / "runs").rglob("state.pt"))
    outcome = run(tmp_path, LONG, "--extend")
    assert (
        "8 runs train from the start: no shorter one of them kept its state. Those\n"
        "trained with `training: {keep_state: true}` do."
    ) in outcome.out
    assert results(tmp_path / "runs", LONG) == whole


@pytest.mark.parametrize("commit", [2, 8])
def test_a_kill_while_more_is_trained_costs_nothing(
    folder: Path, whole: dict[str, tuple[bytes, bytes]], commit: int
) -> None:
    path = written(folder, training={"checkpoint_every": {"steps": 4}})
    kill = partial(signal_at, "optbench.store.rundir:RunDirectory.write_checkpoint", commit, 9)
    words = "run", path, "--runs-dir", folder / "runs", "--workers", "1"
    with Child(*words, cwd=folder, prepare=kill) as child:
        assert child.wait() == -signal.SIGKILL
    assert "running" in {one["status"] for one in results_of_runs(folder / "runs")}
    assert run(folder, LONG).code == 0
    assert results(folder / "runs", LONG) == whole
    bases = [one["extended"] for one in results_of_runs(folder / "runs")]
    assert sum(base is not None for base in bases) == 6


def test_a_kill_before_the_first_commit_goes_on_from_the_shorter_run_again(
    folder: Path, whole: dict[str, tuple[bytes, bytes]]
) -> None:
    events = train_plan(plan(folder), Options(runs_dir=folder / "runs", workers=1))
    next(events)
    events.close()
    assert run(folder, LONG).code == 0
    assert results(folder / "runs", LONG) == whole


# What can't be gone on from


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    match how:
        case "flipped":
            path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "link":
            path.rename(path.with_name("elsewhere"))
            path.symlink_to("elsewhere")
        case "of another run":
            others = [one for one in path.parents[1].glob("*/state.pt") if one != path]
            path.write_bytes(others[0].read_bytes())
        case "endless":
            os.truncate(path, 1 << 37)  # a hole: minutes to read, and no room on the disk
        case "evil":
            path.write_bytes(MAGIC + b"0" * 64 + b"\n" + b"cos\nsystem\n(S'touch evil'\ntR.")


@pytest.mark.parametrize(
    "how", ["flipped", "truncated", "empty", "link", "of another run", "endless", "evil"]
)
def test_a_damaged_state_is_left_aside_and_that_is_said(
    folder: Path, whole: dict[str, tuple[bytes, bytes]], how: str
) -> None:
    path = sorted((folder / "runs").rglob("state.pt"))[0]
    damage(path, how)
    outcome = run(folder, LONG, "--workers", "1")
    assert outcome.code == 0
    told = " ".join(outcome.out.split())
    assert f"{path} is left aside: " in told.replace("- ", "-")
    assert "; the run starts over" in told
    assert how == "of another run" or "5 runs go on from shorter ones, after epoch 2." in told
    assert results(folder / "runs", LONG) == whole
    bases = [one["extended"] for one in results_of_runs(folder / "runs")]
    assert sum(base is not None for base in bases) == 5


def test_a_state_of_another_environment_is_left_aside(
    folder: Path, whole: dict[str, tuple[bytes, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optbench.execution.recorder.same_bits", lambda *_: False)
    events = started(folder)
    assert {event.steps for event in events} == {0}
    assert sum("another torch, device, processor or threads" in e.warning for e in events) == 6
    assert results(folder / "runs", LONG) == whole


def test_a_state_that_is_not_of_the_end_is_left_aside(folder: Path) -> None:
    found = plan(folder)
    wrong = [
        dataclasses.replace(one, base=one.base and dataclasses.replace(one.base, epochs=1))
        for one in found.runs
    ]
    found = dataclasses.replace(found, runs=tuple(wrong))
    events = train_plan(found, Options(runs_dir=folder / "runs", workers=1))
    notes = [event.warning for event in events if isinstance(event, Started) and event.warning]
    assert len(notes) == 6
    assert all("it is of step 8, not 4" in note for note in notes)


def test_an_optimizer_whose_state_no_file_can_hold_is_finished_all_the_same(
    tmp_path: Path,
) -> None:
    own = {"name": "./plugin.py:Keeps", "lr": 0.1}
    how: dict[str, Any] = {"checkpoint_every": {"steps": 1000}, "evaluate_every": {"steps": 1000}}
    parts: dict[str, Any] = {"optimizer": own, "seeds": 1, "training": how}
    assert run(tmp_path, 1, **parts).code == 0
    assert status_of(only_directory(tmp_path / "runs")) == "completed"
    (event,) = started(tmp_path, epochs=2, **parts)
    assert event.steps == 0


# Lengths that decide what happens before


def test_settings_that_depend_on_their_length_are_refused_where_extending_was_asked_for(
    folder: Path,
) -> None:
    before = snapshot(folder / "runs")
    outcome = run(folder, LONG, "--extend", schedule={"name": "cosine"})
    assert outcome.code == 2
    assert (
        "tiny.yaml:1: schedule.name: cosine takes its total_steps from epochs, so that a run of 5 "
        "epochs does not go on from a shorter one"
    ) in outcome.err
    assert "leave --extend out to train it from the start" in outcome.err
    assert snapshot(folder / "runs") == before


def test_damaged_states_are_refused_where_extending_was_asked_for(folder: Path) -> None:
    paths = sorted((folder / "runs").rglob("state.pt"))
    for path in paths:
        damage(path, "flipped")
    before = snapshot(folder / "runs")
    outcome = run(folder, LONG, "--extend")
    assert outcome.code == 2
    why = "is left aside: its digest is not that of its content; the run starts over"
    assert [f"{path} {why}" in outcome.err for path in paths] == [True] * len(paths)
    assert "leave it out to train all the same" in outcome.err
    planned = run(folder, LONG, "--dry-run", optimizer=OPTIMIZERS[0])
    assert "is left aside: its digest" in " ".join(planned.out.split())
    assert "shorter ones" not in planned.out
    assert ", epochs 3 to 5" not in planned.out
    assert snapshot(folder / "runs") == before


def test_of_several_states_the_longest_that_is_whole_is_taken(
    folder: Path, whole: dict[str, tuple[bytes, bytes]]
) -> None:
    run(folder, SHORT + 1)
    damaged = next(one for one in kept_states(folder / "runs") if one.epochs == SHORT + 1)
    damage(damaged.path, "truncated")
    outcome = run(folder, LONG)
    assert "6 runs go on from shorter ones, after epoch 2 or 3." in outcome.out
    assert "; the run goes on from epoch 2" in " ".join(outcome.out.split())
    assert results(folder / "runs", LONG) == whole


def test_tied_settings_train_from_the_start_where_it_was_not(tmp_path: Path) -> None:
    tied: list[dict[str, Any]] = [
        {"name": "adam", "lr": 0.01, "schedule": "cosine"},
        {"name": "sgd", "lr": 0.1},
    ]
    for name, epochs in (("whole", (LONG,)), ("extended", (SHORT, LONG))):
        (tmp_path / name).mkdir()
        for length in epochs:
            outcome = run(tmp_path / name, length, optimizer=tied, seeds=1)
    assert "1 run goes on from a shorter one, after epoch 2." in outcome.out
    assert (
        "adam lr=0.01 schedule=cosine batch_size=16 trains from the start: cosine takes\n"
        "its total_steps from epochs."
    ) in outcome.out
    store = tmp_path / "extended" / "runs"
    assert results(store, LONG) == results(tmp_path / "whole" / "runs", LONG)


@pytest.mark.parametrize("word", ["--force", "--smoke"])
def test_what_trains_anew_extends_nothing(folder: Path, word: str) -> None:
    outcome = run(folder, LONG, "--extend", word)
    assert outcome.code == 2
    assert outcome.err == f"--extend goes on from stored runs; leave {word} out\n"
    options = Options(runs_dir=folder / "runs", force=word == "--force", smoke=word == "--smoke")
    found = plan_runs(load_experiments([written(folder)], options), options, lambda _: None)
    assert not any(planned.base for planned in found.runs)


# What is said and kept


def test_a_dry_run_tells_which_epochs_are_to_be_trained(folder: Path) -> None:
    before = snapshot(folder / "runs")
    outcome = run(folder, LONG, "--dry-run", optimizer=OPTIMIZERS[0])
    assert "4 runs go on from shorter ones, after epoch 2." in outcome.out
    assert outcome.out.count(", epochs 3 to 5\n") == 4
    assert snapshot(folder / "runs") == before


def test_python_takes_the_same(folder: Path, whole: dict[str, tuple[bytes, bytes]]) -> None:
    said: list[str] = []
    damage(sorted((folder / "runs").rglob("state.pt"))[0], "empty")
    with pytest.raises(UsageError, match="--extend refuses that"):
        optbench.run(written(folder), runs_dir=folder / "runs", extend=True)
    runs = optbench.run(written(folder), runs_dir=folder / "runs", workers=1, announce=said.append)
    assert sum(one.result.extended is not None for one in runs) == 5
    assert len([text for text in said if "is left aside" in text]) == 1
    assert results(folder / "runs", LONG) == whole
    with pytest.raises(ConfigError, match="does not go on from a shorter one"):
        optbench.run(written(folder, 6, schedule="cosine"), runs_dir=folder / "runs", extend=True)
    with pytest.raises(UsageError, match="leave --force"):
        optbench.run(written(folder, 6), runs_dir=folder / "runs", extend=True, force=True)


def test_states_are_found_by_what_result_json_says_of_them(folder: Path) -> None:
    store = folder / "runs"
    assert len(list(kept_states(store))) == 6
    first, second, third, *_ = sorted(path.parent for path in store.rglob("state.pt"))
    (first / "result.json").write_bytes(b"{}")
    result = json.loads((second / "result.json").read_bytes())
    result["config"]["training"]["epochs"] = "two"
    del result["digest"]
    (second / "result.json").write_text(json.dumps(result))
    (third / "state.pt").unlink()
    assert len(list(kept_states(store))) == 3
    assert not list(kept_states(folder / "nowhere"))


def test_runs_that_begin_at_another_epoch_are_dealt_apart(tmp_path: Path) -> None:
    runs = make_runs(tmp_path, seeds=4, training=TINY["training"] | {"epochs": 4})
    base = Kept("0" * 64, 3, tmp_path)
    dealt = [Planned(run, tmp_path, base=base if run.seed < 2 else None) for run in runs]
    assert [one.epochs for one in dealt] == [1, 1, 4, 4]
    footprint = Footprint(True, "", "cpu", 100, 100, 100)
    footprints = {run.setting.setting_hash: footprint for run in runs}
    assert set(make_cohorts(dealt, footprints, 1, 10**9)) == {(0, 1), (2, 3)}
