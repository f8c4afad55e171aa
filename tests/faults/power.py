"""What a loss of power takes: all that a process did not wait for the disk to have.

Folders are taken to be there. A file system may keep more than what is left here.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def note_syncs(notes: Path) -> None:
    """Have each fsync of this process leave in a folder what is safe from then on.

    Of a file that is its content, of a folder the names in it, each with its inode and content.
    """
    notes.mkdir()
    fsync, write, create = os.fsync, os.write, os.open  # others may replace them
    journal = create(notes / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            found = {one.name: content_of(one) for one in path.iterdir() if one.is_file()}
            told: dict[str, Any] = {"folder": str(path), "names": found}
        else:
            told = {"content": content_of(path)}
            copy = create(notes / digest_of(path), os.O_WRONLY | os.O_CREAT)
            write(copy, path.read_bytes())
            os.close(copy)
        write(journal, f"{json.dumps(told)}\n".encode())

    os.fsync = noted  # type: ignore[assignment]


def content_of(path: Path) -> list[Any]:
    """A file's inode, which another may have later, and the SHA-256 of its content."""
    return [path.stat().st_ino, digest_of(path)]


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lose_contents(store: Path, notes: Path) -> None:
    """Every name is on the disk, and of contents what was waited for; other files are empty."""
    safe = [line["content"] for line in journal_of(notes) if "content" in line]
    for path in store.rglob("*"):
        if path.is_file() and content_of(path) not in safe:
            path.write_bytes(b"")


def lose_names(store: Path, notes: Path) -> None:
    """A folder has the names that it had when it was last waited for."""
    lines = journal_of(notes)
    safe = [line["content"] for line in lines if "content" in line]
    names = {line["folder"]: line["names"] for line in lines if "folder" in line}  # the last
    for folder in [path for path in store.rglob("*") if path.is_dir()]:
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()
        for name, content in names.get(str(folder), {}).items():
            kept = (notes / content[1]).read_bytes() if content in safe else b""
            (folder / name).write_bytes(kept)


def journal_of(notes: Path) -> list[dict[str, Any]]:
    path = notes / "journal"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
