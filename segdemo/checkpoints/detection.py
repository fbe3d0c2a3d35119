"""Recognises the network of a state dict and proves it by building it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from segdemo.architectures import ARCHITECTURES, Architecture, ExactNames, KeyMapping
from segdemo.checkpoints.batch_norm import fold_biases, with_counters
from segdemo.checkpoints.nearest import nearest_miss
from segdemo.checkpoints.refusal import refusal, refuse_lookalikes
from segdemo.checkpoints.soundness import require_finite, require_plain, signature
from segdemo.checkpoints.structure import Candidate, candidates
from segdemo.checkpoints.unwrap import Unwrapped, unwrap
from segdemo.errors import UnknownNetworkError
from segdemo.libraries.base import LibraryNetwork
from segdemo.libraries.claims import Claim, claim, from_tensors, is_ambiguous
from segdemo.wording import shown

_MOST_OF_UNIT = 2.0  # no mean of images from 0 to 1 is larger
_MAX_NETWORKS = 8  # first names that may hold a network each


@dataclass(frozen=True, eq=False, kw_only=True)
class Detection:
    """A network recognised from its tensors: every key explained, every shape compared."""

    # Strings: how it was recognised, who decided for this reading, and which others there are.
    note_key: ClassVar[str] = "note_origin"
    chosen_key: ClassVar[str] = "origin_tensors"
    others_key: ClassVar[str] = "note_alternatives"

    architecture: Architecture
    mapping: KeyMapping
    """The spelling in which the checkpoint is written."""
    config: Any
    """The architecture's configuration, read from the shapes."""
    alternatives: tuple["Detection", ...] = ()
    """Other networks that these tensors fit exactly as well; no tensor can tell."""
    stripped: tuple[str, ...] = ()
    """Containers and prefixes that were taken off."""
    class_values: tuple[str, ...] = ()
    """What stood for each class in the masks of its training, where the checkpoint says so."""
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    """Mean and deviation per channel that stood in the checkpoint as buffers."""
    tensors: Mapping[str, Tensor] = field(repr=False)
    """The weights under our names."""

    @property
    def id(self) -> str:
        """What ``assume`` calls this reading."""
        return self.mapping.id

    @property
    def origin(self) -> str:
        """The code base whose names the checkpoint uses."""
        return self.mapping.origin

    @property
    def known(self) -> Mapping[str, Any]:
        """What was taken from the code base, because no tensor can tell."""
        return self.mapping.known

    @property
    def recipe(self) -> dict[str, Any]:
        """The code base's pre- and post-processing for this network, in the spec's JSON form.

        The names of its classes are part of it when the network has as many.
        """
        recipe = dict(self.mapping.recipe)
        if all(len(values) in (1, self.config.in_channels) for values in self.normalisation):
            # Beside images from 0 to 255 they are given in these units, else in those of 0 to 1.
            scale = 255.0 if max(self.normalisation[0]) > _MOST_OF_UNIT else 1.0
            mean, std = ([value / scale for value in values] for values in self.normalisation)
            recipe["preprocessing"] = {**recipe.get("preprocessing", {}), "mean": mean, "std": std}
        named = (self.class_values, self.mapping.trained_classes)
        fitting = [classes for classes in named if len(classes) == self.config.classes]
        if fitting:
            classes = list(fitting[0])
            recipe["postprocessing"] = {"classes": classes, **recipe.get("postprocessing", {})}
        return recipe

    @property
    def parameters(self) -> int:
        """How many numbers the network learned."""
        return sum(
            tensor.numel()
            for key, tensor in self.tensors.items()
            if key.endswith((".weight", ".bias"))
        )

    def build(self) -> nn.Module:
        """The network in eval mode with these weights in float32; it returns logits (N, C, H, W).

        Weights already in float32 are shared, not copied. From meta tensors it has no weights.
        """
        tensors = {
            key: tensor.float().contiguous() if tensor.is_floating_point() else tensor
            for key, tensor in self.tensors.items()
        }
        if self.architecture.assemble is not None:
            whole = self.architecture.assemble(self.config, tensors)
            return whole.eval().requires_grad_(False)
        with torch.device("meta"):
            network = self.architecture.build(self.config)
        network.load_state_dict(tensors, strict=True, assign=True)
        return network.eval().requires_grad_(False)

    def without_weights(self) -> "Detection":
        """The same with its tensors on the meta device, which takes no memory."""
        return replace(
            self,
            tensors={key: tensor.to("meta") for key, tensor in self.tensors.items()},
            alternatives=tuple(other.without_weights() for other in self.alternatives),
        )


