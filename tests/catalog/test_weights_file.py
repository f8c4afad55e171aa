from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from mirror_server import serving

from optbench.catalog.weights_file import locate, obtain
from optbench.config.spec import Weights
from optbench.errors import EXIT_ENVIRONMENT, DataError

CONTENT = b"tensors"
NAME = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"
CLOSED = "http://127.0.0.1:1/"  # nothing listens on port 1


def weights(mirror: str) -> Weights:
    return Weights(Path("torchvision", NAME), content="", address=mirror + NAME)


def silently(line: str) -> None:
    """Nobody to announce to."""


def test_what_is_missing_is_downloaded_once_and_checked(tmp_path: Path) -> None:
    said: list[str] = []
    with serving({NAME: CONTENT}) as mirror:
        found = obtain(weights(mirror.url), tmp_path, said.append)
        mirror.requests.clear()
        again = obtain(weights(mirror.url), tmp_path, pytest.fail)
        assert mirror.requests == []
    assert found == again
    assert found.path == tmp_path / "torchvision" / NAME
    assert found.path.read_bytes() == CONTENT
    assert said == [f"Downloading {NAME} to {tmp_path / 'torchvision'}"]


@pytest.mark.parametrize("fault", ["short", "500", "wrong"])
def test_a_faulty_mirror_is_an_error_and_leaves_no_file(tmp_path: Path, fault: str) -> None:
    with serving({NAME: CONTENT}, fault) as mirror, pytest.raises(DataError) as caught:
        obtain(weights(mirror.url), tmp_path, silently)
    assert caught.value.exit_code == EXIT_ENVIRONMENT
    assert str(caught.value).startswith(f"The weights {NAME} are neither in ")
    assert not (tmp_path / "torchvision" / NAME).exists()


def test_without_a_network_it_says_where_they_are_and_where_they_go(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        obtain(weights(CLOSED), tmp_path, silently)
    first, *rest = str(caught.value).splitlines()
    assert "nor downloadable (no network reaches its mirrors)" in first
    assert f"  They are at {CLOSED}{NAME}." in rest
    assert "--data-dir" in rest[-1]


def test_looking_for_them_downloads_nothing(tmp_path: Path) -> None:
    with serving({NAME: CONTENT}) as mirror, pytest.raises(DataError, match="are not in "):
        locate(weights(mirror.url), tmp_path)
    assert mirror.requests == []


def test_a_file_with_another_digest_than_its_name_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "torchvision" / NAME
    path.parent.mkdir()
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="is damaged or another file"):
        obtain(weights(CLOSED), tmp_path, silently)


def test_a_file_of_ones_own_stays_where_it_is(tmp_path: Path) -> None:
    mine = Weights(tmp_path / "mine.pt", "digest")
    assert obtain(mine, tmp_path / "data", pytest.fail) == mine
