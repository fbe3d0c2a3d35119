"""The grammar of U-Nets on a ResNet: its blocks by their shapes, the way up by the flow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from segdemo.architectures import encoder_unet
from segdemo.architectures.encoder_unet import EncoderUNetConfig, ResNetEncoder, StepConfig
from segdemo.checkpoints.structure.candidates import Candidate
from segdemo.checkpoints.structure.layers import Layers
from segdemo.checkpoints.structure.naming import (
    layer_names,
    row_names_of,
    row_of_units,
    share_kind,
)
from segdemo.checkpoints.structure.readings import Question, readings_of
from segdemo.checkpoints.structure.residual import Residual, residuals
from segdemo.checkpoints.structure.units import Unit, common_parts, read_units

_UP_KERNELS = (2, 4)  # of 3 it cannot be told that they are transposed
_MAX_TRIED = 2000


@dataclass(frozen=True, eq=False, kw_only=True)
class _Step:
    """One step up, as far as it is read."""

    up: Unit | None = None
    skip: bool = False
    after: tuple[Unit, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class _WayUp:
    """The steps of the decoder; what is enlarged at last is no step."""

    bottom: tuple[Unit, ...]
    steps: tuple[_Step, ...]
    head: Unit
    tail: int


def resnet_unets(layers: Layers, assume: str | None) -> Iterator[Candidate]:
    """Readings of a U-Net on a ResNet whose decoder joins the features of each size in turn."""
    if layers.dimensions != 2 or layers.leftover:
        return
    units = read_units(layers)
    found = list(residuals(units.all))
    if not found or len({residual.signature for residual in found}) > 1:
        return
    encoder = found[-1]  # of copies the last is the one whose values a module ends with
    inside = {unit.place for residual in found for unit in residual.units}
    rest = [unit for unit in units.all if unit.place not in inside]
    # A classifier is no part of it.
    if any(layer.kind != "linear" for layer in units.spare) or not rest:
        return
    widths = [stage.out for stage in encoder.configs]
    skips = [*widths[-2::-1], encoder.stem.conv.conv[1]]
    way = _Search(rest, skips).from_bottom(widths[-1])
    if way is not None:
        spare = [layer.path for layer in units.spare]
        spare += [unit.conv.path for residual in found[:-1] for unit in residual.units]
        yield from _candidates(encoder, way, tuple(spare), assume)


class _Search:
    """A search in depth for the order of the decoder, which tries the nearest layers first."""

    def __init__(self, units: Sequence[Unit], skips: Sequence[int]) -> None:
        """``skips``: channels of the encoder's features, the deepest but one first."""
        self.units, self.skips = units, skips
        self.is_transposed = any(map(_is_up, units))
        self.budget = _MAX_TRIED

    def from_bottom(self, width: int) -> _WayUp | None:
        """The way up from this many channels; None where none takes every layer."""
        return self._continue(width, (), (), frozenset(), None)

    def _continue(
        self,
        width: int,
        bottom: tuple[Unit, ...],
        steps: tuple[_Step, ...],
        used: frozenset[int],
        last: Unit | None,
    ) -> _WayUp | None:
        free = [unit for unit in self.units if unit.place not in used]
        if len(free) == 1:
            return self._ended(width, bottom, steps, free[0])

        def unlikeliness(unit: Unit) -> tuple[bool, int, bool, int]:
            return self._is_uneven(unit, width, steps), *_farness(unit, last)

        for unit in sorted(free, key=unlikeliness):
            for found in self._taken(unit, width, bottom, steps):
                self.budget -= 1
                if self.budget < 0:
                    return None
                way = self._continue(*found, used | {unit.place}, unit)
                if way is not None:
                    return way
        return None

    def _is_uneven(self, unit: Unit, width: int, steps: tuple[_Step, ...]) -> bool:
        """Whether it would end a step before it has as many convolutions as the first, or after."""
        if len(steps) < 2:
            return False
        is_full = len(steps[-1].after) >= len(steps[0].after)
        goes_on = not _is_up(unit) and (unit.conv.conv[0] == width or not steps[-1].after)
        return is_full == goes_on

    def _taken(
        self, unit: Unit, width: int, bottom: tuple[Unit, ...], steps: tuple[_Step, ...]
    ) -> Iterator[tuple[int, tuple[Unit, ...], tuple[_Step, ...]]]:
        """Channels, bottom and steps after this layer, for each part that it can have."""
        current = steps[-1] if steps else None
        if _is_up(unit):
            may_rise = current is None or current.after
            if may_rise and unit.conv.transposed[0] == width:
                yield unit.conv.transposed[1], bottom, (*steps, _Step(up=unit))
            return
        into, out = unit.conv.conv
        if unit.kernel % 2 == 0 or not unit.conv.may_be_conv:
            return
        level = len(steps) - self.is_transposed
        if into == width and current is None:
            yield out, (*bottom, unit), steps
        elif into == width and current is not None:
            yield out, bottom, (*steps[:-1], replace(current, after=(*current.after, unit)))
        if not 0 <= level < len(self.skips) or into != width + self.skips[level]:
            return
        # With a transposed convolution the step has begun, without one it begins with the join.
        if not self.is_transposed:
            yield out, bottom, (*steps, _Step(skip=True, after=(unit,)))
        elif current is not None and not current.after:
            yield out, bottom, (*steps[:-1], replace(current, skip=True, after=(unit,)))

    def _ended(
        self, width: int, bottom: tuple[Unit, ...], steps: tuple[_Step, ...], head: Unit
    ) -> _WayUp | None:
        sizes = len(self.skips) + 1  # steps to the image's own size
        if not self.is_transposed:
            steps = _with_last(steps, sizes)
        convs = [*bottom, *(unit for step in steps for unit in step.after)]
        if (
            head.conv.conv[0] != width
            or head.norm
            or head.kernel not in (1, 3)
            or not head.conv.may_be_conv
            or len(steps) > sizes
            or not _is_even(steps)
            or not share_kind(convs)
        ):
            return None
        tail = 2 ** (sizes - len(steps))
        return _WayUp(bottom=bottom, steps=steps, head=head, tail=tail)


