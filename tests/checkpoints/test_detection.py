"""Recognition: what people do to a state dict before they save it, and what it must not survive."""

import pytest
import torch
from code_bases import SMALL_DECODER, SMALL_ENCODER, DeepU2Net, TutorialUNet, picture, randomised
from torch import nn

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError, WeightsError
from tests.table import every


@pytest.fixture
def theirs():
    return randomised(TutorialUNet(depth=2, width=4))


@pytest.fixture
def state_dict(theirs):
    return theirs.state_dict()


def logits(network, x=None):
    with torch.no_grad():
        return network(picture() if x is None else x)


def refusal(state_dict, **options):
    with pytest.raises(UnknownNetworkError) as caught:
        detect(state_dict, **options)
    return caught.value


def test_the_network_is_ready_to_predict(state_dict):
    network = detect(state_dict).build()
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_any_precision_become_float32(theirs, state_dict, dtype):
    network = detect({key: value.to(dtype) for key, value in state_dict.items()}).build()
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    tolerance = {torch.float16: 0.02, torch.bfloat16: 0.2, torch.float64: 1e-5}[dtype]
    torch.testing.assert_close(logits(network), logits(theirs), rtol=tolerance, atol=tolerance)


def test_halved_weights_keep_their_values_exactly(state_dict):
    halved = {key: value.half() for key, value in state_dict.items()}
    weights = detect(halved).build().state_dict()
    assert torch.equal(weights["head.weight"], halved["outc.conv.weight"].float())


def test_counters_may_be_missing_as_before_torch_0_4_1(theirs, state_dict):
    older = {key: value for key, value in state_dict.items() if not key.endswith("_tracked")}
    assert len(older) < len(state_dict)
    torch.testing.assert_close(logits(detect(older).build()), logits(theirs))


@pytest.mark.parametrize(
    "change", [lambda counter: counter.reshape(1), lambda counter: counter.half()]
)
def test_counters_may_be_vectors_or_halves(theirs, state_dict, change):
    changed = {
        key: change(value) if key.endswith("_tracked") else value
        for key, value in state_dict.items()
    }
    network = detect(changed).build()
    torch.testing.assert_close(logits(network), logits(theirs))
    counters = [b for key, b in network.named_buffers() if key.endswith("_tracked")]
    assert {(counter.dtype, counter.dim()) for counter in counters} == {(torch.int64, 0)}


def test_a_counter_without_a_norm_is_refused(state_dict):
    assert refusal({**state_dict, "outc.conv.num_batches_tracked": torch.tensor(0)})


def test_tensors_need_not_lie_in_order(theirs, state_dict):
    turned = {
        key: value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value
        for key, value in state_dict.items()
    }
    every_second = {
        key: torch.stack([value, value], dim=-1)[..., 0] for key, value in turned.items()
    }
    assert not every_second["outc.conv.weight"].is_contiguous()
    torch.testing.assert_close(logits(detect(every_second).build()), logits(theirs))


def test_parameters_are_taken_like_tensors(theirs):
    torch.testing.assert_close(
        logits(detect(dict(theirs.named_parameters()) | dict(theirs.named_buffers())).build()),
        logits(theirs),
    )


def test_containers_prefixes_and_mask_values_come_off(theirs, state_dict):
    wrapped = {f"module._orig_mod.{key}": value for key, value in state_dict.items()}
    wrapped["mask_values"] = [0, 255]
    detection = detect({"model": wrapped, "epoch": 7})
    assert detection.stripped == ("model", "module.", "_orig_mod.")
    torch.testing.assert_close(logits(detection.build()), logits(theirs))


def test_whoever_predicts_does_not_change_the_tensors_that_were_given(state_dict):
    before = {key: value.clone() for key, value in state_dict.items()}
    logits(detect(state_dict).build())
    assert all(torch.equal(state_dict[key], before[key]) for key in before)


def test_parameters_are_counted_without_statistics(theirs, state_dict):
    assert detect(state_dict).parameters == sum(p.numel() for p in theirs.parameters())


def test_what_the_code_base_alone_knows_is_told(state_dict):
    assert detect(state_dict).known == {}
    biased = TutorialUNet(era="bias", depth=1, width=2).state_dict()
    assert detect(biased, assume="unet_unpadded").known == {"padding": 0}


def test_assuming_what_is_found_anyway_changes_nothing(state_dict):
    assert detect(state_dict, assume="unet_milesial").id == "unet_milesial"


def test_assuming_what_does_not_fit_is_refused_and_names_what_does(state_dict):
    error = refusal(state_dict, assume="u2net")
    assert error.key == "checkpoint_assume"
    assert "unet_milesial" in str(error)


@every("content", [{}, {"epoch": 3}, {"state_dict": {}}, {"model": {"optimizer": 1}}])
def test_content_without_tensors_says_so(content):
    assert refusal(content).key == "checkpoint_empty"


def test_content_that_contains_itself_says_so():
    content = {}
    content["state_dict"] = content
    assert refusal(content).key == "checkpoint_empty"


@every(
    "network",
    [nn.Linear(3, 1), nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), nn.LSTM(2, 2)],
)
def test_another_network_is_refused_with_the_number_of_its_tensors(network):
    error = refusal(network.state_dict())
    assert error.key in ("checkpoint_unknown", "checkpoint_alike")
    assert f"({len(network.state_dict())})" in str(error)


def test_a_tensor_too_many_is_named(state_dict):
    error = refusal({**state_dict, "attention.weight": torch.ones(1)})
    assert error.key == "checkpoint_near_surplus"
    assert "U-Net as milesial/Pytorch-UNet" in str(error)
    count = len(state_dict) + 1
    assert f"1 of {count} tensors differ, first: attention.weight is no part" in str(error)


