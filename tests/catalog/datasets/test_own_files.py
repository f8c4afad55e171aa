from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from optbench.catalog.datasets.own_file import file
from optbench.errors import EXIT_ENVIRONMENT, DataError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RANDOM = np.random.RandomState(0)


def parts(n: int = 6, shape: tuple[int, ...] = (4,)) -> dict[str, NDArray[Any]]:
    return {
        "x_train": RANDOM.standard_normal((n, *shape)),
        "y_train": np.arange(n) % 3,
        "x_test": RANDOM.standard_normal((3, *shape)),
        "y_test": np.arange(3),
    }


def saved(path: Path, arrays: dict[str, NDArray[Any]]) -> str:
    if path.suffix == ".npz":
        np.savez(path, allow_pickle=True, **arrays)
    else:
        torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    return str(path)


@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_arrays_are_found_by_their_names(suffix: str, tmp_path: Path) -> None:
    arrays = parts(shape=(1, 5))
    source = file(saved(tmp_path / f"mine{suffix}", arrays))
    train, test = source.load(tmp_path)
    assert np.array_equal(train.inputs, arrays["x_train"].astype(np.float32))
    assert test.targets.tolist() == [0, 1, 2]
    assert (source.train_size, source.test_size, source.classes) == (6, 3, 3)
    assert source.input_shape == (1, 5)


def test_bytes_stay_bytes_which_stand_for_255ths(tmp_path: Path) -> None:
    arrays = parts() | {"x_train": np.full((6, 4), 255, np.uint8), "x_test": np.zeros((3, 4), "u1")}
    train, _ = file(saved(tmp_path / "mine.npz", arrays)).load(tmp_path)
    assert train.inputs.dtype == np.uint8


def test_one_part_is_divided_by_class_and_always_alike(tmp_path: Path) -> None:
    y = np.array([0] * 60 + [1] * 30 + [2] * 10)
    path = saved(tmp_path / "mine.npz", {"x": np.arange(100.0)[:, None], "y": y})
    train, test = file(path).load(tmp_path)
    assert np.bincount(test.targets).tolist() == [12, 6, 2]  # a fifth of each class
    assert sorted([*train.inputs.ravel(), *test.inputs.ravel()]) == list(range(100))
    assert np.array_equal(file(path).load(tmp_path)[1].inputs, test.inputs)
    assert len(file(path, test_share=0.5).load(tmp_path)[1]) == 50


def test_a_table_has_features_and_a_column_of_classes_in_words_or_numbers(tmp_path: Path) -> None:
    path = tmp_path / "iris.csv"
    rows = [f"{i},{2 * i}.5,{'setosa' if i % 2 else 'virginica'}" for i in range(10)]
    path.write_text("\n".join(["length,width,kind", *rows]))
    train, test = file(str(path)).load(tmp_path)
    examples = {
        tuple(x): y for e in (train, test) for x, y in zip(e.inputs, e.targets, strict=True)
    }
    assert examples == {(i, 2 * i + 0.5): 0 if i % 2 else 1 for i in range(10)}  # alphabetical
    path.write_text("class,a\n" + "\n".join(f"{i % 2},{i}" for i in range(10)))
    assert file(str(path), target="class").classes == 2


def test_the_content_hash_is_of_the_content_not_of_the_place(tmp_path: Path) -> None:
    arrays = parts()
    (tmp_path / "sub").mkdir()
    one = file(saved(tmp_path / "one.npz", arrays))
    same = file(saved(tmp_path / "sub" / "two.npz", arrays))
    other = file(saved(tmp_path / "other.npz", parts(9)))
    assert one.content_hash() == same.content_hash() != other.content_hash()


def test_what_is_not_there_is_missing_and_can_be_replaced(tmp_path: Path) -> None:
    source = file(str(tmp_path / "none.npz"))
    assert source.missing(tmp_path) == (tmp_path / "none.npz",)
    assert len(source.content_hash()) == 64
    with pytest.raises(DataError, match=r"none\.npz isn't there") as caught:
        source.fetch(tmp_path, lambda line: None)
    assert caught.value.exit_code == EXIT_ENVIRONMENT


