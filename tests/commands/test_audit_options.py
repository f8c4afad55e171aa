"""`optbench compare --audit` and `--strict`: what they print, and what pasting it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from audited import BASE, store, store_fair, store_grid
from experiments import command, write_experiment
from stored_runs import ADAM, SGD, make_rows, result_document, write_run

import optbench

UNFAIR = [
    "stand-in data",
    "batch size or epochs",
    "missing seeds",
    "diverged seeds",
    "unequal tuning budgets",
    "learning rate at the edge",
]


def store_unfair(root: Path) -> None:
    """Unequal grids, the best at an edge, a missing and a diverged seed, other data and batches."""
    data = {"name": "mnist-5k", "validation": 0}
    told = {"requested_dataset": "mnist", "experiment": "unfair"}
    for lr, gain in {0.001: 0.01, 0.01: 0.02, 0.1: 0.03, 1.0: 0.0}.items():
        optimizer = ADAM | {"lr": lr}
        config = result_document(optimizer=optimizer)["config"] | {"dataset": data}
        store(root, optimizer, [b + gain for b in BASE], seeds=range(8), config=config, **told)
    training = {"batch_size": 32}
    diverging: dict[float, list[float | None]] = {0.01: [None, *BASE[1:7]], 0.1: [None] * 7}
    for lr, finals in diverging.items():
        optimizer = SGD | {"lr": lr}
        config = result_document(optimizer=optimizer, training=training)["config"]
        described = told | {"training": training, "config": config | {"dataset": data}}
        store(root, optimizer, finals, seeds=range(7), declared_seeds=8, **described)


def document(*options: str | Path) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(
        command("compare", *options, "--format", "json").out
    )["findings"]
    return findings


def test_an_unfair_comparison_yields_each_finding(tmp_path: Path) -> None:
    store_unfair(tmp_path)
    found = document(tmp_path)
    kinds = [finding["kind"] for finding in found]
    assert [kind for kind in kinds if kind in UNFAIR] == UNFAIR
    for finding in found:
        assert finding["why"]
        assert finding["settings"]
        assert finding["runs"]
        if finding["kind"] != "selected on reported seeds":  # which waits for wider grids
            assert finding["command"].startswith("optbench run ")


def test_the_short_form_counts_the_findings_and_tells_the_first(tmp_path: Path) -> None:
    store_unfair(tmp_path)
    out = command("compare", tmp_path).out
    count = len(document(tmp_path))
    told = f"Audit, {count} findings (--audit tells all): mnist was asked for and mnist-5k stood in"
    assert " ".join(out.split()).count(told) == 1
    assert "\n  optbench run " in out[out.index("Audit") :]


def test_the_long_form_tells_each_with_its_reason_and_its_command(tmp_path: Path) -> None:
    store_unfair(tmp_path)
    out = command("compare", tmp_path, "--audit").out
    joined = " ".join(out.replace("\\\n", " ").split())
    for number, finding in enumerate(document(tmp_path), 1):
        assert f"{number}. {finding['message']}; {finding['why']}." in joined
        assert (finding["command"] or "") in joined


def test_a_fair_comparison_says_so_and_passes(tmp_path: Path) -> None:
    store_fair(tmp_path)
    outcome = command("compare", tmp_path, "--strict")
    assert outcome.code == 0
    assert outcome.out.endswith("\nAudit: no finding.\n")


def test_strict_turns_findings_into_exit_code_1_and_failures(tmp_path: Path) -> None:
    store_unfair(tmp_path)
    assert command("compare", tmp_path).code == 0
    assert command("compare", tmp_path, "--strict").code == 1
    lenient = command("compare", tmp_path, "--format", "junit").out
    strict = command("compare", tmp_path, "--format", "junit", "--strict").out
    assert "audit, missing seeds" in strict
    assert "audit, missing seeds" not in lenient


@pytest.mark.parametrize("option", ["--audit", "--strict"])
def test_a_baseline_is_not_audited(tmp_path: Path, option: str) -> None:
    store_fair(tmp_path)
    outcome = command("compare", tmp_path, "--baseline", tmp_path, option)
    assert outcome.code == 2
    assert f"{option} shows one store's runs and can't be used with --baseline" in outcome.err


def test_markdown_has_the_command_as_code(tmp_path: Path) -> None:
    store_grid(tmp_path, ADAM, {0.01: 0.0, 0.1: 0.02, 1.0: 0.01})
    out = command("compare", tmp_path, "--format", "markdown").out
    assert "Audit, 1 finding:\n\n- selected on the seeds that are reported: adam lr=0.1" in out
    assert "\n  ```\n  optbench run " in out


@pytest.mark.slow
def test_what_is_printed_can_be_pasted_into_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    grids = [
        {"name": "adam", "lr": {"grid": [0.001, 0.01, 0.1]}},
        {"name": "sgd", "lr": {"grid": [0.1]}},
    ]
    training = {"epochs": 1, "batch_size": 16}
    file = write_experiment(tmp_path, optimizer=grids, training=training, seeds=2)
    assert command("run", file, "--quiet", "--runs-dir", "my runs").code == 0
    out = command("compare", "my runs").out
    message, _, printed = out[out.index("Audit") :].partition("\n  optbench ")
    assert "not tuned" in message
    assert " \\\n" in printed
    done = in_a_shell(f"optbench {printed}", tmp_path)
    assert done.returncode == 0, done.stderr
    after = [finding["kind"] for finding in document("my runs")]
    assert "one side tuned" not in after


def in_a_shell(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a person's shell makes of a text, with `optbench` on its path."""
    program = folder / "bin" / "optbench"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m optbench "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(optbench.__file__).parents[1]),
    }
    return subprocess.run(
        ["sh", "-c", text], check=False, cwd=folder, env=environment, capture_output=True, text=True
    )


def test_strict_does_not_pass_what_cannot_be_read(tmp_path: Path) -> None:
    store_fair(tmp_path)
    extra = write_run(tmp_path, make_rows([0.1, 0.9]), experiment="more", problem="another · net")
    (extra / "result.json").write_text("{")
    assert command("compare", tmp_path).code == 0
    assert command("compare", tmp_path, "--strict").code == 1
