"""Experiment files that were written to crash, to hang or to run something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from experiments import PACKAGE

from faults import yaml_child
from faults.sabotage import Sabotage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from faults.injections import Injection

pytestmark = pytest.mark.faults

MEMORY = 200_000  # kB
VALID = (
    b"dataset: synthetic\nmodel: mlp\noptimizer: {name: adam, lr: 0.01}\ntraining: {epochs: 1}\n"
)


def laughs(levels: int, many: int) -> bytes:
    """`many` to the power of `levels` values, by aliases of aliases."""
    lines = [b"x0: &x0 [lol]"]
    lines += [
        b"x%d: &x%d [%s]" % (n, n, b", ".join([b"*x%d" % (n - 1)] * many)) for n in range(1, levels)
    ]
    return b"\n".join(lines) + b"\n"


# Name → content, and the key in which a mistake is told where there is one.
FILES: dict[str, tuple[bytes, str]] = {
    "a tag": (VALID + b"seeds: !!python/object/apply:os.mkdir [crater]\n", "seeds"),
    "a new object": (VALID + b"seeds: !!python/object/new:os.system [mkdir crater]\n", "seeds"),
    "a tag of one's own": (VALID + b"seeds: !run mkdir crater\n", "seeds"),
    "a tag on a right value": (VALID + b"seeds: !!int 3\n", "seeds"),
    "a tag on a right mapping": (
        b"model: !!map {name: mlp}\n" + VALID.replace(b"model: mlp\n", b""),
        "model",
    ),
    "a tag directive": (b"%TAG ! tag:yaml.org,2002:python/\n---\nseeds: !name:os.system\n", ""),
    "100 kB of brackets": (b"seeds: " + b"[" * 100_000, "seeds"),
    "100 kB of braces": (b"seeds: " + b"{a: " * 25_000, "seeds"),
    "lists in lists": (b"seeds:\n" + b"".join(b" " * n + b"-\n" for n in range(600)), "seeds"),
    "900 kB of dashes": (b"- " * 450_000, ""),
    "a mapping in a mapping": (b"".join(b" " * n + b"a:\n" for n in range(1300)), "a"),
    "an alias bomb": (laughs(9, 9), ""),
    "a tall alias bomb": (laughs(400, 2), ""),
    "a cycle": (b"seeds: &a [*a]\n", "seeds"),
    "a cycle of mappings": (b"model: &m {name: mlp, hidden: *m}\n", "model"),
    "a merge key": (b"model: &m {name: mlp}\noptimizer: {<<: *m}\n", "optimizer"),
    "50 MB of spaces": (b" " * 50_000_000, ""),
    "50 MB of keys": (b"a: 1\n" * 10_000_000, ""),
    "1 MB of keys": (b"a: 1\n" * 199_999, "a"),
    "1 MB of a text": (b"name: " + b"a" * 999_000 + b"\n", "name"),
    "1 MB of a quoted text": (b'name: "' + b"\\t" * 499_000 + b'"\n', "name"),
    "1 MB of an open quote": (b"name: '" + b"a\n" * 499_000, ""),
    "1 MB of comments": (b"# a\n" * 249_000, ""),
    "1 MB of empty lines": (b"\n" * 999_000, ""),
    "1 MB of anchors": (b"seeds: [" + b"&a 1, " * 166_000 + b"]\n", "seeds"),
    "1 MB of complex keys": (b"? " * 499_000, ""),
    "1 MB of documents": (b"---\n" * 249_000, ""),
    "1 MB of directives": (b"%YAML 1.2\n" * 99_000, ""),
    "1 MB of a number": (VALID + b"seeds: " + b"9" * 990_000 + b"\n", "seeds"),
    "1 MB of bytes": (bytes(range(128, 256)) * 7_800, ""),
    "a NUL": (VALID.replace(b"adam", b"ad\0am"), ""),
    "an escaped NUL": (b'name: "a\\0b"\n', "name"),
    "an escape beyond Unicode": (b'name: "\\UFFFFFFFF"\n', ""),
    "a lone surrogate": (b'name: "\\ud800"\n', "name"),
    "a terminal's code": (VALID.replace(b"adam", b"a\x1b[2Jdam"), ""),
    "text that turns around": (VALID + "seeds: \u202e5\n".encode(), ""),
    "UTF-16": (VALID.decode().encode("utf-16"), ""),
    "UTF-32": (VALID.decode().encode("utf-32"), ""),
    "Latin-1": (VALID + b"seeds: \xe9\n", ""),
    "a byte order mark within": (VALID + b"seeds: \xef\xbb\xbf1\n", ""),
    "nothing": (b"", ""),
    "a number alone": (b"3\n", ""),
}
FORGIVEN = {"a byte order mark": b"\xef\xbb\xbf" + VALID}
# What is wrong with these has no line.
WHOLE = {
    "50 MB of spaces",
    "50 MB of keys",
    "UTF-16",
    "UTF-32",
    "nothing",
    "1 MB of comments",
    "1 MB of empty lines",
}


def load_all(folder: Path, files: dict[str, bytes], **environment: str) -> dict[str, Any]:
    paths = {name: folder / f"{number}.yaml" for number, name in enumerate(files)}
    for name, path in paths.items():
        path.write_bytes(files[name])
    done = subprocess.run(
        [sys.executable, yaml_child.__file__, *paths.values()],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    lines = done.stdout.splitlines()
    return {name: json.loads(line) for name, line in zip(paths, lines, strict=True)}


@pytest.mark.parametrize(
    "environment", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0"}], ids=["as it is", "LC_ALL=C"]
)
def test_an_evil_file_is_refused_with_its_place_in_two_seconds_and_200_mb(
    tmp_path: Path, environment: dict[str, str], injecting: Callable[[str, str], Injection]
) -> None:
    fault = injecting("yaml", "tags, nesting, alias bombs, cycles, 1 to 50 MB, encodings; LC_ALL=C")
    told = load_all(
        tmp_path, {name: content for name, (content, _) in FILES.items()}, **environment
    )
    for number, (name, (_, key)) in enumerate(FILES.items()):
        found = told[name]
        with fault.holds():
            assert found["status"] == 0, f"{name}: ended by {found['status']}"
            assert found["peak"] < MEMORY, name
            assert found["problems"], name
            first = found["problems"][0]
            assert first["file"].endswith(f"/{number}.yaml"), name
            assert first["line"] > 0 or name in WHOLE, (name, first)
            assert any(p["key"].startswith(key) for p in found["problems"]), (name, first)
            assert str(first["text"]).isprintable() or "\n" in first["text"], name
    assert not (tmp_path / "crater").exists()


def test_a_byte_order_mark_at_the_start_means_nothing(tmp_path: Path) -> None:
    assert load_all(tmp_path, FORGIVEN)["a byte order mark"]["problems"] == []


SABOTAGE = [
    Sabotage(
        "yaml",
        "that tags are refused",
        "optbench/config/yaml_composer.py",
        "        if event.tag is not None:\n",
        "        if False:\n",
        "test_an_evil_file_is_refused_with_its_place_in_two_seconds_and_200_mb",
    ),
    Sabotage(
        "yaml",
        "the bound of nesting and size",
        "optbench/config/yaml_composer.py",
        "        self._size += size\n",
        "        return\n        self._size += size\n",
        "test_an_evil_file_is_refused_with_its_place_in_two_seconds_and_200_mb",
    ),
    Sabotage(
        "yaml",
        "the bound of a file's size",
        "optbench/config/yaml_source.py",
        "MAX_BYTES = 1_000_000",
        "MAX_BYTES = 100_000_000",
        "test_an_evil_file_is_refused_with_its_place_in_two_seconds_and_200_mb",
    ),
]
