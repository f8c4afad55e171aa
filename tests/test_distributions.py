"""The sdist and the wheel, away from the repository: what is in them, and how they run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import BytesParser
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parents[1]
# Not by find_spec: setuptools leaves its distutils aside in a process that looks for pip.
BACKEND = all(any(distributions(name=name)) for name in ("hatchling", "hatch-vcs", "pip"))
pytestmark = pytest.mark.skipif(
    not BACKEND, reason="can't build: pip install hatchling hatch-vcs, as '.[test]' does"
)


def done(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command printed; it has to succeed."""
    told = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, (command, told.stdout, told.stderr)
    return told.stdout


def hatchling(*arguments: str | Path, cwd: Path) -> str:
    return done(sys.executable, "-m", "hatchling", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked, where git knows nothing of it."""
    folder = tmp_path_factory.mktemp("sdist")
    hatchling("build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (archive,) = folder.glob("optbench-*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """Built from the sdist."""
    hatchling("build", "-t", "wheel", "-d", sdist.parent, cwd=sdist)
    (built,) = sdist.parent.glob("optbench-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with the wheel, which finds what the wheel needs where it is here."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    program = home / "bin" / "python"
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(done(program, "-c", purelib, cwd=home, PYTHONPATH="").strip())
    (own / "dependencies.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    install = ("-m", "pip", "--python", program, "install", "-q", "--no-index", "--no-deps")
    done(sys.executable, *install, wheel, cwd=home)
    return program


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (n for n in opened.namelist() if n.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(opened.read(name))


def test_the_wheel_holds_the_package_its_types_examples_data_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        found = {name for name in opened.namelist() if ".dist-info/" not in name}
        licences = {name for name in opened.namelist() if "/licenses/" in name}
    tracked = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "optbench").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    examples = {
        f"optbench/examples/{path.relative_to(ROOT / 'configs')}"
        for path in (ROOT / "configs").rglob("*.*")
    }
    assert found == tracked | examples
    assert "optbench/py.typed" in found
    assert len(licences) == 2


def test_it_says_which_python_it_runs_on_and_which_version_it_is(wheel: Path, sdist: Path) -> None:
    told = metadata(wheel)
    assert told["Requires-Python"] == ">=3.11"
    assert f"optbench-{told['Version']}" == sdist.name


@pytest.mark.slow
def test_installed_it_inits_runs_compares_and_reports_in_an_empty_folder(
    wheel: Path, python: Path, tmp_path: Path
) -> None:
    def optbench(*arguments: str) -> str:
        program = python.parent / "optbench"
        return done(program, *arguments, cwd=tmp_path, PYTHONPATH="", OPTBENCH_DATA="")

    assert optbench("--version") == f"optbench {metadata(wheel)['Version']}\n"
    optbench("init", "--examples", "--dataset", "xor")
    examples = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("configs/*.yaml"))
    optbench("validate", *examples)
    optbench("run", "experiment.yaml", "--smoke", "--runs-dir", "runs")
    assert "adam" in optbench("compare", "runs/.smoke")
    optbench("report", "runs/.smoke")
    assert (tmp_path / "report.html").is_file()


SCRIPT = """
from optbench import compare, load_experiment, load_runs, run

experiment = load_experiment("experiment.yaml")
rates: list[object] = [setting.optimizer["lr"] for setting in experiment.settings]
for finished in run("experiment.yaml", runs_dir="runs"):
    print(finished.status)
print(load_runs("runs").height, [problem.metric.name for problem in compare("runs").problems])
"""
WRONG = SCRIPT + "run(7)\nload_runs('runs').hieght\n"


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("mypy"), reason="needs mypy: '.[dev]' has it")
def test_mypy_knows_its_types_in_a_script_of_somebody_else(python: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "wrong.py").write_text(WRONG)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python)
    told = subprocess.run(
        [*mypy, "script.py", "wrong.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": "", "MYPYPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'wrong.py:9: error: Argument 1 to "run" has incompatible type "int"' in told.stdout
    assert 'wrong.py:10: error: "DataFrame" has no attribute "hieght"' in told.stdout
    assert told.stdout.endswith("Found 2 errors in 1 file (checked 2 source files)\n")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit of what names the version."""
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "First")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=me", "-c", "user.email=me@example.org", "-c", "commit.gpgsign=false")
    done("git", *author, *arguments, cwd=folder)


def test_the_version_is_that_of_the_tag(repository: Path) -> None:
    git(repository, "tag", "v1.2.3")
    assert hatchling("version", cwd=repository) == "1.2.3\n"


def test_after_a_tag_it_is_a_development_version_of_the_next(repository: Path) -> None:
    git(repository, "tag", "v1.2.3")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Second")
    assert hatchling("version", cwd=repository).startswith("1.2.4.dev1+g")


def test_a_tree_without_git_is_a_development_version_too(repository: Path) -> None:
    shutil.rmtree(repository / ".git")
    assert hatchling("version", cwd=repository) == "0.1.dev0\n"
