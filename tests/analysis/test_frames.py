from __future__ import annotations

from typing import TYPE_CHECKING

from stored_runs import SGD, load, make_rows, write_run

from optbench.analysis.frames import to_frame

if TYPE_CHECKING:
    from pathlib import Path


def test_a_row_an_evaluation_with_every_hyperparameter(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.8, 0.9]))
    write_run(tmp_path, make_rows([0.1, 0.7]), optimizer=SGD | {"momentum": 0.9}, seed=1)
    frame = to_frame(load(tmp_path))
    assert frame.height == 5
    assert frame["test_accuracy"].to_list() == [0.1, 0.8, 0.9, 0.1, 0.7]
    assert frame["optimizer.lr"].to_list() == [0.001] * 3 + [0.01] * 2
    assert frame["lr"].to_list() == [None, 0.001, 0.001, None, 0.001]
    assert frame["momentum"].to_list() == [None] * 3 + [0.9] * 2
    assert frame["betas"].to_list() == ["[0.9, 0.999]"] * 3 + [None] * 2
    assert frame["seed"].to_list() == [0] * 3 + [1] * 2


def test_a_default_that_a_configuration_leaves_out_is_told_beside_another_value(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, make_rows([0.1, 0.8]))
    write_run(tmp_path, make_rows([0.1, 0.7]), training={"dtype": "float64"}, seed=1)
    frame = to_frame(load(tmp_path))
    assert frame["dtype"].to_list() == ["float32"] * 2 + ["float64"] * 2
    assert "amp" not in frame.columns


def test_identity_comes_first_and_what_was_measured_last(tmp_path: Path) -> None:
    write_run(tmp_path, make_rows([0.1, 0.8]))
    columns = to_frame(load(tmp_path)).columns
    assert columns[:3] == ["experiment", "status", "problem"]
    assert columns[-1] == "param_norm"
    assert columns.index("batch_size") < columns.index("steps")


def test_no_runs_give_an_empty_frame_with_the_common_columns() -> None:
    assert to_frame([]).is_empty()
    assert "test_accuracy" in to_frame([]).columns
