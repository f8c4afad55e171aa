from __future__ import annotations

import gzip
import hashlib
import os
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from mirror_server import LONG, serving
from tiny_mnist import CLOSED, FixedRemote, archives, raw_files, tiny_source

from optbench.catalog.datasets.download import download
from optbench.catalog.datasets.reachability import await_answer
from optbench.catalog.datasets.remote import Remote, UnavailableError, torchvision_remote
from optbench.errors import EXIT_ENVIRONMENT, DataError

FAULTS = ["short", "stall", "drip", "500", "wrong"]


def silently(line: str) -> None:
    """Nobody to announce to."""


def arrived(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".download.lock"}


def bring(data_dir: Path, *mirrors: str, stall: float = LONG, window: float = LONG) -> Path:
    """Download the tiny data set; returns its folder."""
    folder, remote = data_dir / "Tiny" / "raw", FixedRemote(mirrors)()
    download(tiny_source().files, folder, remote, silently, stall=stall, window=window)
    return folder


def test_a_download_brings_all_files_and_can_be_loaded(tmp_path: Path) -> None:
    said: list[str] = []
    with serving(archives()) as mirror:
        source = tiny_source(mirror.url)
        source.fetch(tmp_path, said.append)
    assert source.missing(tmp_path) == ()
    assert len(source.load(tmp_path)[0]) == 20
    assert arrived(tmp_path / "Tiny" / "raw") == set(archives())
    assert len(said) == 4
    assert "train-images-idx3-ubyte.gz" in said[0]


