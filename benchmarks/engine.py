"""A network on the CPU: as it is, by our engine, and by onnxruntime where it is installed."""

import importlib.util
import io
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.architectures.fcn import FCN, FCNConfig
from segdemo.architectures.resnet_unet import ResNetUNet, ResNetUNetConfig
from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.architectures.vgg import vgg16
from segdemo.devices import keep_freed_memory
from segdemo.engine import Engine

ROUNDS = 5
_FCN8S = FCNConfig(in_channels=3, classes=21, widths=vgg16(), hidden=(4096, 4096), skips=2)
_NETWORKS: tuple[tuple[str, int, Callable[[], nn.Module]], ...] = (
    ("U²-Net", 320, lambda: U2Net(U2NetConfig.full())),
    ("U²-Net lite", 320, lambda: U2Net(U2NetConfig.lite())),
    ("U-Net, width 64", 512, lambda: UNet(UNetConfig.standard())),
    ("FCN-8s", 512, lambda: FCN(_FCN8S)),
    ("ResNet-34 U-Net", 512, lambda: ResNetUNet(ResNetUNetConfig.standard())),
)
_Run = Callable[[], Tensor]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """How many times less time of the processor a way takes than the network as it is."""

    network: str
    side: int
    way: str
    faster: float
    difference: float
    """The largest between logits, relative to the largest logit."""


def measure() -> list[Ratio]:
    """Every way in turn, in another order each round, on one core: its time is what is stable.

    The weights are random, so differences are larger than those of networks that learned.
    """
    keep_freed_memory()
    torch.set_num_threads(1)
    return [ratio for name, side, build in _NETWORKS for ratio in _ratios(name, side, build())]


def _ratios(name: str, side: int, network: nn.Module) -> list[Ratio]:
    torch.manual_seed(0)
    picture = torch.rand(1, 3, side, side)
    with torch.inference_mode():
        _settle(network, picture)
        ways = _ways(network, picture)
        expected = ways["as it is"]()
        times: dict[str, list[float]] = {way: [] for way in ways}
        answers = {way: run() for way, run in ways.items()}
        for _ in range(ROUNDS):
            for way in random.sample(sorted(ways), len(ways)):
                start = time.process_time()
                ways[way]()
                times[way].append(time.process_time() - start)
    largest = expected.abs().max()
    return [
        Ratio(
            network=name,
            side=side,
            way=way,
            faster=statistics.median(times["as it is"]) / statistics.median(times[way]),
            difference=float((answers[way] - expected).abs().max() / largest),
        )
        for way in ways
        if way != "as it is"
    ]


def _settle(network: nn.Module, picture: Tensor) -> None:
    """Weights that keep the spread of what they are given, and the statistics that go with them."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    network.train()(picture[:, :, :128, :128])
    network.eval()


def _ways(network: nn.Module, picture: Tensor) -> dict[str, _Run]:
    engine = Engine()
    ways: dict[str, _Run] = {
        "as it is": lambda: network(picture),
        "segdemo": lambda: engine.run(network, picture),
    }
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnxscript"):
        ways["onnxruntime"] = _by_onnxruntime(network, picture)
    return ways


def _by_onnxruntime(network: nn.Module, picture: Tensor) -> _Run:
    import onnxruntime  # noqa: PLC0415 (an optional package)

    with torch.inference_mode(False):
        program: Any = torch.onnx.export(network, (picture.clone(),), dynamo=True, verbose=False)
    file = io.BytesIO()
    program.save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        file.getvalue(), options, providers=["CPUExecutionProvider"]
    )
    given = {session.get_inputs()[0].name: picture.numpy()}
    return lambda: torch.from_numpy(session.run(None, given)[0])
