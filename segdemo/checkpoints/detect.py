"""Which network a state dict is, proved by building it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.architectures import ARCHITECTURES, Architecture, KeyMapping
from segdemo.checkpoints.unwrap import Unwrapped, unwrap
from segdemo.errors import UnknownNetworkError

_COUNTER = "num_batches_tracked"
_MAX_TENSORS = 5000  # several times the largest network known; more only takes time
_SHOWN_CHARACTERS = 80  # of a name that stands in a sentence


@dataclass(frozen=True, eq=False, kw_only=True)
class Detection:
    """A network recognised from its tensors: every key explained, every shape compared."""

    architecture: Architecture
    mapping: KeyMapping
    """The spelling in which the checkpoint is written."""
    config: Any
    """The architecture's configuration, read from the shapes."""
    alternatives: tuple["Detection", ...] = ()
    """Other networks that these tensors fit exactly as well; no tensor can tell."""
    stripped: tuple[str, ...] = ()
    """Containers and prefixes that were taken off."""
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
        if len(self.mapping.trained_classes) == self.config.classes:
            classes = list(self.mapping.trained_classes)
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
        with torch.device("meta"):
            network = self.architecture.build(self.config)
        tensors = {
            key: tensor.float().contiguous() if tensor.is_floating_point() else tensor
            for key, tensor in self.tensors.items()
        }
        network.load_state_dict(tensors, strict=True, assign=True)
        return network.eval().requires_grad_(False)

    def without_weights(self) -> "Detection":
        """The same with its tensors on the meta device, which takes no memory."""
        return replace(
            self,
            tensors={key: tensor.to("meta") for key, tensor in self.tensors.items()},
            alternatives=tuple(other.without_weights() for other in self.alternatives),
        )


def detect(state_dict: Mapping[str, Any], *, assume: str | None = None) -> Detection:
    """The network that these tensors are.

    Containers and prefixes are taken off first. ``assume`` names the reading to take where
    tensors cannot tell (see ``Detection.alternatives``). Tensors on the meta device do, so
    that a file's header is enough. Raises UnknownNetworkError.
    """
    unwrapped = unwrap(state_dict)
    count = len(unwrapped.tensors)
    if not count:
        raise UnknownNetworkError("checkpoint_empty")
    if count > _MAX_TENSORS or not all(map(_is_plain, unwrapped.tensors.values())):
        raise UnknownNetworkError("checkpoint_unknown", count=count)
    readings = _readings(unwrapped, assume)
    if not readings:
        _refuse_lookalikes(unwrapped.tensors)
        raise _nearest_miss(unwrapped.tensors)
    chosen = readings[0]
    if assume is not None:
        matching = [reading for reading in readings if reading.id == assume]
        if not matching:
            possible = ", ".join(reading.id for reading in readings)
            raise UnknownNetworkError("checkpoint_assume", assumed=assume, possible=possible)
        chosen = matching[0]
    others = tuple(reading for reading in readings if reading is not chosen)
    return replace(chosen, alternatives=others)


def _is_plain(tensor: Tensor) -> bool:
    """Dense, and every number stored: an expanded tensor is small in the file and huge in use."""
    if tensor.layout != torch.strided or tensor.is_quantized:
        return False
    return 0 < tensor.nbytes <= tensor.untyped_storage().nbytes()


def _refuse_lookalikes(names: Collection[str]) -> None:
    """Raises UnknownNetworkError for the names of a spelling with another network's among them."""
    for architecture in ARCHITECTURES:
        for mapping in architecture.mappings:
            added = {first for name in names if (first := _first(name)) in mapping.lookalikes}
            rest = [name for name in names if _first(name) not in added]
            if added and rest and all(map(mapping.match, rest)):
                module = min(added)
                raise UnknownNetworkError(mapping.lookalikes[module], module=module)


def _nearest_miss(names: Collection[str]) -> UnknownNetworkError:
    """Says whose names most of these are, and what keeps the tensors from being that network."""
    misses = (
        (architecture, mapping, [name for name in names if mapping.match(name) is None])
        for architecture in ARCHITECTURES
        for mapping in architecture.mappings
    )
    architecture, mapping, strange = min(misses, key=lambda miss: len(miss[2]))
    facts: dict[str, Any] = {
        "count": len(names),
        "title": architecture.title,
        "origin": mapping.origin,
    }
    if 2 * len(strange) > len(names):
        return UnknownNetworkError("checkpoint_unknown", count=len(names))
    if not strange:
        return UnknownNetworkError("checkpoint_misfit", **facts)
    first = strange[0][:_SHOWN_CHARACTERS]
    return UnknownNetworkError("checkpoint_surplus", **facts, strange=len(strange), first=first)


def _first(name: str) -> str:
    return name.partition(".")[0]


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
    if _signature(tensors) != _signature(expected):
        return None
    return Detection(
        architecture=architecture,
        mapping=mapping,
        config=config,
        stripped=unwrapped.stripped,
        tensors=tensors,
    )


def _signature(tensors: Mapping[str, Tensor]) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Shape of each tensor, and whether it holds fractions; of which precision is no matter."""
    return {
        key: (tuple(tensor.shape), tensor.is_floating_point()) for key, tensor in tensors.items()
    }


def fold_biases(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same function without the biases that a batch norm follows.

    norm(conv(x) + b) equals norm'(conv(x)) when the running mean of norm' is less by b, which
    is computed in float32 whatever the precision of the weights.
    """
    folded = dict(tensors)
    for key in [key for key in tensors if key.endswith(".conv.bias")]:
        mean = key.removesuffix("conv.bias") + "norm.running_mean"
        if mean in tensors and tensors[mean].shape == tensors[key].shape:
            folded[mean] = tensors[mean].float() - folded.pop(key).float()
    return folded


def with_counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every batch norm with its batch counter, a whole number.

    PyTorch before 0.4.1 saved none (zeros stand in: eval mode ignores them), some files hold
    vectors of one element, and whoever halved all tensors halved the counters as well.
    """
    complete = dict(tensors)
    for key, tensor in tensors.items():
        if key.endswith(_COUNTER) and tensor.numel() == 1:
            complete[key] = tensor.reshape(()).to(torch.int64)
        elif key.endswith(".running_mean"):
            counter = key.removesuffix("running_mean") + _COUNTER
            complete.setdefault(counter, torch.zeros((), dtype=torch.int64, device=tensor.device))
    return complete
