"""Small U-Nets trained for a minute, each on images that were scaled in one of six ways."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from segdemo.architectures.unet import UNet, UNetConfig
from weights.pictures import generate

_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
_STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
_SIDE, _IMAGES, _STEPS, _BATCH = 96, 160, 150, 8
_SEED = 1


def _by_its_own(images: Tensor) -> Tensor:
    spread = images.std((2, 3), keepdim=True).clamp(min=1e-3)
    return (images - images.mean((2, 3), keepdim=True)) / spread


SCALINGS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "0 to 255": lambda images: images * 255,
    "0 to 1": lambda images: images,
    "-1 to 1": lambda images: images * 2 - 1,
    "ImageNet": lambda images: (images - _MEAN) / _STD,
    "z-score": _by_its_own,
    "0 to 1, BGR": lambda images: images.flip(1),
}
"""Of images (N, 3, H, W) in [0, 1]."""


def trained(task: str, scaling: str) -> tuple[dict[str, Tensor], Tensor]:
    """The tensors of a network of width 8, and the images (N, 3, H, W) as it was given them."""
    pixels, masks = generate(task, _SEED, _SIDE, _IMAGES)
    images = SCALINGS[scaling](torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    targets = torch.from_numpy(masks > 0)[:, None].float()
    torch.manual_seed(0)
    network = UNet(UNetConfig.standard(width=8, depth=3))
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(_STEPS):
        chosen = torch.randint(0, _IMAGES, (_BATCH,), generator=generator)
        loss = functional.binary_cross_entropy_with_logits(network(images[chosen]), targets[chosen])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return network.state_dict(), images
