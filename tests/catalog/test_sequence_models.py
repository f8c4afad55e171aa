"""Models of tokens and sequences, against torch's own layers and what causality means."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from optbench.catalog.models import MODELS
from optbench.catalog.models.attention import Attention
from optbench.catalog.models.bag_of_words import BagOfWords
from optbench.catalog.models.gru import GRU
from optbench.catalog.models.lstm import LSTM
from optbench.catalog.models.rnn import RNN
from optbench.catalog.models.transformer import Transformer
from optbench.catalog.plugins import load

if TYPE_CHECKING:
    from torch import Tensor

    from optbench.catalog.models.recurrent import Recurrent

LENGTH, VOCABULARY = 9, 11
CAUSAL = ("transformer", "lstm", "rnn", "gru")


def ids(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(1, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def of_tokens(name: str, **arguments: Any) -> nn.Module:
    torch.manual_seed(1)
    given = {"input_shape": (LENGTH,), "classes": 5, "vocabulary": VOCABULARY, **arguments}
    model: nn.Module = load(MODELS[name].target)(**given)
    return model.eval()


@pytest.mark.parametrize("name", [*CAUSAL, "bag-of-words"])
def test_a_model_of_tokens_answers_once_and_all_of_it_learns(name: str) -> None:
    model = of_tokens(name)
    outputs = model(ids(6, LENGTH))
    assert outputs.shape == (6, 5)
    loss = nn.functional.cross_entropy(outputs, torch.arange(6) % 5)
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(loss, list(model.parameters())))


@pytest.mark.parametrize("name", CAUSAL)
def test_where_positions_ask_it_each_has_an_answer_that_no_later_token_changes(name: str) -> None:
    model = of_tokens(name, positions=(LENGTH,))
    tokens = ids(2, LENGTH)
    outputs = model(tokens)
    assert outputs.shape == (2, LENGTH, 5)
    for changed in range(LENGTH):
        others = tokens.clone()
        others[:, changed] = (tokens[:, changed] + 1) % VOCABULARY
        moved = (model(others) - outputs).abs().amax(dim=(0, 2)) > 1e-6
        assert moved.tolist() == [position >= changed for position in range(LENGTH)]


@pytest.mark.parametrize("name", CAUSAL)
def test_one_answer_is_that_of_the_last_position(name: str) -> None:
    once, each = of_tokens(name), of_tokens(name, positions=(LENGTH,))
    tokens = ids(3, LENGTH)
    assert torch.allclose(once(tokens), each(tokens)[:, -1], atol=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LSTM((3, 7), 4, hidden=5, layers=2), nn.LSTM(3, 5, num_layers=2, batch_first=True)),
        (RNN((3, 7), 4, hidden=5, nonlinearity="relu"), nn.RNN(3, 5, 1, "relu", batch_first=True)),
        (GRU((3, 7), 4, hidden=5), nn.GRU(3, 5, batch_first=True)),
    ],
    ids=["lstm", "rnn", "gru"],
)
def test_recurrent_models_are_torchs_layers_and_a_linear_one(
    ours: Recurrent, theirs: nn.RNNBase
) -> None:
    theirs.load_state_dict(ours.recurrent.state_dict())
    sequences = torch.randn(2, 3, 7)
    states, _ = theirs(sequences.transpose(1, 2))
    assert torch.allclose(ours(sequences), ours.head(states[:, -1]))


def test_an_elman_network_follows_its_equation() -> None:
    model = RNN((1, 4), 2, hidden=3)
    weights = dict(model.recurrent.named_parameters())
    inward, outward = weights["weight_ih_l0"], weights["weight_hh_l0"]
    biases = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    state = torch.zeros(3)
    for value in (0.5, -1.0, 2.0, 0.1):
        state = torch.tanh(inward @ torch.tensor([value]) + outward @ state + biases)
    outputs = model(torch.tensor([[[0.5, -1.0, 2.0, 0.1]]]))
    assert torch.allclose(outputs[0], model.head(state), atol=1e-6)


def test_causal_attention_is_torchs_scaled_dot_product_attention() -> None:
    torch.manual_seed(0)
    attention = Attention(12, heads=3, causal=True)
    tokens = torch.randn(2, 7, 12)
    projected = attention.projections(tokens).view(2, 7, 3, 3, 4).permute(2, 0, 3, 1, 4)
    queries, keys, values = projected
    mixed = nn.functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    expected = attention.mixing(mixed.transpose(1, 2).reshape(2, 7, 12))
    assert torch.allclose(attention(tokens), expected, atol=1e-6)


def test_a_transformer_knows_where_a_token_stands() -> None:
    model = of_tokens("transformer")
    one = torch.ones(1, LENGTH, dtype=torch.int64)
    first, second = one.clone(), one.clone()
    first[0, 0] = second[0, 1] = 2
    assert not torch.allclose(model(first), model(second), atol=1e-6)


def test_a_transformer_has_as_many_parameters_as_its_parts() -> None:
    width, depth = 16, 3
    model = Transformer((LENGTH,), 5, VOCABULARY, width=width, depth=depth, heads=2)
    attention = (width + 1) * 3 * width + (width + 1) * width
    layers = (width + 1) * 4 * width + (4 * width + 1) * width
    block = attention + layers + 2 * 2 * width
    expected = (VOCABULARY + LENGTH) * width + depth * block + 2 * width + (width + 1) * 5
    assert sum(p.numel() for p in model.parameters()) == expected


def test_untrained_models_of_tokens_are_about_as_good_as_chance() -> None:
    tokens = ids(200, LENGTH)
    for name in CAUSAL:
        outputs = of_tokens(name, classes=VOCABULARY, positions=(LENGTH,))(tokens)
        loss = nn.functional.cross_entropy(outputs.flatten(0, 1), tokens.flatten())
        assert loss.item() == pytest.approx(math.log(VOCABULARY), rel=0.2), name


@pytest.mark.parametrize("sparse", [False, True])
def test_a_bag_of_words_is_linear_in_counts_and_padding_is_no_word(sparse: bool) -> None:
    model = BagOfWords((4,), 3, vocabulary=6, sparse=sparse)
    bags = torch.tensor([[2, 5, 2, 0], [0, 0, 0, 0]])
    counts = torch.tensor([[0.0, 0, 2, 0, 0, 1], [0, 0, 0, 0, 0, 0]])
    expected = counts @ model.words.weight + model.bias.weight
    assert torch.allclose(model(bags), expected)
    model(bags).sum().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert [g is not None and g.is_sparse for g in gradients] == [sparse, sparse]
    dense = gradients[0].to_dense() if gradients[0] is not None else None
    assert dense is not None
    assert torch.equal(dense, counts.sum(0)[:, None].expand(6, 3))


def test_the_mean_of_a_bag_is_over_its_words_alone() -> None:
    model = BagOfWords((4,), 3, vocabulary=6, mode="mean")
    expected = (2 * model.words.weight[2] + model.words.weight[5]) / 3 + model.bias.weight[0]
    assert torch.allclose(model(torch.tensor([[2, 5, 2, 0]]))[0], expected)
