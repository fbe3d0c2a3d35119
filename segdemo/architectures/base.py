"""What an architecture says about itself: how to build it, read it from shapes, spell its keys."""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import Any

from torch import Tensor, nn

Shapes = Mapping[str, tuple[int, ...]]

_NUMBER = r"(?:0|[1-9]\d{0,3})"
_PLACEHOLDER = re.compile(r"\{(~?)(\w+?)([+-]\d+)?\}")


def count(shapes: Shapes, template: str) -> int:
    """How many numbers from 0 on give, in the braces of ``template``, the name of a tensor."""
    number = 0
    while template.format(number) in shapes:
        number += 1
    return number


@dataclass(frozen=True, kw_only=True)
class SizeRequirements:
    """Which images a network can take, in pixels of its input."""

    minimum: int = 1
    """The shortest side that runs."""
    border: int = 0
    """How much of the input the output lacks on each side."""
    multiple_of: int = 1
    """Both sides have to be multiples of it."""
    remainder: int = 0
    """More than multiples by so many pixels, where convolutions without padding take some."""

    def side(self, wanted: int, multiple_of: int = 1) -> int:
        """The shortest side from ``wanted`` on that suits, border included.

        ``multiple_of`` is what somebody wants beside it; a remainder leaves no choice.
        """
        steps = self.multiple_of if self.remainder else math.lcm(multiple_of, self.multiple_of)
        wanted = max(wanted + 2 * self.border, self.minimum)
        return wanted + (self.remainder - wanted) % steps


@dataclass(frozen=True, eq=False, kw_only=True)
class KeyMapping:
    """One code base's names for the modules of an architecture.

    ``renames`` maps their module path to ours. ``{n}`` in it stands for a number,
    ``{n-1}`` on our side for that number less one, and ``{~n}`` for its place counted
    from the end: 0 for the largest ``n`` that occurs beside the same other numbers. ``{*}`` on
    our side is the number after those that stand in its place in our other names. What is
    mapped to None is explained, but no part of the network: their code never uses it.
    """

    id: str
    """What ``assume`` and metadata call this spelling."""
    origin: str
    """Whose names these are."""
    renames: Mapping[str, str | None]
    known: Mapping[str, Any] = field(default_factory=dict)
    """Values of the configuration that no tensor can tell."""
    fits: Callable[[Any], bool] = lambda config: True
    """Whether a configuration read from the shapes is one that this code base builds."""
    lookalikes: Mapping[str, str] = field(default_factory=dict)
    """First names of modules that another network adds to these names -> the string that says
    which network it is. It is not read."""
    folds_bias: bool = False
    """Their convolutions have a bias before the norm; ours have none (see ``fold_biases``)."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The pre- and post-processing that this code base trains with, in the spec's JSON form."""
    trained_classes: tuple[str, ...] = ()
    """The classes of its published weights; a network with another number of them has others."""

    def rename(self, keys: Iterable[str]) -> dict[str, str] | None:
        """Their key -> ours, or None unless every key is explained, each by a name of its own.

        Keys that their network never uses are left out.
        """
        found: dict[str, _Match] = {}
        for key in keys:
            match = self.match(key)
            if match is None:
                return None
            found[key] = match
        ends: dict[tuple[str, str], int] = defaultdict(int)
        for match in found.values():
            for name, number in match.numbers.items():
                place = match.place(name)
                ends[place] = max(ends[place], number)
        ours = {
            key: match.fill(template, ends)
            for key, match in found.items()
            if (template := self.renames[match.template]) is not None
        }
        ours = {key: _numbered_after(name, ours.values()) for key, name in ours.items()}
        return ours if len(set(ours.values())) == len(ours) else None

    def match(self, key: str) -> "_Match | None":
        """How this spelling reads ``key``; None when it is none of its names."""
        path, dot, leaf = key.rpartition(".")
        if self._firsts and path.partition(".")[0] not in self._firsts:
            return None
        if self._any.fullmatch(path) is None:
            return None
        for template, pattern in self._patterns.items():
            match = pattern.fullmatch(path)
            if match:
                numbers = {name: int(value) for name, value in match.groupdict().items()}
                return _Match(template=template, numbers=numbers, leaf=dot + leaf)
        return None

    def __getstate__(self) -> dict[str, Any]:
        """All but ``fits``, a function that no pickle takes: what is recognised asks it no more."""
        return {key: value for key, value in vars(self).items() if key != "fits"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, fits=_always)

    @cached_property
    def _firsts(self) -> frozenset[str]:
        """The first names of modules; empty where one has a number in it.

        Most strangers are told by it, which costs no pattern.
        """
        firsts = frozenset(template.partition(".")[0] for template in self.renames)
        return firsts if not any("{" in first for first in firsts) else frozenset()

    @cached_property
    def _any(self) -> re.Pattern[str]:
        """Matches what one of the patterns does and little else: a name of theirs or none."""
        templates = (re.split(r"\{\w+\}", template) for template in self.renames)
        return re.compile("|".join(_NUMBER.join(map(re.escape, parts)) for parts in templates))

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {template: _pattern(template) for template in self.renames}