def _is_even(steps: Sequence[_Step]) -> bool:
    """Whether all steps convolve as often, and none joins after one that does not.

    Otherwise tensors are missing, or it is a network that is built in another way.
    """
    joins = [step.skip for step in steps]
    lengths = {len(step.after) for step in steps}
    return (
        any(joins)
        and joins == sorted(joins, reverse=True)
        and len(lengths) == 1
        and 0 not in lengths
    )


def _farness(unit: Unit, last: Unit | None) -> tuple[int, bool, int]:
    """What speaks against it as the next: modules apart, then the order of registration."""
    if last is None:
        return 0, False, unit.place
    shared = common_parts(unit.conv.parts, last.conv.parts)
    distance = unit.place - last.place
    return -shared, distance < 0, abs(distance)


def _is_up(unit: Unit) -> bool:
    return unit.kernel in _UP_KERNELS and unit.conv.may_be_transposed


def _with_last(steps: tuple[_Step, ...], sizes: int) -> tuple[_Step, ...]:
    """What the last step convolves beyond the others is a step of its own, where one is wanting."""
    usual = len(steps[0].after) if steps else 0
    extra = steps[-1].after[usual:] if steps else ()
    if len(steps) != sizes - 1 or not extra:
        return steps
    last = replace(steps[-1], after=steps[-1].after[:usual])
    return (*steps[:-1], last, _Step(after=extra))


