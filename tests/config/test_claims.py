from __future__ import annotations

from dataclasses import fields

import pytest

from optbench.config.claims import METRICS, STATEMENTS, Claim, read_claims
from optbench.config.node import Problems
from optbench.config.yaml_source import parse
from optbench.errors import ConfigError

ADAM = (("optimizer", "adam"),)
SGD = (("optimizer", "sgd"), ("lr", 0.01))
WHO = "setting: {optimizer: adam}"
OTHER = "{optimizer: sgd, lr: 1e-2}"


def read(text: str) -> tuple[tuple[Claim, ...], list[str]]:
    problems = Problems()
    claims = read_claims(parse(text, "a.yaml"), problems)
    try:
        problems.raise_if_any()
    except ConfigError as error:
        told = error.problems
        return claims, [f"{p.key}: {p.message}{f' [{p.remedy}]' if p.remedy else ''}" for p in told]
    return claims, []


def said(text: str) -> dict[str, object]:
    """What a claim says beyond its defaults."""
    (claim,), mistakes = read(f"[{text}]")
    assert not mistakes
    defaults = {field.name: field.default for field in fields(Claim)}
    values = {name: getattr(claim, name) for name in defaults}
    return {
        name: value
        for name, value in values.items()
        if name not in ("key", "node") and value != defaults[name]
    }


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (
            f"{{metric: train_loss, {WHO}, better_than: {OTHER}}}",
            {"statement": "better_than", "metric": "train_loss", "other": SGD},
        ),
        (
            f"{{metric: test_loss, {WHO}, worse_than: {OTHER}, verdict: refuted, claim: hear}}",
            {
                "statement": "worse_than", "metric": "test_loss", "other": SGD,
                "verdict": "refuted", "text": "hear",
            },
        ),
        (
            f"{{metric: val_accuracy, {WHO}, equivalent_to: {OTHER}, margin: 0.01}}",
            {
                "statement": "equivalent_to", "metric": "val_accuracy", "other": SGD,
                "margin": 0.01,
            },
        ),
        (
            f"{{metric: val_loss, {WHO}, not_worse_than: {OTHER}, margin: 2}}",
            {
                "statement": "not_worse_than", "metric": "val_loss", "other": SGD, "margin": 2.0,
            },
        ),
        (
            f"{{metric: test_accuracy, {WHO}, faster_than: {OTHER}, target: 0.9}}",
            {"statement": "faster_than", "metric": "test_accuracy", "other": SGD, "target": 0.9},
        ),
        (
            f"{{metric: train_loss, {WHO}, faster_than: {OTHER}, target: 0, ratio: 2}}",
            {
                "statement": "faster_than", "metric": "train_loss", "other": SGD, "target": 0.0,
                "ratio": 2.0,
            },
        ),
        (
            f"{{metric: test_accuracy, {WHO}, at_least: 0.97}}",
            {"statement": "at_least", "metric": "test_accuracy", "bound": 0.97},
        ),
        (
            f"{{metric: state_bytes, {WHO}, at_most: 8}}",
            {"statement": "at_most", "metric": "state_bytes", "bound": 8.0},
        ),
        (
            f"{{metric: lr_decades, {WHO}, at_least: 2, within: 0.02}}",
            {"statement": "at_least", "metric": "lr_decades", "bound": 2.0, "within": 0.02},
        ),
        (f"{{{WHO}, diverges: true}}", {"statement": "diverges", "diverges": True}),
        (
            f"{{{WHO}, diverges: false, verdict: undecided}}",
            {"statement": "diverges", "diverges": False, "verdict": "undecided"},
        ),
    ],
)  # fmt: skip
def test_every_kind_of_claim_is_read(claim: str, expected: dict[str, object]) -> None:
    assert said(claim) == {"setting": ADAM, **expected}


def test_a_claims_text_is_one_line() -> None:
    assert said(f'{{{WHO}, diverges: true, claim: "two\\n  lines\\n"}}')["text"] == "two lines"


STATEMENT_RULE = f"a claim makes one statement: {', '.join(STATEMENTS)}"
LOSS = "metric: train_loss"


