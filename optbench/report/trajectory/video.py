"""The picture in motion as an MP4, which ffmpeg encodes where it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from optbench.errors import EnvironmentFault
from optbench.report.trajectory.animation import HOLD, MILLISECONDS, animation_frames

if TYPE_CHECKING:
    from optbench.analysis.pictures.trajectory import TrajectoryPicture

# Players want whole numbers of 2×2 pixels. One thread and no version make the same bytes twice.
_ENCODED = (
    "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-pix_fmt", "yuv420p",
    "-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart",
)  # fmt: skip


def check_ffmpeg() -> str:
    """Where ffmpeg is; raises EnvironmentFault where it isn't."""
    found = shutil.which("ffmpeg")
    if found is None:
        raise EnvironmentFault(
            ".mp4 needs ffmpeg, which isn't on this machine's PATH: install it "
            "(apt install ffmpeg, brew install ffmpeg), or write a .gif"
        )
    return found


def render_mp4(picture: TrajectoryPicture) -> bytes:
    """The frames of the GIF in all their colours, and the last for as long; played once."""
    ffmpeg = check_ffmpeg()
    frames = [*animation_frames(picture)]
    frames += frames[-1:] * (HOLD // MILLISECONDS)
    width, height = frames[0].size
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}")
    with tempfile.TemporaryDirectory() as folder:  # an MP4's head is written last
        path = Path(folder) / "paths.mp4"
        made = subprocess.run(  # noqa: S603  (found by its name)
            [ffmpeg, "-v", "error", *raw, "-r", f"1000/{MILLISECONDS}", "-i", "-", *_ENCODED, path],
            input=b"".join(frame.tobytes() for frame in frames),
            capture_output=True,
            check=False,
        )
        if made.returncode:
            reason = made.stderr.decode(errors="replace").strip().rpartition("\n")[2]
            raise EnvironmentFault(f"ffmpeg can't encode the animation: {reason}; write a .gif")
        return path.read_bytes()
