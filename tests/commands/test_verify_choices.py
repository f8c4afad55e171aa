"""`optbench verify`: which settings a claim is judged on, and the claims that are shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from experiments import command, write_experiment

from optbench.analysis.claims.foresight import undecidable
from optbench.catalog.experiment import load_experiment

if TYPE_CHECKING:
    from experiments import Outcome

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "configs" / "claims").glob("*.yaml"))
ADAM, SGD = {"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 0.1}
COMPARED = {
    "metric": "train_loss",
    "setting": {"optimizer": "adam"},
    "better_than": {"optimizer": "sgd"},
}


def verify(folder: Path, *options: str | Path, **parts: Any) -> Outcome:
    described: dict[str, Any] = {"optimizer": [ADAM, SGD], "training": {"epochs": 1}, **parts}
    path = write_experiment(folder, **described)
    runs = folder / "runs"
    return command("verify", path, "--runs-dir", runs, "--quiet", "--format", "json", *options)


def claims(outcome: Outcome) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(outcome.out)["claims"]
    return found


def test_a_selector_names_the_data_that_were_asked_for_where_others_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    dataset = {
        "name": "mnist", "validation": 5000,
        "fallback": {"name": "mnist-5k", "train": 60, "test": 20, "validation": 20},
    }  # fmt: skip
    claim = {"setting": {"dataset": "mnist", "validation": 5000}, "diverges": False}
    outcome = verify(tmp_path, "--data-dir", tmp_path, dataset=dataset, expect=[claim])
    (found,) = claims(outcome)
    assert (found["found"], found["requested_dataset"]) == ("supported", "mnist")
    assert found["numbers"]["diverged"]["n"] == 2


def test_a_claim_about_settings_that_set_took_away_is_refused(tmp_path: Path) -> None:
    outcome = verify(tmp_path, "--set", "optimizer=rmsprop", expect=[COMPARED])
    assert (outcome.code, outcome.out) == (2, "")
    assert "expect[0].setting.optimizer: matches no setting of this experiment" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_claim_is_judged_on_each_problem_of_its_settings(tmp_path: Path) -> None:
    datasets = [{"name": "synthetic", "train": 40, "test": 20, "features": size} for size in (3, 4)]
    outcome = verify(tmp_path, dataset=datasets, expect=[COMPARED])
    found = claims(outcome)
    assert len({claim["problem"] for claim in found}) == 2
    assert {claim["found"] for claim in found} == {"undecided"}


def test_the_mistakes_of_all_files_are_told(tmp_path: Path) -> None:
    bad = [
        write_experiment(tmp_path, "one", expect=[COMPARED]),
        write_experiment(tmp_path, "two", expect=[{"diverges": True}]),
    ]
    outcome = command("verify", *bad, "--runs-dir", tmp_path / "runs")
    assert outcome.code == 2
    assert "expect[0].better_than.optimizer: matches no setting" in outcome.err
    assert "expect[0].setting: is missing" in outcome.err


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_claims_can_be_decided(path: Path) -> None:
    experiment = load_experiment(path)
    assert experiment.claims
    assert undecidable(experiment) == ()


@pytest.mark.parametrize("name", ["adam_state_bytes", "sgd_diverges_at_lr"])
def test_the_quickest_of_the_shipped_claims_are_judged_as_expected(
    name: str, tmp_path: Path
) -> None:
    path = ROOT / "configs" / "claims" / f"{name}.yaml"
    outcome = command("verify", path, "--runs-dir", tmp_path / "runs", "--quiet")
    assert outcome.code == 0, outcome.out


def test_the_page_about_judging_shows_a_shipped_experiment() -> None:
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    shown = (ROOT / "configs" / "claims" / "momentum_faster_than_sgd.yaml").read_text("utf-8")
    assert "".join(line for line in shown.splitlines(True) if not line.startswith("#")) in page
