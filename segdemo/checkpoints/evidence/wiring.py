"""Which of several readings of a checkpoint its batch norms agree with.

Readings are networks that the same tensors fit: they differ in the order of joined channels, the
place of the norms, padding, repeats. Three kinds of evidence follow each other, the cheap ones
first, and each rules out what is far from the best by a wide margin:

* signs: a norm behind a ReLU has no negative mean (see ``signs``);
* moments: means followed through the network predict running means (see ``moments``);
* statistics: one forward on a fixed texture, in which each norm's input is compared with its
  running statistics and then given them (see ``divergence``).

Calibration on eleven shipped checkpoints, copies of them with exchanged joins and with names that
say nothing, nine small U-Nets trained for a minute, and two published ones: decided in 73 of 73,
rightly in all. Signs: 0.93 to 1 of the norms fit in the right reading, 0 to 0.07 with the norm on
the other side of the ReLU. Moments behind transposed convolutions: correlation 0.975 to 0.998 for
the right order of joining, -0.71 to 0.742 for the wrong one. Statistics, over the norms in which
two orders differ: 0.016 to 0.101 for the right one, 0.37 to 1.8 for the wrong one, at least five
times as much. Not told, and not ruled out: bilinear, bicubic and nearest interpolation,
align_corners, ReLU, GELU and leaky ReLU (within 0.05 of each other over all norms).
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Literal

import torch
from torch import Tensor

from segdemo.checkpoints.detection import Detection
from segdemo.checkpoints.evidence.divergence import divergences
from segdemo.checkpoints.evidence.first_layer import TrainingInputs
from segdemo.checkpoints.evidence.flow import Normed, norms_of, without_numbers
from segdemo.checkpoints.evidence.moments import join_correlation
from segdemo.checkpoints.evidence.signs import place_agreement
from segdemo.checkpoints.evidence.texture import texture

Method = Literal["signs", "moments", "statistics"]

SIDE = 256
"""Pixels of the texture; more where a network needs more."""

SIGNS_LEAST, SIGNS_MARGIN = 0.9, 0.25
"""The best reading fits the signs of at least so many norms, and of so many more than another."""
MOMENTS_LEAST, MOMENTS_MOST = 0.95, 0.8
"""The best one's means correlate at least so much, those of what is ruled out at most so much."""
STATISTICS_MOST, STATISTICS_FACTOR, STATISTICS_MARGIN = 0.3, 4.0, 0.08
"""The best one's statistics are at most so far, and another's at least so many times as far and
by so much more, over the norms in which the two differ."""

STATISTICS_NEAR = 0.15
"""Where a usual reading is so near, those that are met more rarely are not run: it fits."""
_MOST_RARE = 10  # readings; each takes a forward

_SAME = 0.01
"""Divergences of norms that the difference of two readings does not reach differ by less."""
_CACHED = 64  # contents; each takes a few hundred bytes


@dataclass(frozen=True, kw_only=True)
class RuledOut:
    """A reading that the batch norms speak against."""

    id: str
    by: Method
    figure: float
    """Of the best reading: the share of fitting norms, the correlation, or the divergence."""
    against: float
    """Of this one."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What the batch norms say of the readings of a checkpoint."""

    left: tuple[str, ...]
    """The ids of those that nothing speaks against, the nearest to the running statistics first."""
    ruled_out: tuple[RuledOut, ...]
    """The others, likewise."""
    figures: Mapping[str, float]
    """Mean divergence over all norms, of the readings that were run."""

    @property
    def order(self) -> tuple[str, ...]:
        """All readings, the likeliest first."""
        return (*self.left, *(reading.id for reading in self.ruled_out))

    def against(self, reading: str) -> RuledOut | None:
        """What speaks against a reading, if anything does."""
        return next((one for one in self.ruled_out if one.id == reading), None)


def weigh(readings: Sequence[Detection], inputs: TrainingInputs | None) -> Wiring:
    """What the batch norms say of ``readings``, which hold their weights.

    ``inputs`` is what their first layer tells. The same content is weighed once.
    """
    key = _key(readings)
    with _lock:
        if key in _weighed:
            _weighed.move_to_end(key)
            return _weighed[key]
    found = _weigh(readings, inputs)
    with _lock:
        _weighed[key] = found
        while len(_weighed) > _CACHED:
            _weighed.popitem(last=False)
    return found


_weighed: OrderedDict[str, Wiring] = OrderedDict()
_lock = Lock()


