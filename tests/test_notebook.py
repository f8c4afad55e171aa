"""Comparisons that show themselves, and the example notebook."""

from __future__ import annotations

import ast
import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from experiments import command
from stored_runs import write_seeds

from optbench import UsageError, compare, load_runs

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"


def test_a_comparison_prints_as_the_commands_text(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.95, 0.97])
    shown = command("compare", tmp_path).out
    assert shown.startswith(repr(compare(tmp_path)))


def test_a_comparison_shows_tables_sentences_and_curves(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.95, 0.97])
    comparison = compare(tmp_path)
    page = comparison._repr_html_()
    (cell,) = re.findall(r'data-column="test_accuracy"[^>]*>([^<]*)<', page)
    assert cell in repr(comparison)
    (picture,) = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", page)
    assert base64.b64decode(picture).startswith(b"<svg")
    assert "<script" not in page


def test_names_from_a_strangers_runs_are_escaped(tmp_path: Path) -> None:
    optimizer = {"name": "x:<img src=y onerror=alert(1)>", "lr": 0.1}
    write_seeds(tmp_path, [0.95, 0.97], optimizer=optimizer)
    assert "<img src=y" not in compare(tmp_path)._repr_html_()


def test_pictures_are_saved_and_shown(tmp_path: Path) -> None:
    write_seeds(tmp_path / "runs", [0.95, 0.97])
    picture = compare(tmp_path / "runs").chart("seeds")
    assert picture._repr_svg_().startswith("<svg")
    picture.save(tmp_path / "seeds.png")
    assert (tmp_path / "seeds.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError):
        _ = compare(tmp_path / "runs").chart("heatmap").svg


def test_its_table_has_exact_values(tmp_path: Path) -> None:
    write_seeds(tmp_path, [0.95, 0.97])
    table = compare(tmp_path).table()
    last = load_runs(tmp_path).filter(epoch=load_runs(tmp_path)["epoch"].max())
    assert table["test_accuracy"].to_list() == pytest.approx([last["test_accuracy"].mean()])


@pytest.mark.slow
def test_the_example_notebook_says_what_its_cells_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) == 6
    names: dict[str, Any] = {}
    for cell in cells:
        (output,) = cell["outputs"]
        value = _last_value("".join(cell["source"]), names)
        assert repr(value) == "".join(output["data"]["text/plain"])


def _last_value(source: str, names: dict[str, Any]) -> Any:
    """Execute a cell; the value of its last line, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307
