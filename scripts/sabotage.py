"""Switches off one protection after the other and stores how the tests then fail.

python scripts/sabotage.py                # all, an hour
python scripts/sabotage.py killed disk    # these rows alone

A copy of the sources is changed, never the checkout. The exit code is 1 where a test does not
notice.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from faults.rows import store_seen  # noqa: E402
from faults.sabotage import declared  # noqa: E402

if TYPE_CHECKING:
    from faults.sabotage import Sabotage

COPIED = ("optbench", "tests", "scripts", "configs", "pyproject.toml")
PATIENCE = 600  # seconds, after which a test that hangs has noticed
LONGEST = 160  # characters of what is told of a failure


def main() -> int:
    wanted = sys.argv[1:]
    unnoticed = 0
    for place, entry in declared():
        if wanted and entry.row not in wanted:
            continue
        failure = attempt(place, entry)
        unnoticed += failure is None
        print(f"{entry.row}: {entry.off}: {failure or 'NOT NOTICED'}", flush=True)
        told = {"test": place, "off": entry.off, "failure": failure}
        store_seen(entry.row, "sabotage", told, ("test", "off"))
    return 1 if unnoticed else 0


def attempt(place: str, entry: Sabotage) -> str | None:
    """How a test fails without the protection; None where it passes."""
    with TemporaryDirectory(prefix="optbench-sabotage-") as folder:
        copy = Path(folder)
        for name in COPIED:
            copy_of(ROOT / name, copy / name)
        file = copy / entry.file
        file.write_text(entry.applied(file.read_text(encoding="utf-8")), encoding="utf-8")
        return failure_of(copy, place, full=entry.full)


def copy_of(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def failure_of(root: Path, place: str, *, full: bool) -> str | None:
    """What the first failure of a test says, which is run in a copy of the sources."""
    report = root / "report.xml"
    command = [sys.executable, "-m", "pytest", f"tests/faults/{place}", "-x", "-q", "--tb=short"]
    command += ["-m", "faults"] if full else []
    process = subprocess.Popen(
        [*command, "-p", "no:cacheprovider", f"--junit-xml={report}"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return f"hung for {PATIENCE} s"
    finally:
        with suppress(ProcessLookupError):  # what the test left behind, or hangs in
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if code not in (0, 1):
        raise SystemExit(f"{place} could not be run (pytest's exit code {code})")
    found = [*ElementTree.parse(report).iter("failure"), *ElementTree.parse(report).iter("error")]  # noqa: S314
    return said_by(found[0]) if found else None


def said_by(failure: ElementTree.Element) -> str:
    """The statement of the test that failed, and the error where it is no assertion's."""
    statement = ""
    in_test = False
    for line in (failure.text or "").splitlines():
        if line.startswith("tests/"):
            in_test = line.startswith("tests/faults/")
        elif in_test and line.startswith("    ") and line.strip(" ^~"):
            statement = line.strip()
    error = (failure.get("message") or "").splitlines()[0]
    if not error.startswith(("AssertionError", "assert")):
        statement = f"{statement}: {error}" if statement else error
    return statement if len(statement) <= LONGEST else statement[: LONGEST - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
