from __future__ import annotations

import importlib.metadata
import platform

import pytest
import torch

from optbench.execution.environment import describe_environment, installed_torch, same_bits


def test_the_environment_says_what_bits_depend_on() -> None:
    found = describe_environment("cpu")
    assert found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert found["python"] == platform.python_version()
    assert found["processor"]


def test_torchs_version_is_told_without_its_build() -> None:
    assert importlib.metadata.version("torch").startswith(installed_torch())
    assert "+" not in installed_torch()


@pytest.mark.parametrize(
    ("key", "same"),
    [
        ("torch", False), ("device", False), ("threads", False), ("cpu_capability", False),
        ("python", True), ("host", True), ("optbench", True), ("processor", True),
    ],
)  # fmt: skip
def test_a_run_goes_on_where_torch_device_threads_and_instructions_agree(
    key: str, same: bool
) -> None:
    here = describe_environment("cpu")
    assert same_bits(here, here)
    assert same_bits(here, here | {key: "another"}) == same
