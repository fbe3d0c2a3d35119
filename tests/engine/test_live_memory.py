"""What networks need that cannot be traced: the same without numbers as with them."""

import torch
from torch import nn

from segdemo.engine.engine import Engine
from segdemo.engine.live_memory import peak_bytes, reckoned


class Untraceable(nn.Module):
    """Makes a tensor of its own, from nowhere that a trace knows."""

    def __init__(self, *, asks: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.asks = asks

    def forward(self, x):
        y = self.conv(x)
        if self.asks and float(y.mean()) > 1e9:
            y = y + 1
        return y + torch.zeros_like(y[:, :1]) + torch.from_numpy(self.place).to(y.device)

    @property
    def place(self):
        return torch.ones(1).numpy()


def test_it_is_what_the_tensors_take_that_are_alive_together():
    network = Untraceable().eval()
    shape = torch.Size((1, 3, 64, 64))
    # The convolution's answer, the zeros, and the sum.
    assert peak_bytes(network, shape) >= (8 + 1 + 8) * 64 * 64 * 4
    assert peak_bytes(network, shape) <= 2 * (8 + 1 + 8) * 64 * 64 * 4


def test_a_network_that_asks_for_numbers_is_reckoned_from_small_images():
    shape = torch.Size((1, 3, 256, 256))
    asking, other = Untraceable(asks=True).eval(), Untraceable().eval()
    assert abs(peak_bytes(asking, shape) / peak_bytes(other, shape) - 1) < 0.05


def test_what_grows_with_the_square_of_the_pixels_is_reckoned_so():
    def need(pixels):
        return 5 * pixels + 3 * pixels**2

    assert reckoned((need(100), need(400)), (100, 400), 1600) == need(1600)
    assert reckoned((500, 2000), (100, 400), 1600) == 8000


def test_the_engine_is_told_for_large_images_alone():
    network, engine = Untraceable().eval(), Engine()
    assert engine.memory(network, torch.zeros(1, 3, 64, 64)) == 0
    assert engine.memory(network, torch.zeros(1, 3, 640, 640)) > 17 * 640 * 640 * 4