def test_only_what_is_missing_is_downloaded(tmp_path: Path) -> None:
    folder = tmp_path / "Tiny" / "raw"
    folder.mkdir(parents=True)
    for name in ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"):
        (folder / name).write_bytes(raw_files()[name])
    with serving(archives()) as mirror:
        bring(tmp_path, mirror.url)
    fetched = {name for method, name in mirror.requests if method == "GET"}
    assert fetched == {"train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}


def test_nothing_missing_means_no_request_at_all(tmp_path: Path) -> None:
    with serving(archives()) as mirror:
        source = tiny_source(mirror.url)
        source.fetch(tmp_path, silently)
        mirror.requests.clear()
        source.fetch(tmp_path, pytest.fail)
        assert mirror.requests == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_mirror_is_an_error_and_leaves_no_file(fault: str, tmp_path: Path) -> None:
    with serving(archives(), fault) as mirror, pytest.raises(UnavailableError) as caught:
        bring(tmp_path, mirror.url, stall=0.5, window=0.5)
    assert "train-images-idx3-ubyte.gz" in caught.value.reason
    assert f"127.0.0.1:{mirror.server_port}" in caught.value.details[0]
    assert arrived(tmp_path / "Tiny" / "raw") == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_mirror_helps_out(fault: str, tmp_path: Path) -> None:
    with serving(archives(), fault) as bad, serving(archives()) as good:
        folder = bring(tmp_path, bad.url, good.url, stall=0.5, window=0.5)
    assert bad.count("GET") > 0
    assert arrived(folder) == set(archives())
    assert (
        gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
        == (raw_files()["t10k-labels-idx1-ubyte"])
    )


def test_bytes_that_torchvision_accepts_are_still_compared_with_the_pinned_content(
    tmp_path: Path,
) -> None:
    other = {name: gzip.compress(b"something else", mtime=0) for name in archives()}
    sums = {n: hashlib.md5(c, usedforsecurity=False).hexdigest() for n, c in other.items()}
    with serving(other) as mirror, pytest.raises(UnavailableError):
        download(
            tiny_source().files, tmp_path / "raw", Remote((mirror.url,), sums), silently, stall=LONG
        )
    assert arrived(tmp_path / "raw") == set()


def test_a_failed_download_is_one_error_with_reason_folder_files_and_remedies(
    tmp_path: Path,
) -> None:
    with serving(archives(), "500") as mirror, pytest.raises(DataError) as caught:
        tiny_source(mirror.url).fetch(tmp_path, silently)
    said = str(caught.value)
    assert caught.value.exit_code == EXIT_ENVIRONMENT
    assert said.startswith(f"tiny is neither in {tmp_path} nor downloadable (no mirror has a good")
    for expected in ("HTTP 500", str(tmp_path / "Tiny" / "raw"), "t10k-labels-idx1-ubyte"):
        assert expected in said
    for remedy in ("--data-dir", "$OPTBENCH_DATA", "fallback", "mnist-5k"):
        assert remedy in said


def test_what_a_killed_download_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "Tiny" / "raw" / ".download"
    left.mkdir(parents=True)
    (left / "train-images-idx3-ubyte.gz").write_bytes(b"half a fi")
    with serving(archives()) as mirror:
        assert arrived(bring(tmp_path, mirror.url)) == set(archives())


CLIENT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tiny_mnist import tiny_source
source = tiny_source({mirror!r})
source.fetch(Path({data_dir!r}), lambda line: None)
source.load(Path({data_dir!r}))
"""


def client(code: str, **values: str) -> subprocess.Popen[str]:
    tests = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", code.format(tests=tests, **values)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_sixteen_clients_make_one_download(tmp_path: Path) -> None:
    with serving(archives(), clients=16) as mirror:  # no body before all sixteen have asked
        clients = [client(CLIENT, mirror=mirror.url, data_dir=str(tmp_path)) for _ in range(16)]
        complaints = [process.communicate(timeout=300)[1] for process in clients]
    assert complaints == [""] * 16
    assert [process.returncode for process in clients] == [0] * 16
    assert mirror.count("HEAD") == 16
    assert mirror.count("GET") == 4 * 2  # torchvision asks where a file is, then for the file
    assert arrived(tmp_path / "Tiny" / "raw") == set(archives())


FULL_DISK = (
    """
import resource, signal, sys
import torchvision
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
"""
    + CLIENT
)


def test_a_disk_without_room_is_named_and_no_half_file_stays(tmp_path: Path) -> None:
    with serving(archives()) as mirror:
        process = client(FULL_DISK, mirror=mirror.url, data_dir=str(tmp_path))
        complaint = process.communicate(timeout=300)[1]
    assert f"tiny can't be stored in {tmp_path} (File too large)" in complaint
    assert arrived(tmp_path / "Tiny" / "raw") == set()


def test_a_data_directory_that_is_a_file_can_not_store(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a directory")
    with serving(archives()) as mirror, pytest.raises(DataError, match="can't be stored"):
        tiny_source(mirror.url).fetch(tmp_path / "data", silently)


def test_a_mirror_that_drips_is_named_with_the_pace_that_is_asked_for(tmp_path: Path) -> None:
    with serving(archives(), "drip") as mirror, pytest.raises(UnavailableError) as caught:
        bring(tmp_path, mirror.url, window=0.2)
    host = f"127.0.0.1:{mirror.server_port}"
    assert caught.value.details == (f"{host}: less than 10 kB a second for 0.2 s",)


def test_a_file_that_comes_in_many_pieces_is_whole_where_the_pace_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optbench.catalog.datasets.pace.LEAST", 1)  # which a drip exceeds
    name = "train-images-idx3-ubyte.gz"
    with serving(archives(), "drip") as mirror:
        remote = FixedRemote((mirror.url,))()
        download(tiny_source().files[:1], tmp_path, remote, silently, stall=LONG, window=0.2)
    assert (tmp_path / name).read_bytes() == archives()[name]


def test_no_progress_bar_where_standard_error_is_no_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(archives()) as mirror:
        bring(tmp_path, mirror.url)
    assert capfd.readouterr() == ("", "")


def test_the_time_limits_of_the_process_are_put_back(tmp_path: Path) -> None:
    with serving(archives()) as mirror:
        bring(tmp_path, mirror.url, stall=7)
    assert socket.getdefaulttimeout() is None
    assert HTTPConnection.response_class is HTTPResponse


def test_a_mirror_that_refuses_is_no_answer() -> None:
    with serving(archives(), "gone") as mirror, pytest.raises(UnavailableError) as caught:
        await_answer([CLOSED, f"{mirror.url}x.gz"], LONG)
    assert caught.value.details == (
        "127.0.0.1:1: Connection refused",
        f"127.0.0.1:{mirror.server_port}: HTTP 404 Not Found",
    )


def test_one_mirror_that_answers_is_enough() -> None:
    with serving(archives(), "silent") as silent, serving(archives()) as good:
        await_answer([CLOSED, f"{silent.url}x.gz", f"{good.url}x.gz"], LONG)


def test_a_silent_network_is_given_up_and_nothing_is_created(tmp_path: Path) -> None:
    told = r"0\.3 s|no network reaches"  # the mirror's silence may be noticed first
    with serving(archives(), "silent") as mirror, pytest.raises(UnavailableError, match=told):
        bring(tmp_path, mirror.url, stall=0.3)
    assert list(tmp_path.iterdir()) == []


def test_a_name_look_up_that_never_returns_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()

    def hang(*arguments: object, **options: object) -> list[object]:
        end.wait(LONG)
        raise socket.gaierror("given up")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    try:
        with pytest.raises(UnavailableError, match="no answer from the network"):
            await_answer(["http://mirror.invalid/x.gz"], 0.3)
    finally:
        end.set()


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_mirrors_and_sums_are_the_ones_of_the_installed_torchvision(name: str) -> None:
    import torchvision.datasets  # takes seconds

    imported = getattr(torchvision.datasets, name)
    remote = torchvision_remote(name)
    assert list(remote.mirrors) == imported.mirrors
    assert list(remote.md5.items()) == imported.resources


def test_a_torchvision_that_names_no_mirrors_is_no_bug_of_ours() -> None:
    with pytest.raises(UnavailableError, match="names no mirrors"):
        torchvision_remote("NoSuchDataset")
