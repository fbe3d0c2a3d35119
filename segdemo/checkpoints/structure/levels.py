"""Where a U-shaped network changes the size, as far as channels and names tell."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from segdemo.checkpoints.structure.flow import Budget, Step, Walk
from segdemo.checkpoints.structure.units import common_parts, tokens

_CLEAR = 0.5  # half a module more in common
_LITTLE = 0.2
_VGG = 0.3
"""What speaks against an encoder that is a VGG, where it could be even as well."""
_VGGS = ((1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 3, 3, 3), (2, 2, 4, 4, 4))
"""Convolutions in the blocks of VGG-11, 13, 16 and 19."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Rise:
    """One level of the expanding path."""

    up: Step | None
    """The transposed convolution, or the one behind the interpolation; None without one."""
    steps: tuple[Step, ...]

    @property
    def shuffled(self) -> bool:
        """Whether channels become pixels before the join."""
        return self.steps[0].shuffled

    @property
    def skip(self) -> int:
        """Channels of the map that is joined; 0 where none is, or it is added."""
        return self.steps[0].skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Levels:
    """The convolutions of each level."""

    encoder: tuple[tuple[Step, ...], ...]
    """From the image down, the bottleneck last."""
    decoder: tuple[Rise, ...]
    """From the deepest up."""
    head: Step
    has_down: bool
    """Whether the first convolution of each level but the first has a stride of its own."""
    adds: bool
    """Whether nothing is concatenated: skips are added, or there are none."""
    cost: float
    """What speaks against it: names that lie across, uneven levels."""

    @property
    def cuts(self) -> tuple[int, ...]:
        """After how many convolutions from the image on the size is halved."""
        ends, total = [], 0
        for steps in self.encoder[:-1]:
            total += len(steps)
            ends.append(total)
        return tuple(ends)


def levels_of(walk: Walk, budget: Budget, cost: float = 0.0) -> list[Levels]:
    """Every way to cut the walk into levels, the likeliest first; [] where it is no U.

    ``cost`` is what speaks against the walk itself.
    """
    found = [
        replace(levels, cost=levels.cost + cost)
        for resized in (False, True)
        if (parts := _rises(walk, resized)) is not None
        for levels in _cut(*parts, budget, resized=resized)
    ]
    return sorted(found, key=lambda levels: levels.cost)


def _rises(walk: Walk, resized: bool) -> tuple[list[Step], list[Rise], Step] | None:
    """The contracting path, the levels of the expanding path, and the head.

    ``resized`` supposes a convolution behind each interpolation.
    """
    *body, head = walk
    is_transposed = any(step.transposed for step in walk)
    if is_transposed and resized:
        return None
    starts = [
        place
        for place, step in enumerate(body)
        if (step.transposed if is_transposed else step.skip)
    ]
    if not starts or head.skip or head.transposed:
        return None
    if len({body[start].shuffled for start in starts}) > 1:
        return None
    if resized:
        starts = [start - 1 for start in starts]
        if any(body[start].skip or start < 1 for start in starts):
            return None
    rises = []
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        has_up = is_transposed or resized
        steps = tuple(body[start + has_up : end])
        if not steps or any(step.unit.kernel % 2 == 0 for step in steps):
            return None
        rises.append(Rise(up=body[start] if has_up else None, steps=steps))
    return body[: starts[0]], rises, head