def detect(
    state_dict: Mapping[str, Any],
    *,
    assume: str | None = None,
    description: Mapping[str, Any] | None = None,
) -> Detection:
    """The network that these tensors are.

    Containers and prefixes are taken off first. ``assume`` names the reading to take where
    tensors cannot tell (see ``Detection.alternatives``). Tensors on the meta device do, so
    that a file's header is enough. ``description`` is the config.json beside the file: a library
    that wrote it builds its network, if the tensors are exactly that network's.
    Raises UnknownNetworkError, and WeightsError for NaN.
    """
    unwrapped = unwrap(state_dict)
    claimed = claim(description) if description else None
    if claimed is None:
        return _detect(state_dict, unwrapped, assume)
    if claimed.is_ours:
        # Our own family reads it exactly, with and without the extra.
        with suppress(UnknownNetworkError):
            return _detect(state_dict, unwrapped, assume)
    try:
        return _of_library(unwrapped, claimed)
    except UnknownNetworkError as refused:
        # Names and types in such a file are often those of another network.
        with suppress(UnknownNetworkError):
            found = _detect(state_dict, unwrapped, assume)
            if found.origin != claimed.library.name:
                return found
        raise refused


def _with_libraries(
    unwrapped: Unwrapped, readings: list[Detection]
) -> tuple[list[Detection], UnknownNetworkError | None]:
    """Our readings, then a library's; and the error where that library is missing.

    Beside one of ours it is asked only where several of its networks have the same tensors.
    """
    if readings and not is_ambiguous(unwrapped.tensors):
        return readings, None
    try:
        network = from_tensors(unwrapped.tensors)
    except UnknownNetworkError as missing:
        return readings, missing
    if network is None:
        return readings, None
    found = _from_library(unwrapped, network)
    others = (
        found.alternatives if readings else (replace(found, alternatives=()), *found.alternatives)
    )
    return [*readings, *others], None


def _of_library(unwrapped: Unwrapped, claimed: Claim) -> Detection:
    """What a library makes of the tensors. Raises UnknownNetworkError and WeightsError."""
    require_plain(unwrapped.tensors)
    found = _from_library(unwrapped, claimed.read(unwrapped.tensors))
    _require_finite(found, unwrapped.tensors)
    return found


def _from_library(unwrapped: Unwrapped, network: LibraryNetwork) -> Detection:
    return Detection(
        architecture=network.architecture,
        mapping=network.mapping,
        config=network.config,
        stripped=(*unwrapped.stripped, *network.left_out),
        class_values=unwrapped.class_values,
        normalisation=(unwrapped.mean, unwrapped.std),
        tensors=network.tensors,
        alternatives=tuple(_from_library(unwrapped, rival) for rival in network.rivals),
    )


