"""The order in which a U-shaped network runs its convolutions, found by the flow of channels."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from segdemo.checkpoints.structure.units import Unit, common_parts, numbers

# A search in depth finds what goes wrong often and shows soon; then one that departs from the
# likeliest way only a few times finds a mistake that shows late.
_DEEP_STEPS = 300
_WIDE_STEPS = 200
_ANY = 10**6
_FEW = (1, 2)
_MAX_STARTS = 3
_SQUARE = 4  # channels that a pixel shuffle makes one of


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One convolution on the way through the network."""

    unit: Unit
    into: int
    """Channels that it takes."""
    out: int
    transposed: bool = False
    skip: int = 0
    """Channels of the skip that is joined before it; 0 where none is."""
    shuffled: bool = False
    """Whether four channels each of what came before became a square of four pixels."""


Walk = tuple[Step, ...]


@dataclass
class Budget:
    """How many steps all searches among the same convolutions may still take."""

    left: int = 2500
    cuts: int = 1500
    """How many ways to cut them into levels may still be looked at."""


def walks(units: Sequence[Unit], budget: Budget) -> Iterator[Walk]:
    """Ways through all of the convolutions, the likeliest first.

    Each takes what its predecessor gives, or that and an earlier map of the contracting path.
    """
    for transposed in _transposed(units):
        search = _Search(units, transposed, budget)
        # Nothing gives what the first one takes, unless images have as many channels as a map.
        given = {unit.conv.conv[1] for unit in units[1:]}
        starts = sorted(
            (unit for unit in units if unit.conv.may_be_conv),
            key=lambda unit: (
                unit.conv.conv[0] in given and unit is not units[0],
                unit.conv.conv[0],
                unit.place,
            ),
        )
        is_clear = bool(starts) and starts[0].conv.conv[0] not in given
        for start in starts[: 1 if is_clear else _MAX_STARTS]:
            yield from search.from_start(start)


def _transposed(units: Sequence[Unit]) -> Iterator[frozenset[int]]:
    """Places of the convolutions that may be transposed, for each way to suppose it."""
    sure = [
        unit
        for unit in units
        if unit.conv.may_be_transposed
        and (not unit.conv.may_be_conv or unit.kernel in (2, 4) or _is_called_transposed(unit))
    ]
    kernels = {unit.kernel for unit in sure}
    chosen = [
        unit
        for unit in units
        if unit in sure
        or (
            unit.kernel in kernels
            and unit.conv.may_be_transposed
            # As many channels in as out look like any convolution.
            and unit.conv.shape[0] != unit.conv.shape[1]
        )
    ]
    yield frozenset(unit.place for unit in chosen)
    if chosen:
        # Even kernels may have led down only.
        if all(unit.conv.may_be_conv for unit in chosen):
            yield frozenset()
        return
    threes = [
        unit
        for unit in units
        if unit.kernel == 3
        and unit.conv.may_be_transposed
        and unit.conv.shape[0] != unit.conv.shape[1]
    ]
    if threes:
        yield frozenset(unit.place for unit in threes)


def _is_called_transposed(unit: Unit) -> bool:
    name = unit.conv.path.lower()
    return "transp" in name or "deconv" in name or "convt" in name


