from __future__ import annotations

import hashlib
import io
import os
import pickle
import random
from typing import TYPE_CHECKING

import pytest
import torch
from experiments import make_learner, make_runs, train_all

from optbench.store.checkpoint_header import MAGIC
from optbench.training.checkpoint import DamagedCheckpointError, from_bytes, to_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from optbench.training.learner import Learner


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    (run,) = make_runs(tmp_path_factory.mktemp("run"))
    found = make_learner(run)
    train_all(found)
    return found


def seal(content: bytes) -> bytes:
    """Any content under a digest that is right."""
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def test_a_checkpoint_gives_back_what_was_put_in(learner: Learner) -> None:
    state = from_bytes(to_bytes(learner), learner.run.hash)
    assert state["steps"] == 12
    assert state["rows"] == learner.rows
    for name, tensor in learner.model.state_dict().items():
        assert torch.equal(state["model"][name], tensor)


def test_the_digest_is_that_of_what_torch_wrote(learner: Learner) -> None:
    header, _, content = to_bytes(learner).partition(b"\n")
    assert header == b"optbench checkpoint 2 " + hashlib.sha256(content).hexdigest().encode()
    assert torch.load(io.BytesIO(content), weights_only=True)["run"] == learner.run.hash


def test_every_flipped_bit_is_noticed(learner: Learner) -> None:
    sealed = to_bytes(learner)
    draw = random.Random(0)
    for position in [*range(0, 100, 7), *draw.sample(range(len(sealed)), 60)]:
        damaged = bytearray(sealed)
        damaged[position] ^= 1 << draw.randrange(8)
        with pytest.raises(DamagedCheckpointError):
            from_bytes(bytes(damaged), learner.run.hash)


@pytest.mark.parametrize("kept", [0, 1, 22, 86, 87, 88, 500, -1])
def test_a_truncated_checkpoint_is_noticed(learner: Learner, kept: int) -> None:
    with pytest.raises(DamagedCheckpointError):
        from_bytes(to_bytes(learner)[:kept], learner.run.hash)


def test_a_checkpoint_of_another_run_is_refused(learner: Learner) -> None:
    with pytest.raises(DamagedCheckpointError, match="belongs to another run"):
        from_bytes(to_bytes(learner), "0" * 64)


class Bomb:
    """Pickled, it is a command that runs when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_that_runs_code_runs_nothing(
    learner: Learner, tmp_path: Path, writer: str
) -> None:
    crater = tmp_path / "crater"
    buffer = io.BytesIO()
    bomb = {"run": learner.run.hash, "model": Bomb(crater)}
    if writer == "pickle":
        pickle.dump(bomb, buffer)
    else:
        torch.save(bomb, buffer)
    with pytest.raises(DamagedCheckpointError, match="torch can't read it"):
        from_bytes(seal(buffer.getvalue()), learner.run.hash)
    assert not crater.exists()


@pytest.mark.parametrize("content", [[1, 2], {"steps": 3}, torch.zeros(2)])
def test_what_is_no_checkpoint_at_all_is_refused(learner: Learner, content: object) -> None:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with pytest.raises(DamagedCheckpointError):
        from_bytes(seal(buffer.getvalue()), learner.run.hash)
