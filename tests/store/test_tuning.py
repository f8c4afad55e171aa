from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from stored_runs import digest, make_rows, write_run

from optbench.errors import StoreError
from optbench.store.borrowed import write_borrowed
from optbench.store.scan import scan
from optbench.store.seal import sealed
from optbench.store.tuning import (
    FILE,
    Contender,
    Dimension,
    Study,
    Trial,
    read_study,
    studies,
    tuning_folders,
    write_study,
)

if TYPE_CHECKING:
    from pathlib import Path

ADAM = Contender(
    "adam",
    (
        Dimension("lr", "loguniform", 1e-5, 0.1),
        Dimension("betas[1]", "grid", choices=(0.9, 0.999)),
    ),
    (Trial(0, {"lr": 0.003, "betas[1]": 0.9}, (digest("a"),)),),
    best=0,
    selected=digest("setting"),
)
STUDY = Study(
    experiment="tune_mnist",
    file="configs/tune_mnist.yaml",
    objective="val_loss",
    sampler="random",
    sampler_seed=0,
    batch=None,
    pruner="none",
    trials=1,
    epochs=5,
    seeds=(1_000_000,),
    reporting_seeds=(0, 1),
    round=0,
    contenders=(ADAM,),
)
ROWS = make_rows([0.1, 0.9])


def stored(root: Path, study: Study = STUDY) -> Path:
    folder = root / f"{study.experiment}.tuning"
    folder.mkdir(parents=True, exist_ok=True)
    write_study(folder, study)
    return folder


def test_a_study_reads_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_study(stored(tmp_path)) == STUDY


def test_only_random_search_without_pruning_is_a_sample() -> None:
    assert STUDY.is_sample
    for change in ({"sampler": "tpe"}, {"sampler": "grid"}, {"pruner": "median"}):
        assert not dataclasses.replace(STUDY, **change).is_sample  # type: ignore[arg-type]


def test_a_store_an_experiment_and_the_folder_itself_lead_to_the_search(tmp_path: Path) -> None:
    folder = stored(tmp_path)
    (tmp_path / "tune_mnist").mkdir()
    for root in (tmp_path, tmp_path / "tune_mnist", folder):
        assert tuning_folders(root) == (folder,)
    assert tuning_folders(tmp_path, folder) == (folder,)
    assert studies(tmp_path) == (STUDY,)


def test_a_folder_without_a_search_leads_to_none(tmp_path: Path) -> None:
    write_run(tmp_path, ROWS)
    assert tuning_folders(tmp_path, tmp_path / "adam_mnist", tmp_path / "nowhere") == ()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("schema", 2, "schema: must be 1"),
        ("objective", "test_loss", "objective: must be a column of validation data"),
        ("seeds", [-1], r"seeds\[0\]: must be a whole number"),
        ("contenders", [3], r"contenders\[0\]: must be an object"),
        ("contenders", [{"label": "adam"}], r"contenders\[0\]\.dimensions: is missing"),
    ],
)
def test_a_strange_study_is_refused_with_its_key(
    tmp_path: Path, key: str, value: Any, message: str
) -> None:
    path = stored(tmp_path) / FILE
    document = json.loads(path.read_text()) | {key: value}
    del document["digest"]
    path.write_text(sealed(json.dumps(document, indent=1) + "\n"))
    with pytest.raises(StoreError, match=message):
        read_study(path.parent)
    assert studies(tmp_path) == ()


def test_a_changed_number_is_damage(tmp_path: Path) -> None:
    path = stored(tmp_path) / FILE
    path.write_text(path.read_text().replace('"trials": 1', '"trials": 3', 1))
    with pytest.raises(StoreError, match=r"tuning\.json: damaged: its digest"):
        read_study(path.parent)


def test_a_store_leaves_trials_out_and_says_so_while_their_folder_shows_them(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path, ROWS)
    trial = write_run(tmp_path, ROWS, experiment="adam_mnist.tuning", seed=1_000_000)
    found = scan(tmp_path)
    assert [one.path for one in found.runs] == [run]
    assert [(note.path.name, note.kind, note.message) for note in found.notes] == [
        ("adam_mnist.tuning", "tuning", "1 run of a search, left out; name the folder to see them")
    ]
    assert [one.path for one in scan(trial.parent).runs] == [trial]


def test_a_trial_that_an_experiment_counts_among_its_runs_is_one_of_them(tmp_path: Path) -> None:
    trial = write_run(tmp_path, ROWS, experiment="adam_mnist.tuning")
    write_run(tmp_path, ROWS, experiment="adam_mnist.tuning", seed=1)
    write_borrowed(tmp_path / "again", [trial])
    assert [one.path for one in scan(tmp_path).runs] == [trial]
