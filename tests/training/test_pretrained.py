"""Against torch alone: load_state_dict by hand, then the tutorial's loop."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torchvision
from experiment_text import load, text_of, underlined
from experiments import make_learner, make_runs, train_all, trained, write_experiment
from plain_loop import documented_seed, mlp
from torch import Tensor, nn

from optbench.catalog.experiment import load_experiment
from optbench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from optbench.training.learner import Learner

INPUTS, HIDDEN, CLASSES = 6, 5, 3  # of experiments.TINY
HEAD = ("3.weight", "3.bias")


def saved(folder: Path, model: nn.Module | dict[str, Any], name: str = "given.pt") -> str:
    torch.save(model.state_dict() if isinstance(model, nn.Module) else model, folder / name)
    return name


def given(classes: int = CLASSES, hidden: int = HIDDEN) -> nn.Sequential:
    """A network that no run of seed 0 begins with."""
    return mlp(INPUTS, hidden, classes, seed=77)


def starting(folder: Path, head: str = "keep", **parts: Any) -> Learner:
    model = {"name": "mlp", "hidden": [HIDDEN], "weights": "given.pt", "head": head}
    (run,) = make_runs(folder, **{"model": model, **parts})
    return make_learner(run)


def state(learner: Learner) -> dict[str, Tensor]:
    return learner.model.state_dict()


def refusal(folder: Path, head: str = "keep", **model: Any) -> str:
    """What is wrong with the weights, in words."""
    part = {"name": "mlp", "hidden": [HIDDEN], **model, "weights": "given.pt", "head": head}
    (run,) = make_runs(folder, model=part)
    with pytest.raises(ConfigError) as caught:
        make_learner(run)
    (problem,) = caught.value.problems
    assert problem.key == "model.weights"
    return problem.message


# What a run starts from


def test_a_kept_head_comes_from_the_file_as_everything_else(tmp_path: Path) -> None:
    saved(tmp_path, given())
    expected = given().state_dict()
    assert all(
        torch.equal(tensor, expected[name]) for name, tensor in state(starting(tmp_path)).items()
    )


@pytest.mark.parametrize("classes", [CLASSES, 8])
def test_a_new_head_is_the_one_that_the_seed_draws(tmp_path: Path, classes: int) -> None:
    saved(tmp_path, given(classes))
    drawn = mlp(INPUTS, HIDDEN, CLASSES, seed=0).state_dict()
    old = given(classes).state_dict()
    for name, tensor in state(starting(tmp_path, "new")).items():
        assert torch.equal(tensor, drawn[name] if name in HEAD else old[name]), name


def test_seeds_differ_in_the_new_head_alone(tmp_path: Path) -> None:
    saved(tmp_path, given(8))
    model = {"name": "mlp", "hidden": [HIDDEN], "weights": "given.pt", "head": "new"}
    runs = make_runs(tmp_path, model=model, seeds=[0, 1])
    first, second = (state(make_learner(run)) for run in runs)
    alike = {name for name in first if torch.equal(first[name], second[name])}
    assert alike == first.keys() - set(HEAD)


def test_a_run_goes_on_as_torchs_own_loop_from_the_same_weights(tmp_path: Path) -> None:
    saved(tmp_path, given(8))
    groups = [{"match": "3.*", "lr": 0.5}]
    learner = starting(
        tmp_path,
        "new",
        optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.9, "groups": groups},
        training={"epochs": 2, "batch_size": 60},
    )
    train_all(learner)
    model = mlp(INPUTS, HIDDEN, CLASSES, seed=0)
    body = {name: tensor for name, tensor in given(8).state_dict().items() if name not in HEAD}
    model.load_state_dict(body, strict=False)
    layers = [*model.children()]
    given_groups: list[dict[str, Any]] = [
        {"params": [*layers[1].parameters()]},
        {"params": [*layers[3].parameters()], "lr": 0.5},
    ]
    optimizer = torch.optim.SGD(given_groups, lr=0.05, momentum=0.9)
    losses = []
    for epoch in range(2):
        order = learner.order(epoch)
        optimizer.zero_grad()
        outputs = model(learner.data.train.inputs[order])
        loss = nn.functional.cross_entropy(outputs, learner.data.train.targets[order])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert [row["train_loss"] for row in learner.rows[1:]] == pytest.approx(losses, rel=1e-5)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(learner.model.state_dict()[name], tensor)


def test_groups_move_the_new_head_and_the_old_layers_at_their_own_rates(tmp_path: Path) -> None:
    saved(tmp_path, given(8))
    groups = [{"match": "3.*", "lr": 0.5}]
    learner = starting(
        tmp_path,
        "new",
        optimizer={"name": "sgd", "lr": 0.001, "groups": groups},
        training={"epochs": 1, "batch_size": 60},
    )
    before = {name: tensor.clone() for name, tensor in state(learner).items()}
    train_all(learner)
    for name, parameter in learner.model.named_parameters():
        rate = 0.5 if name in HEAD else 0.001
        assert parameter.grad is not None
        torch.testing.assert_close(before[name] - parameter.detach(), rate * parameter.grad)


def test_the_run_that_left_them_is_gone_on_from(tmp_path: Path) -> None:
    learner = trained(tmp_path)
    (tmp_path / "given.pt").write_bytes(learner.weights())
    again = state(starting(tmp_path))
    assert all(torch.equal(tensor, again[name]) for name, tensor in state(learner).items())


def test_torchvisions_models_are_drawn_as_torchvision_does_and_take_weights(tmp_path: Path) -> None:
    dataset = {"name": "synthetic", "features": [3, 32, 32], "classes": 4, "train": 20, "test": 8}
    torch.manual_seed(5)
    body = torchvision.models.squeezenet1_1(num_classes=7)
    saved(tmp_path, body)
    part = {"name": "torchvision.squeezenet1_1", "weights": "given.pt", "head": "new"}
    (run,) = make_runs(tmp_path, dataset=dataset, model=part)
    found = make_learner(run).model.state_dict()
    torch.manual_seed(documented_seed("weights", 0))
    drawn = torchvision.models.squeezenet1_1(num_classes=4).state_dict()
    head = {"classifier.1.weight", "classifier.1.bias"}  # a convolution
    expected = {**body.state_dict(), **{name: drawn[name] for name in head}}
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_a_model_with_several_outputs_in_training_is_refused(tmp_path: Path) -> None:
    dataset = {"name": "synthetic", "features": [3, 32, 32], "classes": 4, "train": 20, "test": 8}
    model = {"name": "torchvision.googlenet", "init_weights": False}
    (run,) = make_runs(tmp_path, dataset=dataset, model=model)
    with pytest.raises(ConfigError, match="write aux_logits: false"):
        make_learner(run)


# What is refused


def test_other_shapes_are_told_by_name_with_both(tmp_path: Path) -> None:
    saved(tmp_path, given(hidden=4))
    assert refusal(tmp_path) == (
        "mlp: the file has other shapes: 1.weight [4, 6] for [5, 6], 1.bias [4] for [5], "
        "3.weight [3, 4] for [3, 5]"
    )


def test_a_refusal_points_at_the_line_that_names_the_weights(tmp_path: Path) -> None:
    saved(tmp_path, given())
    text = text_of(model="\n  name: logistic\n  weights: given.pt")
    (run,) = load(tmp_path, text).runs()
    with pytest.raises(ConfigError) as caught:
        make_learner(run)
    (problem,) = caught.value.problems
    assert (problem.mark.line, underlined(problem)) == (4, "given.pt")


def test_where_only_the_head_differs_a_new_one_is_the_remedy(tmp_path: Path) -> None:
    saved(tmp_path, given(8))
    assert refusal(tmp_path) == (
        "mlp: the file has other shapes: 3.weight [8, 5] for [3, 5], 3.bias [8] for [3]; "
        "head: new draws this layer anew"
    )


def test_missing_and_unknown_names_are_told(tmp_path: Path) -> None:
    tensors = given().state_dict()
    tensors["4.weight"] = tensors.pop("1.bias")
    saved(tmp_path, tensors)
    expected = "mlp: the file lacks 1.bias and has 4.weight, which it doesn't know"
    assert refusal(tmp_path) == expected
    assert refusal(tmp_path, "new") == expected


def test_a_whole_checkpoint_is_told_what_to_save_instead(tmp_path: Path) -> None:
    saved(tmp_path, {"epoch": 3, "model": given().state_dict()})
    assert refusal(tmp_path).endswith(
        "given.pt holds epoch, model that are no tensors; it must be what "
        "torch.save(model.state_dict(), FILE) writes"
    )


ODD = {
    "complex": (lambda t: t.to(torch.complex64), "is of type complex64, the model's of float32"),
    "whole": (lambda t: t.to(torch.int32), "is of type int32, the model's of float32"),
    "nan": (lambda t: t.index_fill(0, torch.tensor(1), torch.nan), "holds nan; a model can't"),
    "infinite": (lambda t: t.double() * 1e300, "holds numbers beyond float32; a model can't"),
    "sparse": (lambda t: t.to_sparse(), "is sparse, quantized or empty, no plain tensor"),
    "meta": (lambda t: t.to("meta"), "is sparse, quantized or empty, no plain tensor"),
}


@pytest.mark.parametrize(("change", "expected"), ODD.values(), ids=ODD)
def test_weights_that_would_become_others_are_refused(
    tmp_path: Path, change: Callable[[Tensor], Tensor], expected: str
) -> None:
    tensors = given().state_dict()
    saved(tmp_path, {**tensors, "1.weight": change(tensors["1.weight"])})
    assert refusal(tmp_path).startswith(f"mlp: the file's 1.weight {expected}")


def test_weights_in_another_precision_are_taken(tmp_path: Path) -> None:
    saved(tmp_path, {name: tensor.double() for name, tensor in given().state_dict().items()})
    expected = given().state_dict()
    assert all(torch.equal(t, expected[name]) for name, t in state(starting(tmp_path)).items())


class Hostile:
    """Makes a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_hostile_file_runs(tmp_path: Path, zipped: bool) -> None:
    mark = tmp_path / "executed"
    content = {**given().state_dict(), "1.bias": Hostile(mark)}
    if zipped:
        torch.save(content, tmp_path / "given.pt")
    else:
        (tmp_path / "given.pt").write_bytes(pickle.dumps(content))
    assert refusal(tmp_path).endswith(
        "given.pt can't be read as tensors: it must be what torch.save(model.state_dict(), FILE) "
        "writes, and nothing else in a file is loaded"
    )
    assert not mark.exists()