ONE = np.ones((6, 4))
REFUSED = {
    "lengths": ({"y_train": np.arange(5)}, r"inputs \[6, 4\] and classes \[5\]"),
    "no classes": ({"y_train": np.ones((6, 2), int)}, r"inputs \[6, 4\] and classes \[6, 2\]"),
    "shapes": ({"x_test": np.ones((3, 5))}, r"train are \[6, 4\] float32, those to test \[3, 5\]"),
    "types": ({"x_test": np.ones((3, 4), np.uint8)}, "float32, those to test .* uint8"),
    "nan": ({"x_train": ONE * np.nan}, "NaN, infinite"),
    "huge": ({"x_train": ONE * 1e300}, "too large for float32"),
    "words": ({"x_train": ONE.astype(str)}, "must hold numbers as inputs"),
    "widths": ({"y_train": np.ones((6, 2)), "y_test": np.ones((3, 1))}, "got 2 to train and 1 to"),
    "gaps": ({"y_train": np.full(6, np.nan)}, "holds targets to train that are NaN"),
    "negative": ({"y_train": np.arange(6) - 1}, "number the classes from 0 in whole numbers"),
    "absent": ({"y_test": np.array([0, 3, 1])}, "no training example of class 3"),
    "from one": ({"y_train": np.arange(6) % 2 + 1}, "no training example of class 0"),
    "wild": ({"y_test": np.array([0, 10**12, 1])}, "names a class 1,000,000,000,000"),
    "single": ({"y_train": np.zeros(6, int), "y_test": np.zeros(3, int)}, "a single class"),
}


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_arrays_that_make_no_problem_are_refused(
    change: dict[str, NDArray[Any]], reason: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "mine.npz", parts() | change)
    with pytest.raises(DataError, match=reason) as caught:
        file(path).load(tmp_path)
    assert path in str(caught.value)


def test_fractions_and_columns_of_floats_are_numbers_to_predict(tmp_path: Path) -> None:
    fractions = {"y_train": np.arange(6) / 2, "y_test": np.arange(3)}
    source = file(saved(tmp_path / "one.npz", parts() | fractions))
    train, test = source.load(tmp_path)
    assert train.targets.tolist() == [[0], [0.5], [1], [1.5], [2], [2.5]]
    assert test.targets.tolist() == [[0], [1], [2]]
    assert (source.classes, source.task.losses, source.task.graded) == (1, ("mse",), False)
    columns = {"x": RANDOM.standard_normal((20, 2)), "y": np.ones((20, 3)) * [[0, 1, 0]]}
    source = file(saved(tmp_path / "three.npz", columns))
    assert (source.classes, source.train_size, source.test_size) == (3, 16, 4)
    assert source.task.losses == ("mse", "bce", "bce_with_logits")  # all of them 0 or 1


def test_whole_numbers_are_classes_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.npz", parts() | {"y_train": np.arange(6) * 100_000})
    with pytest.raises(DataError, match=r"names a class 500,000.* in a file by targets: numbers\."):
        file(path).load(tmp_path)
    train, _ = file(path, targets="numbers").load(tmp_path)
    assert train.targets.ravel().tolist() == [0, 1e5, 2e5, 3e5, 4e5, 5e5]
    halves = saved(tmp_path / "half.npz", parts() | {"y_train": np.arange(6) / 2})
    with pytest.raises(DataError, match="number the classes"):
        file(halves, targets="classes").load(tmp_path)