def _detect(state_dict: Mapping[str, Any], unwrapped: Unwrapped, assume: str | None) -> Detection:
    if unwrapped.rivals:
        # A W-Net and the like has twins inside: only what nothing else explains is several.
        readings = _readings(unwrapped, assume) if unwrapped.tensors else []
        if not readings:
            return _one_of(state_dict, unwrapped.rivals, assume)
    require_plain(unwrapped.tensors)
    readings, missing = _with_libraries(unwrapped, _readings(unwrapped, assume))
    miss = None if readings or assume else nearest_miss(unwrapped.tensors)
    if miss is not None and miss.is_incomplete_copy:
        # A copy of a known network that lost a tensor is not read as another one that lacks it.
        refuse_lookalikes(unwrapped.tensors)
        raise missing or refusal(unwrapped.tensors, miss)
    if not readings or (assume and all(reading.id != assume for reading in readings)):
        # Names tell nothing, or an exported network states what its structure left open.
        readings = _structural(unwrapped, assume) or readings
    if not readings:
        refuse_lookalikes(unwrapped.tensors)
        readings, assume = _inside(unwrapped, assume)
    if not readings and assume is not None:
        # No grammar has a reading of that name, so the refusal below lists those that fit.
        readings = _structural(unwrapped, None)
    if not readings:
        raise missing or refusal(unwrapped.tensors, miss or nearest_miss(unwrapped.tensors))
    chosen = readings[0]
    if assume is not None:
        matching = [reading for reading in readings if _is_meant(assume, reading.id)]
        if not matching:
            possible = ", ".join(reading.id for reading in readings)
            raise UnknownNetworkError("checkpoint_assume", assumed=assume, possible=possible)
        chosen = matching[0]
    _require_finite(chosen, unwrapped.tensors)
    others = tuple(reading for reading in readings if reading is not chosen)
    return replace(chosen, alternatives=others)


def _inside(unwrapped: Unwrapped, assume: str | None) -> tuple[list[Detection], str | None]:
    """Readings of the one first name under which there is a network, and what is assumed of it.

    What lies under other names is left out, and said. Raises UnknownNetworkError for several.
    """
    found: dict[str, list[Detection]] = {}
    wanted, _, reading = (assume or "").partition(":")
    firsts = dict.fromkeys(key.partition(".")[0] for key in unwrapped.tensors)
    for first in firsts if len(firsts) <= _MAX_NETWORKS else ():
        inside = {
            key.removeprefix(f"{first}."): tensor
            for key, tensor in unwrapped.tensors.items()
            if key.startswith(f"{first}.")
        }
        others = tuple(f"{name}." for name in firsts if name != first)
        part = replace(unwrapped, tensors=inside, stripped=(*unwrapped.stripped, *others))
        named = reading or None if wanted == first else assume
        readings = _readings(part, named) or _structural(part, named) if inside else []
        if readings:
            found[first] = readings
    if len(found) > 1 and wanted not in found:
        listed = ", ".join(map(shown, found))
        raise UnknownNetworkError("checkpoint_several", names=listed, first=shown(min(found)))
    if wanted in found:
        return found[wanted], reading or None
    return next(iter(found.values()), []), assume


def _one_of(state_dict: Mapping[str, Any], names: tuple[str, ...], assume: str | None) -> Detection:
    """The one of several networks that ``assume`` names, alone or before a colon and a reading."""
    chosen, _, reading = (assume or "").partition(":")
    if chosen not in names:
        listed = ", ".join(map(shown, names))
        raise UnknownNetworkError("checkpoint_several", names=listed, first=shown(names[0]))
    inside = unwrap(state_dict, chosen=chosen)
    return detect({chosen: dict(inside.tensors)}, assume=reading or None)


def _require_finite(detection: Detection, theirs: Mapping[str, Tensor]) -> None:
    require_finite(detection.tensors, lambda: detection.mapping.rename(theirs) or {})


def _readings(unwrapped: Unwrapped, assume: str | None) -> list[Detection]:
    """Every network that fits, the ones that yield to a twin last."""
    found = [
        detection
        for architecture in ARCHITECTURES
        for mapping in _spellings(architecture, assume)
        if (detection := _read(unwrapped, architecture, mapping)) is not None
    ]
    return sorted(found, key=lambda reading: bool(reading.known))


