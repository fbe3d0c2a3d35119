"""Small checkpoint files for tests that need one on disk."""

import json

from code_bases import randomised
from safetensors.torch import save_file

from segdemo.architectures.unet import UNet, UNetConfig


def write_checkpoint(path, *, words=None, seed=0, half=False, **config):
    """A U-Net of two levels with random weights; ``words`` is what the file says of itself."""
    network = randomised(UNet(UNetConfig.standard(**{"width": 4, "depth": 1, **config})), seed)
    tensors = {
        key: value.half() if half and value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, None if words is None else {"segdemo": json.dumps(words)})
    return path
