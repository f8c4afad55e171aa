"""Runs a command of optbench and tells what it did beside computing.

The first argument is where to write a line of JSON for each event of interest, the rest is the
command's.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# Python's own list: https://docs.python.org/3/library/audit_events.html
ACTS = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
    "subprocess.Popen", "socket.connect", "socket.bind", "socket.getaddrinfo", "pty.spawn",
    "ctypes.dlopen",
)  # fmt: skip
CHANGES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile",
)  # fmt: skip
told: list[dict[str, Any]] = []


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | bytes):
        path, _, flags = arguments
        name = os.fsdecode(path)
        followed = Path(name).is_symlink() and not flags & os.O_NOFOLLOW
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))
        told.append({"event": "open", "what": [name], "writes": writes, "followed": followed})
    elif event == "exec":
        told.append({"event": "exec", "what": [getattr(arguments[0], "co_filename", "")]})
    elif event == "import":
        told.append({"event": "import", "what": [str(arguments[0]), str(arguments[1])]})
    elif event in ("os.remove", "os.rmdir") and arguments[1] >= 0:  # relative to a folder
        folder = Path(f"/proc/self/fd/{arguments[1]}").readlink()
        told.append({"event": event, "what": [str(folder / os.fsdecode(arguments[0]))]})
    elif event in ACTS or event in CHANGES:
        told.append({"event": event, "what": [str(one) for one in arguments]})


def main() -> None:
    place = Path(sys.argv[1])
    sys.argv = ["optbench", *sys.argv[2:]]
    from optbench.__main__ import main as command

    sys.addaudithook(hook)
    try:
        command()
    finally:
        lines = "".join(f"{json.dumps(line)}\n" for line in told)
        place.write_text(lines, encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    main()
