"""Generated tokens and sequences, against their formulas and what is known of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import chisquare

from optbench.catalog.datasets.adding_problem import adding_problem
from optbench.catalog.datasets.modular_addition import modular_addition
from optbench.catalog.datasets.zipf import zipf_word_ids, zipf_words
from optbench.catalog.datasets.zipf_text import zipf_text
from optbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE = Path("/nonexistent")


def test_modular_addition_is_the_whole_table_each_sum_once() -> None:
    source = modular_addition(modulus=5)
    train, test = source.load(NOWHERE)
    assert (len(train), len(test)) == (source.train_size, source.test_size) == (10, 15)
    table = {
        (a, b): target
        for part in (train, test)
        for (a, plus, b, equals), target in zip(part.inputs.tolist(), part.targets, strict=True)
        if (plus, equals) == (5, 6)
    }
    assert table == {(a, b): (a + b) % 5 for a in range(5) for b in range(5)}
    assert source.task.vocabulary == 7


def test_modular_addition_draws_its_training_sums_from_the_seed() -> None:
    first, again, other = (
        modular_addition(data_seed=seed).load(NOWHERE)[0].inputs for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert chisquare(np.bincount(first[:, 0] // 10, minlength=9)[:9]).pvalue > 0.001


def test_the_adding_problem_marks_a_number_in_each_half_and_asks_for_their_sum() -> None:
    train, _ = adding_problem(length=7).load(NOWHERE)
    numbers, marks = train.inputs[:, 0], train.inputs[:, 1]
    assert set(marks.ravel().tolist()) == {0.0, 1.0}
    assert (marks[:, :3].sum(1) == 1).all()
    assert (marks[:, 3:].sum(1) == 1).all()
    for i in (0, 1, 9_999):
        first, second = np.flatnonzero(marks[i])
        assert train.targets[i, 0] == numbers[i, first] + numbers[i, second]
    assert chisquare(np.histogram(numbers, bins=20, range=(0, 1))[0]).pvalue > 0.001
    for half in (marks[:, :3], marks[:, 3:]):
        assert chisquare(half.sum(0)).pvalue > 0.001


def test_who_always_answers_one_is_a_sixth_off_in_the_adding_problem() -> None:
    # The sum of two uniforms has mean 1 and variance 2/12; of 10,000 the mean is off by 0.002.
    train, _ = adding_problem().load(NOWHERE)
    assert np.mean((train.targets - 1) ** 2) == pytest.approx(1 / 6, abs=0.006)


def test_zipf_text_is_words_of_its_lexicon_as_frequent_as_zipfs_law_has_them() -> None:
    source = zipf_text(train=5000, words=50)
    lexicon = source.lexicon()
    assert len(set(lexicon)) == 50
    assert all(3 <= len(word) <= 10 and word[-1] == 0 not in word[:-1] for word in lexicon)
    train, _ = source.load(NOWHERE)
    text = bytes([int(train.inputs[0, 0]), *train.targets.ravel().tolist()])
    words = Counter(text.split(b"\0")[:-1])  # the last may be cut off
    counts = [words[bytes(word[:-1])] for word in lexicon]
    assert sum(counts) == words.total()
    expected = 1 / np.arange(1, 51)
    assert chisquare(counts, words.total() * expected / expected.sum()).pvalue > 0.001


def test_word_ids_are_the_documents_of_the_dense_set() -> None:
    for dense, sparse in zip(
        zipf_words().load(NOWHERE), zipf_word_ids().load(NOWHERE), strict=True
    ):
        rows = np.zeros((len(sparse), 2001), np.float32)
        for row, ids in zip(rows, sparse.inputs.tolist(), strict=True):
            row[ids] = 1
        assert np.array_equal(rows[:, 1:], dense.inputs)
        assert np.array_equal(sparse.targets, dense.targets)
        assert all(len(set(row) - {0}) == np.count_nonzero(row) for row in sparse.inputs.tolist())
        assert (np.diff((sparse.inputs == 0).astype(int)) >= 0).all()  # padding at the end


MAKERS = [zipf_text, zipf_word_ids, adding_problem]


@pytest.mark.parametrize("make", MAKERS)
def test_more_training_examples_keep_the_test_set_and_seeds_differ(
    make: Callable[..., Any],
) -> None:
    one, more, other = make(), make(train=50), make(data_seed=1)
    assert np.array_equal(one.load(NOWHERE)[1].inputs, more.load(NOWHERE)[1].inputs)
    assert not np.array_equal(one.load(NOWHERE)[1].inputs, other.load(NOWHERE)[1].inputs)
    assert len({source.content_hash() for source in (one, more, other)}) == 3


# SHA-256 of what was loaded when these sets were introduced: a change needs a new VERSION.
PINNED: dict[str, tuple[Callable[[], Any], str]] = {
    "zipf-text": (
        zipf_text,
        "69a6e965b9e2fde1e1c56252db155492ddb4462488bd6dca16d6fb4723cb08ee",
    ),
    "zipf-word-ids": (
        zipf_word_ids,
        "19f85a2f706c2507ead2685c4b3c8a1318415f6443aa6b43085bfb6c4e89459f",
    ),
    "modular-addition": (
        modular_addition,
        "be482b40d354fc0d4284b4c0b294781ba4029e87daada7b912115da18977feab",
    ),
    "adding-problem": (
        adding_problem,
        "a7b30a7190aeec0fce26f778a14f3017691ecbcb583901cac344e0fb540d54e5",
    ),
}


@pytest.mark.parametrize(("make", "digest"), PINNED.values(), ids=PINNED.keys())
def test_what_is_generated_stays_as_it_was(make: Callable[[], Any], digest: str) -> None:
    content = b"".join(p.inputs.tobytes() + p.targets.tobytes() for p in make().load(NOWHERE))
    assert hashlib.sha256(content).hexdigest() == digest


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: modular_addition(modulus=1),
        lambda: modular_addition(modulus=1001),
        lambda: modular_addition(modulus=2, train_share=0.1),
        lambda: adding_problem(length=1),
        lambda: adding_problem(train=2**20, length=2**20),
        lambda: zipf_text(words=1),
        lambda: zipf_text(words=10**6),
        lambda: zipf_text(length=0),
        lambda: zipf_word_ids(classes=1),
        lambda: zipf_word_ids(words=2**30),
        lambda: zipf_word_ids(data_seed=-1),
    ],
)
def test_values_that_make_no_data_are_refused(mistake: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        mistake()
