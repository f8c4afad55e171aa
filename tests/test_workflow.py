"""The workflows in .github; the steps of smoke.yml as they are, in a copy of what they need."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from stored_runs import ADAM, SGD, write_seeds

ROOT = Path(__file__).parents[1]
WORKFLOWS: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github/workflows").glob("*.yml"))
}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
JOB: dict[str, Any] = WORKFLOWS["smoke"]["jobs"]["smoke"]
STEPS = {step["name"]: step for step in JOB["steps"] if "run" in step and step["name"] != "Install"}
# What GitHub's own command does in two of the steps, for a main whose last run left these runs.
GH = """#!/bin/sh
case "$*" in
"run list "*) echo "$LAST_RUN" ;;
"run download $LAST_RUN --name runs --dir old-runs") cp -r runs old-runs ;;
*) exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(ROOT / "configs", folder / "configs")
    write_program(folder / "bin/optbench", f'#!/bin/sh\nexec {sys.executable} -m optbench "$@"\n')
    write_program(folder / "bin/gh", GH)
    return folder


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def carry_out(
    name: str, workspace: Path, last_run: str = ""
) -> tuple[subprocess.CompletedProcess[str], str]:
    """A step as GitHub carries it out with `shell: bash`, and what it added to the summary."""
    assert JOB["defaults"]["run"]["shell"] == "bash"
    summary = workspace / "summary.md"
    summary.write_text("", encoding="utf-8")
    script = workspace / "step.sh"
    script.write_text(STEPS[name]["run"], encoding="utf-8")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=workspace,
        env=os.environ
        | {
            "PATH": f"{workspace / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "OPTBENCH_DATA": str(workspace / "no-data"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(summary),
            "LAST_RUN": last_run,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done, summary.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_to_a_major_version(name: str) -> None:
    jobs = WORKFLOWS[name]["jobs"].values()
    used = [step["uses"] for job in jobs for step in job["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in used)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_but_reading_is_permitted(name: str) -> None:
    assert set(WORKFLOWS[name]["permissions"].values()) == {"read"}


def test_the_tests_run_on_every_python_that_the_package_names() -> None:
    named = [
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", classifier)
        for classifier in PROJECT["classifiers"]
    ]
    matrix = WORKFLOWS["tests"]["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["python"] == [match[1] for match in named if match]


def test_one_job_has_all_that_tests_are_skipped_without() -> None:
    (install,) = (
        step["run"]
        for step in WORKFLOWS["tests"]["jobs"]["extras"]["steps"]
        if step.get("name", "").startswith("Install")
    )
    (named,) = re.findall(r"pip install -e '\.\[(.+)\]'", install)
    extras: dict[str, list[str]] = PROJECT["optional-dependencies"]
    wanted = {wanted for extra in extras for wanted in extras[extra]}
    chosen = named.split(",")
    for extra in chosen:  # which grows: some name others
        chosen += (other for one in extras[extra] for other in re.findall(r"optbench\[(.+)\]", one))
    assert wanted == {wanted for extra in chosen for wanted in extras[extra]}
    assert "npm install --global yaml-language-server" in install


@pytest.mark.slow
def test_every_step_succeeds_in_a_fresh_copy(workspace: Path) -> None:
    summaries = {}
    for name in STEPS:
        done, summaries[name] = carry_out(name, workspace, last_run="7")
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        assert "::error" not in done.stderr
    told = {name for name, text in summaries.items() if text}
    assert told == {"Judge claims", "Compare", "Compare with main"}
    assert "| supported | Momentum reaches" in summaries["Judge claims"]
    assert "| adam |" in summaries["Compare"]
    assert "2 settings: 2 identical" in summaries["Compare with main"]


def test_the_first_run_on_main_has_nothing_to_compare_with(tmp_path: Path, workspace: Path) -> None:
    shutil.copytree(workspace / "bin", tmp_path / "bin")
    for name in ("Fetch the last runs of main", "Compare with main"):
        done, summary = carry_out(name, tmp_path)
        assert (done.returncode, summary) == (0, ""), done.stderr


@pytest.mark.parametrize(
    ("optimizer", "accuracy", "code"),
    [(ADAM, 0.97, 0), (ADAM, 0.9, 1), (SGD, 0.9, 0)],
    ids=["as good", "worse", "nothing in common"],
)
def test_only_a_setting_that_became_worse_fails_the_job(
    tmp_path: Path, workspace: Path, optimizer: dict[str, Any], accuracy: float, code: int
) -> None:
    shutil.copytree(workspace / "bin", tmp_path / "bin")
    write_seeds(tmp_path / "old-runs", [0.97 + seed / 1000 for seed in range(8)])
    finals = [accuracy + seed / 1000 for seed in range(8)]
    write_seeds(tmp_path / "runs", finals, optimizer=optimizer)
    done, _ = carry_out("Compare with main", tmp_path)
    assert done.returncode == code, done.stderr


def test_a_mistake_in_an_experiment_file_fails_its_step_and_is_shown_beside_the_line(
    tmp_path: Path, workspace: Path
) -> None:
    for folder in ("bin", "configs"):
        shutil.copytree(workspace / folder, tmp_path / folder)
    (tmp_path / "configs/wrong.yaml").write_text("dataset: mnist\nmodel: mlp\noptimizer: adm\n")
    done, _ = carry_out("Check every experiment file", tmp_path)
    assert done.returncode == 2
    assert "::error file=configs/wrong.yaml,line=3,col=12,title=optimizer" in done.stderr
