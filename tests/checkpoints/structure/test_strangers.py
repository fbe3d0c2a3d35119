"""U-Nets that nobody here has seen: opened by structure, computing what their authors' do."""

import torch
from code_bases import randomised
from odd_strangers import ODD_STRANGERS
from strangers import STRANGERS

from segdemo.checkpoints import detect


def test_each_opens_and_one_reading_of_it_computes_the_same():
    torch.manual_seed(0)
    wrong = {}
    for name, (build, reading) in {**STRANGERS, **ODD_STRANGERS}.items():
        network = randomised(build()).eval()
        state_dict = network.state_dict()
        try:
            detection = detect(state_dict, assume=reading)
            image = torch.randn(1, detection.config.in_channels, 128, 64)
            with torch.inference_mode():
                expected, found = network(image), detection.build()(image)
            assert expected.std() > 1e-3, "a constant map proves nothing"
            difference = (expected - found).abs().max() / expected.abs().max()
            if difference > 1e-4:
                wrong[name] = f"differs by {difference:.2g}: {detection.id}"
        except Exception as error:
            wrong[name] = f"{type(error).__name__} {str(error)[:150]}"
    assert not wrong, wrong


def test_the_order_of_a_safetensors_file_is_told_or_offered():
    wrong = {}
    for name, (build, reading) in {**STRANGERS, **ODD_STRANGERS}.items():
        state_dict = build().state_dict()
        placed = _places(detect(state_dict, assume=reading))
        # Counters are of another type, and come first; then the alphabet.
        keys = sorted(state_dict, key=lambda key: (not key.endswith("tracked"), key))
        found = detect({key: state_dict[key] for key in keys}, assume=reading)
        if placed not in map(_places, (found, *found.alternatives)):
            wrong[name] = found.id
    assert wrong == {}


def _places(detection):
    return {key: tensor.data_ptr() for key, tensor in detection.tensors.items()}


def test_what_no_tensor_tells_is_offered():
    missing = {}
    for name, (build, reading) in ODD_STRANGERS.items():
        detection = detect(build().state_dict())
        offered = [detection.id, *(other.id for other in detection.alternatives)]
        if not any(set(reading.split(".")) <= set(one.split(".")) for one in offered):
            missing[name] = offered
    assert missing == {}
