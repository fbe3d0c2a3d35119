"""What is asked of tensors whatever network they are: dense, finite, of which shapes."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from segdemo.errors import UnknownNetworkError, WeightsError
from segdemo.wording import shown

_MAX_TENSORS = 5000  # several times the largest network known; more only takes time


def require_plain(tensors: Mapping[str, Tensor]) -> None:
    """Raise UnknownNetworkError unless there are tensors, and all of them hold numbers."""
    count = len(tensors)
    if not count:
        raise UnknownNetworkError("checkpoint_empty")
    empty = next((key for key, tensor in tensors.items() if not tensor.numel()), None)
    if empty is not None:
        raise UnknownNetworkError("checkpoint_tensor_empty", tensor=shown(empty))
    if count > _MAX_TENSORS or not all(map(_is_plain, tensors.values())):
        raise UnknownNetworkError("checkpoint_unknown", count=count)


def _is_plain(tensor: Tensor) -> bool:
    """Dense, and every number stored: an expanded tensor is small in the file and huge in use."""
    if tensor.layout != torch.strided or tensor.is_quantized:
        return False
    return 0 < tensor.nbytes <= tensor.untyped_storage().nbytes()


def require_finite(tensors: Mapping[str, Tensor], names: Callable[[], Mapping[str, str]]) -> None:
    """Raise WeightsError with the checkpoint's name of a tensor that holds NaN or infinity.

    ``names``: the checkpoint's name -> ours, asked for only where there is one.
    """
    wrong = [key for key, tensor in tensors.items() if not _is_finite(tensor)]
    if wrong:
        first = next((key for key, ours in names().items() if ours == wrong[0]), wrong[0])
        raise WeightsError("checkpoint_not_finite", tensor=shown(first), count=len(wrong))


def _is_finite(tensor: Tensor) -> bool:
    """One pass without a copy: a sum with NaN or infinity in it is not finite."""
    if tensor.is_meta or not tensor.is_floating_point():
        return True
    if tensor.itemsize > 1:
        total = tensor.sum(dtype=torch.promote_types(tensor.dtype, torch.float32))
        if math.isfinite(total.item()):
            return True
    # Finite numbers, too, may be too many or too large for a sum; their extremes are finite.
    lowest, highest = torch.aminmax(tensor.float() if tensor.itemsize == 1 else tensor)
    return math.isfinite(lowest.item()) and math.isfinite(highest.item())


def signature(tensors: Mapping[str, Tensor]) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Shape of each tensor, and whether it holds fractions; of which precision is no matter."""
    return {
        key: (tuple(tensor.shape), tensor.is_floating_point()) for key, tensor in tensors.items()
    }
