from __future__ import annotations

import ast

import pytest

from optbench.catalog.annotations import ANYTHING, UNWRITABLE, kind_of, read_annotation


def kinds(text: str) -> set[str]:
    return set(read_annotation(ast.parse(text, mode="eval").body).kinds)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("int", {"int"}),
        ("builtins.float", {"float"}),
        ("None", {"none"}),
        ("float | None", {"float", "none"}),
        ("Optional[bool]", {"bool", "none"}),
        ("typing.Union[int, str]", {"int", "str"}),
        ("'float | Tensor'", {"float"}),
        ("list[float] | float", {"list", "float"}),
        ("Mapping[str, int]", {"mapping"}),
        ("Literal['a', 2, None]", {"str", "int", "none"}),
        ("Callable[[float], float] | None", {"none"}),
        ("Callable[[float], float]", {UNWRITABLE}),
        ("Tensor", {UNWRITABLE}),
    ],
)
def test_an_annotation_tells_the_kinds_of_values(annotation: str, expected: set[str]) -> None:
    assert kinds(annotation) == expected


@pytest.mark.parametrize("annotation", ["ParamsT", "int | MyEnum", "'not python('", "x[0]", "f()"])
def test_what_is_not_understood_allows_anything(annotation: str) -> None:
    assert read_annotation(ast.parse(annotation, mode="eval").body) == ANYTHING


@pytest.mark.parametrize(
    ("annotation", "length"),
    [
        ("tuple[float, float]", 2),
        ("tuple[float | Tensor, float | Tensor]", 2),
        ("tuple[float, ...]", None),
        ("list[int]", None),
        ("Sequence[int]", None),
        ("float | tuple[float, float, float]", 3),
        ("list[float] | tuple[float, float]", None),
    ],
)
def test_a_tuple_of_fixed_size_tells_its_length(annotation: str, length: int | None) -> None:
    assert read_annotation(ast.parse(annotation, mode="eval").body).length == length


def test_a_literal_tells_its_choices_and_none_is_one_where_a_union_has_it() -> None:
    node = ast.parse("Literal['cos', 'linear'] | None", mode="eval").body
    assert read_annotation(node).choices == ("cos", "linear", None)


def test_true_is_no_number() -> None:
    assert kind_of(True) == "bool"
    values: list[object] = [1, 1.0, "1", None, [1], (1,), {}]
    kinds_of_them = ["int", "float", "str", "none", "list", "list", "mapping"]
    assert [kind_of(value) for value in values] == kinds_of_them