class _Search:
    """A search in depth that tries the likeliest successor first."""

    def __init__(self, units: Sequence[Unit], transposed: Collection[int], total: Budget) -> None:
        self.total = total
        self.rank = {unit.place: rank for rank, unit in enumerate(units)}
        self.convs: dict[int, list[Unit]] = defaultdict(list)
        self.transposed: dict[int, list[Unit]] = defaultdict(list)
        for unit in units:
            if unit.conv.may_be_conv:
                self.convs[unit.conv.conv[0]].append(unit)
            if unit.place in transposed:
                self.transposed[unit.conv.transposed[0]].append(unit)
        self.giving: dict[int, list[Unit]] = defaultdict(list)
        for unit in units:
            if unit.conv.may_be_conv and unit.place not in transposed:
                self.giving[unit.conv.conv[1]].append(unit)
        self.led_to = _led_to(units, transposed)
        self.budget = 0
        self.walk: list[Step] = []
        self.used: set[int] = set()

    def from_start(self, start: Unit) -> Iterator[Walk]:
        """The ways that begin with this convolution."""
        into, out = start.conv.conv
        for budget, misses in ((_DEEP_STEPS, _ANY), *((_WIDE_STEPS, few) for few in _FEW)):
            self.budget = budget
            self.walk, self.used = [Step(unit=start, into=into, out=out)], {start.place}
            yield from self._continue(None, misses)

    def _continue(self, limit: int | None, misses: int) -> Iterator[Walk]:
        """``limit``: how many steps of the contracting path lie above the last join.

        ``misses``: how often another than the likeliest successor may be taken.
        """
        if len(self.walk) == len(self.rank):
            if limit is not None:
                yield tuple(self.walk)
            return
        last = self.walk[-1]
        successors = list(self._successors(last, limit))
        successors.sort(key=lambda found: self._unlikeliness(found[0], last))
        for number, (step, below) in enumerate(successors[: misses + 1]):
            self.budget -= 1
            self.total.left -= 1
            if self.budget < 0 or self.total.left < 0:
                return
            self.walk.append(step)
            self.used.add(step.unit.place)
            if step.transposed or self._can_still_rise(last.out, step.out):
                yield from self._continue(below, misses - bool(number))
            self.walk.pop()
            self.used.remove(step.unit.place)

    def _can_still_rise(self, left: int, given: int) -> bool:
        """Whether every transposed convolution of ``left`` channels still finds what it takes."""
        waiting = sum(1 for _ in self._free(self.transposed, left))
        if not waiting:
            return True
        sources = sum(1 for _ in self._free(self.giving, left))
        return waiting <= sources + (given == left)

    def _successors(self, last: Step, limit: int | None) -> Iterator[tuple[Step, int | None]]:
        end = len(self.walk) if limit is None else limit
        if not last.transposed:
            for unit in self._free(self.transposed, last.out):
                out = unit.conv.transposed[1]
                yield Step(unit=unit, into=last.out, out=out, transposed=True), end
        for unit in self._free(self.convs, last.out):
            # With an even kernel a convolution leads down, or follows an interpolation.
            if unit.kernel % 2 or limit is None or not self.transposed:
                yield Step(unit=unit, into=last.out, out=unit.conv.conv[1]), limit
        if self.transposed and not last.transposed:
            return
        lowest: dict[int, int] = {}
        for at in range(end):
            lowest[self.walk[at].out] = at
        for skip, above in lowest.items():
            for unit in self._free(self.convs, last.out + skip):
                if unit.kernel % 2:
                    into, out = unit.conv.conv
                    yield Step(unit=unit, into=into, out=out, skip=skip), above
            if self.transposed or last.out % _SQUARE:
                continue
            for unit in self._free(self.convs, last.out // _SQUARE + skip):
                if unit.kernel % 2:
                    into, out = unit.conv.conv
                    yield Step(unit=unit, into=into, out=out, skip=skip, shuffled=True), above

    def _free(self, units: Mapping[int, list[Unit]], into: int) -> Iterator[Unit]:
        return (unit for unit in units.get(into, ()) if unit.place not in self.used)

    def _unlikeliness(self, step: Step, last: Step) -> tuple[int, ...]:
        """What speaks against a successor, the weightiest first.

        That another convolution leads to it; modules apart; that others are registered between,
        other numbers in the names, or that it is registered before.
        """
        rank, before = self.rank[step.unit.place], self.rank[last.unit.place]
        shared = common_parts(step.unit.conv.parts, last.unit.conv.parts)
        is_next = rank == before + 1
        is_back = rank < before
        distance = rank if is_back else rank - before
        leader = self.led_to.get(step.unit.place)
        is_led = not is_next and leader is not None and leader not in self.used
        jumps = bool(step.skip) and not is_next
        others = numbers(step.unit.conv.path) != numbers(last.unit.conv.path)
        # A convolution with stride 2 that is no transposed one soon leads nowhere.
        return is_led, -shared, not is_next, others, jumps, is_back, distance, step.transposed


def _led_to(units: Sequence[Unit], transposed: Collection[int]) -> dict[int, int]:
    """Place of a convolution -> of the one registered right before it, if that leads to it."""
    widths = {unit.conv.conv[1] for unit in units}
    found = {}
    for one, other in pairwise(units):
        gives = one.conv.transposed[1] if one.place in transposed else one.conv.conv[1]
        takes = other.conv.transposed[0] if other.place in transposed else other.conv.conv[0]
        may_join = one.place in transposed or not transposed
        if gives == takes or (may_join and takes - gives in widths):
            found[other.place] = one.place
    return found
