"""Containers and prefixes come off; what is no tensor is left out."""

import torch
from torch import nn

from segdemo.checkpoints.unwrap import unwrap
from tests.table import every

TENSORS = {"inc.weight": torch.ones(1), "outc.bias": torch.zeros(2)}


def test_a_plain_state_dict_stays_as_it_is():
    found = unwrap(TENSORS)
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == ()


@every(
    "name",
    [
        *("state_dict", "model_state_dict", "model", "net", "network", "params", "weights"),
        *("ema", "model_ema", "params_ema", "state_dict_ema", "generator", "netG", "module"),
        "unet",  # whatever it is called, when nothing else can be meant
    ],
)
def test_a_container_is_taken_off(name):
    found = unwrap({name: TENSORS, "epoch": 3, "optimizer": {"state": {}}})
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == (name,)


def test_containers_nest():
    found = unwrap({"model": {"state_dict": TENSORS}})
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == ("model", "state_dict")


@every(
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


def test_averaged_weights_go_before_those_that_were_averaged():
    averaged = {key: value + 1 for key, value in TENSORS.items()}
    found = unwrap({"model": TENSORS, "model_ema": averaged})
    assert found.stripped == ("model_ema",)
    assert torch.equal(found.tensors["inc.weight"], averaged["inc.weight"])


def test_a_configuration_is_no_container():
    found = unwrap({"model": {"width": 3}, "net": TENSORS, "optimizer": {"state": {0: TENSORS}}})
    assert found.stripped == ("net",)


def test_two_unusual_containers_are_not_chosen_from():
    assert unwrap({"first": TENSORS, "second": TENSORS}).tensors == {}


def test_what_training_keeps_among_the_weights_comes_off_and_is_told():
    added = {"criterion.weight": torch.ones(3), "n_averaged": torch.tensor(5)}
    found = unwrap({**added, **{f"module.{key}": value for key, value in TENSORS.items()}})
    assert found.tensors.keys() == TENSORS.keys()
    assert found.stripped == ("criterion", "n_averaged", "module.")


def test_mask_values_beside_a_container_are_kept():
    assert unwrap({"state_dict": TENSORS, "mask_values": [0, 255]}).class_values == ("0", "255")


@every(
    "values", [None, "01", [None], [[[1]]], [10**400], [0] * 5000, [float("nan"), "x"], [[1] * 9]]
)
def test_senseless_mask_values_are_left_out(values):
    assert unwrap({**TENSORS, "mask_values": values}).class_values == ()


def test_dicts_that_hold_each_other_many_times_end():
    content = {}
    for name in range(1000):
        content[str(name)] = content
    assert unwrap(content).tensors == {}


def test_a_prefix_that_not_all_share_stays():
    mixed = {"model.a": torch.ones(1), "head.b": torch.ones(1)}
    assert unwrap(mixed).tensors.keys() == mixed.keys()


@every("values", [[0, 255], [0, [1, 2, 3]], None, "text"])
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
