"""A network that another runtime computes, and what the engine cannot see of it."""

from abc import abstractmethod

import torch
from torch import nn


class ForeignNetwork(nn.Module):
    """Images (N, C, H, W) -> (N, K, H, W) by another runtime, which says what it takes itself."""

    byte_size: int = 0
    """Memory of its weights."""
    device: torch.device = torch.device("cpu")
    """Where it computes."""

    @abstractmethod
    def peak(self, shape: torch.Size) -> int:
        """Bytes of tensors that it has at a time for images of that shape; 0 when unknown."""
