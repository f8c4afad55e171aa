"""Judges configs/claims and writes what docs/claims.md shows of it: verdicts, numbers, pictures.

python scripts/claims_page.py                 # trains what runs/ lacks, minutes
python scripts/claims_page.py adam_lr_range   # these files' parts alone
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from optbench import load_experiment
from optbench.report.formats import markdown_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "claims.md"
FOLDERS = (ROOT / "configs" / "claims", ROOT / "configs" / "claims_large")
BLOCK = re.compile(r"(<!-- judged: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
VERDICTS = ("supported", "refuted", "undecided")
MOST_PIXELS = (1200, 1500)
MOST_COLOURS = 64  # of a picture's palette: a fifteenth of the bytes

# What `optbench compare` draws of a file's runs.
PICTURES: dict[str, tuple[str, ...]] = {
    "adam_converges_faster": ("--metric", "val_accuracy"),
    "adam_converges_faster_cnn": (),
    "adam_lr_range": ("--kind", "sensitivity"),
    "adamw_decouples": ("--kind", "heatmap", "--metric", "val_loss"),
    "bias_correction_beta2": ("--kind", "sensitivity", "--where", "epochs=1", "--by", "setting"),
    "gradient_noise": ("--kind", "sensitivity"),
    "lr_sensitivity": ("--kind", "sensitivity"),
    "sparse_features": ("--kind", "sensitivity"),
}

Judgement = dict[str, Any]


def claim_files() -> dict[str, Path]:
    """Every file with claims by its name, those for genuine data last."""
    return {path.stem: path for folder in FOLDERS for path in sorted(folder.glob("*.yaml"))}


def filled(page: str, judged: dict[str, list[Judgement]]) -> str:
    """The page with the block of each file that was judged made anew."""

    def block(found: re.Match[str]) -> str:
        judgements = judged.get(found[2])
        text = found[0] if judgements is None else ""
        return text or f"{found[1]}{judged_block(found[2], judgements or [])}\n{found[3]}"

    return summarized(BLOCK.sub(block, page))


def judged_block(name: str, judgements: Sequence[Judgement]) -> str:
    """How the file is run, and a row a judgement."""
    path = claim_files()[name]
    experiment = load_experiment(path)
    runs, settings = len(experiment.runs()), len(experiment.settings)
    command = f"`optbench verify {path.relative_to(ROOT)}`"
    problems = list(dict.fromkeys(judgement["problem"] for judgement in judgements))
    seeds = f"{runs // settings} seeds" if runs > settings else "one seed"
    lines = [
        f"{command}: {runs} runs, {settings} settings × {seeds}; {'; '.join(problems)}.",
        "",
        "| verdict | claim | numbers |",
        "| --- | --- | --- |",
        *(row(judgement, several=len(problems) > 1) for judgement in judgements),
    ]
    return "\n".join(lines)


def row(judgement: Judgement, *, several: bool) -> str:
    problem = f" ({judgement['problem']})" if several else ""
    claim = markdown_text(judgement["claim"] + problem)
    return f"| {judgement['found']} | {claim} | {markdown_text(judgement['text'])} |"


def summarized(page: str) -> str:
    """The page with the counts of its own rows."""
    rows = rows_of(page)
    counts = [f"{sum(found == verdict for found, _ in rows)} {verdict}" for verdict in VERDICTS]
    line = f"{len(rows)} verdicts: {', '.join(counts)}."
    return re.sub(
        r"(<!-- counted -->\n).*?(<!-- end -->)", rf"\g<1>{line}\n\g<2>", page, flags=re.S
    )


def rows_of(text: str) -> list[tuple[str, str]]:
    """Verdict and claim of each row."""
    pattern = rf"^\| ({'|'.join(VERDICTS)}) \| (.*?) \| "
    return re.findall(pattern, text, re.MULTILINE)


def judge(names: Iterable[str]) -> dict[str, list[Judgement]]:
    """What `optbench verify` finds of each file; SystemExit where it could not be judged."""
    judged = {}
    for name in names:
        done = _optbench("verify", str(claim_files()[name]), "--format", "json", "--no-fallback")
        if done.returncode not in (0, 1):
            sys.exit(f"{name}: {done.stderr}")
        judged[name] = json.loads(done.stdout)["claims"]
    return judged


def draw(name: str) -> None:
    """A picture small enough for a repository, in size and palette."""
    from PIL import Image

    with TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        done = _optbench("compare", f"runs/{name}", "--chart", str(path), *PICTURES[name])
        if done.returncode:
            sys.exit(f"{name}: {done.stderr}")
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail(MOST_PIXELS, Image.Resampling.LANCZOS)
            small = small.quantize(
                MOST_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
            )
    written = BytesIO()
    small.save(written, "png", optimize=True)
    target = PAGE.parent / "pictures" / "claims" / f"{name}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(written.getvalue())


def _optbench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "optbench", *words]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


if __name__ == "__main__":
    asked = sys.argv[1:] or [path.stem for path in sorted(FOLDERS[0].glob("*.yaml"))]
    PAGE.write_text(filled(PAGE.read_text("utf-8"), judge(asked)), encoding="utf-8")
    for drawn in asked:
        if drawn in PICTURES:
            draw(drawn)
    print(f"wrote {PAGE}")
