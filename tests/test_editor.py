"""Experiment files in an editor, through the language server that editors run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from language_server import SERVER, LanguageServer

from optbench.commands.schema import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(SERVER is None, reason="there is no yaml-language-server")
CONFIGS = Path(__file__).parents[1] / "configs"
LINE = f"# yaml-language-server: $schema={FILE}\n"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    folder = tmp_path_factory.mktemp("editor")
    shutil.copy(CONFIGS / FILE, folder)
    with LanguageServer(folder) as server:
        yield server


def test_a_shipped_experiment_has_no_mistakes(editor: LanguageServer) -> None:
    text = (CONFIGS / "adam_vs_sgd_tuned.yaml").read_text(encoding="utf-8")
    assert editor.problems("tuned.yaml", text) == []


def test_mistakes_are_underlined_where_they_are(editor: LanguageServer) -> None:
    text = "dataset: mnist\nmodel: {name: mlp, hiden: [8]}\noptimizer: {name: adam, lr: -0.1}\n"
    (hiden, negative) = editor.problems("wrong.yaml", LINE + text)
    assert hiden[0] == 3
    assert "hiden" in hiden[1]
    assert negative[0] == 4
    assert "minimum" in negative[1]


def test_arguments_of_the_optimizer_that_is_named_are_offered(editor: LanguageServer) -> None:
    text = "dataset: mnist\nmodel: mlp\noptimizer:\n  name: sgd\n  |\n"
    offered = editor.completions("arguments.yaml", LINE + text)
    assert {"lr", "momentum", "nesterov", "groups"} <= set(offered)
    assert "betas" not in offered
    assert "learning rate" in offered["lr"]


def test_names_are_offered(editor: LanguageServer) -> None:
    text = "dataset: mnist\nmodel: mlp\noptimizer:\n  - name: |\n"
    assert {"adam", "sgd", "reference.lion"} <= set(editor.completions("names.yaml", LINE + text))


def test_a_key_is_explained(editor: LanguageServer) -> None:
    text = "dataset: mnist\nmodel: mlp\noptimizer: adam\ntraining: {label_smoo|thing: 0.1}\n"
    assert "spread over all classes" in editor.hover("explained.yaml", LINE + text)
