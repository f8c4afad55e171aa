"""A checkpoint's bytes: a line with a digest, then what torch.save wrote.

The digest is checked before torch sees a byte: torch.load alone accepts most damaged files.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import torch

from optbench.catalog.torch_file import load_plain
from optbench.errors import StoreError

if TYPE_CHECKING:
    from optbench.training.learner import Learner

MAGIC = b"optbench checkpoint 1 "
_HEADER_BYTES = len(MAGIC) + 64 + 1


class DamagedCheckpointError(StoreError):
    """The bytes are not what was written."""


def to_bytes(learner: Learner) -> bytes:
    """The learner's state, sealed."""
    buffer = io.BytesIO()
    torch.save({"run": learner.run.hash, **learner.state()}, buffer)
    content = buffer.getvalue()
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def from_bytes(sealed: bytes, run_hash: str) -> dict[str, Any]:
    """The state in a checkpoint of that run.

    Raises `DamagedCheckpointError` where the digest is wrong, the content can't be read as
    plain tensors and numbers, or it belongs to another run.
    """
    header, content = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
    digest = hashlib.sha256(content).hexdigest().encode()
    if header != MAGIC + digest + b"\n":
        raise DamagedCheckpointError("its digest is not that of its content")
    try:
        state = load_plain(content)
    except Exception as error:
        raise DamagedCheckpointError(f"torch can't read it: {error}") from error
    if not isinstance(state, dict) or state.get("run") != run_hash:
        raise DamagedCheckpointError("it belongs to another run")
    return state
