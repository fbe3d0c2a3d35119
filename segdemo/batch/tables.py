"""Pixel counts of one image at every threshold, from which all figures follow without its maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np

from segdemo.metrics.curves import Counts, Curve, Map, Overlap, curve, overlap, tail_sums

# So that a browser reads the bytes as they are.
_WIRE = np.dtype("<u4")


@dataclass(frozen=True, eq=False, kw_only=True)
class Tables:
    """Exact counts at every threshold k, 0 to 256: some kilobytes, however large the image.

    What is 0/0 is NaN, and means leave it out: two empty masks neither agree nor disagree.
    """

    networks: tuple[int, ...]
    """Those that gave a map, by their numbers."""
    tails: tuple[Counts, ...]
    """Of each network: its foreground pixels."""
    overlaps: tuple[Overlap, ...]
    """Of each two networks, in the order of ``itertools.combinations``."""
    curves: tuple[Curve, ...] = ()
    """Of each network against the truth; empty where there is none."""

    def coverage(self, place: int, k: int) -> float:
        """The share of foreground of the network at ``place`` in ``networks``."""
        tail = self.tails[place]
        return float(tail[k] / tail[0])

    def disagreement(self, k: int) -> float:
        """1 less the mean IoU of all pairs of networks; NaN where there is none."""
        return 1 - _mean([float(pair.iou[k]) for pair in self.overlaps])

    def dice(self, k: int) -> float:
        """The mean Dice of the networks; NaN without a truth."""
        return _mean([float(each.dice[k]) for each in self.curves])

    def to_bytes(self) -> bytes:
        """Rows of 257 numbers, 32 bits each, the lowest byte first.

        The foreground of each network, then what each two share, then, with a truth, the right
        and the wrong foreground of each network. All else follows from these.
        """
        rows = [
            *self.tails,
            *(pair.intersection for pair in self.overlaps),
            *(row for each in self.curves for row in (each.true_positives, each.false_positives)),
        ]
        return np.array(rows, dtype=_WIRE).tobytes()


def measure(maps: Mapping[int, Map], truths: Mapping[int, Map] = MappingProxyType({})) -> Tables:
    """The tables of maps of one size by network.

    ``truths`` has what is right for each, as ``metrics.curve`` takes it, or nothing at all.
    """
    return Tables(
        networks=tuple(maps),
        tails=tuple(map(tail_sums, maps.values())),
        overlaps=tuple(overlap(*two) for two in combinations(maps.values(), 2)),
        curves=tuple(curve(maps[network], truth) for network, truth in truths.items()),
    )


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return sum(known) / len(known) if known else float("nan")
