"""Feeds every reader of files with damaged and made-up ones, and keeps those that break one.

python scripts/fuzz.py --minutes 60 [--seed 1] [READER …]

What is found is made small and stored in tests/faults/corpus/, which the tests replay. The exit
code is 1 where something was found.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
import traceback
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from faults.fuzzing import CORPUS, Fuzzer  # noqa: E402
from faults.mutation import smallest  # noqa: E402
from faults.readers import READERS  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 20  # inputs before another reader may have its turn


def main() -> int:
    options = _options()
    warnings.simplefilter("error")
    end = time.monotonic() + 60 * options.minutes
    with TemporaryDirectory(prefix="optbench-fuzz-") as folder:
        fuzzers = {one.name: one for one in _fuzzers(options, Path(folder))}
        counts, seconds = dict.fromkeys(fuzzers, 0), dict.fromkeys(fuzzers, 0.0)
        found: set[str] = set()
        while time.monotonic() < end:
            name = min(fuzzers, key=lambda name: seconds[name])  # each has as much time
            before = time.process_time()
            for _ in range(BATCH):
                _try(fuzzers[name], found)
            counts[name] += BATCH
            seconds[name] += time.process_time() - before
    for name, fuzzer in fuzzers.items():
        print(f"{name}: {counts[name]:,} inputs, {fuzzer.outcomes:,} outcomes")
    print(f"{options.minutes:g} minutes, {sum(counts.values()):,} inputs: {len(found)} found")
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(READERS))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _fuzzers(options: argparse.Namespace, folder: Path) -> Iterator[Fuzzer]:
    for name in options.readers or READERS:
        place = folder / name
        place.mkdir()
        yield Fuzzer(name, place, random.Random(f"{options.seed} {name}"))  # noqa: S311


def _try(fuzzer: Fuzzer, found: set[str]) -> None:
    """Feed a reader once; store an input that breaks it at a place where none has yet."""
    try:
        fuzzer.step()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (this is what is looked for)
        place = _place(fuzzer, error)
        if place in found:
            return
        found.add(place)
        print(traceback.format_exc(), flush=True)
        content = smallest(error.content, lambda one: _breaks(fuzzer, one, place))  # type: ignore[attr-defined]
        path = CORPUS / fuzzer.name / hashlib.sha256(content).hexdigest()[:12]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"stored as {path.relative_to(ROOT)}", flush=True)


def _breaks(fuzzer: Fuzzer, content: bytes, place: str) -> bool:
    try:
        fuzzer.feed(content)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001
        return _place(fuzzer, error) == place
    return False


def _place(fuzzer: Fuzzer, error: BaseException) -> str:
    """Reader, kind of error, and where in the code it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/optbench/" in frame.filename] or frames
    return f"{fuzzer.name} {type(error).__name__} {own[-1].filename}:{own[-1].lineno}"


if __name__ == "__main__":
    sys.exit(main())
