from __future__ import annotations

import pytest
import torch

from optbench.errors import UsageError
from optbench.training.device import choose_device, present_devices, reproducible, restore_settings

CPU = torch.device("cpu")


def test_a_device_that_is_not_here_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"there is no cuda:99 here; present: cpu"):
        choose_device("cuda:99")


def test_auto_takes_the_fastest_kind_present() -> None:
    kinds = [torch.device(name).type for name in present_devices()]
    fastest = min(kinds, key=("cuda", "mps", "cpu").index)
    assert choose_device("auto").type == fastest
    assert choose_device("cpu") == CPU


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with reproducible(CPU):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_was_left_and_ends_while_another_trains_changes_no_setting_of_it() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    tiny = torch.tensor([1e-30])
    try:
        left = reproducible(CPU)
        left.__enter__()
        with reproducible(CPU):
            left.__exit__(None, None, None)
            assert torch.get_num_threads() == 1
            assert (tiny * 1e-10).item() == 0
        assert torch.get_num_threads() == 2
        assert (tiny * 1e-10).item() == pytest.approx(1e-40, rel=1e-4)
    finally:
        torch.set_num_threads(before)


def test_outside_of_it_there_are_no_settings_to_restore() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        restore_settings()
        assert torch.get_num_threads() == 2
        assert (torch.tensor([1e-30]) * 1e-10).item() > 0
        with reproducible(CPU):
            torch.set_num_threads(2)
            torch.set_flush_denormal(False)
            restore_settings()
            assert torch.get_num_threads() == 1
            assert (torch.tensor([1e-30]) * 1e-10).item() == 0
    finally:
        torch.set_num_threads(before)


def test_denormal_numbers_are_zero_inside_and_themselves_outside() -> None:
    tiny = torch.tensor([1e-30])
    with reproducible(CPU):
        assert (tiny * 1e-10).item() == 0
    assert (tiny * 1e-10).item() == pytest.approx(1e-40, rel=1e-4)
