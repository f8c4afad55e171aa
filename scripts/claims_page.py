"""Judges configs/claims and writes what docs/claims.md shows of it: verdicts, numbers, pictures.

python scripts/claims_page.py                 # trains what runs/ lacks, minutes
python scripts/claims_page.py adam_lr_range   # these files' parts alone
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from optbench import load_experiment
from optbench.analysis.comparison import compare
from optbench.analysis.question import Question
from optbench.analysis.search import with_searches
from optbench.catalog.search import load_search
from optbench.execution.plan import stored_runs
from optbench.execution.study import Options, plan_runs
from optbench.report.charts.files import save_chart
from optbench.report.formats import markdown_text
from optbench.store.scan import scan
from optbench.store.tuning import studies
from optbench.tuning.budget import DEFAULT_TRIALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from optbench.report.charts.specification import Kind

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "claims.md"
FOLDERS = (ROOT / "configs" / "claims", ROOT / "configs" / "claims_large")
BLOCK = re.compile(r"(<!-- judged: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
VERDICTS = ("supported", "refuted", "undecided")
MOST_PIXELS = (1000, 1500)
MOST_COLOURS = 96  # of a picture's palette: a fifteenth of the bytes

# What is drawn of a file's runs: the kind of picture, and the question.
PICTURES: dict[str, tuple[Kind, Question]] = {
    "adam_converges_faster": ("curves", Question("val_accuracy")),
    "adam_converges_faster_cnn": ("curves", Question()),
    "adam_lr_range": ("sensitivity", Question()),
    "bayesian_tuning_improves_adam": ("slices", Question()),
    "adamw_decouples": ("heatmap", Question("val_loss")),
    "bias_correction_beta2": ("sensitivity", Question(where=("epochs=1",), by="setting")),
    "gradient_noise": ("sensitivity", Question()),
    "lr_sensitivity": ("sensitivity", Question()),
    "sparse_features": ("sensitivity", Question()),
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
    seeds, settings = len(experiment.seeds), len(experiment.settings)
    trials = 0
    if experiment.searches:  # then its best and its default setting
        search = load_search(path)
        settings, trials = 2 * len(search.contenders), search.tuning.trials or DEFAULT_TRIALS
    runs = settings * seeds
    command = f"`optbench verify {path.relative_to(ROOT)}`"
    told = Counter(judgement["claim"] for judgement in judgements)
    problems = list(dict.fromkeys(judgement["problem"] for judgement in judgements))
    told_seeds = f"{seeds} seeds" if seeds > 1 else "one seed"
    searched = f"{trials} trials, then " if trials else ""
    design = f"{searched}{runs} runs, {settings} settings × {told_seeds}"
    lines = [
        f"{command}: {design}; {'; '.join(problems)}.",
        "",
        "| verdict | claim | numbers |",
        "| --- | --- | --- |",
        *(row(judgement, several=told[judgement["claim"]] > 1) for judgement in judgements),
    ]
    return "\n".join(lines)


def row(judgement: Judgement, *, several: bool) -> str:
    """With the problem where the claim is judged on several."""
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
    """A picture of the runs that the file asks for, small enough in size and palette."""
    from PIL import Image

    experiment = load_experiment(claim_files()[name])
    kind, question = PICTURES[name]
    if experiment.searches:
        folder = Options().store / experiment.name
        found = compare(scan(folder).runs, question, studies(folder))
        comparison = with_searches(found, [folder])
    else:
        plan = plan_runs([experiment], Options(), print)
        comparison = compare(stored_runs(plan).values(), question)
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "picture.png"
        save_chart(comparison, path, kind)
        with Image.open(path) as image:
            small = image.convert("RGB")
    small.thumbnail(MOST_PIXELS, Image.Resampling.LANCZOS)
    small = small.quantize(MOST_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
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
