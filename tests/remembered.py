"""Networks whose batch norms hold exactly the statistics of images, as after a long training."""

import torch
from torch import nn
from torch.nn import functional

IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]

SCALINGS = {
    "raw": lambda images: images * 255,
    "raw_centred": lambda images: (images - IMAGENET_MEAN) * 255,
    "unit": lambda images: images,
    "unit_centred": lambda images: images - 0.5,
    "signed": lambda images: images * 2 - 1,
    "standardised": lambda images: (images - IMAGENET_MEAN) / IMAGENET_STD,
}


def smooth_images(count=24, side=64, *, cast=(0.52, 0.46, 0.40), seed=0):
    """(count, 3, side, side) in [0, 1]: blobs of several sizes, bright and dark ones among them."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(count, 3, side, side)
    for cells in (2, 4, 8, 16, 32):
        grey = torch.randn(count, 1, cells, cells, generator=generator)
        own = torch.randn(count, 3, cells, cells, generator=generator)
        noise = grey + 0.4 * own
        total += functional.interpolate(noise, size=(side, side), mode="bicubic") / cells**0.6
    total += 0.4 * torch.randn(count, 1, 1, 1, generator=generator)
    centres = torch.tensor(cast)[:, None, None]
    return (centres + 0.3 * total).clamp(0, 1)


def remembering(network, images, *, seed=0):
    """The network in eval mode, its norms scaled at random and holding the statistics of these."""
    generator = torch.Generator().manual_seed(seed)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = None
            norm.weight.copy_(0.5 + torch.rand(norm.weight.shape, generator=generator))
            norm.bias.copy_(torch.randn(norm.bias.shape, generator=generator))
        network.train()(images)
    return network.eval()
