"""Containers and prefixes come off; what is no tensor is left out."""

import pytest
import torch
from torch import nn

from segdemo.checkpoints.unwrap import unwrap

TENSORS = {"inc.weight": torch.ones(1), "outc.bias": torch.zeros(2)}


def test_a_plain_state_dict_stays_as_it_is():
    found = unwrap(TENSORS)
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == ()


@pytest.mark.parametrize(
    "name", ["state_dict", "model_state_dict", "model", "net", "network", "params", "weights"]
)
def test_a_container_is_taken_off(name):
    found = unwrap({name: TENSORS, "epoch": 3, "optimizer": {"state": {}}})
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == (name,)


def test_containers_nest():
    found = unwrap({"model": {"state_dict": TENSORS}})
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == ("model", "state_dict")


@pytest.mark.parametrize(
    "prefixes", [["module."], ["model."], ["_orig_mod."], ["module.", "_orig_mod.", "net."], ["0."]]
)
def test_modules_around_the_network_are_taken_off(prefixes):
    around = "".join(prefixes)
    found = unwrap({around + key: value for key, value in TENSORS.items()})
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == tuple(prefixes)


def test_a_container_and_prefixes_come_off_together():
    found = unwrap({"state_dict": {f"model.module.{key}": t for key, t in TENSORS.items()}})
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == ("state_dict", "model.", "module.")


def test_a_prefix_that_not_all_share_stays():
    mixed = {"model.a": torch.ones(1), "head.b": torch.ones(1)}
    assert unwrap(mixed).tensors.keys() == mixed.keys()


@pytest.mark.parametrize("values", [[0, 255], [0, [1, 2, 3]], None, "text"])
def test_mask_values_and_all_else_that_is_no_tensor_is_left_out(values):
    assert unwrap({**TENSORS, "mask_values": values}).tensors.keys() == TENSORS.keys()


def test_names_that_are_no_text_are_left_out():
    assert unwrap({**TENSORS, 1: torch.ones(1)}).tensors.keys() == TENSORS.keys()


def test_parameters_leave_their_gradients_behind():
    found = unwrap({"weight": nn.Parameter(torch.ones(1))})
    assert not found.tensors["weight"].requires_grad


def test_content_that_contains_itself_ends():
    content = {}
    content["state_dict"] = content
    assert unwrap(content).tensors == {}


def test_an_endless_prefix_ends():
    assert len(unwrap({"module." * 50_000 + "weight": torch.ones(1)}).tensors) == 1


def test_nothing_is_nothing():
    assert unwrap({}).tensors == {}
