"""Compiled networks against plain loops. Each of them waits for the compiler."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch
from company import alone
from experiments import make_runs
from plain_loop import one_thread
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from optbench.training.compiled import Compiled, check_compiler
from optbench.training.precision import Amp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")
CPU = torch.device("cpu")
CLASSES = 3


@pytest.fixture(autouse=True, scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory of these tests; what torch generates goes to another."""
    working = tmp_path_factory.mktemp("working")
    with pytest.MonkeyPatch.context() as patch, one_thread():
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("generated")))
        patch.chdir(working)
        yield working
    torch.compiler.reset()


def mlp() -> nn.Sequential:
    layers = nn.Linear(8, 7), nn.GELU(), nn.Dropout(0.3), nn.Linear(7, CLASSES)
    return nn.Sequential(nn.Flatten(), *layers)


def cnn() -> nn.Sequential:
    layers = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    return nn.Sequential(*layers, nn.Linear(3, CLASSES))


MODELS = {"mlp": (mlp, (1, 2, 4)), "cnn": (cnn, (1, 4, 4))}
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5}  # a hundred roundings of numbers about 1


def batches(shape: tuple[int, ...], dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor]]:
    """Two epochs of which the last batch is short."""
    generator = torch.Generator().manual_seed(2)
    for size in (6, 6, 4) * 2:
        inputs = torch.randn(size, *shape, generator=generator, dtype=torch.float64)
        yield inputs.to(dtype), torch.randint(CLASSES, (size,), generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("name", MODELS)
def test_a_compiled_run_trains_as_a_plain_one_but_for_rounding(
    name: str, dtype: torch.dtype
) -> None:
    make, shape = MODELS[name]
    torch.manual_seed(1)
    model = make().to(dtype)
    plain = copy.deepcopy(model)
    compiled = Compiled(model, functional.cross_entropy, CPU)
    stepper, plain_stepper = (SGD(m.parameters(), 0.1, momentum=0.9) for m in (model, plain))
    assert_close = partial(torch.testing.assert_close, rtol=0, atol=TOLERANCES[dtype])
    for step, (inputs, targets) in enumerate(batches(shape, dtype)):
        torch.manual_seed(step)  # what both draw their dropout from
        losses, outputs = compiled.differentiate([(inputs, targets)])
        torch.manual_seed(step)
        plain_outputs = plain(inputs)
        loss = functional.cross_entropy(plain_outputs, targets)
        assert_close(losses, loss.detach().unsqueeze(0))
        assert_close(outputs, plain_outputs.detach().unsqueeze(0))
        plain_stepper.zero_grad()
        torch.autograd.backward(loss)
        stepper.step()
        plain_stepper.step()
    assert_close(model.state_dict(), plain.state_dict())
    evaluated = compiled.outputs(inputs)
    assert_close(evaluated, [plain.eval()(inputs).detach()])
    assert model.training


def test_a_run_compiles_each_batch_size_once_whatever_ran_before() -> None:
    inputs, targets = next(batches((1, 2, 4), torch.float32))
    with torch._dynamo.config.patch(error_on_recompile=True):
        for model in (mlp(), nn.Sequential(nn.Flatten(), nn.Linear(8, CLASSES))):
            compiled = Compiled(model, functional.cross_entropy, CPU)
            for _ in range(3):
                compiled.differentiate([(inputs, targets)])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", MODELS)
def test_mixed_precision_is_compiled_to_the_same_bits_each_time(
    name: str, dtype: torch.dtype
) -> None:
    """As far from torch's own autocast as numbers of so many bits are rounded."""
    make, shape = MODELS[name]
    torch.manual_seed(1)
    plain = make()
    amp = Amp(dtype, CPU)
    inputs, targets = next(batches(shape, torch.float32))
    found: list[list[Any]] = []
    for _ in range(2):
        torch.compiler.reset()
        model = copy.deepcopy(plain)
        torch.manual_seed(3)
        _, outputs = Compiled(model, in_float32, CPU, amp).differentiate([(inputs, targets)])
        found.append([outputs, *(p.grad for p in model.parameters())])
    torch.manual_seed(3)
    with torch.autocast("cpu", dtype):
        expected = plain(inputs)
    torch.autograd.backward(amp.scaled(in_float32(expected, targets)))
    told: list[Any] = [expected.detach().unsqueeze(0), *(p.grad for p in plain.parameters())]
    assert found[0][0].dtype == dtype
    for once, again, other in zip(*found, told, strict=True):
        assert torch.equal(once, again)
        coarse = 16 * torch.finfo(dtype).eps * other.abs().max().item()
        torch.testing.assert_close(once, other, rtol=0, atol=coarse)


def in_float32(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs.float(), targets)


@pytest.mark.slow
def test_a_run_of_mixed_precision_and_compiled_code_gives_the_same_bytes_twice(
    tmp_path: Path,
) -> None:
    training = {"epochs": 2, "batch_size": 16, "compile": True, "amp": "bfloat16"}
    (run,) = make_runs(tmp_path, training=training)
    once, again = alone([run, run])
    assert "weights" in once
    assert once == again


def threads() -> set[threading.Thread]:
    """But for the one that watches progress bars: torch draws them where tqdm is installed."""
    return {thread for thread in threading.enumerate() if thread.name != "tqdm_monitor"}


def test_compiling_leaves_neither_files_nor_threads(folders: Path) -> None:
    inputs, targets = next(batches((1, 2, 4), torch.float32))
    before = threads()
    Compiled(mlp(), functional.cross_entropy, CPU).differentiate([(inputs, targets)])
    assert list(folders.iterdir()) == []
    assert threads() == before


def test_it_is_had_where_there_is_a_compiler(tmp_path: Path) -> None:
    (run,) = make_runs(tmp_path, training={"epochs": 1, "compile": True})
    check_compiler(run.setting, CPU)


REFUSED = """
import sys
from pathlib import Path
import torch
from company import alone
from experiments import make_runs
from optbench.errors import ConfigError
from optbench.training.compiled import check_compiler

for wanted in (False, True):
    (run,) = make_runs(Path(sys.argv[1]), training={"epochs": 1, "compile": wanted})
    try:
        check_compiler(run.setting, torch.device("cpu"))
    except ConfigError as error:
        print(wanted, error)
"""


def test_without_a_compiler_it_is_refused_at_its_line(tmp_path: Path) -> None:
    environment = os.environ | {"CXX": "no-such-compiler", "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", REFUSED, tmp_path],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith(f"True {tmp_path}/tiny.yaml:1: training.compile: can't be true here: ")
    assert "No working C++ compiler found" in told
    assert "Install a C++ compiler" in told
    assert "False" not in told
