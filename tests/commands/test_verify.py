"""`optbench verify`: from an experiment with claims to judgements and an exit code."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from experiments import TINY, Outcome, command, snapshot, write_experiment
from progress_events import Terminal

from optbench.commands.screen import Screen
from optbench.commands.verify import verify_command
from optbench.execution.study import Options

if TYPE_CHECKING:
    from pathlib import Path

ADAM, SGD = {"name": "adam", "lr": 0.01}, {"name": "sgd", "lr": 1e-5}
LEARNS = {"metric": "train_loss", "setting": {"optimizer": "adam"},
          "better_than": {"optimizer": "sgd"}}  # fmt: skip
STATE = {"metric": "state_bytes", "setting": {"optimizer": "sgd"}, "at_most": 0}
DIVERGES = {"setting": {"optimizer": "adam"}, "diverges": True}


def verify(folder: Path, *options: str | Path, **parts: Any) -> Outcome:
    described: dict[str, Any] = {"optimizer": [ADAM, SGD], "seeds": 6, **parts}
    path = write_experiment(folder, **described)
    return command("verify", path, "--runs-dir", folder / "runs", "--quiet", *options)


def found(outcome: Outcome) -> list[tuple[str, str]]:
    claims = json.loads(outcome.out)["claims"]
    return [(claim["found"], claim["expected"]) for claim in claims]


def test_claims_that_hold_end_with_0_and_are_trained_once(tmp_path: Path) -> None:
    outcome = verify(tmp_path, expect=[LEARNS, STATE])
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[:2] == ["tiny", "  supported  adam: train loss better than sgd"]
    assert "6 of 6 seeds" in " ".join(" ".join(lines).split())
    assert lines[-1] == "2 claims, 2 as expected"
    assert all(len(line) <= 80 for line in lines)
    before = snapshot(tmp_path / "runs")
    again = verify(tmp_path, expect=[LEARNS, STATE])
    assert again == outcome
    assert snapshot(tmp_path / "runs") == before


def test_a_refuted_claim_ends_with_1_unless_its_file_expects_that(tmp_path: Path) -> None:
    outcome = verify(tmp_path, expect=[DIVERGES])
    assert outcome.code == 1
    assert "  refuted    adam diverges; expected: supported" in outcome.out
    expected = verify(tmp_path, expect=[DIVERGES | {"verdict": "refuted"}])
    assert expected.code == 0
    assert "  refuted    adam diverges, as its file expects" in expected.out


def test_too_few_seeds_leave_a_claim_undecided(tmp_path: Path) -> None:
    outcome = verify(tmp_path, "--format", "json", expect=[LEARNS], seeds=5)
    assert outcome.code == 1
    assert found(outcome) == [("undecided", "supported")]
    assert (
        "5 pairs cannot reach a verdict; the one extension can, to 8 or more"
        in json.loads(outcome.out)["claims"][0]["text"]
    )


def test_json_names_file_and_line(tmp_path: Path) -> None:
    outcome = verify(tmp_path, "--format", "json", expect=[LEARNS, DIVERGES])
    document = json.loads(outcome.out)
    assert document["schema"] == 1
    assert document["as_expected"] == 1
    assert found(outcome) == [("supported", "supported"), ("refuted", "supported")]
    claim = document["claims"][0]
    assert (claim["file"], claim["line"]) == (str(tmp_path / "tiny.yaml"), 1)
    assert claim["experiment"] == "tiny"


def test_junit_fails_what_is_not_as_expected(tmp_path: Path) -> None:
    report = tmp_path / "claims.xml"
    outcome = verify(tmp_path, "--format", "junit", "--output", report, expect=[LEARNS, DIVERGES])
    assert (outcome.code, outcome.out) == (1, "")
    root = ElementTree.parse(report).getroot()  # noqa: S314  (our own file)
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    names = {case.get("name"): case.find("failure") for case in root.iter("testcase")}
    assert names["adam: train loss better than sgd"] is None
    failure = names["adam diverges"]
    assert failure is not None
    assert str(failure.get("message")).startswith("refuted; expected: supported: adam diverged in")


def test_markdown_is_a_table(tmp_path: Path) -> None:
    out = verify(tmp_path, "--format", "markdown", expect=[STATE, DIVERGES]).out
    assert "| supported | sgd: bytes of state a parameter at most 0 |" in out
    assert "| **refuted** | adam diverges; expected: supported |" in out


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    claims = tmp_path / "claims"
    claims.mkdir()
    for name in ("b", "a"):
        write_experiment(claims, name, optimizer=[ADAM, SGD], expect=[STATE])
    outcome = command("verify", claims, "--runs-dir", tmp_path / "runs", "--quiet")
    assert outcome.code == 0
    assert [line for line in outcome.out.splitlines() if line in ("a", "b")] == ["a", "b"]


def test_an_experiment_that_claims_nothing_is_refused(tmp_path: Path) -> None:
    outcome = verify(tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert "tiny.yaml: claims nothing" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_folder_without_experiments_is_refused(tmp_path: Path) -> None:
    outcome = command("verify", tmp_path)
    assert outcome.code == 2
    assert outcome.err == f"{tmp_path}: no experiment file (*.yaml) in it\n"


def test_an_unknown_format_is_refused_before_anything_trains(tmp_path: Path) -> None:
    outcome = verify(tmp_path, "--format", "cvs", expect=[STATE])
    assert outcome.code == 2
    assert "format must be one of table, markdown, json, junit" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_failed_run_ends_with_3_and_leaves_its_claim_undecided(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        "import torch\n\nclass Breaks(torch.optim.SGD):\n"
        "    def step(self, closure=None):\n        raise ValueError('no')\n"
    )
    broken = {"name": "./plugin.py:Breaks", "lr": 0.1}
    claim = {"setting": {"optimizer": "Breaks"}, "diverges": False}
    outcome = verify(tmp_path, optimizer=[broken, SGD], seeds=1, expect=[claim])
    assert outcome.code == 3
    assert "  undecided  Breaks does not diverge; expected: supported" in outcome.out
    assert "1 declared seed has not ended" in " ".join(outcome.out.split())


@pytest.mark.parametrize("seeds", [1, 8])
def test_progress_and_judgement_are_kept_apart(tmp_path: Path, seeds: int) -> None:
    path = write_experiment(tmp_path, optimizer=[ADAM, SGD], seeds=seeds, expect=[STATE])
    outcome = command("verify", path, "--runs-dir", tmp_path / "runs", "--format", "json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["as_expected"] == 1
    assert f"{2 * seeds} runs" in outcome.err
    assert TINY["dataset"]["name"] in outcome.err


@pytest.mark.parametrize(("stream", "told"), [(Terminal, 2), (io.StringIO, 0)])
def test_in_a_terminal_each_verdict_is_told_when_the_last_of_its_runs_has_ended(
    tmp_path: Path, stream: type[io.StringIO], told: int
) -> None:
    path = write_experiment(tmp_path, optimizer=[ADAM, SGD], seeds=1, expect=[DIVERGES, STATE])
    page, progress = io.StringIO(), stream()
    options = Options(runs_dir=tmp_path / "runs", workers=1)
    seen = Screen(progress, 80, colour=False)
    code = verify_command([path], options, "table", None, Screen(page, 80, colour=False), seen)
    assert code == 1
    lines = [line.strip() for line in page.getvalue().splitlines() if line.startswith("  ")]
    assert [line.split()[0] for line in lines if ":" in line][:1] == ["refuted"]
    shown = progress.getvalue()
    verdicts = ["refuted    adam diverges; expected: supported", "supported  sgd: "]
    assert sum(verdict in shown for verdict in verdicts) == told


def test_an_experiment_with_ranges_is_searched_first_on_seeds_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    # Adam's default, 0.001, hardly moves in so few steps; any rate of the range goes further.
    optimizer = {"name": "adam", "lr": {"loguniform": [0.02, 0.1]}}
    tuned, default = ({"optimizer": "adam", "tuned": told} for told in (True, False))
    claim = {"metric": "train_loss", "setting": tuned, "better_than": default}
    parts: dict[str, Any] = {
        "optimizer": optimizer,
        "tuning": {"sampler": "random", "trials": 3},
    }
    outcome = verify(tmp_path, expect=[claim], **parts)
    assert outcome.code == 0, outcome.out + outcome.err
    assert "  supported  tuned adam: train loss better than default adam" in outcome.out
    runs = tmp_path / "runs"
    assert len(list(runs.glob("tiny.tuning/*-s1000000-*"))) == 3
    assert len(list(runs.glob("tiny/*"))) == 2 * 6
    before = {path: told for path, told in snapshot(runs).items() if "tuning.json" not in path}
    assert verify(tmp_path, expect=[claim], **parts) == outcome  # nothing is searched again
    assert before.items() <= snapshot(runs).items()


def test_seeds_and_force_are_as_for_run(tmp_path: Path) -> None:
    first = verify(tmp_path, "--seeds", "2", expect=[STATE], seeds=1)
    assert first.code == 0
    results = sorted((tmp_path / "runs").rglob("result.json"))
    assert len(results) == 4  # two settings on two seeds
    before = [path.stat().st_mtime_ns for path in results]
    verify(tmp_path, "--seeds", "2", expect=[STATE], seeds=1)
    assert [path.stat().st_mtime_ns for path in results] == before
    verify(tmp_path, "--seeds", "2", "--force", expect=[STATE], seeds=1)
    assert all(p.stat().st_mtime_ns > old for p, old in zip(results, before, strict=True))
