"""A checkpoint's bytes: a line with a digest, then what torch.save wrote.

The digest is checked before torch sees a byte: torch.load alone accepts most damaged files.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch

from optbench.catalog.torch_file import ARCHIVE, load_plain
from optbench.errors import StoreError
from optbench.store.checkpoint_header import ALTERED, HEADER_BYTES, header

if TYPE_CHECKING:
    from optbench.training.learner import Learner


class DamagedCheckpointError(StoreError):
    """The bytes are not what was written."""


def to_bytes(learner: Learner, **beside: str) -> bytes:
    """The learner's state and what is to be kept beside it, sealed."""
    buffer = io.BytesIO(bytes(HEADER_BYTES))
    buffer.seek(HEADER_BYTES)
    torch.save({"run": learner.run.hash, **beside, **learner.state()}, buffer)
    with buffer.getbuffer() as sealed:  # in place: a copy of it all is saved
        sealed[:HEADER_BYTES] = header(sealed[HEADER_BYTES:])
    return buffer.getvalue()


def from_bytes(sealed: bytes, run_hash: str | None = None) -> dict[str, Any]:
    """The state in a checkpoint, of that run where one is named.

    Raises `DamagedCheckpointError` where the digest is wrong, the content can't be read as
    plain tensors and numbers, or it belongs to another run.
    """
    content = sealed[HEADER_BYTES:]
    if sealed[:HEADER_BYTES] != header(content):
        raise DamagedCheckpointError(ALTERED)
    if not content.startswith(ARCHIVE):
        raise DamagedCheckpointError("torch can't read it: it is no archive")
    try:
        state = load_plain(content)
    except Exception as error:
        raise DamagedCheckpointError(f"torch can't read it: {error}") from error
    if not isinstance(state, dict) or state.get("run") != (run_hash or state.get("run")):
        raise DamagedCheckpointError("it belongs to another run")
    return state
