"""The peer in a process of its own: it computes the same, and nothing of ours is set up there."""

import torch

from benchmarks.networks import SHIPPED, pair
from benchmarks.untouched import untouched


def test_it_computes_what_the_network_computes_here():
    network, picture = pair(SHIPPED)
    with torch.no_grad():
        expected = network(picture)
    with untouched(SHIPPED) as plain:
        plain.run(1)
        before = plain.processor_seconds()
        plain.run(1)
        assert plain.processor_seconds() > before
        found = plain.answer()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
