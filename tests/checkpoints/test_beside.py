"""What training and tools add to a state dict is left out and named; weights are folded."""

import numpy as np
import pytest
import torch
from code_bases import randomised
from strangers import EncoderDecoderNumbered
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from segdemo.checkpoints import detect
from segdemo.checkpoints.unwrap import unwrap
from segdemo.errors import UnknownNetworkError


@pytest.fixture(scope="module")
def network():
    return randomised(EncoderDecoderNumbered(width=2))


ADDED = {
    "total_ops": torch.zeros(1),
    "enc1.0.total_params": torch.zeros(1),
    "criterion.weight": torch.ones(2),
    "dice_loss.smooth": torch.ones(1),
    "val_iou.tp": torch.zeros(2),
    "train_metrics.JaccardIndex.confmat": torch.zeros(2, 2),
    "bce.pos_weight": torch.ones(1),
}


def test_each_addition_is_left_out_and_named(network):
    found = unwrap({**network.state_dict(), **ADDED})
    assert found.tensors.keys() == network.state_dict().keys()
    said = {"total_ops", "total_params", "criterion", "dice_loss", "val_iou", "bce"}
    assert said | {"train_metrics"} == set(found.stripped)


def test_a_network_is_the_same_with_what_lies_beside_it(network):
    plain, beside = detect(network.state_dict()), detect({**network.state_dict(), **ADDED})
    assert (plain.id, plain.config) == (beside.id, beside.config)


def test_the_compiled_module_is_taken_off_anywhere_in_a_name(network):
    compiled = {
        key.replace("enc1.", "enc1._orig_mod."): tensor
        for key, tensor in network.state_dict().items()
    }
    found = unwrap(compiled)
    assert found.tensors.keys() == network.state_dict().keys()
    assert found.stripped == ("_orig_mod.",)


def test_mean_and_std_become_preprocessing(network):
    inside = {f"model.{key}": tensor for key, tensor in network.state_dict().items()}
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.2, 0.25])
    shape = (1, 3, 1, 1)
    detection = detect({**inside, "mean": mean.view(shape), "std": std.view(shape)})
    preprocessing = detection.recipe["preprocessing"]
    assert preprocessing["mean"] == pytest.approx([0.5, 0.4, 0.3])
    assert preprocessing["std"] == pytest.approx([0.2, 0.2, 0.25])
    assert {"mean", "std"} <= set(detection.stripped)


def test_arrays_of_numpy_are_tensors(network):
    arrays = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
    arrays["enc1.0.weight"] = arrays["enc1.0.weight"].astype(">f4")
    found, expected = detect(arrays).tensors, detect(network.state_dict()).tensors
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert isinstance(arrays["enc1.0.weight"], np.ndarray)


def pruned(conv):
    prune.random_unstructured(conv, "weight", 0.5)


FOLDS = {
    "pruning (folded)": pruned,
    "weight norm (folded)": parametrizations.weight_norm,
    "spectral norm (folded)": parametrizations.spectral_norm,
}


@pytest.mark.parametrize("said", FOLDS)
def test_weights_in_parts_are_folded_and_said(said):
    network = randomised(EncoderDecoderNumbered(width=2))
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            FOLDS[said](module)
    network.eval()
    detection = detect(network.state_dict())
    assert said in detection.stripped
    image = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        expected, found = network(image), detection.build()(image)
    assert torch.allclose(found, expected, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("fold", [weight_norm, spectral_norm])
def test_the_older_forms_of_norms_are_folded_too(fold):
    conv = fold(nn.Conv2d(3, 4, 3))
    conv.eval()
    conv(torch.rand(1, 3, 8, 8))
    folded = unwrap(conv.state_dict()).tensors
    assert torch.allclose(folded["weight"], conv.weight, atol=1e-6)


def test_of_several_networks_the_person_chooses(network):
    other = randomised(EncoderDecoderNumbered(width=2), seed=1)
    several = {
        **{f"student.{key}": tensor for key, tensor in network.state_dict().items()},
        **{f"teacher.{key}": tensor for key, tensor in other.state_dict().items()},
    }
    with pytest.raises(UnknownNetworkError, match="student, teacher") as caught:
        detect(several)
    assert caught.value.key == "checkpoint_several"
    chosen = detect(several, assume="teacher")
    assert torch.equal(chosen.tensors["head.weight"], other.final.weight)
    read = detect(several, assume="teacher:skip_first")
    assert (read.id, read.config.join) == ("skip_first", "skip_first")
    folds = {"fold0": network.state_dict(), "fold1": other.state_dict()}
    with pytest.raises(UnknownNetworkError, match="fold0, fold1"):
        detect(folds)
    assert torch.equal(detect(folds, assume="fold1").tensors["head.weight"], other.final.weight)


def test_the_one_network_under_a_name_is_read_and_the_rest_said(network):
    beside = {f"segmenter.{key}": tensor for key, tensor in network.state_dict().items()}
    beside["projector.weight"] = torch.ones(7, 5)
    detection = detect(beside)
    assert "projector." in detection.stripped
    assert detection.config.classes == 1