@pytest.mark.parametrize(
    ("claim", "mistakes"),
    [
        ("3", [": a claim must be a mapping, got 3"]),
        (f"{{{LOSS}, {WHO}}}", [f": {STATEMENT_RULE}; got none"]),
        (
            f"{{{LOSS}, {WHO}, at_least: 1, at_most: 2}}",
            [f": {STATEMENT_RULE}; got at_least and at_most"],
        ),
        (
            f"{{{WHO}, at_most: 1}}",
            [f".metric: is missing [one of {', '.join(METRICS)}]"],
        ),
        (
            f"{{metric: trainloss, {WHO}, at_most: 1}}",
            [".metric: unknown metric 'trainloss' [did you mean 'train_loss'?]"],
        ),
        (
            f"{{metric: accuracy, {WHO}, at_most: 1}}",
            [".metric: unknown metric 'accuracy' [did you mean 'test_accuracy'?]"],
        ),
        (
            f"{{metric: [a], {WHO}, at_most: 1}}",
            [f".metric: must be one of {', '.join(METRICS)}, got a list"],
        ),
        (
            f"{{metrc: train_loss, {WHO}, at_most: 1}}",
            [".metrc: unknown key [did you mean 'metric'?]"],
        ),
        (
            f"{{{LOSS}, seting: {{optimizer: adam}}, at_most: 1}}",
            [".seting: unknown key [did you mean 'setting'?]"],
        ),
        (
            f"{{{LOSS}, {WHO}, beter_than: {OTHER}}}",
            [".beter_than: unknown key [did you mean 'better_than'?]"],
        ),
        (f"{{{LOSS}, at_most: 1}}", [".setting: is missing [setting: {optimizer: adam}]"]),
        (
            f"{{{LOSS}, setting: adam, at_most: 1}}",
            [".setting: must be a mapping such as {optimizer: adam, lr: 1e-3}, got 'adam'"],
        ),
        (
            f"{{{LOSS}, {WHO}, better_than: {{}}}}",
            [".better_than: must be a mapping such as {optimizer: adam, lr: 1e-3}, got an empty "
             "one"],
        ),
        (
            f"{{{LOSS}, {WHO}, better_than: {{lr: {{grid: [1, 2]}}}}}}",
            [".better_than.lr: must be one value, got a mapping"],
        ),
        (
            f"{{{LOSS}, {WHO}, equivalent_to: {OTHER}}}",
            [".margin: is missing [equivalent_to and not_worse_than need it: margin: …]"],
        ),
        (
            f"{{{LOSS}, {WHO}, equivalent_to: {OTHER}, margin: 0}}",
            [".margin: must be a number greater than 0, got 0"],
        ),
        (
            f"{{{LOSS}, {WHO}, better_than: {OTHER}, margin: 1}}",
            [".margin: belongs to equivalent_to and not_worse_than only [leave it out]"],
        ),
        (
            f"{{{LOSS}, {WHO}, faster_than: {OTHER}}}",
            [".target: is missing [faster_than needs it: target: …]"],
        ),
        (
            f"{{{LOSS}, {WHO}, faster_than: {OTHER}, target: .inf, ratio: -1}}",
            [".target: must be a finite number, got inf",
             ".ratio: must be a number greater than 0, got -1"],
        ),
        (
            f"{{{LOSS}, {WHO}, at_most: 1, ratio: 2, target: 1}}",
            [".ratio: belongs to faster_than only [leave it out]",
             ".target: belongs to faster_than only [leave it out]"],
        ),
        (
            f"{{metric: lr_decades, {WHO}, at_least: -5, within: 0.1}}",
            [".at_least: of lr_decades is never below 0, got -5"],
        ),
        (
            f"{{{LOSS}, {WHO}, faster_than: {OTHER}, target: 1, ratio: 1e300}}",
            [".ratio: must be at most 1,000,000, got 1e+300"],
        ),
        (
            f"{{metric: lr_decades, {WHO}, at_least: 2}}",
            [".within: is missing [the metric lr_decades needs it: within: …]"],
        ),
        (
            f"{{{LOSS}, {WHO}, at_least: 2, within: 1}}",
            [".within: belongs to the metric lr_decades only [leave it out]"],
        ),
        (
            f"{{metric: test_accuracy, {WHO}, at_least: 97}}",
            [".at_least: of an accuracy must be between 0 and 1, got 97 [did you mean 0.97?]"],
        ),
        (
            f"{{metric: val_accuracy, {WHO}, faster_than: {OTHER}, target: -1}}",
            [".target: of an accuracy must be between 0 and 1, got -1"],
        ),
        (
            f"{{metric: val_accuracy, {WHO}, equivalent_to: {OTHER}, margin: 101}}",
            [".margin: of an accuracy must be between 0 and 1, got 101"],
        ),
        (
            f"{{metric: state_bytes, {WHO}, faster_than: {OTHER}, target: 8}}",
            [".metric: state_bytes is no value that training reaches "
             "[one of train_loss, train_accuracy, val_loss, val_accuracy, test_loss, "
             "test_accuracy, distance, regret, x, y]"],
        ),
        (f"{{{LOSS}, {WHO}, at_most: true}}", [".at_most: must be a finite number, got true"]),
        (f"{{{LOSS}, {WHO}, at_most: .nan}}", [".at_most: must be a finite number, got nan"]),
        (f"{{{LOSS}, {WHO}, at_most: '1'}}", [".at_most: must be a finite number, got '1'"]),
        (f"{{{LOSS}, {WHO}, at_most: null}}", [".at_most: must be a finite number, got nothing"]),
        (f"{{{WHO}, diverges: maybe}}", [".diverges: must be true or false, got 'maybe'"]),
        (f"{{{WHO}, diverges: yes}}", [".diverges: must be true or false, got 'yes' [write true]"]),
        (
            f"{{{LOSS}, {WHO}, diverges: true}}",
            [".metric: belongs to comparisons and bounds only [leave it out]"],
        ),
        (
            f"{{{WHO}, diverges: true, verdict: surely}}",
            [".verdict: unknown verdict 'surely' [one of supported, refuted, undecided]"],
        ),
        (f"{{{WHO}, diverges: true, claim: 3}}", [".claim: must be text, got 3"]),
    ],
)  # fmt: skip
def test_each_mistake_in_a_claim_is_told_once(claim: str, mistakes: list[str]) -> None:
    claims, found = read(f"[{claim}]")
    assert found == [f"expect[0]{mistake}" for mistake in mistakes]
    assert claims == ()


def test_claims_with_mistakes_leave_the_others() -> None:
    fine = f"{{{WHO}, diverges: true}}"
    claims, found = read(f"[{fine}, 3, {fine}]")
    assert [claim.key for claim in claims] == ["expect[0]", "expect[2]"]
    assert found == ["expect[1]: a claim must be a mapping, got 3"]


def test_only_a_list_holds_claims() -> None:
    assert read("{a: 1}") == ((), ["expect: must be a list of claims, got a mapping"])
    assert read("[]") == ((), [])