def test_a_table_may_have_a_column_of_numbers_to_predict(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("rooms,price,age\n" + "".join(f"{i},{100 * i},{i % 3}\n" for i in range(10)))
    train, test = file(str(path), target="price", targets="numbers").load(tmp_path)
    for examples in (train, test):
        assert (examples.targets[:, 0] == 100 * examples.inputs[:, 0]).all()
    path.write_text("rooms,price\n1,cheap\n2,3\n")
    with pytest.raises(DataError, match=r"prices\.csv:2: column 'price' holds 'cheap'"):
        file(str(path), targets="numbers").load(tmp_path)


def test_other_names_are_listed_beside_the_ones_that_are_wanted(tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.npz", {"images": ONE, "labels": np.arange(6)})
    with pytest.raises(DataError, match=r"or x and y; it holds images, labels\."):
        file(path).load(tmp_path)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


@pytest.mark.parametrize("name", ["evil.npz", "evil.pt", "text.npz", "text.pt", "single.npz"])
def test_files_of_another_kind_are_refused_and_nothing_in_them_runs(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    evil = np.array([Evil()], object)
    if name == "evil.npz":
        np.savez(path, x=evil, y=evil)
    elif name == "evil.pt":
        torch.save({"x": Evil()}, path)
    elif name == "single.npz":
        np.save(path.with_suffix(".npy"), ONE)
        path.with_suffix(".npy").rename(path)
    else:
        path.write_text("just text")
    with pytest.raises(DataError, match=f"{name} can't be read as"):
        file(str(path)).load(tmp_path)
    assert "it ran" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,0\nx,1\n", "mine.csv:3: column 'a' holds 'x', which is no number"),
        (b"a,b\n1,0\n,1\n", "mine.csv:3: column 'a' holds nothing"),
        (b"a,b\n1,0\n%d,1\n" % 2**64, "mine.csv:3: column 'a' holds an integer beyond 64 bits"),
        (b"a,b\n1,0\n2,-%d\n" % 2**64, "mine.csv:3: column 'b' holds an integer beyond 64 bits"),
        (b"a,b\n1,0\ninf,1\n", "mine.csv:3: column 'a' holds inf, which is infinite or too large"),
        (b"a,b\n1,0.5\n1,1e39\n", r"mine.csv:3: column 'b' holds 1e\+39, which is infinite or too"),
        (b"a,b\n1,0\nNaN,1\n", "mine.csv:3: column 'a' holds nan, which is no number"),
        (b"b\n0\n1\n", "no column but 'b': there are no features"),
        (b"", "can't be read as .csv"),
        ("größe,b\n1,0\n2,1\n".encode("latin-1"), "can't be read as .csv"),
        (b"a,b\n1,0\n2,3,4\n", "can't be read as .csv"),
    ],
)
def test_tables_that_are_none_are_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        file(str(tmp_path / "mine.csv")).load(tmp_path)


def test_an_unknown_target_is_told_the_columns(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a,b\n1,0\n")
    with pytest.raises(DataError, match="no column 'c' among a, b"):
        file(str(tmp_path / "mine.csv"), target="c").load(tmp_path)


@pytest.mark.parametrize("arguments", [{"path": "x.pkl"}, {"path": "x.npz", "target": "y"}])
def test_arguments_that_no_file_takes_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        file(**arguments)


@pytest.mark.parametrize("gap", ["nan", "NA", "?"])
def test_a_gap_among_numbers_to_predict_is_no_class(tmp_path: Path, gap: str) -> None:
    cells = [gap if i == 7 else f"{i % 3 + 0.5}" for i in range(30)]
    path = tmp_path / "gaps.csv"
    path.write_text("\n".join(["x,y", *(f"{i},{cell}" for i, cell in enumerate(cells))]))
    with pytest.raises(DataError, match=r"gaps.csv:9: column 'y' holds"):
        file(str(path)).load(tmp_path)


def test_targets_that_are_nan_are_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "nan.npz"
    np.savez(path, x=np.ones((6, 2)), y=np.array([0.5, 1.5, np.nan, 2.5, 0.5, 1.5]))
    with pytest.raises(DataError, match="targets that are NaN"):
        file(str(path)).load(tmp_path)
