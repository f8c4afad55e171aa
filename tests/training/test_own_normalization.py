"""Inputs normalized by what a function of one's own finds, against scikit-learn and numpy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from company import alone, in_cohorts
from experiments import (
    TINY,
    command,
    make_learner,
    make_runs,
    only_directory,
    write_experiment,
    write_plugin,
)
from sklearn.preprocessing import RobustScaler

from optbench.errors import ConfigError, StreamError

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.training.learner import Learner

OWN = """
import numpy as np


def by_quantiles(inputs, q: float = 0.25):
    low, middle, high = np.quantile(inputs, [q, 0.5, 1 - q], axis=0)
    return middle, high - low


def by_pixel(inputs):
    assert inputs.dtype == np.float32 and inputs.max() <= 1
    return inputs.mean(0), 1 + inputs.std(0)


def drawn(inputs):
    return np.random.normal(size=inputs.shape[1:]), 2


def pictures():
    inputs = np.random.RandomState(0).randint(0, 200, (40, 2, 3, 3)).astype(np.uint8)
    targets = np.arange(40) % 2
    return (inputs[:30], targets[:30]), (inputs[30:], targets[30:])


def narrow(inputs):
    return np.zeros(3), 1


def wide(inputs):
    return np.zeros((4, 6)), 1


def zero(inputs):
    return 0, [1, 1, 1, 1, 1, 0]


def endless(inputs):
    return 0, float("inf")


def vast(inputs):
    return 1e300, 1


def broken(inputs):
    raise ArithmeticError("no")


def single(inputs):
    return 3


def at_once(inputs):
    return inputs.mean(0, dtype=np.float64), inputs.std(0, dtype=np.float64)


def in_pieces(pieces):
    sizes = [len(inputs) for inputs in pieces]
    assert max(sizes) <= 1000 and all(inputs.dtype == np.float32 for inputs in pieces)
    mean = sum(inputs.sum(0, dtype=np.float64) for inputs in pieces) / sum(sizes)
    squares = sum(((inputs - mean) ** 2).sum(0) for inputs in pieces)
    return mean, np.sqrt(squares / sum(sizes))


def spoils(pieces, path: str):
    for inputs in pieces:
        with open(path, "ab") as stream:
            stream.write(b"more")
    return 0, 1
