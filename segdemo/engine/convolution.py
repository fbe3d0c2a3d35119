"""Runs a convolution by the PyTorch kernel that is fastest for it on a CPU."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segdemo.engine.winograd import convolve

_WINOGRAD_TAKEN, _WINOGRAD_MADE, _WINOGRAD_PIXELS = 128, 64, 24 * 24
"""From how many channels in and out, and pixels, it was faster on processors with AVX2."""

_ONE_MAP_TAKEN = 64
"""From how many channels on a single one is a product of matrices."""

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
        elif other is None and not self.relu:
            y = self._as_products(x) if self._is_one_map(x) else self._one_by_one(x, other)
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

    def _as_products(self, x: Tensor) -> Tensor:
        """A single channel, which kernels for eight at a time compute eight times over.

        What each pixel adds to those around it is a product of matrices.
        """
        count, channels, height, width = x.shape
        # Added where it belongs, a filter is the other way round.
        turned = self.weight.flip(2, 3).permute(0, 2, 3, 1).reshape(-1, channels)
        added = torch.matmul(turned, x.permute(0, 2, 3, 1).reshape(count, -1, channels).mT)
        y = functional.fold(added, (height, width), kernel_size=3, padding=1)
        return y if self.bias is None else y.add_(self.bias)

    def _is_one_map(self, x: Tensor) -> bool:
        return (
            self._is_plain(x)
            and self.padding == (1, 1)
            and len(self.weight) == 1
            and self.weight.shape[1] >= _ONE_MAP_TAKEN
        )

    def _is_for_winograd(self, x: Tensor) -> bool:
        """Whether there is so much to multiply that it pays off."""
        weights = [self.weight] if self.second is None else [self.weight, self.second]
        return (
            self._is_plain(x)
            and len(self.weight) >= _WINOGRAD_MADE
            and sum(weight.shape[1] for weight in weights) >= _WINOGRAD_TAKEN
            and x.shape[2] * x.shape[3] >= _WINOGRAD_PIXELS
        )

    def _is_plain(self, x: Tensor) -> bool:
        """Whether it is a 3x3 convolution that ways of our own were measured for."""
        return (
            self.output_padding is None
            and self.weight.shape[2:] == (3, 3)
            and (self.stride, self.dilation, self.groups) == ((1, 1), (1, 1), 1)
            and x.dtype == torch.float32
            and _has_mkl()
        )


def to_channels_last(network: nn.Module) -> None:
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
