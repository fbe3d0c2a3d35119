"""Near misses: of every family, the first tensor that differs is told, and all of them if asked."""

import pytest
import torch
from code_bases import VECTORS, header, vector

from segdemo.checkpoints import detect
from segdemo.checkpoints.nearest import Difference, nearest_miss
from segdemo.cli.main import main
from segdemo.errors import UnknownNetworkError
from tests.table import every

FIXTURES = sorted(path.stem for path in VECTORS.glob("*.json"))


def refusal(tensors):
    with pytest.raises(UnknownNetworkError) as caught:
        detect(tensors)
    return caught.value


def middle(tensors):
    """The name of a convolution that is neither first nor last."""
    names = [key for key, tensor in tensors.items() if tensor.dim() == 4]
    return names[len(names) // 2]


@every("fixture", FIXTURES)
def test_a_surplus_tensor_is_named(fixture):
    complete = header(vector(fixture))
    error = refusal({**complete, "attention.gate.weight": torch.empty(1, device="meta")})
    assert error.key == "checkpoint_near_surplus"
    assert error.facts["first"] == "attention.gate.weight"
    assert error.facts["differing"] == 1
    assert error.facts["count"] == len(complete) + 1


@every("fixture", FIXTURES)
def test_a_missing_tensor_does_not_hide_what_network_it_is(fixture):
    complete = header(vector(fixture))
    rest = {key: tensor for key, tensor in complete.items() if key != middle(complete)}
    assert refusal(rest).facts["title"] == detect(complete).architecture.title


@every(
    ("network", "name"),
    [
        ("milesial_unet", "outc.conv.weight"),
        ("unet_classic", "outc.conv.bias"),
        ("labml_unet", "down_conv.1.second.weight"),
        ("xuebinqin_u2net", "stage3.rebnconv2d.conv_s1.weight"),
        ("u2net_full", "encode_modules.2.decode_modules.1.bn.running_var"),
        ("resnet34_unet", "firstconv.weight"),
        ("wkentaro_fcn8s", "conv4_2.weight"),
        ("vggfcn16", "vgg16.features.21.weight"),
    ],
)
def test_a_missing_tensor_is_named_as_the_file_would(network, name):
    tensors = header(vector(network))
    del tensors[name]
    error = refusal(tensors)
    assert (error.key, error.facts["first"]) == ("checkpoint_near_missing", name)


@every("fixture", FIXTURES)
def test_another_kernel_is_named_with_both_shapes(fixture):
    complete = header(vector(fixture))
    name = middle(complete)
    shape = tuple(complete[name].shape)
    error = refusal({**complete, name: torch.empty(*shape[:2], 9, 9, device="meta")})
    assert error.key == "checkpoint_near"
    assert error.facts["first"] == name
    assert error.facts["here"] == str((*shape[:2], 9, 9))
    assert error.facts["fits"] == str(shape)


def test_all_differences_are_there_for_who_asks():
    tensors = header(vector("milesial_unet"))
    del tensors["outc.conv.bias"]
    head = tensors["outc.conv.weight"]
    tensors["outc.conv.weight"] = torch.empty(*head.shape[:2], 3, 3, device="meta")
    tensors["extra"] = torch.empty(4, device="meta")
    miss = nearest_miss(tensors)
    assert miss.mapping.id == "unet_milesial"
    assert miss.differences == (
        Difference(name="outc.conv.weight", here="(2, 64, 3, 3)", fits="(2, 64, 1, 1)"),
        Difference(name="outc.conv.bias", here=None, fits="(2)"),
        Difference(name="extra", here="(4)", fits=None),
    )


def test_nothing_is_near_to_another_network():
    assert nearest_miss(torch.nn.LSTM(2, 2).state_dict()) is None


def test_inspect_lists_the_differences_when_it_is_asked_to(tmp_path, capsys):
    path = tmp_path / "a.pth"
    tensors = {key: torch.zeros(t.shape) for key, t in header(vector("labml_unet")).items()}
    torch.save({**tensors, "extra": torch.ones(2)}, path)
    assert main(["inspect", str(path), "--diff"]) == 1
    told = capsys.readouterr()
    assert told.out == "extra: (2), no part of it\n"
    assert "1 of 47 tensors differ" in told.err
    assert main(["inspect", str(path)]) == 1
    assert capsys.readouterr().out == ""
