"""Two hundred odd checkpoints: each opens with the same outputs, or is refused by its sentence."""

import itertools
import random

import pytest
import torch
from code_bases import TutorialUNet, picture, randomised
from safetensors.torch import save_file

from segdemo.checkpoints import detect, read_file
from segdemo.errors import CheckpointError

CONTAINERS = ("", "state_dict", "model_state_dict", "model", "net", "params", "ema", "model_ema")
PREFIXES = ("", "module.", "model.", "net.", "_orig_mod.", "module._orig_mod.", "unet.")
FORMATS = ("zip", "legacy", "safetensors")
DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
TOLERANCES = {torch.float32: 1e-6, torch.float64: 1e-6, torch.float16: 0.02, torch.bfloat16: 0.2}
NETWORKS = [
    {"width": width, "channels": channels, "up": up, "era": era, "depth": 2, "classes": classes}
    for width, channels, up, era, classes in itertools.product(
        (2, 4), (1, 3, 4), ("bilinear", "transposed"), ("master", "bias", "classic"), (1, 2)
    )
]
MALADIES = (None, None, None, None, "nan", "surplus", "missing", "shape", "empty", "claims")
SENTENCES = {
    "nan": {"checkpoint_not_finite"},
    "surplus": {"checkpoint_near_surplus"},
    "missing": {"checkpoint_near_missing"},
    "shape": {"checkpoint_near"},
    "empty": {"checkpoint_tensor_empty", "file_tensor_empty"},
    "claims": {"file_claims"},
}


def cases():
    """Every container, prefix, format and precision with every other, in an order of dice."""
    dice = random.Random(3)
    for number in range(200):
        yield {
            "number": number,
            "network": dice.choice(NETWORKS),
            "container": CONTAINERS[number % len(CONTAINERS)],
            "prefix": PREFIXES[number % len(PREFIXES)],
            "format": FORMATS[number % len(FORMATS)],
            "dtype": DTYPES[number // 7 % len(DTYPES)],
            "malady": MALADIES[number % len(MALADIES)],
        }


def fall_ill(tensors, malady):
    head = tensors["outc.conv.weight"]
    if malady == "nan":
        tensors["outc.conv.weight"] = torch.full_like(head, torch.nan)
    elif malady == "surplus":
        tensors["attention.weight"] = torch.ones(2, 2)
    elif malady == "missing":
        del tensors["outc.conv.bias"]
    elif malady == "shape":
        tensors["outc.conv.weight"] = head.repeat(1, 11, 1, 1)
    elif malady == "empty":
        tensors["outc.conv.bias"] = torch.ones(0)
    elif malady == "claims":
        tensors["outc.conv.weight"] = torch.ones(1).as_strided((2**20, *head.shape[1:]), (0,) * 4)


def write(path, tensors, case):
    named = {case["prefix"] + key: tensor for key, tensor in tensors.items()}
    if case["format"] == "safetensors":
        save_file({key: tensor.contiguous() for key, tensor in named.items()}, path)
        return
    beside = {"epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}}}
    content = {case["container"]: named, **beside} if case["container"] else named
    torch.save(content, path, _use_new_zipfile_serialization=case["format"] == "zip")


@pytest.mark.slow
def test_each_opens_with_the_same_outputs_or_is_refused_by_its_sentence(tmp_path):
    path, opened, refused = tmp_path / "odd.bin", 0, set()
    for case in cases():
        if case["malady"] == "claims" and case["format"] == "safetensors":
            case["malady"] = None  # the library writes every number
        theirs = randomised(TutorialUNet(**case["network"]), seed=case["number"])
        tensors = {
            key: tensor.to(case["dtype"]) if tensor.is_floating_point() else tensor
            for key, tensor in theirs.state_dict().items()
        }
        fall_ill(tensors, case["malady"])
        write(path, tensors, case)
        if case["malady"]:
            with pytest.raises(CheckpointError) as caught:
                detect(read_file(path).content)
            assert caught.value.key in SENTENCES[case["malady"]], case
            assert len(str(caught.value)) < 400
            refused.add(caught.value.key)
            continue
        detection = detect(read_file(path).content)
        ours, x = detection.build(), picture(case["network"]["channels"], 21, 30)
        tolerance = TOLERANCES[case["dtype"]]
        with torch.no_grad():
            torch.testing.assert_close(
                ours(x),
                theirs(x),
                rtol=tolerance,
                atol=tolerance,
                msg=lambda said, c=case: f"{c} {said}",
            )
        around = [part for part in case["prefix"].split(".") if part]
        assert [name.rstrip(".") for name in detection.stripped][
            -len(around) :
        ] == around or not around
        opened += 1
    assert opened > 80
    assert refused == set.union(*SENTENCES.values())
