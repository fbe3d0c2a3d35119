"""Folds convolution biases into batch norms and adds missing counters."""

from collections.abc import Mapping

import torch
from torch import Tensor

_COUNTER = "num_batches_tracked"


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
