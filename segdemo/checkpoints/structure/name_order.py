"""Orders in which layers may have been registered, of a file that holds them by the alphabet."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from segdemo.checkpoints.structure.layers import Layer, Layers, natural_key
from segdemo.checkpoints.structure.units import numbers, tokens

_MIDDLE = {"bottleneck", "bottom", "bridge", "center", "centre", "mid", "middle", "neck"}
_END = {"classifier", "cls", "final", "head", "last", "logits", "o", "out", "outc", "output"}
_DOWN, _BOTTLENECK, _UP, _HEAD, _BESIDE = range(5)  # parts of a network, as they run


@dataclass(frozen=True, eq=False)
class _Group:
    """Layers that are run one after the other, as their modules have it."""

    name: str
    layers: tuple[Layer, ...]

    @cached_property
    def channels(self) -> tuple[tuple[int, int], ...]:
        """(In, out) of each convolution."""
        return tuple(
            layer.transposed if _is_transposed(layer) else layer.conv
            for layer in self.layers
            if layer.kind == "conv"
        )

    @cached_property
    def words(self) -> frozenset[str]:
        """Of its name."""
        return frozenset(word.lower() for word in tokens(self.name))

    @cached_property
    def side(self) -> int | None:
        """The part of the network that words and channels tell; None where they do not."""
        if not self.channels:
            return _BESIDE
        if len(self.channels) == 1 and self.words & _END:
            return _HEAD
        if self.words & _MIDDLE:
            return _BOTTLENECK
        widest, most = map(max, zip(*self.channels, strict=True))
        if widest > most or any(map(_is_transposed, self.layers)):
            return _UP
        return _DOWN if widest < most else None

    def key(self, side: int, direction: int) -> tuple[object, ...]:
        """Sorts groups as they run; ``direction`` is that of the numbers on the way up."""
        if side == _UP:
            is_block = len(self.channels) > 1
            number = direction * int(numbers(self.name) or 0)
            least = min(out for _, out in self.channels)
            return side, -least, number, is_block, natural_key(self.name)
        if side == _DOWN:
            ins, outs = zip(*self.channels, strict=True)
            return side, max(outs), min(ins), natural_key(self.name)
        return side, natural_key(self.name)


def orders_of_names(layers: Layers) -> Iterator[Layers]:
    """The same layers in each order that words, numbers and channels make likely, each once.

    On the way down channels grow and on the way up they shrink; where they are equal, the numbers
    in names may count from the image or from the bottleneck.
    """
    given = tuple(layer.path for layer in layers.all)
    seen = {given}
    for group_of in (_up_to_number, _first_part, _parent):
        groups = _grouped(layers.all, group_of)
        sides = _sides(groups)
        for direction in (-1, 1):  # Numbers count levels more often than steps.
            ordered = [
                layer for group in _sorted(groups, sides, direction) for layer in group.layers
            ]
            paths = tuple(layer.path for layer in ordered)
            if paths not in seen:
                seen.add(paths)
                placed = (replace(layer, place=place) for place, layer in enumerate(ordered))
                yield replace(layers, all=tuple(placed))


def _sorted(groups: Sequence[_Group], sides: Sequence[int], direction: int) -> list[_Group]:
    pairs = sorted(
        zip(groups, sides, strict=True), key=lambda pair: pair[0].key(pair[1], direction)
    )
    return [group for group, _ in pairs]


def _sides(groups: Sequence[_Group]) -> list[int]:
    """Where a group keeps its channels it is where the last one with a name like it is."""
    found: list[int] = []
    last: dict[str, int] = {}
    for group in groups:
        family = "".join(part for part in group.name if not part.isdecimal())
        side = last.get(family, _DOWN) if group.side is None else group.side
        last[family] = side
        found.append(side)
    return found


def _grouped(layers: Sequence[Layer], group_of: Callable[[Layer], str]) -> list[_Group]:
    found: dict[str, list[Layer]] = {}
    # A norm without a number follows the convolutions of its module.
    for layer in sorted(layers, key=lambda layer: (_is_unnumbered(layer), layer.natural)):
        found.setdefault(group_of(layer), []).append(layer)
    return [_Group(name, tuple(found[name])) for name in sorted(found, key=natural_key)]


def _up_to_number(layer: Layer) -> str:
    """The path as far as the first name with a number in it."""
    end = next((at for at, part in enumerate(layer.parts) if numbers(part)), len(layer.parts))
    return ".".join(layer.parts[: end + 1])


def _first_part(layer: Layer) -> str:
    return layer.parts[0]


def _parent(layer: Layer) -> str:
    return ".".join(layer.parts[:-1]) or layer.path


def _is_unnumbered(layer: Layer) -> bool:
    return len(layer.parts) > 1 and layer.kind != "conv" and not numbers(layer.parts[-1])


def _is_transposed(layer: Layer) -> bool:
    """Whether it leads up: a convolution with an even kernel may lead down as well."""
    if layer.kind != "conv" or not layer.may_be_transposed or not layer.may_be_conv:
        return layer.kind == "conv" and layer.may_be_transposed
    into, out = layer.transposed
    leads_down = "down" in layer.path.lower() or into < out
    return layer.kernel in (2, 4) and not leads_down
