"""A folder of .npy files: mapped, never read whole, and nothing in it executed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from experiments import command, write_experiment

from optbench.catalog.datasets import digests
from optbench.catalog.datasets.channels import channel_moments
from optbench.catalog.datasets.data import Examples
from optbench.catalog.datasets.mapped import Mapped
from optbench.catalog.datasets.own_file import file
from optbench.catalog.datasets.plugin_source import plugin_source
from optbench.errors import EXIT_USAGE, ContentError, DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RANDOM = np.random.RandomState(0)


def arrays(n: int = 12) -> dict[str, NDArray[Any]]:
    return {
        "x_train": RANDOM.standard_normal((n, 4)),
        "y_train": np.arange(n) % 3,
        "x_test": RANDOM.standard_normal((6, 4)),
        "y_test": np.arange(6) % 3,
    }


def saved(folder: Path, parts: dict[str, NDArray[Any]]) -> str:
    folder.mkdir(exist_ok=True)
    for name, array in parts.items():
        np.save(folder / f"{name}.npy", array)
    return str(folder)


def test_a_folder_holds_what_an_npz_file_holds_but_its_inputs_are_not_read(tmp_path: Path) -> None:
    parts = arrays()
    np.savez(tmp_path / "mine.npz", **parts)  # type: ignore[arg-type]
    folder = file(saved(tmp_path / "mine", parts))
    whole = file(str(tmp_path / "mine.npz"))
    assert folder.task == whole.task
    assert (folder.train_size, folder.test_size) == (12, 6)
    assert (folder.mapped_bytes, whole.mapped_bytes) == (18 * 4 * 8, 0)
    for ours, other in zip(folder.load(tmp_path), whole.load(tmp_path), strict=True):
        assert isinstance(ours.inputs, Mapped)
        assert np.array_equal(np.asarray(ours.inputs), other.inputs)
        assert np.array_equal(ours.targets, other.targets)


def test_of_one_part_the_same_share_is_to_test_as_of_an_npz_file(tmp_path: Path) -> None:
    parts = {"x": RANDOM.standard_normal((50, 2, 3)), "y": RANDOM.standard_normal((50, 2))}
    np.savez(tmp_path / "mine.npz", **parts)  # type: ignore[arg-type]
    folder = file(saved(tmp_path / "v1.0", parts), test_share=0.3)  # whose name has a suffix
    whole = file(str(tmp_path / "mine.npz"), test_share=0.3)
    assert len(folder.load(tmp_path)[1]) == 15
    for ours, other in zip(folder.load(tmp_path), whole.load(tmp_path), strict=True):
        assert np.array_equal(np.asarray(ours.inputs), other.inputs)
        assert np.array_equal(ours.targets, other.targets)
        assert ours.targets.dtype == np.float32


def test_moments_of_channels_are_those_of_the_images_in_memory(tmp_path: Path) -> None:
    images = RANDOM.randint(0, 256, (2500, 3, 4, 4)).astype(np.uint8)
    parts: dict[str, NDArray[Any]] = {"x": images, "y": np.arange(2500) % 2}
    train, _ = file(saved(tmp_path / "mine", parts)).load(tmp_path)
    inputs = np.asarray(train.inputs, np.uint8)
    for ours, other in zip(
        channel_moments(train), channel_moments(Examples(inputs, train.targets)), strict=True
    ):
        assert np.array_equal(ours, other)
    mean, _ = channel_moments(train)
    assert np.allclose(mean, inputs.mean((0, 2, 3)) / 255, rtol=1e-5)


def test_what_a_function_returns_as_a_memory_map_stays_in_its_file(tmp_path: Path) -> None:
    saved(tmp_path / "mine", arrays())
    (tmp_path / "data.py").write_text(
        "import numpy as np\n"
        "def mapped(folder):\n"
        "    names = 'x_train', 'y_train', 'x_test', 'y_test'\n"
        "    return {n: np.load(f'{folder}/{n}.npy', mmap_mode='r') for n in names}\n"
    )
    source = plugin_source(f"{tmp_path}/data.py:mapped", {"folder": str(tmp_path / "mine")})
    train, _ = source.load(tmp_path)
    assert isinstance(train.inputs, Mapped)
    assert train.targets.tolist() == [0, 1, 2] * 4
    assert source.mapped_bytes == 18 * 4 * 8


def test_what_a_function_returns_of_a_file_that_torch_shares_stays_there(tmp_path: Path) -> None:
    numbers = RANDOM.standard_normal((20, 4)).astype(np.float32)
    (tmp_path / "numbers.bin").write_bytes(numbers.tobytes())
    (tmp_path / "data.py").write_text(
        "import torch\n"
        "def shared(path):\n"
        "    x = torch.from_file(path, shared=True, size=80).view(20, 4)\n"
        "    return x[:16], torch.arange(16) % 2, x[16:], torch.arange(4) % 2\n"
    )
    path = str(tmp_path / "numbers.bin")
    parts = plugin_source(f"{tmp_path}/data.py:shared", {"path": path}).load(tmp_path)
    for examples, plain in zip(parts, (numbers[:16], numbers[16:]), strict=True):
        assert isinstance(examples.inputs, Mapped)
        assert np.array_equal(np.asarray(examples.inputs), plain)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


REFUSED: dict[str, tuple[dict[str, NDArray[Any]], str]] = {
    "objects": ({"x_train": np.array([[Evil()] * 4] * 12)}, r"x_train\.npy holds Python objects"),
    "fortran": ({"x_train": np.asfortranarray(np.ones((12, 4)))}, r"x_train\.npy is in Fortran"),
    "empty": ({"x_test": np.ones((0, 4))}, r"x_test\.npy is empty: it holds an array \[0, 4\]"),
    "fields": ({"x_train": np.zeros((12, 1), "f4,f4")}, "must hold numbers as inputs"),
    "words": ({"x_train": np.full((12, 4), "word")}, "must hold numbers as inputs, not <U4"),
    "complex": ({"x_train": np.ones((12, 4), complex)}, "must hold numbers as inputs, not complex"),
    "flat": ({"x_train": np.ones(12)}, r"it holds inputs \[12\] and classes \[12\]"),
    "lengths": ({"y_train": np.arange(11) % 3}, r"inputs \[12, 4\] and classes \[11\]"),
    "shapes": ({"x_test": np.ones((6, 5))}, r"train are \[12, 4\] float32, those to test \[6, 5\]"),
    "types": ({"x_test": np.ones((6, 4), np.uint8)}, "float32, those to test .* uint8"),
    "names": ({"y_train": np.full(12, "cat")}, "must number the classes from 0"),
    "gaps": ({"y_train": np.full(12, np.nan)}, "targets to train that are NaN.*nan in example 0"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_arrays_that_make_no_problem_are_refused_and_nothing_in_them_runs(
    change: dict[str, NDArray[Any]],
    reason: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = saved(tmp_path / "mine", arrays() | change)
    with pytest.raises(DataError, match=reason) as caught:
        file(path).load(tmp_path)
    assert path in str(caught.value)
    assert caught.value.exit_code == EXIT_USAGE
    assert "it ran" not in capfd.readouterr().out


def with_header(shape: str) -> bytes:
    """The beginning of a .npy file of float64 that says so of its shape."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def test_files_that_are_none_or_cut_short_or_absent_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "mine", arrays())
    inputs = tmp_path / "mine" / "x_train.npy"
    content = inputs.read_bytes()
    for written, reason in (
        (b"just text", r"x_train\.npy can't be read as \.npy"),
        (b"", r"x_train\.npy can't be read as \.npy"),
        (content[:60], r"x_train\.npy can't be read as \.npy"),
        (b"\x93NUMPY\x03\x00" + content[8:], r"version 3\.0 of the format"),
        (content[:-1], r"x_train\.npy is cut short.*\[12, 4\] of float64 takes 512.* has 511"),
    ):
        inputs.write_bytes(written)
        with pytest.raises(DataError, match=reason):
            file(path).load(tmp_path)
    for shape, reason in (("(12, 4" + ", 1" * 63 + ")", "dimension"), ("(12, True)", "integer")):
        inputs.write_bytes(with_header(shape) + content)
        with pytest.raises(DataError, match=rf"x_train\.npy can't be read as \.npy: .*{reason}"):
            file(path).load(tmp_path)
    inputs.unlink()
    with pytest.raises(DataError, match=r"or x and y; it holds x_test, y_test, y_train\."):
        file(path).load(tmp_path)
    assert file(str(tmp_path / "none")).missing(tmp_path) == (tmp_path / "none",)
    (tmp_path / "plain").write_text("no folder")
    with pytest.raises(DataError, match=r"plain is no folder of \.npy files"):
        file(str(tmp_path / "plain")).load(tmp_path)
    with pytest.raises(UsageError, match=r"or a folder of \.npy files, got .*x_train\.npy"):
        file(str(inputs))
    with pytest.raises(UsageError, match="target names the column"):
        file(path, target="y")


