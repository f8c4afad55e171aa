"""The rows of the table in docs/reliability.md, and the files with what was seen of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"


class Row(NamedTuple):
    fault: str
    promise: str


ROWS = {
    "killed": Row(
        "killed at any moment",
        "resumed, `metrics.csv` and `weights.pt` are those of the run that nothing stopped; "
        "at most one epoch is trained twice",
    ),
    "killed-again": Row("killed again and again", "identical"),
    "power": Row(
        "loss of power",
        "what had ended is whole; of what had not two epochs at most are trained twice; identical",
    ),
    "signals": Row(
        "SIGTERM, SIGINT, twice; while saving, evaluating, downloading",
        "exit code 143 or 130 within 5 s, `interrupted`, resumable, no process left",
    ),
    "disk": Row(
        "disk full, file size limit, I/O error",
        "the error names the disk and the file; the checkpoint before loads; goes on once there is "
        "room; never falsely `completed`",
    ),
    "read-only": Row("read-only or missing store", "refused before training"),
    "bit-rot": Row(
        "bit rot, truncation",
        "detected or harmless; the checkpoint before is taken, and that is said; never a wrong "
        "number",
    ),
    "two-writers": Row(
        "two writers of one run",
        "one holds it, the others are refused; the lock is free at once after SIGKILL",
    ),
    "reading": Row(
        "reading while writing", "no exception, every row valid, unfinished runs labelled"
    ),
    "workers": Row(
        "one worker dies or hangs",
        "its cohort is tried again in halves until the culprit alone is `failed`; every other run "
        "is identical",
    ),
    "parent": Row(
        "the parent dies",
        "no worker left after 5 s; the next call trains only what is unfinished",
    ),
    "ray-node": Row("a Ray node dies", "every run finishes, identical; never two live writers"),
    "ray-stranger": Row("a stranger on Ray", "nothing runs"),
    "non-finite": Row("NaN and Inf", "`diverged`; never best, whatever the order; strict JSON"),
    "download": Row(
        "download: short body, stall, drip, 500, wrong bytes, 16 clients",
        "one download, no bad file in the cache, a deadline",
    ),
    "yaml": Row("evil YAML", "file, line and key; within 2 s and 200 MB; no signal"),
    "values": Row("bad values", "refused before a directory exists"),
    "strangers": Row(
        "evil checkpoint, evil run directory",
        "nothing runs, nothing outside the store is read or written, `compare` never hangs, output "
        "is escaped",
    ),
    "names": Row("evil names", "refused"),
    "many": Row("10,000 finished runs", "`compare` within its stated seconds and memory"),
    "soak": Row(
        "ten thousand small runs and more, killed and resumed at random for half an hour",
        "nothing lost; no descriptor, temporary file or memory left over",
    ),
    "fuzz": Row("random bytes for every reader", "one clear error, or a right answer"),
}

Seen = dict[str, list[dict[str, Any]]]


def read_seen(row: str) -> Seen:
    """What was injected and sabotaged of a row, oldest tests first."""
    path = RESULTS / f"{row}.json"
    empty: Seen = {"injected": [], "sabotage": []}
    return empty | json.loads(path.read_bytes()) if path.exists() else empty


def store_seen(row: str, part: str, told: dict[str, Any], key: tuple[str, ...]) -> None:
    """Put an entry in place of the one with the same values of `key`, or at the end."""
    seen = read_seen(row)
    same = [all(old[name] == told[name] for name in key) for old in seen[part]]
    if any(same):
        seen[part][same.index(True)] = told
    else:
        seen[part].append(told)
    text = json.dumps(seen, indent=1, ensure_ascii=False)
    (RESULTS / f"{row}.json").write_text(text + "\n", encoding="utf-8")
