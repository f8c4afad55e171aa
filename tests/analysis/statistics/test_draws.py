from __future__ import annotations

from optbench.analysis.statistics.draws import named_generator


def test_a_name_always_gives_the_same_numbers() -> None:
    # PCG64's stream is fixed by numpy (NEP 19), the seed by SHA-256 of the name
    assert named_generator("trials").random() == named_generator("trials").random()


def test_other_names_give_other_numbers() -> None:
    assert named_generator("trials").random() != named_generator("splits").random()
