"""A convolution by whichever kernel of PyTorch is the fastest for it on a CPU."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.winograd import convolve

_WINOGRAD_CHANNELS, _WINOGRAD_PIXELS = 128, 24 * 24
"""From how many on, in and out, it was faster on processors with AVX2."""

_LAID_OUT_AT_A_TIME = 2**18
"""Numbers: as many as the processor's cache holds."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution:
    """A convolution, also a transposed one, of one input or of two, with a ReLU or without.

    Called with (N, C, H, W), channels last, it answers so; for use without gradients.
    """

    weight: Tensor
    second: Tensor | None
    """The weight for a second input, which then stands for further channels of the first."""
    bias: Tensor | None
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    output_padding: tuple[int, ...] | None
    """None when it is not transposed."""
    relu: bool

    def __call__(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """The answer for ``x``, and ``other`` if there are weights for a second input."""
        if not _has_kernels(x.dtype):
            return self._one_by_one(x, other)
        if self._is_for_winograd(x):
            pairs = [(x, self.weight)]
            if other is not None and self.second is not None:
                pairs.append((other, self.second))
            y = convolve(pairs, self.bias, padding=self.padding, relu=self.relu)
        else:
            y = self._at_once(x, other)
        return y.contiguous(memory_format=torch.channels_last)

    def _one_by_one(self, x: Tensor, other: Tensor | None) -> Tensor:
        """By PyTorch's own functions, each of which goes through memory once more."""
        stride, padding, dilation, groups = self.stride, self.padding, self.dilation, self.groups
        if self.output_padding is None:
            y = functional.conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        else:
            y = functional.conv_transpose2d(
                *(x, self.weight, self.bias, stride, padding),
                *(self.output_padding, groups, dilation),
            )
        if other is not None and self.second is not None:
            y += functional.conv2d(other, self.second, None, stride, padding, dilation)
        return functional.relu(y, inplace=True) if self.relu else y

    def _at_once(self, x: Tensor, other: Tensor | None) -> Tensor:
        """In one pass for each input, by what torch.compile uses of oneDNN."""
        kernels: Any = torch.ops.mkldnn
        shape = (self.padding, self.stride, self.dilation, self.groups)
        ending: tuple[Any, ...] = ("relu" if self.relu else "none", [], "")
        y: Tensor
        if self.output_padding is not None:
            y = kernels._convolution_transpose_pointwise(
                *(x, self.weight, self.bias, self.padding, self.output_padding),
                *(self.stride, self.dilation, self.groups, *ending),
            )
        elif other is None:
            y = kernels._convolution_pointwise(x, self.weight, self.bias, *shape, *ending)
        else:
            y = kernels._convolution_pointwise(x, self.weight, None, *shape, "none", [], "")
            y = kernels._convolution_pointwise_.binary(
                *(y, other, self.second, self.bias, *shape, "add", 1.0),
                *("relu" if self.relu else None, [], None),
            )
        return y

    def _is_for_winograd(self, x: Tensor) -> bool:
        """Whether there is so much to multiply that it pays off."""
        weights = [self.weight] if self.second is None else [self.weight, self.second]
        return (
            self.output_padding is None
            and self.weight.shape[2:] == (3, 3)
            and (self.stride, self.dilation, self.groups) == ((1, 1), (1, 1), 1)
            and x.dtype == torch.float32
            and _has_mkl()
            and len(self.weight) >= _WINOGRAD_CHANNELS
            and sum(weight.shape[1] for weight in weights) >= _WINOGRAD_CHANNELS
            and x.shape[2] * x.shape[3] >= _WINOGRAD_PIXELS
        )


def lay_out(network: nn.Module) -> None:
    """Put the filters of its convolutions in the order that kernels read: channels last.

    Else those that no norm is folded into are copied at each call. In place, so that none is in
    memory twice: nobody else may hold the network's tensors. What two of its tensors share is left
    as it is.
    """
    tensors = [*network.parameters(), *network.buffers()]
    holders = Counter(tensor.untyped_storage().data_ptr() for tensor in tensors)
    for module in network.modules():
        if not isinstance(module, nn.Conv2d):
            continue
        filters = module.weight.detach()
        storage = filters.untyped_storage()
        alone = holders[storage.data_ptr()] == 1 and storage.nbytes() == filters.nbytes
        if alone and filters.is_contiguous():
            made, taken, *kernel = filters.shape
            for some in torch.split(filters, max(1, _LAID_OUT_AT_A_TIME // filters[0].numel())):
                some.view(-1).copy_(some.permute(0, 2, 3, 1).reshape(-1))
            module.weight.data = filters.view(made, *kernel, taken).permute(0, 3, 1, 2)


def _has_kernels(dtype: torch.dtype) -> bool:
    """Whether PyTorch was built with oneDNN, and that has kernels for it on this processor."""
    onednn: Any = torch.backends.mkldnn
    if not onednn.is_available():
        return False
    return dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _has_mkl() -> bool:
    """Whether matrices are multiplied by the library that Winograd's way was measured with."""
    mkl: Any = torch.backends.mkl
    return bool(mkl.is_available())
