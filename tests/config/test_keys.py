from __future__ import annotations

import pytest

from optbench.config.keys import check_keys
from optbench.config.node import Problems
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError

KNOWN = ("metric", "setting", "ratio")


def test_known_keys_pass() -> None:
    problems = Problems()
    assert check_keys(parse("{ratio: 1, metric: 2}", "a"), "k", KNOWN, problems) == {
        "ratio", "metric",
    }  # fmt: skip
    assert not problems


def test_a_key_that_belongs_elsewhere_is_told_its_path_and_stands_for_no_known_key() -> None:
    problems = Problems()
    paths = {"size": "setting.size"}
    assert check_keys(parse("{size: 1, sise: 2}", "a"), "", KNOWN, problems, paths) == set()
    with pytest.raises(ConfigError) as told:
        problems.raise_if_any()
    assert [p.remedy for p in told.value.problems] == ["did you mean 'setting.size'?"] * 2


def test_unknown_keys_are_noted_at_their_place_and_count_as_the_ones_meant() -> None:
    problems = Problems()
    assert check_keys(parse("{metrc: 1,\n zzz: 2}", "a"), "k", KNOWN, problems) == {"metric"}
    with pytest.raises(ConfigError) as told:
        problems.raise_if_any()
    assert [(p.key, p.mark.line, p.remedy, p.width) for p in told.value.problems] == [
        ("k.metrc", 1, "did you mean 'metric'?", 5),
        ("k.zzz", 2, "known keys: metric, setting, ratio", 3),
    ]
