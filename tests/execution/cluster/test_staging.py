"""Files that go from a node to the store by a folder that both see, and folders that are not."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from typing import TYPE_CHECKING

import pytest

from optbench.errors import EnvironmentFault, StoreError
from optbench.execution.cluster.staging import StagingFolder, staging
from optbench.store.leftovers import find_leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from optbench.execution.cluster.staging import Staging
    from optbench.store.staged import Staged

NEEDS = "--shared-store needs the runs directory, one for all, at the same path on every node"


@pytest.fixture
def area(tmp_path: Path) -> Iterator[Staging]:
    with staging(tmp_path / "runs") as area:
        yield area


def test_what_a_node_stages_is_there_whole_and_told_by_size_and_digest(area: Staging) -> None:
    folder = area.folder()
    contents = [b"weights", b"", b"state" * 1000]
    told = folder.stage(contents)
    assert [staged.path.read_bytes() for staged in told] == contents
    assert [staged.size for staged in told] == [7, 0, 5000]
    assert [staged.sha256 for staged in told] == [hashlib.sha256(c).hexdigest() for c in contents]
    for staged in told:
        folder.check(staged)


def test_attempts_have_folders_of_their_own(area: Staging) -> None:
    ours, theirs = area.folder(), area.folder()
    (staged,) = ours.stage([b"x"])
    with pytest.raises(EnvironmentFault):
        theirs.check(staged)


def test_a_node_that_sees_the_folder_says_so(area: Staging) -> None:
    folder = area.folder()
    folder.check(folder.answer())


@pytest.mark.parametrize("elsewhere", ["missing", "of somebody else"])
def test_a_node_that_does_not_see_the_folder_is_named(
    area: Staging, tmp_path: Path, elsewhere: str
) -> None:
    folder = area.folder()
    other = folder.path if elsewhere == "of somebody else" else tmp_path / "a" / "b"
    with pytest.raises(EnvironmentFault) as told:
        StagingFolder(other, "0" * 32).answer()
    assert str(told.value) == f"{platform.node()} does not see {other.parent.parent}; {NEEDS}"


def removed(staged: Staged) -> Staged:
    staged.path.unlink()
    return staged


def cut_off(staged: Staged) -> Staged:
    staged.path.write_bytes(b"")
    return staged


def linked(staged: Staged) -> Staged:
    staged.path.rename(staged.path.with_name("other"))
    staged.path.symlink_to("other")
    return staged


def outside(staged: Staged) -> Staged:
    path = staged.path.parent.parent / "other"
    return dataclasses.replace(staged, path=staged.path.rename(path))


@pytest.mark.parametrize("change", [removed, cut_off, linked, outside])
def test_a_file_that_is_not_as_a_node_told_it_is_refused(
    area: Staging, change: Callable[[Staged], Staged]
) -> None:
    folder = area.folder()
    (staged,) = folder.stage([b"weights"])
    changed = change(staged)
    with pytest.raises(EnvironmentFault) as told:
        folder.check(changed)
    assert str(told.value) == f"what a node wrote to {changed.path} is not here; {NEEDS}"


def test_a_node_that_comes_back_can_not_make_its_folder_again(area: Staging) -> None:
    folder = area.folder()
    folder.remove()
    with pytest.raises(StoreError):
        folder.stage([b"weights"])
    assert not folder.path.exists()


def test_the_folder_is_no_leftover_while_its_command_lives_and_goes_with_it(
    tmp_path: Path,
) -> None:
    with staging(tmp_path) as area:
        area.folder().stage([b"weights"])
        assert area.path.parent == tmp_path
        assert find_leftovers(tmp_path) == ()
    assert not list(tmp_path.iterdir())
