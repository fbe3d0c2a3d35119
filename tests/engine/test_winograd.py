"""Winograd's way: the same sums as a convolution, and no rounder."""

import torch
from torch.nn import functional

from segdemo.engine.winograd import convolve
from tests.table import every


def drawn(*shape, seed=0):
    numbers = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return numbers.contiguous(memory_format=torch.channels_last)


def convolved(pairs, bias, *, padding, relu):
    """In double precision, by PyTorch."""
    answer = sum(functional.conv2d(x.double(), w.double(), padding=padding) for x, w in pairs)
    if bias is not None:
        answer = answer + bias.double()[:, None, None]
    return functional.relu(answer) if relu else answer


@every(("height", "width"), [(4, 4), (5, 9), (37, 18), (1, 1), (3, 600)])
@every("padding", [(1, 1), (0, 2), (3, 0)])
@every("relu", [False, True])
def test_it_is_a_convolution_at_any_size_and_padding(height, width, padding, relu):
    height, width = height + 2, width + 2
    pairs, bias = [(drawn(2, 3, height, width), drawn(5, 3, 3, 3, seed=1))], drawn(5, 1, 1, 1)
    given = {"padding": padding, "relu": relu}
    found = convolve(pairs, bias.flatten(), **given)
    expected = convolved(pairs, bias.flatten(), **given)
    assert found.shape == expected.shape
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-4)


def test_two_inputs_are_further_channels():
    pairs = [
        (drawn(1, 4, 19, 23), drawn(6, 4, 3, 3, seed=1)),
        (drawn(1, 2, 19, 23, seed=2), drawn(6, 2, 3, 3, seed=3)),
    ]
    found = convolve(pairs, None, padding=(1, 1), relu=True)
    joined = functional.conv2d(
        torch.cat([x for x, _ in pairs], 1), torch.cat([w for _, w in pairs], 1), padding=1
    )
    torch.testing.assert_close(found, functional.relu(joined), rtol=0, atol=1e-4)


def test_more_channels_than_are_done_at_a_time_are_all_there():
    pairs, bias = [(drawn(1, 2, 8, 8), drawn(1100, 2, 3, 3, seed=1))], torch.arange(1100.0)
    found = convolve(pairs, bias, padding=(1, 1), relu=False)
    expected = convolved(pairs, bias, padding=(1, 1), relu=False)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-3)


def test_it_rounds_no_more_than_twice_as_much_as_a_plain_convolution():
    x, w = functional.relu(drawn(1, 256, 32, 32)), drawn(256, 256, 3, 3, seed=1)
    exact = convolved([(x, w)], None, padding=(1, 1), relu=False)

    def error(answer):
        return ((answer - exact) ** 2).mean().sqrt()

    plain = functional.conv2d(x, w, padding=1)
    assert error(convolve([(x, w)], None, padding=(1, 1), relu=False)) < 2 * error(plain)


def test_weights_are_left_as_they_are():
    x, w = drawn(1, 3, 9, 9), drawn(4, 3, 3, 3, seed=1)
    before = x.clone(), w.clone()
    convolve([(x, w)], torch.ones(4), padding=(1, 1), relu=True)
    assert torch.equal(x, before[0])
    assert torch.equal(w, before[1])
