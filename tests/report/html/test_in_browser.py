"""The page in a real browser, headless: pictures, toggles, sorting, and no request to anywhere."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from pages import page_of
from stored_runs import ADAM, SGD, load, write_seeds
from stored_searches import BETA, LR, Tried, write_search

from optbench.analysis.audit.finding import Finding
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.report.html.page import render_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page, Route

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open pages in")

HOSTILE = "</script><script>window.caught = 1</script><img src=x onerror='window.caught = 2'>"
CURVE = "figure[data-kind=curves]"
ATTEMPTS = """async (address) => {
  await fetch(address).catch(() => null);
  const image = new Image();
  const failed = new Promise((done) => (image.onerror = done));
  image.src = address;
  await failed;
  const script = document.createElement("script");
  script.text = "window.caught = 3";
  document.body.append(script);
  document.body.setAttribute("onclick", "window.caught = 4");
  document.body.click();
}"""


@dataclass
class Visit:
    """An open page, what its console said and what it asked the network for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Page:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.locator("body[data-drawn]").wait_for()
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two optimizers, a grid of two learning rates, a diverged seed, hostile names."""
    runs = tmp_path_factory.mktemp("browser") / "runs"
    for optimizer, shift in ((SGD, 0.0), (SGD | {"lr": 0.1}, 0.01), (ADAM, 0.03)):
        finals = [0.9 + shift + seed / 1000 for seed in range(6)]
        write_seeds(runs, finals, optimizer=optimizer, experiment="pair")
    write_seeds(runs, [0.1], optimizer=SGD | {"lr": 9}, status="diverged", reason=HOSTILE)
    page_of(runs)
    return runs.parent / "report.html"


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 900})
    yield Visit(context.new_page())
    context.close()


def paths(page: Page, kind: str = "curves") -> list[str]:
    """The shapes of all visible lines of a picture."""
    lines = page.locator(f"figure[data-kind={kind}] .mark-line path")
    found: list[str] = lines.evaluate_all(
        "all => all.filter(one => one.getAttribute('opacity') !== '0').map(one => one.outerHTML)"
    )
    return found


def box(page: Page, name: str) -> Locator:
    return page.locator(CURVE).get_by_role("checkbox", name=name)


def column(page: Page, name: str) -> list[str]:
    return page.locator(f"#runs td[data-column={name}]:visible").all_inner_texts()


def test_pictures_appear_and_nothing_is_said_or_asked_for(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    kinds = page.locator("figure").evaluate_all("all => all.map(one => one.dataset.kind)")
    assert kinds == ["curves", "sensitivity", "seeds", "target"]
    for kind in kinds:
        svg = page.locator(f"figure[data-kind={kind}] svg").bounding_box()
        assert svg is not None
        assert svg["width"] > 300
        assert svg["height"] > 100
    assert len(paths(page)) >= 4  # a line a setting and panel
    assert visit.complaints == []
    assert visit.requests == [report.as_uri()]


def test_the_pictures_of_a_search_appear(visit: Visit, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    trials: list[Tried] = [
        ({"lr": 10**-place, "betas[1]": 0.9 + place / 100}, place / 9, 1 - place / 10, "completed")
        for place in range(1, 9)
    ]
    trials = [*trials, ({"lr": 1.0, "betas[1]": 0.9}, 9.0, 0.1, "diverged")] * 2
    folder = write_search(tmp_path, {"adam": trials}, {"adam": [LR, BETA]})
    page_of(folder)
    page = visit.open(folder.parent / "report.html")
    for kind in ("tuning", "importances", "slices", "parallel"):
        svg = page.locator(f"figure[data-kind={kind}] svg").bounding_box()
        assert svg is not None
        assert svg["height"] > 80
    marks = page.locator("figure[data-kind=slices] .mark-symbol path")
    assert marks.count() >= 2 * len(trials)  # two panels
    assert visit.complaints == []


def test_text_from_a_run_never_runs(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    assert page.evaluate("window.caught") is None
    assert HOSTILE in column(page, "reason")


def test_a_hostile_name_is_text_in_pictures_too(visit: Visit, tmp_path: Path) -> None:
    for lr in (0.01, 0.1):
        for name in (HOSTILE, "'] + warn(1) + ['", "sgd"):
            optimizer = SGD | {"name": name, "lr": lr}
            write_seeds(tmp_path / "runs", [0.90, 0.91, 0.92], optimizer=optimizer)
    page_of(tmp_path / "runs")
    page = visit.open(tmp_path / "report.html")
    drawn = page.locator("figure svg text").all_text_contents()
    assert any(HOSTILE in text for text in drawn)
    assert page.evaluate("window.caught") is None
    assert visit.complaints == []
    assert visit.requests == [page.url]


def test_a_request_can_not_leave_the_page(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    left: list[str] = []

    def catch(route: Route) -> None:
        left.append(route.request.url)
        route.abort()

    page.route("http://**", catch)
    page.evaluate(ATTEMPTS, "http://elsewhere.example/")
    assert left == []
    assert page.evaluate("window.caught") is None
    blocked = [line for line in visit.complaints if "Content Security Policy" in line]
    assert len(blocked) >= 4  # of fetch two are told


def test_seeds_can_be_hidden_and_shown(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    every = paths(page)
    box(page, "each seed").click()
    fewer = paths(page)
    assert len(fewer) < len(every)
    box(page, "each seed").click()
    assert paths(page) == every


def test_the_axis_of_losses_is_logarithmic_or_linear(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    logarithmic = paths(page)
    box(page, "log axis").click()
    linear = paths(page)
    assert len(linear) == len(logarithmic)
    assert linear != logarithmic
    box(page, "log axis").click()
    assert paths(page) == logarithmic


def test_an_optimizer_can_be_hidden_by_its_entry_in_the_legend(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    every = paths(page)
    entry = page.locator(f"{CURVE} .mark-rect path").first
    entry.click()
    assert 0 < len(paths(page)) < len(every)
    entry.click()
    assert paths(page) == every


def test_a_point_tells_its_numbers(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    page.locator(f"{CURVE} .mark-symbol path[opacity='0']").first.hover()
    told = page.locator("#vg-tooltip-element")
    told.wait_for()
    assert "setting" in told.inner_text()
    assert "mean" in told.inner_text()


def test_a_hidden_optimizers_points_are_nowhere_to_be_pointed_at(
    visit: Visit, report: Path
) -> None:
    page = visit.open(report)
    areas = "all => all.map(path => path.getBBox().width * path.getBBox().height)"
    sensors = page.locator(f"{CURVE} .mark-symbol path[opacity='0']")
    before = sensors.evaluate_all(areas)
    assert before
    assert min(before) > 0
    page.locator(f"{CURVE} .mark-rect path").first.click()
    after = sensors.evaluate_all(areas)
    assert {area > 0 for area in after} == {True, False}


def test_runs_are_sorted_by_a_header_and_back(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    header = page.locator("#runs th").get_by_text("test accuracy")
    header.click()
    rising = [float(text.rstrip("%")) for text in column(page, "test_accuracy")]
    assert rising == sorted(rising)
    header.click()
    falling = [float(text.rstrip("%")) for text in column(page, "test_accuracy")]
    assert falling == sorted(rising, reverse=True)
    assert page.locator("#runs th[aria-sort=descending]").count() == 1


def test_runs_are_filtered_by_words_and_status(visit: Visit, report: Path) -> None:
    page = visit.open(report)
    assert len(column(page, "status")) == 19
    page.locator("#search").fill("pair adam")
    assert page.locator("#shown").inner_text() == "6 of 19 runs"
    assert len(column(page, "status")) == 6
    page.locator("#search").fill("")
    page.locator("input[value=completed]").uncheck()
    assert column(page, "status") == ["diverged"]


def test_a_command_is_copied(browser: Browser, report: Path, tmp_path: Path) -> None:
    finding = Finding(
        "edge", "at the edge", "mnist", (), (), "optbench run 'a b.yaml' && ls <x", "x"
    )
    page_path = tmp_path / "audited.html"
    comparison = compare(load(report.parent / "runs"), Question())
    page_path.write_text(render_report(comparison, [finding]), encoding="utf-8")
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = Visit(context.new_page()).open(page_path)
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == finding.command
    context.close()


def test_the_theme_is_the_systems_until_somebody_chooses(browser: Browser, report: Path) -> None:
    context = browser.new_context(color_scheme="dark")
    visit = Visit(context.new_page())
    page = visit.open(report)
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.querySelector('figure .role-title-text text')).fill"
    dark = page.evaluate(ground), page.evaluate(ink)
    page.locator("#theme").click()
    assert page.locator("#theme").inner_text() == "Theme: light"
    light = page.evaluate(ground), page.evaluate(ink)
    assert light == ("rgb(255, 255, 255)", "rgb(29, 33, 37)")
    assert dark == ("rgb(20, 23, 26)", "rgb(231, 233, 235)")
    page.reload()
    assert page.evaluate(ground) == light[0]
    page.locator("#theme").click()
    page.emulate_media(media="print")
    assert page.evaluate(ink) == light[1]
    assert visit.complaints == []
    context.close()


def test_a_phone_scrolls_only_tables_and_pictures_sideways(browser: Browser, report: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = Visit(context.new_page()).open(report)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()