"""
BY_QUANTILES = TINY["dataset"] | {"normalize": {"name": "./plugin.py:by_quantiles", "q": 0.1}}


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path) -> None:
    write_plugin(tmp_path, OWN)


def learner_of(folder: Path, **parts: Any) -> Learner:
    return make_learner(make_runs(folder, **parts)[0])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-6)])
def test_all_inputs_are_scaled_by_the_training_examples_as_scikit_learn_does(
    tmp_path: Path, dtype: str, tolerance: float
) -> None:
    data = learner_of(tmp_path, dataset=BY_QUANTILES, training={"epochs": 1, "dtype": dtype}).data
    scaler = RobustScaler(quantile_range=(10, 90)).fit(data.train.inputs.numpy())
    assert data.validation is not None
    for split in (data.train, data.validation, data.test):
        inputs, _ = split.chunk(0, len(split))
        assert str(inputs.dtype) == f"torch.{dtype}"
        expected = scaler.transform(split.inputs.numpy())
        np.testing.assert_allclose(inputs.numpy(), expected, rtol=tolerance, atol=tolerance)


def test_pixels_are_numbers_from_0_to_1(tmp_path: Path) -> None:
    dataset = {"name": "./plugin.py:pictures", "normalize": "./plugin.py:by_pixel"}
    data = learner_of(tmp_path, dataset=dataset).data
    pixels = data.train.inputs.numpy() / 255
    expected = (data.test.inputs.numpy() / 255 - pixels.mean(0)) / (1 + pixels.std(0))
    found, _ = data.test.chunk(0, len(data.test))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_runs_train_together_with_the_bits_that_they_have_alone(tmp_path: Path) -> None:
    dataset = TINY["dataset"] | {"normalize": "./plugin.py:drawn"}
    items = [{"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.1}]
    runs = make_runs(tmp_path, dataset=dataset, optimizer=items, seeds=2)
    assert make_learner(runs[0]).way.stacked
    assert in_cohorts(runs, 4) == alone(runs)


def test_its_file_and_arguments_make_the_problem_and_a_runs_own_file_finds_it(
    tmp_path: Path,
) -> None:
    path = write_experiment(tmp_path, dataset=BY_QUANTILES, training={"epochs": 1})
    assert command("run", path, "--runs-dir", tmp_path / "runs").code == 0
    directory = only_directory(tmp_path / "runs")
    again = command("run", directory / "config.yaml", "--runs-dir", tmp_path / "runs")
    assert "normalized by by_quantiles q=0.1" in " ".join(again.out.split())
    assert directory == only_directory(tmp_path / "runs")
    other = TINY["dataset"] | {"normalize": "./plugin.py:by_quantiles"}
    problems = [
        make_runs(tmp_path, dataset=d)[0].setting.problem_hash for d in (BY_QUANTILES, other)
    ]
    write_plugin(tmp_path, OWN + "# another\n")
    problems.append(make_runs(tmp_path, dataset=BY_QUANTILES)[0].setting.problem_hash)
    problems.append(make_runs(tmp_path)[0].setting.problem_hash)
    assert len(set(problems)) == 4


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("vast", "vast: it must return finite numbers"),
        ("narrow", "narrow: it returns numbers [3]; an input has [6]"),
        ("wide", "wide: it returns numbers [4, 6]; an input has [6]"),
        ("zero", "zero: a scale is 0; take 1 where an input is always the same"),
        ("endless", "endless: it must return finite numbers"),
        ("single", "single refuses: TypeError"),
        ("broken", "broken refuses: ArithmeticError: no"),
    ],
)
def test_what_does_not_normalize_is_refused_at_its_line(
    tmp_path: Path, named: str, message: str
) -> None:
    dataset = TINY["dataset"] | {"normalize": f"./plugin.py:{named}"}
    with pytest.raises(ConfigError, match=re.escape(f"tiny.yaml:1: dataset.normalize: {message}")):
        learner_of(tmp_path, dataset=dataset)


def test_a_worker_process_tells_the_line_too(tmp_path: Path) -> None:
    dataset = TINY["dataset"] | {"normalize": {"name": "./plugin.py:broken"}}
    path = write_experiment(tmp_path, dataset=dataset, seeds=2)
    outcome = command("run", path, "--runs-dir", tmp_path / "runs", "--workers", "2")
    assert outcome.code == 2
    assert "tiny.yaml:1: dataset.normalize: broken refuses: ArithmeticError: no" in outcome.err


def mapped(folder: Path, dtype: str) -> dict[str, Any]:
    """A folder of 2,500 examples that stay in their file."""
    (folder / "mine").mkdir()
    inputs = np.random.RandomState(0).randint(0, 256, (2500, 3, 2)).astype(dtype)
    np.save(folder / "mine" / "x.npy", inputs)
    np.save(folder / "mine" / "y.npy", np.arange(2500) % 2)
    return {"name": "file", "path": "mine"}


@pytest.mark.parametrize("dtype", ["u1", "f8"])
def test_a_function_that_takes_pieces_gets_all_inputs_as_often_as_it_likes(
    tmp_path: Path, dtype: str
) -> None:
    dataset = mapped(tmp_path, dtype)
    moments = []
    for name in ("in_pieces", "at_once"):
        data = learner_of(tmp_path, dataset=dataset | {"normalize": f"./plugin.py:{name}"}).data
        assert data.train.moments is not None
        moments.append([found.numpy() for found in data.train.moments])
    assert len(data.train.inputs) == 2000
    for ours, numpys in zip(*moments, strict=True):
        np.testing.assert_allclose(ours, numpys, rtol=1e-6)


def test_inputs_that_do_not_fit_into_memory_are_not_given_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = mapped(tmp_path, "f4")
    monkeypatch.setattr("optbench.execution.data.available_memory", lambda: 47_999)
    with pytest.raises(ConfigError) as caught:
        learner_of(tmp_path, dataset=dataset | {"normalize": "./plugin.py:at_once"})
    assert "tiny.yaml:1: dataset.normalize: at_once: all inputs at once take 0.0 GB" in str(
        caught.value
    )
    assert "call its first parameter `pieces`, and it gets 1,000 examples" in str(caught.value)
    learner_of(tmp_path, dataset=dataset | {"normalize": "./plugin.py:in_pieces"})
    monkeypatch.setattr("optbench.execution.data.available_memory", lambda: 48_000)
    learner_of(tmp_path, dataset=dataset | {"normalize": "./plugin.py:at_once"})


def test_data_that_change_while_they_are_normalized_are_to_blame_themselves(tmp_path: Path) -> None:
    dataset = mapped(tmp_path, "f4")
    function = {"name": "./plugin.py:spoils", "path": str(tmp_path / "mine" / "x.npy")}
    with pytest.raises(StreamError, match=r"x\.npy has changed since it began"):
        learner_of(tmp_path, dataset=dataset | {"normalize": function})


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (TINY["dataset"] | {"normalize": "yes"}, "dataset.normalize: must be true, false, or a "
                                                 "function's import path, got 'yes'"),
        (TINY["dataset"] | {"normalize": {"q": 1}}, "dataset.normalize: must be true, false, or a "
                                                    "function's import path, got a mapping"),
        (TINY["dataset"] | {"normalize": {"name": "./plugin.py:by_quantiles", "p": 1}},
         "dataset.normalize.p: by_quantiles has no such argument did you mean 'q'?"),
        (TINY["dataset"] | {"normalize": "./plugin.py:by_quantile"},
         "dataset.normalize.name: plugin.py has no 'by_quantile' did you mean 'by_quantiles'?"),
        ({"name": "modular-addition", "normalize": "./plugin.py:by_pixel"},
         "dataset.normalize: is for numbers; modular-addition has"),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_in_the_file_is_told_at_its_line(
    tmp_path: Path, dataset: dict[str, Any], message: str
) -> None:
    outcome = command("validate", write_experiment(tmp_path, dataset=dataset))
    assert outcome.code == 2
    shown = " ".join(outcome.err.split())
    assert f"tiny.yaml:1: {message}" in shown


def test_a_number_that_is_none_is_told_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    normalize = '{name: "./plugin.py:by_quantiles", q: .nan}'
    path.write_text(
        f"dataset: {{name: synthetic, normalize: {normalize}}}\nmodel: mlp\noptimizer: sgd\n"
    )
    outcome = command("validate", path)
    assert outcome.code == 2
    assert "mine.yaml:1: dataset.normalize.q: must be a finite number, got nan" in outcome.err
