"""Initial weights of a training: drawn anew, or from a checkpoint."""

from typing import Any

import torch
from torch import Tensor, nn

from segdemo.architectures import Architecture
from segdemo.checkpoints import Detection
from segdemo.errors import TrainingError


def fresh(architecture: Architecture, config: Any, seed: int) -> nn.Module:
    """The network with weights drawn from the seed.

    PyTorch's own draw lets the signal die in a deep network without norms: such a one gets
    Kaiming's (He et al. 2015, arXiv:1502.01852). What upsamples scores begins bilinear.
    """
    torch.manual_seed(seed)
    network = architecture.build(config)
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    for module in network.modules():
        if upsamples_scores(module, config.classes):
            make_bilinear(module)
    return network


def continued(detection: Detection, classes: int, seed: int) -> tuple[nn.Module, Any]:
    """A recognised network with its weights in float32, and its configuration.

    Raises TrainingError for what a library builds.

    With another number of classes what makes scores of features is drawn from the seed, or left
    out where the architecture has none for so few; all else is kept.
    """
    if detection.architecture.assemble is not None:
        raise TrainingError("library_stays", library=detection.origin)
    config = detection.architecture.with_classes(detection.config, classes)
    network = fresh(detection.architecture, config, seed)
    expected = network.state_dict()
    fitting = {
        key: tensor
        for key, tensor in detection.tensors.items()
        if key in expected and tensor.shape == expected[key].shape
    }
    network.load_state_dict(fitting, strict=False)
    return network, config


def upsamples_scores(module: nn.Module, classes: int) -> bool:
    """Whether it is a transposed convolution from scores of the classes to larger ones."""
    return (
        isinstance(module, nn.ConvTranspose2d)
        and module.in_channels == module.out_channels == classes
    )


def make_bilinear(module: nn.Module) -> None:
    """Lets a transposed convolution enlarge each channel by itself, bilinearly."""
    assert isinstance(module, nn.ConvTranspose2d)
    with torch.no_grad():
        module.weight.zero_()
        for channel in range(module.in_channels):
            module.weight[channel, channel] = _kernel(module.kernel_size[0], module.stride[0])
        if module.bias is not None:
            module.bias.zero_()


def _kernel(side: int, stride: int) -> Tensor:
    distances = (torch.arange(side) - (side - 1) / 2).abs()
    profile = (1 - distances / stride).clamp(min=0)
    # A kernel no larger than the stride repeats each score instead.
    profile = profile if side > stride else torch.ones(side)
    return torch.outer(profile, profile)
