from __future__ import annotations

from typing import Any

import pytest

from optbench.report.values import shortened, value_texts

BIAS, NORM = {"match": "*.bias", "lr": 0.1}, {"match": "norm.*", "weight_decay": 0}


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.001, 1e-8, True], ["0.001", "1e-08", "true"]),
        ([[0.9, 0.999], [0.9, 0.99]], ["[0.9, 0.999]", "[0.9, 0.99]"]),
        ([[BIAS], [BIAS, NORM]], ["1", "2"]),
        ([[BIAS], [NORM]], ["[{match: *.bias…", "[{match: norm.*…"]),
        ([[BIAS | {"lr": lr}] for lr in (1, 2)],
         ["[{match: *.bias, lr: 1}]", "[{match: *.bias, lr: 2}]"]),
        (["a_very_long_argument", 1], ["a_very_long_arg…", "1"]),
        ([0.00316227766017, 0.01], ["0.003162", "0.01"]),
        ([0.00316227766017, 0.00316227766], ["0.00316227766017", "0.00316227766"]),
    ],
)  # fmt: skip
def test_values_are_as_short_as_lets_them_differ(values: list[Any], texts: list[str]) -> None:
    keyed = {str(index): value for index, value in enumerate(values)}
    assert list(value_texts(keyed).values()) == texts


def test_a_text_of_the_greatest_length_stands_whole() -> None:
    assert shortened("x" * 16) == "x" * 16
    assert shortened("x" * 17) == "x" * 15 + "…"
