"""A file that is loaded: its evidence fills what nobody said, and only speaks against the rest."""

import json
from dataclasses import replace

import pytest
import torch
from remembered import SCALINGS, remembering, smooth_images
from safetensors.torch import save_file

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import detect
from segdemo.checkpoints.evidence import gather, ordered, told_by
from segdemo.checkpoints.recognise import recognise
from segdemo.inference.inspection import inspect_network
from segdemo.inference.segmenter import load
from segdemo.spec import FIRST_LAYER

OWN = {"divisor": 255.0, "mean": [0.0], "std": [1.0]}


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a small U-Net that remembers images of a scale."""

    def write(scale, says=None):
        torch.manual_seed(0)
        network = remembering(
            UNet(UNetConfig.standard(width=8, depth=1)), SCALINGS[scale](smooth_images())
        )
        path = tmp_path / f"{scale}.safetensors"
        metadata = {"segdemo": json.dumps({"preprocessing": says})} if says else None
        save_file(network.state_dict(), path, metadata)
        return path

    return write


def two_readings(join="up_first"):
    """A detection that joins skip first, of tensors that were trained otherwise or so."""
    torch.manual_seed(0)
    config = replace(UNetConfig.standard(width=8, depth=2), join=join)
    network = remembering(UNet(config), smooth_images())
    usual = detect(network.state_dict())
    other = replace(
        usual,
        config=replace(usual.config, join="up_first"),
        mapping=replace(usual.mapping, id="up_first"),
    )
    return replace(usual, alternatives=(other,))


def test_values_that_nobody_spoke_of_are_those_of_the_first_layer(checkpoint):
    wrong = {}
    for scale, values in {
        "raw": (1.0, (0.0,), (1.0,)),
        "unit": (255.0, (0.0,), (1.0,)),
        "signed": (255.0, (0.5,), (0.5,)),
        "standardised": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }.items():
        spec = recognise(checkpoint(scale)).spec
        found = spec.preprocessing
        by = {spec.origins.get(f"preprocessing.{name}") for name in OWN}
        if (found.divisor, found.mean, found.std) != values or by != {FIRST_LAYER}:
            wrong[scale] = found, by
    assert not wrong


def test_what_a_file_says_is_kept_and_spoken_against(checkpoint):
    segmenter = load(checkpoint("raw", says=OWN))
    assert segmenter.spec.preprocessing.divisor == 255
    assert segmenter.evidence.against_values(segmenter.spec)
    sentences = inspect_network(segmenter)["evidence"]["sentences"]
    assert [sentence for sentence in sentences if "look otherwise" in sentence]


def test_what_a_file_says_is_kept_in_silence_where_it_is_right(checkpoint):
    segmenter = load(checkpoint("unit", says=OWN))
    assert not segmenter.evidence.against_values(segmenter.spec)
    assert inspect_network(segmenter)["evidence"]["against_values"] is False


def test_one_word_of_a_person_about_values_leaves_all_of_them_to_people(checkpoint):
    said = {"preprocessing": {"divisor": 255.0}}
    spec = recognise(checkpoint("signed"), overrides=said).spec
    assert spec.preprocessing.mean == (0.0,)
    assert FIRST_LAYER not in spec.origins.values()


def test_the_evidence_of_a_file_is_the_same_every_time(checkpoint):
    path = checkpoint("unit")
    assert recognise(path).evidence == recognise(path).evidence


def test_the_usual_reading_yields_to_the_one_that_the_norms_agree_with():
    detection = two_readings()
    evidence = gather(detection)
    taken = ordered(detection, evidence, said=False)
    assert taken.config.join == "up_first"
    assert [other.id for other in taken.alternatives] == [detection.id]
    assert "correlation" in told_by(evidence, taken)


def test_a_reading_that_somebody_said_stays_and_is_spoken_against():
    detection = two_readings()
    evidence = gather(detection)
    taken = ordered(detection, evidence, said=True)
    assert taken.id == detection.id
    assert told_by(evidence, taken) is None
    assert evidence.against_reading(taken).id == detection.id


def test_the_usual_reading_stays_where_nothing_speaks_against_it():
    detection = two_readings(join="skip_first")
    evidence = gather(detection)
    assert ordered(detection, evidence, said=False).id == detection.id
    assert told_by(evidence, detection)


def test_a_file_of_which_only_the_header_was_read_tells_nothing():
    evidence = gather(two_readings().without_weights())
    assert (evidence.inputs, evidence.scale, evidence.wiring) == (None, None, None)


def test_the_inspection_is_json(checkpoint):
    facts = inspect_network(load(checkpoint("unit")))["evidence"]
    assert json.loads(json.dumps(facts)) == facts
    assert facts["scale"]["name"] == "unit"
    assert facts["inputs"]["r_squared"] > 0.9
