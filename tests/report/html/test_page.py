"""The page for browsers: what stands in it, and that no run can put anything else there."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from experiments import run_module
from pages import Reader, page_of
from stored_runs import ADAM, SGD, load, write_seeds

from optbench.analysis.audit.finding import Finding
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.html.assets import json_block
from optbench.report.html.page import render_report

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 191 }}{% raw %}",
    "<!--<script>",
    "a\u2028b",
    "]]></style><svg onload=alert(1)>",
]
TAGS = {
    *("a", "body", "button", "code", "dd", "details", "div", "dl", "dt", "figcaption", "figure"),
    *("footer", "h1", "h2", "h3", "head", "header", "html", "input", "label", "li", "main", "meta"),
    *("nav", "noscript", "ol", "output", "p", "script", "section", "style", "summary", "table"),
    *("tbody", "td", "th", "thead", "title", "tr", "ul"),
}


def rewrite(runs: Path, **changes: Any) -> None:
    """Change these keys of every result.json, mappings key by key."""
    for path in runs.rglob("result.json"):
        document = json.loads(path.read_text())
        for key, value in changes.items():
            old = document[key]
            document[key] = old | value if isinstance(old, dict) else value
        path.write_text(json.dumps(document))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Adam 3 points above SGD in each of eight seeds."""
    folder = tmp_path / "runs"
    finals = [0.9 + seed / 1000 for seed in range(8)]
    write_seeds(folder, finals, optimizer=SGD)
    write_seeds(folder, [final + 0.03 for final in finals], optimizer=ADAM)
    return folder


def test_the_verdict_stands_in_words_and_coloured_in_the_table(runs: Path) -> None:
    page = Reader(page_of(runs))
    assert any("better than sgd's: +3.0 points" in p.words for p in page.all("p"))
    coloured = [td for td in page.all("td") if td.attributes.get("class") == "better"]
    assert [td.words for td in coloured] == ["better"]


def test_what_is_undecided_has_no_colour(tmp_path: Path) -> None:
    write_seeds(tmp_path / "runs", [0.90, 0.92, 0.91, 0.93, 0.90, 0.92], optimizer=SGD)
    write_seeds(tmp_path / "runs", [0.92, 0.90, 0.92, 0.91, 0.93, 0.90], optimizer=ADAM)
    page = Reader(page_of(tmp_path / "runs"))
    assert "undecided" in [td.words for td in page.all("td")]
    assert not {"better", "worse"} & {td.attributes.get("class", "") for td in page.all("td")}


