"""The documentation as a site: complete, without broken links, and without a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)]
    built = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f'href="{page.stem}.html"' in home, page


def test_files_of_the_repository_that_pages_name_come_along(site: Path) -> None:
    copy = site / "source" / "benchmarks" / "study.yaml.txt"
    assert copy.read_bytes() == (ROOT / "benchmarks" / "study.yaml").read_bytes()
    assert 'href="source/benchmarks/study.yaml.txt"' in (site / "performance.html").read_text()


def test_it_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]+src="([^"]+)', text)
        loaded += re.findall(r'<link[^>]+rel="stylesheet"[^>]+href="([^"]+)', text)
        assert [address for address in loaded if "//" in address] == [], page