@pytest.mark.parametrize("length", [0, 1, 100, -1, -200])
def test_a_truncated_file_is_refused(tmp_path: Path, length: int) -> None:
    saved(tmp_path, given())
    content = (tmp_path / "given.pt").read_bytes()
    (tmp_path / "given.pt").write_bytes(content[:length])
    assert "given.pt can't be read as tensors: " in refusal(tmp_path)


def test_a_file_that_changes_while_a_command_runs_is_noticed(tmp_path: Path) -> None:
    saved(tmp_path, given())
    model = {"name": "mlp", "hidden": [HIDDEN], "weights": "given.pt"}
    (run,) = make_runs(tmp_path, model=model)
    saved(tmp_path, given(8))
    with pytest.raises(ConfigError, match="was changed while this command ran"):
        make_learner(run)


def test_a_changed_file_makes_other_runs(tmp_path: Path) -> None:
    model = {"name": "mlp", "hidden": [HIDDEN], "weights": "given.pt"}
    path = write_experiment(tmp_path, model=model)
    hashes = set()
    for classes in (3, 8):
        saved(tmp_path, given(classes))
        hashes |= {run.hash for run in load_experiment(path).runs()}
    assert len(hashes) == 2


def test_a_model_that_ends_in_something_else_has_no_head_to_draw(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Linear(6, 4), nn.ReLU())\n"
    )
    saved(tmp_path, nn.Sequential(nn.Linear(6, 4)))
    part = {"name": "./net.py:Net", "weights": "given.pt", "head": "new"}
    (run,) = make_runs(tmp_path, model=part)
    with pytest.raises(ConfigError, match="hasn't 3 outputs, one a class"):
        make_learner(run)
