"""ONNX files for tests: small networks exported in the forms in which people publish them."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write(
    network: nn.Module,
    path: Path,
    example: Tensor,
    *,
    free: Sequence[int] = (),
    outputs: Sequence[str] = ("mask",),
    opset: int = 17,
) -> Path:
    """Export as torch.onnx does; the dimensions ``free`` of the input may have any length."""
    names = {dim: f"d{dim}" for dim in free}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (example,),
            str(path),
            dynamo=False,
            input_names=["image"],
            output_names=list(outputs),
            dynamic_axes={"image": names} | (dict.fromkeys(outputs, names) if free else {}),
            opset_version=opset,
        )
    return path


def scores_of(answer: Any) -> Tensor:
    """The scores in what a network returns: a tensor, or an object of transformers."""
    return answer if isinstance(answer, Tensor) else answer.logits


class Wrapped(nn.Module):
    """A network inside of what people put around it before they export it."""

    def __init__(self, network: nn.Module, *around: str) -> None:
        super().__init__()
        self.network, self.around = network, around
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """By the words around it, in the order in which an image meets them."""
        if "nhwc" in self.around:
            x = x.permute(0, 3, 1, 2)
        if "uint8" in self.around:
            x = x.float()
        if "divides" in self.around:
            x = x / 255.0
        if "normalises" in self.around:
            x = (x - self.mean) / self.std
        if "fp16" in self.around:
            x = x.half()
        y = self.network(x)
        y = scores_of(y)
        scores = y
        if "quarter" in self.around:
            y = functional.avg_pool2d(y, 4)
        if "sigmoid" in self.around:
            y = y.sigmoid()
        if "softmax" in self.around:
            y = y.softmax(1)
        if "enlarged" in self.around:
            y = functional.interpolate(y, scale_factor=1.0, mode="nearest")
        if "argmax" in self.around:
            y = y.argmax(1, keepdim="keepdim" in self.around)
        if "threshold" in self.around:
            y = (y.sigmoid() >= 0.5).long()
        if "squeezed" in self.around:
            y = y[:, 0]
        if "last" in self.around:
            y = y.permute(0, 2, 3, 1)
        if "several" in self.around:
            return functional.avg_pool2d(scores, 8), y, scores.argmax(1)
        return y