def _key(readings: Sequence[Detection]) -> str:
    """Changes with what the readings are, and with the content of the file."""
    digest = sha256()
    hashed = set()
    for reading in readings:
        digest.update(f"{reading.id} {reading.config!r}\n".encode())
        for name, tensor in sorted(reading.tensors.items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            # Statistics alone do not do: a copy with other weights may have the same.
            if tensor.data_ptr() not in hashed:
                hashed.add(tensor.data_ptr())
                content = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
                digest.update(content.numpy().data)
    return digest.hexdigest()


class _Contest:
    """The readings that are left, and what has been ruled out so far."""

    def __init__(self, readings: Iterable[Detection]) -> None:
        self.left = {reading.id: reading for reading in readings}
        self.ruled_out: dict[str, RuledOut] = {}

    def hold(
        self, by: Method, figures: Mapping[str, float], is_far: Callable[[float, float], bool]
    ) -> None:
        """Rule out what is far from the best; ``figures`` are better the larger they are."""
        if len(figures) < 2:
            return
        best = max(figures.values())
        for name, figure in figures.items():
            if is_far(best, figure):
                self.rule_out(name, by, best, figure)

    def rule_out(self, name: str, by: Method, figure: float, against: float) -> None:
        del self.left[name]
        self.ruled_out[name] = RuledOut(id=name, by=by, figure=figure, against=against)


def _weigh(readings: Sequence[Detection], inputs: TrainingInputs | None) -> Wiring:
    contest = _Contest(readings)
    norms = {name: _norms(reading) for name, reading in contest.left.items()}
    contest.hold("signs", _figures(place_agreement, contest.left, norms), _signs_are_far)
    contest.hold("moments", _figures(join_correlation, contest.left, norms), _moments_are_far)
    found: dict[str, tuple[float, ...]] = {}
    if len(contest.left) > 1:
        for readings in _in_turn(contest.left.values()):
            found |= {
                reading.id: apart
                for reading in readings
                if (apart := divergences(reading.build(), _images(reading, inputs), restored=True))
            }
            if found and min(map(_mean, found.values())) <= STATISTICS_NEAR:
                break
        _hold_statistics(contest, found)
    means = {name: _mean(apart) for name, apart in found.items()}

    def distance(name: str) -> float:
        return means.get(name, float("inf"))

    return Wiring(
        left=tuple(sorted(contest.left, key=distance)),
        ruled_out=tuple(
            contest.ruled_out[name] for name in sorted(contest.ruled_out, key=distance)
        ),
        figures=means,
    )


def _in_turn(readings: Iterable[Detection]) -> tuple[list[Detection], ...]:
    """The usual readings, then those that are met more rarely; of equal networks only one."""
    alike: dict[str, Detection] = {}
    for reading in readings:
        alike.setdefault(f"{reading.architecture.id} {reading.config!r}", reading)
    rarities = {reading.id: getattr(reading.config, "rarities", 0) for reading in alike.values()}
    least = min(rarities.values())
    usual = [reading for reading in alike.values() if rarities[reading.id] == least]
    rare = [reading for reading in alike.values() if rarities[reading.id] > least]
    return usual, rare[:_MOST_RARE]


def _norms(reading: Detection) -> tuple[Normed, ...]:
    """Its norms, from a network without numbers."""
    side = _side(reading)
    shape = (1, reading.config.in_channels, side, side)
    return norms_of(without_numbers(reading), torch.empty(shape, device="meta"))


def _side(reading: Detection) -> int:
    """Pixels that suit the network."""
    needs = reading.architecture.requirements(reading.config)
    return needs.side(SIDE)


def _images(reading: Detection, inputs: TrainingInputs | None) -> Tensor:
    channels = reading.config.in_channels
    mean = inputs.mean if inputs else (0.0,) * channels
    deviation = inputs.deviation if inputs else (1.0,) * channels
    return texture(mean, deviation, side=_side(reading))


def _figures(
    measure: Callable[[Sequence[Normed], Mapping[str, Tensor]], float | None],
    readings: Mapping[str, Detection],
    norms: Mapping[str, Sequence[Normed]],
) -> dict[str, float]:
    """By ``measure``, of the readings of which it can say anything."""
    return {
        name: figure
        for name, reading in readings.items()
        if (figure := measure(norms[name], reading.tensors)) is not None
    }


def _signs_are_far(best: float, figure: float) -> bool:
    return best >= SIGNS_LEAST and figure <= best - SIGNS_MARGIN


def _moments_are_far(best: float, figure: float) -> bool:
    return best >= MOMENTS_LEAST and figure <= MOMENTS_MOST


def _hold_statistics(contest: _Contest, found: Mapping[str, tuple[float, ...]]) -> None:
    if not found:
        return
    best = min(found, key=lambda name: _mean(found[name]))
    for name in found:
        ours, theirs = _where_they_differ(found[best], found[name])
        near, far = _mean(ours), _mean(theirs)
        wide = far >= STATISTICS_FACTOR * near and far - near >= STATISTICS_MARGIN
        if name != best and ours and near <= STATISTICS_MOST and wide:
            contest.rule_out(name, "statistics", near, far)


def _where_they_differ(
    first: Sequence[float], second: Sequence[float]
) -> tuple[Sequence[float], Sequence[float]]:
    """The divergences of the norms in which two readings differ; all if they have not as many."""
    if len(first) != len(second):
        return first, second
    pairs = [pair for pair in zip(first, second, strict=True) if abs(pair[0] - pair[1]) > _SAME]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
