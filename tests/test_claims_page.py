"""docs/claims.md has every claim of configs/claims with the verdict that its file states."""

from __future__ import annotations

import re

import pytest
from claims_page import BLOCK, FOLDERS, PAGE, PICTURES, claim_files, filled, rows_of

from optbench import load_experiment
from optbench.report.formats import markdown_text

TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = {found[2]: found[0] for found in BLOCK.finditer(TEXT)}


def test_every_file_with_claims_has_its_part_and_no_other() -> None:
    assert set(BLOCKS) == set(claim_files())
    assert len(list(FOLDERS[0].rglob("*.yaml"))) == len(list(FOLDERS[0].glob("*.yaml")))


@pytest.mark.parametrize("name", claim_files())
def test_the_pages_verdicts_are_those_that_the_file_states(name: str) -> None:
    claims = load_experiment(claim_files()[name]).claims
    stated = {markdown_text(claim.text): claim.verdict for claim in claims}
    assert len(stated) == len(claims)
    if "not run here" in BLOCKS[name]:
        return
    # A claim about several problems has a row for each, which names the problem behind it.
    shown: dict[str, str] = {}
    for verdict, told in rows_of(BLOCKS[name]):
        text = max((text for text in stated if told.startswith(text)), key=len)
        assert shown.setdefault(text, verdict) == verdict
    assert shown == stated


@pytest.mark.parametrize("name", claim_files())
def test_every_file_begins_with_the_idea_in_its_own_words(name: str) -> None:
    text = claim_files()[name].read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert all(claim.text for claim in load_experiment(claim_files()[name]).claims)


def test_its_pictures_are_there_and_small() -> None:
    folder = PAGE.parent / "pictures" / "claims"
    shown = set(re.findall(r"\]\(pictures/claims/(\w+)\.png\)", TEXT))
    assert shown == set(PICTURES) == {path.stem for path in folder.glob("*.png")}
    assert all(path.stat().st_size < 60_000 for path in folder.glob("*.png"))


def test_a_block_is_made_from_judgements_and_the_counts_from_the_rows() -> None:
    page = "<!-- counted -->\n<!-- end -->\n<!-- judged: adam_state_bytes -->\nold\n<!-- end -->\n"
    one = {"claim": "a | b", "text": "8 bytes.", "found": "refuted", "problem": "digits · mlp"}
    two = one | {"claim": "c", "found": "supported"}
    made = filled(page, {"adam_state_bytes": [one, two, two | {"problem": "mnist · mlp"}]})
    assert "old" not in made
    assert "`optbench verify configs/claims/adam_state_bytes.yaml`: 3 runs" in made
    assert "; digits · mlp; mnist · mlp.\n" in made
    assert rows_of(made) == [
        ("refuted", r"a \| b"),
        ("supported", "c (digits · mlp)"),
        ("supported", "c (mnist · mlp)"),
    ]
    assert "3 verdicts: 2 supported, 1 refuted, 0 undecided." in made
    assert filled(made, {}) == made
