"""What torch.save wrote, from anybody: plain tensors and containers, and nothing is executed.

`weights_only` alone isn't enough: torch unpacks what expands without end, and looks for its advice
in a message with a regular expression that takes the square of a name's length.
"""

from __future__ import annotations

import io
import pickle
import struct
import warnings
import zipfile
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint

_ARCHIVE = b"PK\x03\x04"
_LONGEST = 80  # characters of a name in a message


def load_plain(content: bytes) -> Any:
    """The object, its tensors on the CPU.

    Raises ValueError or whatever torch raises for bytes that are something else, an
    UnpicklingError where they name code.
    """
    with warnings.catch_warnings(action="ignore"):  # about other pickles than torch's own
        if content.startswith(_ARCHIVE):  # else it is of the time before torch 1.6
            _check(content)
        try:
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except (AssertionError, struct.error) as error:
            raise ValueError(str(error)) from error


def _check(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, struct.error) as error:
        raise ValueError(f"it is no whole archive: {error}") from error
    if sum(member.file_size for member in members) > len(content):
        raise ValueError("it is compressed, which torch.save does not do")
    if unsafe := get_unsafe_globals_in_checkpoint(io.BytesIO(content)):
        raise pickle.UnpicklingError(f"it names {min(unsafe)[:_LONGEST]}")
