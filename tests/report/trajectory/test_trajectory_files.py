from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from walked import FAR, NEAR, STRAIGHT, ground, sphere, walked

from optbench.analysis.pictures.trajectory import TrajectoryPicture, trajectory_picture
from optbench.analysis.trajectory import outcomes
from optbench.errors import EnvironmentFault, UsageError
from optbench.report.trajectory.animation import MOST_FRAMES, frame_steps
from optbench.report.trajectory.contours import contour_image
from optbench.report.trajectory.files import SUFFIXES, check_suffix, render_file
from optbench.report.trajectory.specification import map_size, trajectory_specification

PATHS = (STRAIGHT, FAR, NEAR)


def picture() -> TrajectoryPicture:
    return trajectory_picture(sphere(), ground(), PATHS)


def content(suffix: str) -> bytes:
    return render_file(Path(f"file{suffix}"), picture(), outcomes(sphere(), PATHS))


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        (".png", b"\x89PNG"), (".svg", b"<svg"), (".pdf", b"%PDF"), (".gif", b"GIF89a"),
        (".html", b"<!DOCTYPE html>"), (".csv", b"optimizer,step,"), (".json", b"{"),
    ],
)  # fmt: skip
def test_each_ending_gives_its_kind_of_file_and_the_same_bytes_twice(
    suffix: str, start: bytes
) -> None:
    first = content(suffix)
    assert first.startswith(start)
    assert content(suffix) == first


def test_every_ending_is_tried_and_another_is_refused() -> None:
    assert len(SUFFIXES) == 7 + 1  # .mp4, below
    with pytest.raises(UsageError, match=r"file\.mov: the name must end in \.gif, .*'\.mov'"):
        content(".mov")


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffmpeg is not installed")
def test_a_video_holds_its_last_frame_and_is_the_same_bytes_twice(tmp_path: Path) -> None:
    path = tmp_path / "paths.mp4"
    path.write_bytes(content(".mp4"))
    assert content(".mp4") == path.read_bytes()
    asked = "stream=codec_type,pix_fmt,width,height,duration,nb_frames:format=format_name"
    probe = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", asked, str(path)]
    told = json.loads(subprocess.run(probe, check=True, capture_output=True).stdout)
    (stream,) = told["streams"]
    assert (stream["codec_type"], stream["pix_fmt"]) == ("video", "yuv420p")
    assert "mp4" in told["format"]["format_name"]
    assert float(stream["duration"]) == pytest.approx((3 * 60 + 2500) / 1000, abs=0.06)
    assert stream["width"] % 2 == stream["height"] % 2 == 0


def test_a_video_without_ffmpeg_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"needs ffmpeg, .*write a \.gif"):
        check_suffix(Path("a.mp4"))


def test_what_ffmpeg_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\ncat >/dev/null\necho no encoder >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(EnvironmentFault, match=r"can't encode the animation: no encoder"):
        content(".mp4")


def test_a_drawing_names_the_optimizers_and_who_diverged() -> None:
    svg = content(".svg").decode()
    words = re.findall(r">([^<>]+)</text>", svg)
    assert {"sgd", "adam", "momentum (diverged)"} <= {*words}
    assert "sphere · lr=0.1" in words


def test_an_animation_ends_with_the_whole_picture_and_holds_it() -> None:
    gif = Image.open(io.BytesIO(content(".gif")))
    frames = getattr(gif, "n_frames", 1)
    assert frames == 3
    assert gif.info["loop"] == 0  # for ever
    last = np.asarray(_frame(gif, frames - 1), dtype=int)
    still = Image.open(io.BytesIO(content(".png"))).convert("RGB").resize(gif.size)
    differing = np.abs(last - np.asarray(still, dtype=int)).max(axis=2) > 60
    assert differing.mean() < 0.01
    assert np.asarray(_frame(gif, 0), dtype=int)[0, 0].tolist() == [255, 255, 255]
    durations = [_duration(gif, frame) for frame in range(frames)]
    assert durations[-1] > 10 * durations[0]


def _frame(gif: Image.Image, number: int) -> Image.Image:
    gif.seek(number)
    return gif.convert("RGB")


def _duration(gif: Image.Image, number: int) -> int:
    gif.seek(number)
    return int(gif.info["duration"])


def test_an_animation_has_at_most_so_many_frames_and_both_ends() -> None:
    assert frame_steps((0, 1, 2)) == (0, 1, 2)
    many = frame_steps(tuple(range(401)))
    assert len(many) == MOST_FRAMES
    assert (many[0], many[-1]) == (0, 400)


def test_paths_are_drawn_up_to_a_step() -> None:
    early = trajectory_specification(picture(), interactive=False, until=1)
    assert early["params"] == [{"name": "step", "value": 1}]
    lines = json.dumps(early).count('"filter": "datum.step <= step"')
    assert lines == 2  # a panel each


def test_a_map_has_one_scale_for_both_directions_unless_it_is_very_long() -> None:
    width, height = map_size(((-5.0, 5.0), (-3.5, 3.5)))
    assert height / width == pytest.approx(0.7, abs=0.01)
    width, height = map_size(((0.0, 100.0), (0.0, 1.0)))
    assert height / width == pytest.approx(0.5, abs=0.01)


def test_the_surface_is_deepest_in_colour_at_the_minimum_and_symmetrical() -> None:
    url = contour_image(picture())
    data = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    opacity = np.asarray(Image.open(io.BytesIO(data)))[..., 3]
    assert opacity.shape == (64, 64)
    assert opacity[32, 32] > 2 * opacity[0, 0]
    assert (opacity == opacity[::-1]).all()
    assert (opacity == opacity.T).all()


def test_settings_of_one_optimizer_alone_have_colours_of_their_own() -> None:
    paths = [walked(f"sgd lr={lr}", (3, 0), (lr, 0)) for lr in (0.1, 0.2, 0.3)]
    alone = trajectory_picture(sphere(), ground(), paths)
    assert len({trace.series.family for trace in alone.traces}) == 3
    among_others = trajectory_picture(sphere(), ground(), [*paths, NEAR])
    assert [t.series.family for t in among_others.traces] == ["sgd", "sgd", "sgd", "adam"]


def test_a_hostile_label_is_text(tmp_path: Path) -> None:
    label = "</script><script>alert(1)</script>"
    paths = [walked(label, (3, 0), (1, 0))]
    drawn = trajectory_picture(sphere(), ground(), paths)
    page = render_file(Path("a.html"), drawn, outcomes(sphere(), paths)).decode()
    assert label not in page
