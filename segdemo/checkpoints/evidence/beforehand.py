"""What the first layer tells of a checkpoint of which only the description was read."""

from typing import BinaryIO

from torch import Tensor

from segdemo.architectures import ARCHITECTURES
from segdemo.checkpoints.batch_norm import fold_biases
from segdemo.checkpoints.detection import Detection
from segdemo.checkpoints.evidence.first_layer import (
    TrainingInputs,
    first_layer_of,
    training_inputs,
)
from segdemo.checkpoints.evidence.flow import without_numbers
from segdemo.checkpoints.files import CheckpointFile
from segdemo.checkpoints.pickle_reader import PickleError
from segdemo.checkpoints.torch_files import numbers_of
from segdemo.checkpoints.unwrap import unwrap
from segdemo.errors import SegdemoError

MOST_BYTES = 256 * 1024
"""Of a first convolution and its norm; those of known networks take a sixth of it."""


def inputs_beforehand(
    detection: Detection, checkpoint: CheckpointFile, file: BinaryIO, *, name: str
) -> TrainingInputs | None:
    """What a network was trained on, told by the few tensors that are read from ``file`` for it.

    ``checkpoint`` is the description that ``detection`` is of. None where they tell nothing, are
    too large, or cannot be read: nothing depends on it.
    """
    if detection.architecture not in ARCHITECTURES:
        return None  # To build what a library does takes seconds.
    layer = first_layer_of(without_numbers(detection), detection.config.in_channels)
    if layer is None:
        return None
    theirs = unwrap(checkpoint.content).tensors
    renamed = detection.mapping.rename(theirs) or {}
    wanted = {key: theirs[key] for key in layer.names_in_file(renamed)}
    extents = [checkpoint.extents.of(tensor) for tensor in wanted.values()]
    if sum(extent.count if extent else MOST_BYTES + 1 for extent in extents) > MOST_BYTES:
        return None
    tensors: dict[str, Tensor] = {}
    try:
        for key, tensor in wanted.items():
            numbers = numbers_of(tensor, checkpoint.extents, file, name=name)
            if numbers is not None:
                tensors[renamed[key]] = numbers
    except (SegdemoError, PickleError, OSError, RuntimeError):
        return None
    found = fold_biases(tensors) if detection.mapping.folds_bias else tensors
    return training_inputs(layer, found) if set(layer.names) <= found.keys() else None