def _cut(
    encoder: list[Step], rises: list[Rise], head: Step, budget: Budget, *, resized: bool
) -> Iterator[Levels]:
    adds = not any(rise.skip for rise in rises)
    if adds and not all(rise.up for rise in rises):
        return
    widths = [rise.up.out if adds and rise.up else rise.skip for rise in reversed(rises)]
    wanted: list[int | None] = [*widths]
    if not adds:
        wanted = [width or None for width in widths]
    cuts = list(_cuts(encoder, wanted, budget))
    if adds and not cuts:
        # No skip fits: there are none.
        cuts = list(_cuts(encoder, [None] * len(rises), budget))
    for ends in cuts:
        pieces = tuple(
            tuple(encoder[start:end])
            for start, end in zip((0, *ends), (*ends, len(encoder)), strict=True)
        )
        for has_down in (False, True):
            if has_down and not all(map(_may_begin_with_down, pieces[1:])):
                continue
            if not has_down and any(step.unit.kernel % 2 == 0 for step in encoder):
                continue
            yield Levels(
                encoder=pieces,
                decoder=tuple(rises),
                head=head,
                has_down=has_down,
                adds=adds,
                cost=_cost(pieces, rises, has_down=has_down, resized=resized),
            )


def _cuts(
    encoder: Sequence[Step], wanted: Sequence[int | None], budget: Budget
) -> Iterator[tuple[int, ...]]:
    """After how many steps each level may end, so that it gives the channels wanted there."""

    def extend(ends: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(ends) == len(wanted):
            yield ends
            return
        width = wanted[len(ends)]
        first = ends[-1] if ends else 0
        # Every level that is still to come needs a step, the bottleneck, too.
        for end in range(first + 1, len(encoder) - (len(wanted) - len(ends)) + 1):
            if width in (None, encoder[end - 1].out) and budget.cuts > 0:
                budget.cuts -= 1
                yield from extend((*ends, end))

    return extend(())


def _may_begin_with_down(steps: Sequence[Step]) -> bool:
    return len(steps) > 1 and steps[0].unit.kernel in (2, 3, 4)


def _cost(
    pieces: Sequence[Sequence[Step]], rises: Sequence[Rise], *, has_down: bool, resized: bool
) -> float:
    lengths = [len(steps) - (has_down and level > 0) for level, steps in enumerate(pieces)]
    uneven = min(
        _unevenness(lengths, rises), _VGG + min(_unlike_vgg(lengths, rises, vgg) for vgg in _VGGS)
    )
    supposed = 0.1 * resized + 0.6 * has_down
    if has_down:
        downs = [steps[0] for steps in pieces[1:]]
        above = [steps[-1] for steps in pieces[:-1]]
        pieces = [pieces[0], *(steps[1:] for steps in pieces[1:])]
        # A kernel of 3 may belong to any block: only names of its own make it a way down.
        supposed += sum(
            down.unit.kernel % 2 and max(_alike(down, steps[0]), _alike(down, last)) > 0.5
            for down, steps, last in zip(downs, pieces[1:], above, strict=True)
        )
    inside, apart = _likenesses(pieces, rises, resized=resized)
    if inside and apart and min(inside) > max(apart) + _CLEAR:
        # Where each level is a module of its own, that it is uneven says little.
        uneven *= _LITTLE
    across = sum(one < other for one in inside for other in apart) / max(1, len(apart))
    if resized:
        across += 2 * _stray_ups(pieces, rises)
    return 2 * across + 0.5 * _strays(pieces, rises) + uneven + supposed + _misplaced(pieces)


def _unevenness(lengths: Sequence[int], rises: Sequence[Rise]) -> float:
    """How far the levels are from having as many convolutions each."""
    usual = Counter(lengths[:-1]).most_common(1)[0][0]
    uneven: float = sum(abs(length - usual) for length in lengths[:-1])
    uneven += 0.5 * abs(lengths[-1] - usual)
    uneven += 0.5 * sum(abs(len(rise.steps) - usual) for rise in rises)
    return uneven + 0.1 * abs(usual - 2)


def _unlike_vgg(lengths: Sequence[int], rises: Sequence[Rise], vgg: Sequence[int]) -> float:
    """How far the levels are from the blocks of a VGG, behind which may be a bottleneck."""
    uneven: float = sum(abs(one - other) for one, other in zip(lengths[:-1], vgg, strict=False))
    if len(lengths) <= len(vgg):
        uneven += abs(lengths[-1] - vgg[len(lengths) - 1])
    # A decoder of its own kind is at least the same at each level.
    usual = Counter(len(rise.steps) for rise in rises).most_common(1)[0][0]
    return uneven + 0.5 * sum(abs(len(rise.steps) - usual) for rise in rises)


def _misplaced(pieces: Sequence[Sequence[Step]]) -> int:
    """How many poolings stand where the numbers of a Sequential leave no place, or lack there."""
    wrong = 0
    for parent, steps in _sequentials(pieces).items():
        gaps = [other - one for one, other in pairwise(number for number, _ in steps)]
        if parent and gaps and min(gaps) > 0 and len(set(gaps)) > 1:
            levels = [level for _, level in steps]
            wrong += sum(
                (gap > min(gaps)) != (one != other)
                for gap, (one, other) in zip(gaps, pairwise(levels), strict=True)
            )
    return wrong


def _sequentials(pieces: Sequence[Sequence[Step]]) -> dict[str, list[tuple[int, int]]]:
    """Module -> the numbers of the convolutions in it, each with its level."""
    found: dict[str, list[tuple[int, int]]] = {}
    for level, steps in enumerate(pieces):
        for step in steps:
            parent, _, number = step.unit.conv.path.rpartition(".")
            if number.isdecimal():
                found.setdefault(parent, []).append((int(number), level))
    return found


def _likenesses(
    pieces: Sequence[Sequence[Step]], rises: Sequence[Rise], *, resized: bool
) -> tuple[list[float], list[float]]:
    """How alike the names of neighbours of one level are, and of neighbours of two."""
    inside = [
        _alike(one, other)
        for steps in (*pieces, *(rise.steps for rise in rises))
        for one, other in pairwise(steps)
    ]
    apart = [_alike(above[-1], below[0]) for above, below in pairwise(pieces)]
    if resized:
        ends = [pieces[-1], *(rise.steps for rise in rises[:-1])]
        apart += [
            _alike(steps[-1], rise.up)
            for steps, rise in zip(ends, rises, strict=True)
            if rise.up is not None
        ]
    return inside, apart


def _stray_ups(pieces: Sequence[Sequence[Step]], rises: Sequence[Rise]) -> float:
    """The share of convolutions on the way up whose module is that of the level below alone."""
    ends = [pieces[-1][-1], *(rise.steps[-1] for rise in rises[:-1])]
    stray = sum(
        rise.up is not None and _alike(end, rise.up) > _alike(rise.up, rise.steps[0]) + _CLEAR
        for end, rise in zip(ends, rises, strict=True)
    )
    return stray / len(rises)


def _strays(pieces: Sequence[Sequence[Step]], rises: Sequence[Rise]) -> int:
    """How many neighbours of one level are further apart among the modules than most."""
    distances = [
        max(len(one.unit.conv.parts), len(other.unit.conv.parts))
        - common_parts(one.unit.conv.parts, other.unit.conv.parts)
        for steps in (*pieces, *(rise.steps for rise in rises))
        for one, other in pairwise(steps)
    ]
    usual = Counter(distances).most_common(1)[0][0] if distances else 0
    return sum(distance > usual for distance in distances)


def _alike(one: Step, other: Step) -> float:
    return _likeness(one.unit.conv.path, other.unit.conv.path)


@lru_cache(maxsize=4096)
def _likeness(one: str, other: str) -> float:
    """Modules that two paths have in common, then words; less by a gap between numbers."""
    parts, others = one.split("."), other.split(".")
    shared = common_parts(parts, others)
    mine, theirs = (*parts, "")[shared], (*others, "")[shared]
    if mine.isdecimal() and theirs.isdecimal():
        return shared - 0.01 * min(abs(int(mine) - int(theirs)), 50)
    words, other_words = tokens(mine), tokens(theirs)
    return shared + 0.1 * common_parts(words, other_words)
