from __future__ import annotations

import json

from walked import FAR, NEAR, STRAIGHT, sphere, walked

from optbench.analysis.trajectory import outcomes
from optbench.report.formats import render_table, to_csv
from optbench.report.trajectory.table import closing, outcome_table, position_table


def test_the_table_tells_who_arrived_when_and_where_each_ended() -> None:
    trajectories = sphere()
    table = outcome_table(trajectories, outcomes(trajectories, [FAR, NEAR, STRAIGHT]))
    text = render_table(table, "table", width=100)
    assert text.startswith("sphere · lr=0.1 · 200 steps from (−4, 3)\n")
    rows = [line.split() for line in text.splitlines()]
    assert ["sgd", "2", "0.005", "2.50e-05", "0.005", "0.000"] in rows
    assert ["adam", "never", "1.414", "2.000", "1.000", "1.000"] in rows
    assert any(row[:2] == ["momentum", "never"] and row[-1] == "3" for row in rows)
    assert "diverged at step 3" in text


def test_programs_get_exact_values() -> None:
    trajectories = sphere()
    table = outcome_table(trajectories, outcomes(trajectories, [NEAR, FAR]))
    first, second = json.loads(render_table(table, "json"))["rows"]
    assert (first["optimizer"], first["steps"], first["distance"]) == ("adam", None, 2**0.5)
    assert (first["diverged"], second["diverged"]) == (False, True)


def test_the_title_names_arguments_and_noise() -> None:
    trajectories = sphere("objective={name: bowl, condition: 30}", "noise=0.5", "seed=3", "steps=1")
    table = outcome_table(trajectories, outcomes(trajectories, [NEAR]))
    told = "bowl · condition 30 · lr=0.1 · 1 step from (−4.5, 2.5) · gradient noise 0.5 (seed 3)"
    assert table.title == told


def told(*paths: object) -> str:
    trajectories = sphere()
    return closing(trajectories, outcomes(trajectories, paths))  # type: ignore[arg-type]


def test_the_closing_sentence_names_the_first() -> None:
    assert told(NEAR, STRAIGHT) == "sgd is first within 0.01 of a minimum: after 2 steps."
    again = walked("adam", (3, 0), (2, 0), (0, 0))
    assert told(again, STRAIGHT).startswith("adam and sgd are first within 0.01 of a minimum")


def test_the_closing_sentence_says_when_the_first_did_not_stay() -> None:
    passing = walked("sgd", (3, 0), (0, 0), (-2, 0))
    sentence = "sgd is first within 0.01 of a minimum: after 1 step, but ends 2.000 away again."
    assert told(passing) == sentence


def test_the_closing_sentence_says_when_nobody_arrived() -> None:
    nearest = "adam ends nearest to one, 1.414 away"
    assert told(NEAR, FAR) == f"None came within 0.01 of a minimum; {nearest}."
    assert told(FAR) == "Every path diverged: try smaller learning rates."


def test_every_position_is_a_row() -> None:
    lines = to_csv(position_table([STRAIGHT, NEAR])).splitlines()
    assert lines[0] == "optimizer,step,x,y,value,grad_norm,lr"
    assert lines[1] == "sgd,0,3,0,9,6.0,0.1"
    assert len(lines) == 1 + 6
