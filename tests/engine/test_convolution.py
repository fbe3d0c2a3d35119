"""The order of filters in memory: another one, the same numbers."""

import torch
from checkpoint_files import write_checkpoint
from code_bases import picture, randomised
from torch import nn

from segdemo.engine.convolution import to_channels_last
from segdemo.inference.segmenter import load
from tests.engine.test_engine import CONVOLUTIONS, NETWORKS
from tests.table import every


def filters(network):
    return [
        m.weight
        for m in network.modules()
        if isinstance(m, nn.Conv2d) and m.weight[0, 0].numel() > 1
    ]


@every("name", NETWORKS)
def test_filters_are_laid_out_with_channels_last_and_are_the_same(name):
    network = randomised(NETWORKS[name]()).eval()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with torch.inference_mode():
        expected = network(picture())
        to_channels_last(network)
        found = network(picture())
    assert all(f.is_contiguous(memory_format=torch.channels_last) for f in filters(network))
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@every("name", CONVOLUTIONS)
def test_so_are_filters_of_every_kind(name):
    layer = randomised(CONVOLUTIONS[name]())
    before = layer.weight.clone()
    to_channels_last(layer)
    assert torch.equal(layer.weight, before)


def test_no_filter_is_in_memory_twice():
    layer = nn.Conv2d(300, 400, 3)
    where = layer.weight.data_ptr()
    to_channels_last(layer)
    assert layer.weight.data_ptr() == where
    to_channels_last(layer)
    assert layer.weight.data_ptr() == where


def test_filters_that_share_memory_are_left_as_they_are():
    numbers = torch.rand(2, 4, 3, 3, 3)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3))
    for layer, part in zip(network, numbers, strict=True):
        layer.weight.data = part
    kept = numbers.clone()
    to_channels_last(network)
    assert torch.equal(numbers, kept)
    assert torch.equal(network[1].weight, kept[1])


def test_a_loaded_network_is_laid_out(tmp_path):
    segmenter = load(write_checkpoint(tmp_path / "net.safetensors"), device="cpu")
    laid = [f.is_contiguous(memory_format=torch.channels_last) for f in filters(segmenter.network)]
    assert laid
    assert all(laid)