def _spellings(architecture: Architecture, assume: str | None) -> Iterator[KeyMapping]:
    """Its spellings, and the assumed one once more in our own names.

    An exported network has our names, so what no tensor tells is known only from what its
    metadata say to assume.
    """
    own = architecture.mappings[0]
    for mapping in architecture.mappings:
        yield mapping
        if mapping.id == assume and mapping.known and mapping.renames is not own.renames:
            yield replace(mapping, renames=own.renames, folds_bias=False)


def _read(
    unwrapped: Unwrapped, architecture: Architecture, mapping: KeyMapping
) -> Detection | None:
    """The detection if this spelling explains every key and the network has these shapes."""
    names = mapping.rename(unwrapped.tensors)
    if names is None:
        return None
    tensors = {ours: unwrapped.tensors[key] for key, ours in names.items()}
    if mapping.folds_bias:
        tensors = fold_biases(tensors)
    tensors = with_counters(tensors)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    try:
        config = replace(architecture.infer(shapes), **mapping.known)
        if not mapping.fits(config):
            return None
        with torch.device("meta"):
            expected = architecture.build(config).state_dict()
    except (LookupError, ValueError, RuntimeError):
        # Shapes that no configuration has: another spelling may still explain them.
        return None
    if signature(tensors) != signature(expected):
        return None
    return Detection(
        architecture=architecture,
        mapping=mapping,
        config=config,
        stripped=unwrapped.stripped,
        class_values=unwrapped.class_values,
        normalisation=(unwrapped.mean, unwrapped.std),
        tensors=tensors,
    )


def _structural(unwrapped: Unwrapped, assume: str | None) -> list[Detection]:
    """Networks that fit by the flow of channels, whatever the names, the likeliest first.

    Readings that put the tensors in the same places have the same shapes: one is proved for all.
    """
    for readings in candidates(unwrapped.tensors, assume):
        found = [
            _reading_of(unwrapped, candidate, tensors)
            for candidate, tensors in _proved(unwrapped.tensors, readings)
        ]
        if found:
            return found
    return []


def _proved(
    theirs: Mapping[str, Tensor], readings: Iterable[Candidate]
) -> Iterator[tuple[Candidate, Mapping[str, Tensor]]]:
    """Those of the readings that have these shapes, each with the tensors under our names."""
    placed: list[tuple[Mapping[str, str], Mapping[str, Tensor] | None]] = []
    for candidate in readings:
        known = next((found for found in placed if found[0] is candidate.names), None)
        if known is None:
            tensors = with_counters({ours: theirs[key] for key, ours in candidate.names.items()})
            known = (candidate.names, tensors if _has_shapes(candidate, tensors) else None)
            placed.append(known)
        if known[1] is not None:
            yield candidate, known[1]


def _has_shapes(candidate: Candidate, tensors: Mapping[str, Tensor]) -> bool:
    try:
        with torch.device("meta"):
            expected = candidate.architecture.build(candidate.config).state_dict()
    except (LookupError, ValueError, RuntimeError):
        return False
    return signature(tensors) == signature(expected)


def _reading_of(
    unwrapped: Unwrapped, candidate: Candidate, tensors: Mapping[str, Tensor]
) -> Detection:
    return Detection(
        architecture=candidate.architecture,
        mapping=ExactNames(
            id=candidate.id,
            origin=f"recognised by its structure: {candidate.id.replace('.', ', ')}",
            names=candidate.names,
            known=candidate.known,
            recipe=candidate.recipe,
        ),
        config=candidate.config,
        stripped=(*unwrapped.stripped, *candidate.left_out),
        class_values=unwrapped.class_values,
        normalisation=(unwrapped.mean, unwrapped.std),
        tensors=tensors,
    )


def _is_meant(assume: str, id: str) -> bool:
    """Whether an id is the assumed one, or has all of its answers, in whatever order."""
    return assume == id or ("." in id and set(assume.split(".")) <= set(id.split(".")))
