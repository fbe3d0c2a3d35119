"""A renaming is written with gaps, filled in by hand, and taken for a checkpoint's names."""

import json

import pytest
import torch
from code_bases import randomised
from strangers import EncoderDecoderNumbered

from segdemo.checkpoints.detection import detect
from segdemo.checkpoints.renaming import detect_renamed, proposed_names
from segdemo.errors import UnknownNetworkError


@pytest.fixture(scope="module")
def state_dict():
    return randomised(EncoderDecoderNumbered(width=2)).state_dict()


def test_a_recognised_network_has_no_gaps_and_reads_back_the_same(state_dict, tmp_path):
    proposed = proposed_names(state_dict)
    assert proposed["assume"] == "up_first"
    assert None not in proposed["names"].values()
    file = tmp_path / "names.json"
    file.write_text(json.dumps(proposed))
    found, expected = detect_renamed(state_dict, file), detect(state_dict)
    assert found.config == expected.config
    assert all(found.tensors[key] is not None for key in expected.tensors)


def test_a_gap_leaves_a_tensor_out(state_dict):
    strange = {**state_dict, "extra.table": torch.ones(3, 3, 3)}
    proposed = proposed_names(strange)["names"]
    assert proposed["extra.table"] is None
    names = {**proposed_names(state_dict)["names"], "extra.table": None}
    detection = detect_renamed(strange, names, assume="skip_first")
    assert detection.config.join == "skip_first"


@pytest.mark.parametrize(
    "change",
    [
        {"no.such": "head.weight"},
        {"final.weight": "head.bias"},
        {"final.weight": None},
        {"final.weight": 3},
    ],
)
def test_a_renaming_that_does_not_fit_is_refused_with_its_reason(state_dict, change):
    names = {**proposed_names(state_dict)["names"], **change}
    with pytest.raises(UnknownNetworkError) as caught:
        detect_renamed(state_dict, names)
    assert caught.value.key == "checkpoint_names"


def test_a_file_without_a_renaming_is_refused(state_dict, tmp_path):
    file = tmp_path / "names.json"
    file.write_text("[1]")
    for path in (file, tmp_path / "absent.json"):
        with pytest.raises(UnknownNetworkError) as caught:
            detect_renamed(state_dict, path)
        assert caught.value.key == "checkpoint_names"
