from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from experiment_text import only_setting, problems, text_of, told, underlined
from stored_runs import make_rows, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.config.spec import Setting


def mlp(weights: str, more: str = "") -> str:
    return f"{{name: mlp, weights: {weights}{more}}}"


def starting_from(folder: Path, weights: str, more: str = "") -> Setting:
    return only_setting(folder, model=mlp(weights, more))


def write_weights(path: Path, content: bytes = b"tensors") -> str:
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def with_weights(run: Path, content: bytes = b"tensors") -> None:
    """Give a stored run final weights."""
    digest = write_weights(run / "weights.pt", content)
    result = json.loads((run / "result.json").read_text())
    result["files"]["weights.pt"] = digest
    (run / "result.json").write_text(json.dumps(result))


def stored(folder: Path, **description: Any) -> Path:
    """The directory of a run of an experiment `pre`."""
    return write_run(folder / "runs", make_rows([0.1, 0.9]), experiment="pre", **description)


# A file


def test_a_path_starts_at_the_folder_of_its_file_and_the_head_is_kept(tmp_path: Path) -> None:
    digest = write_weights(tmp_path / "a.pt")
    setting = starting_from(tmp_path, "./a.pt")
    assert setting.model["weights"] == str(tmp_path / "a.pt")
    assert setting.model["head"] == "keep"
    assert setting.weights is not None
    assert (setting.weights.path, setting.weights.content) == (tmp_path / "a.pt", digest)


def test_the_content_makes_the_problem_and_not_the_place(tmp_path: Path) -> None:
    write_weights(tmp_path / "a.pt", b"one")
    shutil.copy(tmp_path / "a.pt", tmp_path / "b.pt")
    first = starting_from(tmp_path, "a.pt").problem_hash
    assert starting_from(tmp_path, "b.pt").problem_hash == first
    write_weights(tmp_path / "a.pt", b"two")
    assert starting_from(tmp_path, "a.pt").problem_hash != first


def test_a_new_head_is_another_problem_than_a_kept_one(tmp_path: Path) -> None:
    write_weights(tmp_path / "a.pt")
    kept = starting_from(tmp_path, "a.pt").problem_hash
    assert starting_from(tmp_path, "a.pt", ", head: keep").problem_hash == kept
    assert starting_from(tmp_path, "a.pt", ", head: new").problem_hash != kept


def test_null_starts_from_drawn_weights_as_if_nothing_were_said(tmp_path: Path) -> None:
    drawn = only_setting(tmp_path, model="{name: mlp}")
    nothing = starting_from(tmp_path, "null", ", head: new")
    assert nothing.setting_hash == drawn.setting_hash
    assert nothing.model == drawn.model


def test_a_models_own_argument_of_that_name_stays_its_own(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("class Net:\n    def __init__(self, weights: str): ...\n")
    setting = only_setting(tmp_path, model='{name: "./net.py:Net", weights: light}')
    assert (setting.model["weights"], setting.weights) == ("light", None)


# A run


def test_a_run_directory_stands_for_its_weights(tmp_path: Path) -> None:
    run = stored(tmp_path)
    with_weights(run)
    setting = starting_from(tmp_path, str(run))
    assert setting.model["weights"] == str(run / "weights.pt")


def test_so_does_the_folder_of_an_experiment_with_a_single_run(tmp_path: Path) -> None:
    run = stored(tmp_path)
    with_weights(run)
    by_name = starting_from(tmp_path, str(run)).weights
    assert starting_from(tmp_path, "runs/pre").weights == by_name


def test_of_several_runs_one_has_to_be_named(tmp_path: Path) -> None:
    runs = [stored(tmp_path, seed=seed) for seed in (0, 1)]
    (mistake,) = told(tmp_path, model=mlp("runs/pre"))
    names = ", ".join(run.name for run in runs)
    assert mistake.endswith(f"runs/pre holds 2 runs; name one: {names}")


def test_a_run_without_an_end_has_no_weights(tmp_path: Path) -> None:
    run = stored(tmp_path, status="interrupted")
    (mistake,) = told(tmp_path, model=mlp("runs/pre"))
    assert mistake == (f"model.weights: {run} is interrupted; only a completed run has weights")


def test_damaged_weights_of_a_run_are_refused(tmp_path: Path) -> None:
    run = stored(tmp_path)
    with_weights(run)
    (run / "weights.pt").write_bytes(b"tensor!")
    (mistake,) = told(tmp_path, model=mlp("runs/pre"))
    assert mistake.endswith("weights.pt is damaged: its SHA-256 is not the one in result.json")


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    (mistake,) = told(tmp_path, model=mlp("photos"))
    assert mistake.startswith("model.weights: ")
    assert "holds no run" in mistake


# What torchvision has


def test_torchvisions_own_go_by_name_wherever_they_will_be(tmp_path: Path) -> None:
    model = "{name: torchvision.resnet18, weights: IMAGENET1K_V1, head: new}"
    setting = only_setting(tmp_path, model=model)
    assert setting.model["weights"] == "IMAGENET1K_V1"
    assert setting.weights is not None
    assert setting.weights.path.name == "resnet18-f37072fd.pth"  # as torchvision publishes it


def test_two_sets_of_weights_for_one_model_are_two_problems(tmp_path: Path) -> None:
    hashes = {
        only_setting(
            tmp_path, model=f"{{name: torchvision.resnet50, weights: IMAGENET1K_{version}}}"
        ).problem_hash
        for version in ("V1", "V2")
    }
    assert len(hashes) == 2


# What is refused


def test_a_missing_file_is_told_at_its_line(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, text_of(model=mlp("nowhere.pt")))
    assert (problem.mark.line, underlined(problem)) == (2, "nowhere.pt")
    assert problem.message == f"there is no file or run {tmp_path / 'nowhere.pt'}"


@pytest.mark.parametrize(
    ("model", "mistake"),
    [
        ("{name: mlp, weights: 3}", "model.weights: must name a file or a run, got 3"),
        ("{name: mlp, weights: ''}", "model.weights: must name a file or a run, got ''"),
        (
            "{name: mlp, head: new}",
            "model.head: says what becomes of weights, and none are given [weights: FILE]",
        ),
        (
            "{name: mlp, weights: null, head: old}",
            "model.head: must be one of keep, new, got 'old'",
        ),
        (
            "{name: torchvision.resnet18, weights: 1}",
            "model.weights: must name a file, a run or one of IMAGENET1K_V1, got 1",
        ),
    ],
)
def test_what_can_not_be_is_refused(tmp_path: Path, model: str, mistake: str) -> None:
    assert told(tmp_path, model=model) == [mistake]


def test_a_misspelled_name_is_told_those_that_there_are(tmp_path: Path) -> None:
    (mistake,) = told(tmp_path, model="{name: torchvision.resnet50, weights: IMAGENET}")
    assert mistake.endswith("IMAGENET; resnet50's own are IMAGENET1K_V1, IMAGENET1K_V2")


@pytest.mark.parametrize("name", ["a" * 5000, "/dev/null", "~nobody-here/a.pt"])
def test_what_is_no_file_is_no_weights(tmp_path: Path, name: str) -> None:
    (mistake,) = told(tmp_path, model=mlp(name))
    assert mistake.startswith("model.weights: ")
