"""The page of paths in a real browser, headless: it plays, stops, and asks no network."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from walked import ground, sphere, walked

from optbench.analysis.pictures.trajectory import trajectory_picture
from optbench.analysis.trajectory import outcomes
from optbench.report.trajectory.files import render_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open pages in")

SPIRAL = walked("adam", *[(4 * 0.98**k, 3 * 0.95**k) for k in range(101)])
LINE = walked("sgd", *[(4 - k / 30, 3 - k / 40) for k in range(101)])
LINES = "figure .mark-line path"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    picture = trajectory_picture(sphere(), ground(), [SPIRAL, LINE])
    path = tmp_path_factory.mktemp("page") / "paths.html"
    path.write_bytes(render_file(path, picture, outcomes(sphere(), [SPIRAL, LINE])))
    return path


@pytest.fixture
def told() -> list[str]:
    """What the console says, and requests to anywhere."""
    return []


@pytest.fixture
def page(file: Path, told: list[str]) -> Iterator[Page]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM)
        opened = browser.new_page(reduced_motion="reduce")
        opened.on("console", lambda message: told.append(message.text))
        opened.on("pageerror", lambda error: told.append(str(error)))
        opened.on("request", lambda request: told.append(request.url))
        opened.goto(file.as_uri())
        opened.locator("body[data-drawn]").wait_for()
        yield opened
        browser.close()


def shapes(page: Page) -> list[str]:
    found: list[str] = page.locator(LINES).evaluate_all("all => all.map(p => p.getAttribute('d'))")
    return found


def test_the_page_stands_still_for_who_asks_for_less_motion_and_shows_whole_paths(
    page: Page, file: Path, told: list[str]
) -> None:
    assert page.locator("#shown").inner_text() == "step 100 of 100"
    assert page.locator("#play").inner_text() == "Play"
    assert len(shapes(page)) == 4  # two paths in two panels
    assert page.locator("figure svg image").count() == 1
    drawn = page.locator("figure svg image").evaluate(
        "async one => { const i = new Image(); i.src = one.href.baseVal; await i.decode();"
        " return i.width; }"
    )
    assert drawn == 64
    assert told == [file.as_uri()]


def test_the_slider_takes_paths_back(page: Page) -> None:
    whole = shapes(page)
    page.locator("#step").fill("10")
    page.locator("#shown", has_text="step 10 of 100").wait_for()
    page.wait_for_function(f"document.querySelector('{LINES}').getAttribute('d').length < 500")
    assert [shape.count("L") for shape in shapes(page)] == [10] * 4
    page.locator("#step").fill("100")
    page.wait_for_function(f"document.querySelector('{LINES}').getAttribute('d').length > 500")
    assert shapes(page) == whole


def test_play_runs_from_the_beginning_and_ends_with_the_paths(page: Page) -> None:
    page.locator("#play").click()
    page.locator("#play", has_text="Pause").wait_for()
    page.locator("#shown").filter(has_text=re.compile(r"step \d\d? of")).wait_for()
    page.locator("#play").click()
    assert page.locator("#play").inner_text() == "Play"
    page.locator("#play").click()
    page.locator("#shown", has_text="step 100 of 100").wait_for()
    page.locator("#play", has_text="Play").wait_for()


def test_a_click_in_the_legend_hides_an_optimizer(page: Page) -> None:
    hidden = (
        f"[...document.querySelectorAll('{LINES}')].filter(p => p.getAttribute('opacity') === '0')"
    )
    page.locator("figure .mark-rect path").first.click()
    page.wait_for_function(f"{hidden}.length === 2")