def test_a_tensor_too_few_is_told(state_dict):
    del state_dict["inc.double_conv.1.running_mean"]
    error = refusal(state_dict)
    assert error.key == "checkpoint_near_missing"
    first = "inc.double_conv.1.running_mean"
    assert f"beside these {len(state_dict)}, first: {first}." in str(error)


def test_a_tensor_of_another_shape_is_named_with_the_one_that_fits(state_dict):
    head = state_dict["outc.conv.weight"]
    error = refusal({**state_dict, "outc.conv.weight": head.expand(1, 4, 3, 1).contiguous()})
    assert error.key == "checkpoint_near"
    said = f"1 of {len(state_dict)} tensors differ, first: outc.conv.weight is (1, 4, 3, 1)"
    assert f"{said} where (1, 4, 1, 1) fits" in str(error)
    assert "U-Net as milesial/Pytorch-UNet" in str(error)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_not_numbers_are_named_as_the_file_does(state_dict, value, dtype):
    state_dict = {key: tensor.to(dtype) for key, tensor in state_dict.items()}
    state_dict["up1.conv.double_conv.3.weight"][0, 0, 1, 1] = value
    with pytest.raises(
        WeightsError, match=r"such values: 1, first: up1\.conv\.double_conv\.3\.weight"
    ):
        detect({f"module.{key}": tensor for key, tensor in state_dict.items()})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_numbers_too_large_for_a_sum_are_numbers_all_the_same(state_dict, dtype):
    largest = torch.finfo(dtype).max
    tensor = state_dict["outc.conv.weight"].to(dtype).fill_(largest)
    found = detect({**state_dict, "outc.conv.weight": tensor}).tensors["head.weight"]
    assert bool((found == largest).all())


def test_a_tensor_without_numbers_is_named(state_dict):
    error = refusal({**state_dict, "outc.conv.bias": torch.ones(0)})
    assert error.key == "checkpoint_tensor_empty"
    assert "outc.conv.bias" in str(error)


@every(
    ("values", "names"),
    [([0, 255], ["0", "255"]), ([[0, 0, 0], [255, 0, 9]], ["0, 0, 0", "255, 0, 9"])],
)
def test_mask_values_are_the_names_of_as_many_classes(values, names):
    state_dict = randomised(TutorialUNet(depth=1, width=2, classes=2)).state_dict()
    detection = detect({**state_dict, "mask_values": values})
    assert list(detection.class_values) == names
    assert detection.recipe["postprocessing"]["classes"] == names


def test_mask_values_of_other_classes_are_no_names(state_dict):
    detection = detect({**state_dict, "mask_values": [0, 127, 255]})
    assert detection.class_values == ("0", "127", "255")
    assert "classes" not in detection.recipe.get("postprocessing", {})


def test_a_sentence_does_not_grow_with_the_names_in_the_file(state_dict):
    strange = {f"{'x' * 5000}{n}.weight": torch.ones(1) for n in range(20)}
    assert len(str(refusal({**state_dict, **strange}))) < 400


def test_a_file_of_absurdly_many_tensors_is_refused():
    widths = (1,) * 220
    config = UNetConfig(
        in_channels=3,
        classes=1,
        widths=widths,
        inner_widths=widths,
        decoder_widths=widths[1:],
        decoder_inner_widths=widths[1:],
        up="bilinear",
    )
    with torch.device("meta"):
        state_dict = UNet(config).state_dict()
    assert len(state_dict) > 5000
    assert refusal(state_dict).key == "checkpoint_unknown"


def scalar(tensor):
    return tensor.new_zeros(())


def flat(tensor):
    return tensor.flatten()


def deep(tensor):
    return tensor[..., None, None, None]


def empty(tensor):
    return tensor[:0]


def enormous(tensor):
    return torch.empty(2**40, *tensor.shape[1:], device="meta")


@pytest.mark.parametrize("change", [scalar, flat, deep, empty, enormous])
def test_shapes_that_no_network_has_are_refused(state_dict, change):
    changed = {key: change(value) if value.dim() else value for key, value in state_dict.items()}
    refusal(changed)
    for key, value in changed.items():
        if value.shape != state_dict[key].shape:
            refusal({**state_dict, key: value})


def test_tensors_larger_than_their_storage_are_refused():
    # A file of some kilobytes could claim a network of terabytes.
    state_dict = TutorialUNet(depth=1, width=4).state_dict()
    state_dict["outc.conv.weight"] = torch.zeros(1, 1, 1, 1).expand(10**9, 4, 1, 1)
    state_dict["outc.conv.bias"] = torch.zeros(1).expand(10**9)
    assert refusal(state_dict).key == "checkpoint_unknown"


def test_sparse_tensors_are_refused(state_dict):
    dense = state_dict["outc.conv.bias"]
    sparse = torch.sparse_coo_tensor([[0]], [1.0], dense.shape, check_invariants=True)
    refusal({**state_dict, "outc.conv.bias": sparse})


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool, torch.complex64])
def test_weights_that_are_no_fractions_are_refused(state_dict, dtype):
    refusal({**state_dict, "outc.conv.weight": state_dict["outc.conv.weight"].to(dtype)})


def test_many_levels_are_read_and_not_only_five():
    with torch.device("meta"):
        network = TutorialUNet(depth=12, width=1)
    assert len(detect(network.state_dict()).config.widths) == 13


def test_two_families_in_one_file_are_refused(state_dict):
    other = DeepU2Net(SMALL_ENCODER, SMALL_DECODER).state_dict()
    refusal({**state_dict, **other})
