"""What torch.save wrote, from anybody: plain tensors and containers, and nothing is executed.

`weights_only` alone isn't enough: torch unpacks what expands without end, and looks for its advice
in a message with a regular expression that takes the square of a name's length.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import pickletools
import struct
import warnings
import zipfile
from typing import Any

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint

ARCHIVE = b"PK\x03\x04"
_PICKLES = 5  # a magic number, the protocol, the system, the object, the keys of its tensors
_LONGEST = 80  # characters of a name


def load_plain(content: bytes) -> Any:
    """The object, its tensors on the CPU.

    Raises ValueError or whatever torch raises for bytes that are something else, an
    UnpicklingError where they name code.
    """
    with warnings.catch_warnings(action="ignore"):  # about other pickles than torch's own
        if content.startswith(ARCHIVE):
            _check(content)
        else:  # of the time before torch 1.6
            _check_names(content)
        try:
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except (AssertionError, struct.error) as error:
            raise ValueError(str(error)) from error


def _check_names(content: bytes) -> None:
    """Of the pickles that stand one after the other in torch's older format."""
    stream = io.BytesIO(content)
    with contextlib.suppress(ValueError):  # torch will say what is wrong with them
        for _ in range(_PICKLES):
            for operation, name, _ in pickletools.genops(stream):
                if operation.name == "GLOBAL" and len(str(name)) > _LONGEST:
                    raise pickle.UnpicklingError(f"it names {str(name)[:_LONGEST]}")


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