def _candidates(
    encoder: Residual, way: _WayUp, spare: tuple[str, ...], assume: str | None
) -> Iterator[Candidate]:
    ups = [step.up for step in way.steps if step.up]
    plain = [*way.bottom, *(unit for step in way.steps for unit in step.after)]
    kernels = {unit.kernel for unit in ups} or {2}
    normed = {unit.norm is not None for unit in ups} or {False}
    biased = {unit.conv.has_bias for unit in ups} or {True}
    if len(kernels) > 1 or len(normed) > 1 or len(biased) > 1:
        return
    config = EncoderUNetConfig(
        in_channels=encoder.stem.conv.conv[0],
        classes=way.head.conv.conv[1],
        encoder=ResNetEncoder(
            stem=encoder.stem.conv.conv[1],
            stages=encoder.configs,
            bottleneck=encoder.bottleneck,
        ),
        bottom=row_of_units(way.bottom),
        steps=tuple(
            StepConfig(
                up_width=step.up.conv.transposed[1] if step.up else 0,
                skip=step.skip,
                after=row_of_units(step.after),
            )
            for step in way.steps
        ),
        norm=bool(plain) and plain[0].norm is not None,
        bias=bool(plain) and plain[0].conv.has_bias,
        up_kernel=max(kernels),
        up_norm=max(normed),
        up_bias=max(biased),
        head_kernel=way.head.kernel,
        tail=way.tail,
    )
    names = _names(encoder, way)
    for reading in readings_of(_questions(config, bool(ups)), assume):
        values = {field: value for field, value in reading.values.items() if field != "ends_with"}
        sigmoid = {"postprocessing": {"activation": "sigmoid"}}
        yield Candidate(
            id=reading.id,
            architecture=encoder_unet.ARCHITECTURE,
            config=replace(config, **values),
            names=names,
            known={**reading.values, "tail": way.tail},
            recipe=sigmoid if reading.answers.get("ends_with") == "sigmoid" else {},
            left_out=spare,
        )


def _names(encoder: Residual, way: _WayUp) -> Mapping[str, str]:
    names = encoder.names("encoder")
    names |= row_names_of(way.bottom, "bottom")
    for number, step in enumerate(way.steps):
        path = f"steps.{number}"
        if step.up:
            names |= layer_names(step.up.conv, f"{path}.up")
            names |= layer_names(step.up.norm, f"{path}.up_norm")
        names |= row_names_of(step.after, f"{path}.after")
    return {**names, **layer_names(way.head.conv, "head")}


def _questions(config: EncoderUNetConfig, is_transposed: bool) -> list[Question]:
    return list(_asked(config, is_transposed))


def _asked(config: EncoderUNetConfig, is_transposed: bool) -> Iterator[Question]:
    joins = {"up_first": "up_first", "skip_first": "skip_first"}
    yield Question(
        field="join", answers=joins, likeliest="up_first", listed=tuple(joins), is_paired=True
    )
    if not is_transposed or config.tail > 1:
        modes = {name: name for name in ("bilinear", "bilinear_aligned", "nearest")}
        yield Question(
            field="interpolation",
            answers=modes,
            likeliest="nearest" if config.norm and not is_transposed else "bilinear",
            listed=tuple(modes),
            is_paired=True,
        )
    if is_transposed:
        usual = "up_act" if config.up_norm else "up_linear"
        yield Question(
            field="up_relu",
            answers={"up_linear": False, "up_act": True},
            likeliest=usual,
            usual=usual,
            listed=("up_linear", "up_act"),
        )
    pools = {"pool_padded": "padded", "pool_ceil": "ceil", "pool_plain": "plain"}
    yield Question(
        field="stem_pool",
        answers=pools,
        likeliest="pool_padded",
        usual="pool_padded",
        listed=tuple(pools),
    )
    if config.classes > 1:
        ends = {"softmax": "softmax", "sigmoid": "sigmoid"}
        yield Question(
            field="ends_with",
            answers=ends,
            likeliest="softmax",
            usual="softmax",
            listed=tuple(ends),
        )
