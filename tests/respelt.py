"""What a table of spellings has to show: each is recognised and computes the same."""

import random

import torch
from code_bases import picture, randomised

from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError

_CONSTANT = "a constant map proves nothing"


def wrong(cases):
    """What is wrong with each case, by name: (network, the spelling that it is, side of a picture).

    The network gives logits, or those of several heads, of which the last one counts. Where
    tensors fit several spellings, the one that is meant has to be among them.
    """
    found = {}
    for name, (network, spelling, side) in cases.items():
        problem = _problem(network, spelling, side)
        if problem:
            found[name] = problem
    return found


def _problem(network, spelling, side):
    problems = (_difference(randomised(network, seed), spelling, side) for seed in range(5))
    # So narrow a network may be dead: another seed wakes it.
    return next((problem for problem in problems if problem != _CONSTANT), _CONSTANT)


def _difference(network, spelling, side):
    state_dict = network.state_dict()
    try:
        detection = detect(state_dict, assume=spelling)
    except UnknownNetworkError as error:
        return str(error)
    x = picture(detection.config.in_channels, height=side, width=2 * side)
    with torch.no_grad():
        expected, got = network(x), detection.build()(x)
    expected = expected[-1] if isinstance(expected, list) else expected
    if not expected.std() > 1e-3:
        return _CONSTANT
    if got.shape != expected.shape:
        return f"{tuple(got.shape)} where {tuple(expected.shape)} is right"
    scale = expected.abs().max()
    difference = ((got - expected).abs().max() / scale).item()
    return f"differs by {difference:.2g}" if difference > 1e-4 else ""


def respelt(state_dict, seed=0):
    """The same tensors under words that mean nothing; numbers and the order of keys stay."""
    generator, words = random.Random(seed), {}

    def word(part):
        if part not in words and not part.isdecimal():
            words[part] = "".join(generator.choices("abcdefghijkmnopqrstuvwxyz", k=8))
        return words.get(part, part)

    renamed = {}
    for key, tensor in state_dict.items():
        path, _, leaf = key.rpartition(".")
        renamed[".".join([*map(word, path.split(".")), leaf])] = tensor
    return renamed


def numbered(state_dict):
    """The same tensors in modules called 0, 1, 2 in the order of registration."""
    places = {}
    for key in state_dict:
        places.setdefault(key.rpartition(".")[0], f"m{len(places)}")
    return {
        f"{places[path]}.{leaf}": tensor
        for key, tensor in state_dict.items()
        for path, _, leaf in [key.rpartition(".")]
    }
