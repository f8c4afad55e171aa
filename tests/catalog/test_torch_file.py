from __future__ import annotations

import io
import pickle
import zipfile

import pytest
import torch

from optbench.catalog.torch_file import load_plain

TENSORS = {"a": torch.arange(6.0), "b": torch.zeros(2, 3)}


def saved(content: object, *, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def rewritten(content: bytes, compression: int, pickled: bytes | None = None) -> bytes:
    """The same archive, compressed, or with another pickle."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            text = pickled if pickled and name.endswith("/data.pkl") else old.read(name)
            new.writestr(name, text, compression)
    return made.getvalue()


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_come_back_from_either_of_torchs_formats(zipped: bool) -> None:
    loaded = load_plain(saved(TENSORS, zipped=zipped))
    assert all(torch.equal(loaded[name], tensor) for name, tensor in TENSORS.items())


def test_an_archive_that_expands_is_refused_before_it_does() -> None:
    bomb = rewritten(saved({"a": torch.zeros(10_000_000)}), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="it is compressed"):
        load_plain(bomb)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_long_name_of_code_is_refused_at_once(zipped: bool) -> None:
    """torch's own message about it takes minutes to make."""
    name = "torch." + "a" * 300_000
    pickled = b"\x80\x02c" + name.encode() + b"\nb\n."
    content = rewritten(saved(TENSORS), zipfile.ZIP_STORED, pickled) if zipped else pickled
    with pytest.raises(pickle.UnpicklingError, match=r"^it names torch\.a{74}$"):
        load_plain(content)