@dataclass(frozen=True, eq=False, kw_only=True)
class ExactNames(KeyMapping):
    """The names of one checkpoint, tensor by tensor; ``renames`` is not used."""

    names: Mapping[str, str]
    """Their key -> ours; other keys are left out."""
    renames: Mapping[str, str | None] = field(default_factory=dict)

    def rename(self, keys: Iterable[str]) -> dict[str, str] | None:
        """Their key -> ours, for those of the keys that are part of the network."""
        return {key: self.names[key] for key in keys if key in self.names}


def _always(config: Any) -> bool:
    return True


def _pattern(template: str) -> re.Pattern[str]:
    """A name that occurs twice stands for the same number both times."""
    pieces = re.split(r"\{(\w+)\}", template)
    pattern = ""
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            pattern += re.escape(piece)
        elif piece in pieces[1:index:2]:
            pattern += f"(?P={piece})"
        else:
            pattern += f"(?P<{piece}>{_NUMBER})"
    return re.compile(pattern)


def _numbered_after(name: str, names: Iterable[str]) -> str:
    """``name`` with a number for its ``{*}``, if it has one."""
    before, star, after = name.partition("{*}")
    if not star:
        return name
    places = (other[len(before) :].partition(".")[0] for other in names if other.startswith(before))
    numbers = [int(place) for place in places if place.isdecimal()]
    return f"{before}{max(numbers, default=-1) + 1}{after}"


@dataclass(frozen=True)
class _Match:
    """A key as one template reads it."""

    template: str
    numbers: Mapping[str, int]
    leaf: str

    def place(self, name: str) -> tuple[str, str]:
        """What is counted together: the module that holds the number, and the name around it."""
        holder, _, member = self.template.partition(f"{{{name}}}")[0].rpartition(".")
        tail = self.template.partition(f"{{{name}}}")[2].partition(".")[0]
        return holder.format(**self.numbers), f"{member}{{}}{tail}"

    def fill(self, ours: str, ends: Mapping[tuple[str, str], int]) -> str:
        """Our name for the key."""

        def number(match: re.Match[str]) -> str:
            from_end, name, offset = match.groups()
            value = self.numbers[name]
            if from_end:
                value = ends[self.place(name)] - value
            return str(value + int(offset or 0))

        return _PLACEHOLDER.sub(number, ours) + self.leaf


def only_output(network: nn.Module, x: Tensor) -> list[Tensor]:
    """The logits (N, C, H, W) of a network without side outputs, in a list of one."""
    return [network(x)]


def _with_classes(config: Any, classes: int) -> Any:
    return replace(config, classes=classes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Architecture:
    """A family of networks: one canonical module, its configuration, and its spellings."""

    id: str
    title: str
    """What people call it."""
    build: Callable[[Any], nn.Module]
    """Configuration -> module that returns logits (N, C, H, W)."""
    infer: Callable[[Shapes], Any]
    """Shapes under canonical names -> configuration; raises LookupError or ValueError."""
    mappings: tuple[KeyMapping, ...]
    """The spellings, our own first."""
    describe: Callable[[Any], str]
    """The configuration in a few words, such as "width 64, transposed"."""
    requirements: Callable[[Any], SizeRequirements] = lambda config: SizeRequirements()
    with_classes: Callable[[Any, int], Any] = _with_classes
    """Configuration, number of classes -> the configuration with that many."""
    forward_deep: Callable[[Any, Tensor], list[Tensor]] = only_output
    """Module, images (N, in_channels, H, W) -> the logits of all outputs that deep supervision
    trains (Lee et al. 2015, arXiv:1409.5185), each (N, C, H, W), the network's own first."""
    assemble: Callable[[Any, Mapping[str, Tensor]], nn.Module] | None = None
    """Configuration, tensors -> the module with them, where a library puts them into their
    places. None: ``build`` and the names of its tensors say all."""

    def __reduce__(self) -> tuple[Any, ...]:
        """By its id: a family has functions that no pickle takes, and is the same everywhere."""
        return _named, (self.id, self.build.__module__)


def _named(name: str, module: str) -> Architecture:
    """The family of that id, of ours or of the module that builds a library's networks."""
    ours: tuple[Architecture, ...] = import_module("segdemo.architectures").ARCHITECTURES
    theirs = (one for one in vars(import_module(module)).values() if isinstance(one, Architecture))
    return next(family for family in (*ours, *theirs) if family.id == name)