def test_the_same_runs_make_the_same_page_in_every_process(runs: Path, tmp_path: Path) -> None:
    pages = []
    for seed in ("1", "2"):  # of the order in which Python's sets are iterated
        out = run_module("report", "runs", cwd=tmp_path, environment={"PYTHONHASHSEED": seed})
        assert out.code == 0, out.err
        pages.append((tmp_path / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_every_run_has_a_row_with_its_status_reason_and_directory(runs: Path) -> None:
    write_seeds(runs, [0.1], optimizer=SGD | {"lr": 9}, status="diverged", experiment="wild")
    page = Reader(page_of(runs))
    cells = {
        name: [td.words for td in page.all("td") if td.attributes["data-column"] == name]
        for name in ("status", "reason", "directory")
    }
    assert sorted(cells["status"]) == ["completed"] * 16 + ["diverged"]
    assert [reason for reason in cells["reason"] if reason] == ["train loss became nan at step 12"]
    assert sorted(cells["directory"]) == sorted(str(p.parent) for p in runs.rglob("result.json"))


def test_environments_that_differ_are_told_with_the_runs_that_have_them(runs: Path) -> None:
    odd = sorted(runs.rglob("result.json"))[0]
    document = json.loads(odd.read_text())
    document["environment"]["threads"] = 2
    odd.write_text(json.dumps(document))
    page = Reader(page_of(runs))
    cells = [td for td in page.all("td") if td.attributes["data-column"] in ("what", "value", "n")]
    told = [td.words for td in cells if td.attributes["data-column"] != "n"]
    assert told == ["threads", "1", "", "2"]
    which = [td.words for td in page.all("td") if td.attributes["data-column"] == "which"]
    assert which[1] == odd.parent.name
    assert which[0].endswith("and 10 more")  # of 15, five are named


def test_what_differs_between_settings_is_told_with_defaults(runs: Path) -> None:
    page = Reader(page_of(runs))
    cells = [td.words for td in page.all("td") if td.attributes["data-column"] in ("setting", "lr")]
    assert "0.001" in cells
    facts = [dd.words for dd in page.all("dd")]
    assert "[0.9, 0.999] (adam)" in facts
    assert "60,000" in facts


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_from_a_run_becomes_markup_or_script(runs: Path, text: str) -> None:
    config = json.loads(next(runs.rglob("result.json")).read_text())["config"]
    rewrite(
        runs,
        experiment=text,
        reason=text,
        labels={"problem": text, "setting": text},
        requested_dataset=text,
        environment={text: text, "host": text},
        cohort={"reason": text},
        config={"dataset": config["dataset"] | {"name": text}},
    )
    for number, path in enumerate(sorted(runs.rglob("result.json"))):
        document = json.loads(path.read_text())
        document["config"]["optimizer"] |= {"name": text + document["config"]["optimizer"]["name"]}
        document["config"]["optimizer"] |= {text: text + str(number % 2)}
        path.write_text(json.dumps(document))
    html = page_of(runs)
    page = Reader(html)
    assert {element.tag for element in page.elements} <= TAGS
    assert len(page.all("script")) == 3  # data, library and the page's own
    names = {name for element in page.elements for name in element.attributes}
    assert not [name for name in names if name.startswith("on")]
    links = [a.attributes["href"] for a in page.all("a")]
    assert all(link.startswith("#") for link in links)
    shown = text.replace("\u2028", "\\u2028")
    assert shown in page.all("h1")[0].words
    assert "\u2028" not in html
    assert "1337" not in html  # nobody calculates 7 * 191


def test_findings_are_told_with_settings_runs_and_the_command_that_mends(runs: Path) -> None:
    finding = Finding(
        kind="too few seeds",
        message="3 seeds cannot decide",
        problem="mnist",
        settings=("adam lr=0.001",),
        runs=(Path("runs/a"), Path("runs/b")),
        command="optbench run a.yaml --seeds '+5' && echo <done>",
        why="no difference could decide",
    )
    comparison = compare(load(runs), Question())
    page = Reader(render_report(comparison, [finding]))
    told = {element.words for element in page.elements}
    assert {"3 seeds cannot decide.", "Why it matters: no difference could decide."} <= told
    assert [code.words for code in page.all("code")] == [finding.command]
    assert "1 setting and 2 runs" in [summary.words for summary in page.all("summary")]
    assert {"adam lr=0.001", "runs/a", "runs/b"} <= {item.words for item in page.all("li")}


def test_data_in_a_script_element_can_not_end_it_and_reads_back() -> None:
    data = {"label": "</script><!--\u2028&'", "value": [1.23456789, float("nan")]}
    text = json_block(data)
    assert not set("<>&'\u2028") & set(text)
    assert json.loads(text) == {"label": data["label"], "value": [1.23457, None]}


def test_the_policy_lets_in_the_pages_own_scripts_and_style_and_nothing_else(runs: Path) -> None:
    page = Reader(page_of(runs))
    metas = {meta.attributes.get("http-equiv"): meta.attributes for meta in page.all("meta")}
    policy = metas["Content-Security-Policy"]["content"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert set(rules) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    scripts = [s for s in page.all("script") if "type" not in s.attributes]
    assert rules["script-src"].split() == [digest(script.text) for script in scripts]
    assert rules["style-src"].split() == [digest(style.text) for style in page.all("style")]


def digest(text: list[str]) -> str:
    """A source of a Content-Security-Policy, as the standard has it."""
    found = hashlib.sha256("".join(text).encode()).digest()
    return f"'sha256-{base64.b64encode(found).decode()}'"


def test_the_templates_are_in_the_package() -> None:
    import optbench.report.html as package

    folder = Path(package.__file__).parent / "templates"
    pages = {"page.html", "page.js", "trajectory.html", "trajectory.js", "notebook.html"}
    shared = {"head.html", "tables.html", "style.css", "theme.js", "picture.js"}
    assert {path.name for path in folder.iterdir()} == pages | shared