def test_the_content_hash_is_of_the_named_files_alone(tmp_path: Path) -> None:
    parts = arrays()
    one, two = (file(saved(tmp_path / name, parts)) for name in ("one", "two"))
    (tmp_path / "two" / "README.txt").write_text("made by hand")
    np.save(tmp_path / "two" / "x.npy", np.ones(3))
    assert one.content_hash() == two.content_hash()
    np.save(tmp_path / "two" / "y_test.npy", (np.arange(6) + 1) % 3)
    assert one.content_hash() != two.content_hash()


WRONG = [
    ("<f4", np.nan, "nan"),
    (">f8", 1e300, "1e+300"),
    ("f8", -np.inf, "-inf"),
    ("f2", np.inf, "inf"),
    ("g", np.nan, "nan"),
]


@pytest.mark.parametrize(("dtype", "number", "shown"), WRONG)
@pytest.mark.parametrize("block", [48, 1000, 1 << 20])  # bytes; a row here has up to 192
def test_a_number_that_is_none_is_named_by_the_pass_that_finds_the_content_hash(
    dtype: str,
    number: float,
    shown: str,
    block: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(digests, "BLOCK", block)
    inputs = RANDOM.standard_normal((40, 3, 4)).astype(dtype)
    parts = {"x": inputs, "y": np.arange(40) % 2}
    source = file(saved(tmp_path / "mine", parts))
    good = source.content_hash()
    inputs[39, 2, 3], inputs[17, 1, 0] = number, number
    saved(tmp_path / "mine", parts)
    with pytest.raises(ContentError) as caught:
        source.content_hash()
    assert str(caught.value) == (
        f"{tmp_path / 'mine' / 'x.npy'} holds numbers that are NaN, infinite or too large for "
        f"float32: {shown} in example 17, counted from 0.\n"
        "  Mend or leave out such examples; numpy.isfinite finds them."
    )
    inputs[17, 1, 0] = 0
    saved(tmp_path / "mine", parts)
    with pytest.raises(ContentError, match=f"{re.escape(shown)} in example 39,"):
        source.content_hash()
    inputs[39, 2, 3] = np.finfo(np.float32).max if dtype != "f2" else 1
    saved(tmp_path / "mine", parts)
    assert source.content_hash() != good
    assert source.train_size == 32


def test_what_is_behind_the_array_is_no_number_of_it(tmp_path: Path) -> None:
    source = file(saved(tmp_path / "mine", arrays()))
    with (tmp_path / "mine" / "x_test.npy").open("ab") as stream:
        stream.write(np.full(100, np.nan).tobytes())
    assert len(source.content_hash()) == 64


def test_a_digest_that_is_remembered_of_numbers_nobody_looked_at_is_not_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")
    monkeypatch.setattr(digests, "REMEMBERED", 10)
    parts = arrays()
    parts["x_test"][5, 0] = np.inf
    source = file(saved(tmp_path / "mine", parts))
    for path in (tmp_path / "mine").iterdir():
        os.utime(path, ns=(10**18, 10**18))  # long ago
        digests.file_digest(path)
    assert len([*(tmp_path / "cache").rglob("*.json")]) == 4
    for _ in range(2):
        with pytest.raises(ContentError, match=r"x_test\.npy holds .* inf in example 5,"):
            source.content_hash()


def test_a_command_refuses_numbers_that_are_none_before_anything_is_stored(tmp_path: Path) -> None:
    parts = arrays(30)
    parts["x_train"][7, 2] = np.nan
    saved(tmp_path / "mine", parts)
    path = write_experiment(tmp_path, dataset={"name": "file", "path": "mine"})
    for how in ([], ["--dry-run"]):
        outcome = command("run", path, "--runs-dir", tmp_path / "runs", *how)
        assert outcome.code == EXIT_USAGE
        assert "x_train.npy holds numbers that are NaN" in outcome.err
        assert "nan in example 7, counted from 0" in outcome.err
        assert not (tmp_path / "runs").exists()
