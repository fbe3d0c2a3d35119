"""Verdicts: what a checkpoint is in a few facts, or the sentence against it."""

import io
import json
import math
import random

import pytest
import torch
from code_bases import TutorialUNet, header, randomised, vector
from safetensors.torch import save
from strangers import EncoderDecoderNumbered

from segdemo.checkpoints import detect, read_file
from segdemo.checkpoints.judging import judge, judge_whole
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import HubError
from tests.table import every


def judged(data, name="network.pth"):
    return judge(io.BytesIO(data), name=name, size=len(data))


def saved(content, **options):
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


@every("legacy", [False, True])
def test_a_verdict_says_what_loading_would_find(tmp_path, legacy):
    network = randomised(TutorialUNet(channels=1, classes=2))
    data = saved({"net": network.state_dict()}, _use_new_zipfile_serialization=not legacy)
    path = tmp_path / "a.pth"
    path.write_bytes(data)
    detection = detect(read_file(path).content)
    assert judged(data) == Verdict(
        architecture="unet",
        title="U-Net",
        configuration=detection.architecture.describe(detection.config),
        origin=detection.origin,
        in_channels=1,
        classes=2,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        alternatives=len(detection.alternatives),
    )


def test_a_reading_that_tensors_cannot_tell_from_another_is_counted():
    described_by = header(vector("xuebinqin_u2netp"))
    tensors = {key: torch.zeros(t.shape, dtype=t.dtype) for key, t in described_by.items()}
    verdict = judged(save(tensors))
    assert verdict.alternatives == len(detect(described_by).alternatives)
    assert (verdict.architecture, verdict.classes, verdict.reason) == ("u2net", 1, None)


@every(
    ("data", "key"),
    [
        (b"", "file_empty"),
        (b"<html>", "file_web_page"),
        (saved([1]), "file_not_weights"),
        (saved(TutorialUNet()), "file_whole_object"),
        (saved({"epoch": 3}), "checkpoint_empty"),
        (save({"a.weight": torch.ones(3)}), "checkpoint_unknown"),
        (save({"a.weight": torch.ones(3)})[:-1], "file_damaged"),
    ],
)
def test_what_cannot_be_used_has_its_sentence_as_the_reason(data, key):
    verdict = judged(data)
    assert verdict.reason.key == key
    assert verdict == Verdict(reason=verdict.reason)


@every("fixture", ["xuebinqin_u2netp", "milesial_unet", "tv_fcn_resnet50"])
def test_absurd_shapes_that_a_server_vouches_for_are_refused_like_others(fixture):
    dice, sides = random.Random(2), (0, 1, 7, 2**20, 2**31, 2**40)
    shapes = {key: list(tensor.shape) for key, tensor in header(vector(fixture)).items()}
    refused = 0
    for _ in range(30):
        entries, end = {}, 0
        for key, shape in shapes.items():
            sides_here = [dice.choice(sides) if dice.random() < 0.02 else side for side in shape]
            start, end = end, end + 4 * math.prod(sides_here)
            entries[key] = {"dtype": "F32", "shape": sides_here, "data_offsets": [start, end]}
        text = json.dumps(entries).encode()
        data = len(text).to_bytes(8, "little") + text
        refused += judge(io.BytesIO(data), name="a", size=len(data) + end).reason is not None
    assert refused == 30


class Lost(io.BytesIO):
    def read(self, size=-1):
        raise HubError("hub_empty")


def test_what_the_source_says_is_a_reason_too():
    assert judge(Lost(), name="a.pth", size=9).reason.key == "hub_empty"


def test_a_mistake_of_ours_is_none():
    with pytest.raises(AttributeError):
        judge(None, name="a.pth", size=9)


def test_numbers_that_are_none_are_found_in_a_file_that_lies_here(tmp_path):
    state_dict = EncoderDecoderNumbered(width=2).state_dict()
    whole, wrong = tmp_path / "whole.pth", tmp_path / "wrong.pth"
    torch.save(state_dict, whole)
    state_dict["enc1.0.weight"][0, 0, 0, 0] = float("nan")
    torch.save(state_dict, wrong)
    assert judge_whole(whole).reason is None
    found = judge_whole(wrong).reason
    assert found is not None
    assert (found.key, found.facts["tensor"]) == ("checkpoint_not_finite", "enc1.0.weight")
