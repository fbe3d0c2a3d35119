"""Weights in half precision, as files hold them."""

from collections.abc import Mapping

import torch
from torch import Tensor

_LARGEST = 65504.0
"""The largest number that half precision holds."""


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies on the CPU, fractions in half precision; whole numbers stay as they are.

    Raises ValueError when a weight is too large for it, or no number.
    """
    found = {}
    for key, value in tensors.items():
        tensor = value.detach().cpu().contiguous()
        if tensor.is_floating_point():
            if not bool(tensor.float().abs().max() <= _LARGEST):
                raise ValueError(f"{key} does not fit into half precision")
            tensor = tensor.to(torch.float16)
        found[key] = tensor
    return found
