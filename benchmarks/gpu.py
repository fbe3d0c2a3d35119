"""A network on a CUDA device: as it is, in 16 bits, as one launch; beside what was predicted."""

import copy
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.networks import NETWORKS, Network, classes_of, settle
from benchmarks.tables import table
from benchmarks.timing import Less, in_turn, less
from segdemo.engine.convolution import to_channels_last
from segdemo.engine.devices import device_name, select_device, synchronise, without_tf32
from segdemo.engine.engine import Engine

_ROUNDS = 15
_BATCHES = (1, 8)
_PLAIN = "plain PyTorch"
_FLOPS, _BYTES = 790e12, 4.3e12
"""What an H200 does in a second: operations of 16 bits, and bytes of its memory."""

_NETWORKS = {**NETWORKS, "U-Net, width 64, 572": replace(NETWORKS["U-Net, width 64"], side=572)}

# Milliseconds on an H200 of plain PyTorch and, in bfloat16, of the network and of its graph.
_PREDICTED = {
    "U²-Net": {_PLAIN: "4–7", "bf16": "4–7", "segdemo, bf16": "1.0–1.5"},
    "U²-Net lite": {_PLAIN: "4–7", "bf16": "4–7", "segdemo, bf16": "0.9–1.3"},
    "U-Net, width 64": {_PLAIN: "2.6–3.5", "bf16": "1.3–1.8", "segdemo, bf16": "1.2–1.7"},
    "U-Net, width 64, 572": {_PLAIN: "3.3–4.6", "bf16": "1.7–2.4", "segdemo, bf16": "1.6–2.3"},
    "FCN-8s": {_PLAIN: "1.2–1.8", "bf16": "0.7–1.0", "segdemo, bf16": "0.6–0.9"},
    "ResNet-34 U-Net": {_PLAIN: "1.2–2.0", "bf16": "1.2–2.0", "segdemo, bf16": "0.45–0.65"},
}


@dataclass(frozen=True, kw_only=True)
class Launched:
    """A way to run a network on ``batch`` pictures."""

    network: str
    batch: int
    way: str
    milliseconds: float
    sooner: Less
    """Than plain PyTorch, by the clock."""
    of_floor: float
    """The share of the time that is the least an H200 could take, in 16 bits."""
    megabytes: float
    """The most that was allocated at a time."""
    changed: float
    """Share of the pixels that are of another class than in 32 bits with all of them."""


def measure() -> list[Launched]:
    """Every way in turn. Raises SettingsError where there is no CUDA device."""
    device = select_device("cuda")
    return [
        row
        for name, known in _NETWORKS.items()
        for batch in _BATCHES
        for row in _rows(name, known, batch, device)
    ]


def section(rows: Sequence[Launched]) -> str:
    """A Markdown table of what was measured."""
    heads = ("network", "way", "pictures", "time", "predicted")
    lines = table(
        (*heads, "sooner", "of the floor", "memory", "changed"),
        (
            (
                row.network,
                row.way,
                str(row.batch),
                f"{row.milliseconds:.2f} ms",
                _PREDICTED.get(row.network, {}).get(row.way, "") if row.batch == 1 else "",
                str(row.sooner),
                f"{row.of_floor:.0%}",
                f"{row.megabytes:.0f} MB",
                f"{row.changed:.3%}",
            )
            for row in rows
        ),
        words=2,
    )
    return f"""## A network on {device_name(select_device("cuda"))}

Time by the clock until the device is done, median of {_ROUNDS} rounds, all ways in turn. Plain
PyTorch computes convolutions in TF32, as it does by itself. The floor is the least that an H200
could take: all operations in bfloat16 at {_FLOPS / 1e12:.0f} TFLOP/s, or what each convolution
reads and writes at {_BYTES / 1e12} TB/s. Predicted was for an H200, before anything was run.
Changed is the share of pixels that are of another class than with all 32 bits; random weights make
more of a difference than such as have learned.

{lines}
"""


def _rows(name: str, known: Network, batch: int, device: torch.device) -> list[Launched]:
    torch.manual_seed(0)
    network, pictures = known.build(), torch.rand(batch, 3, known.side, known.side)
    settle(network, pictures[:1])
    floor = _floor(network, pictures.shape)
    network, pictures = network.to(device), pictures.to(device)
    with torch.inference_mode():
        with without_tf32():
            expected = classes_of(network(pictures))
        ways = _ways(network, pictures, device)
        taken, peaks, answers = {}, {}, {}
        for way, run in ways.items():
            for _ in range(3):  # so that a graph is made
                answers[way] = run()
            torch.cuda.reset_peak_memory_stats(device)
            run()
            peaks[way] = torch.cuda.max_memory_allocated(device)
        taken = in_turn(ways, _ROUNDS, time.perf_counter)
    return [
        Launched(
            network=name,
            batch=batch,
            way=way,
            milliseconds=statistics.median(taken[way]) * 1000,
            sooner=less(taken[_PLAIN], taken[way]),
            of_floor=floor / statistics.median(taken[way]),
            megabytes=peaks[way] / 1e6,
            changed=float((classes_of(answers[way]) != expected).float().mean()),
        )
        for way in ways
    ]


def _ways(
    network: nn.Module, pictures: Tensor, device: torch.device
) -> dict[str, Callable[[], Tensor]]:
    laid_out = copy.deepcopy(network).cpu()
    to_channels_last(laid_out)
    laid_out.to(device)
    exact, lower = Engine(), Engine(torch.bfloat16)

    def in_16_bits() -> Tensor:
        given = pictures.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            answer: Tensor = laid_out(given)
        return answer.float()

    def to_the_end(run: Callable[[], Tensor]) -> Callable[[], Tensor]:
        def done() -> Tensor:
            answer = run()
            synchronise(device)
            return answer

        return done

    ways: dict[str, Callable[[], Tensor]] = {
        _PLAIN: lambda: network(pictures),
        "bf16": in_16_bits,
        "segdemo": lambda: exact.run(network, pictures),
        "segdemo, bf16": lambda: lower.run(laid_out, pictures),
    }
    return {way: to_the_end(run) for way, run in ways.items()}


def _floor(network: nn.Module, shape: torch.Size) -> float:
    """Seconds that an H200 needs at least."""
    moved = 0

    def add(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
        nonlocal moved
        moved += given[0].numel() + answer.numel()

    twin = copy.deepcopy(network).to("meta")
    for module in twin.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(add)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        twin(torch.empty(shape, device="meta"))
    weights = sum(parameter.numel() for parameter in network.parameters())
    return max(counter.get_total_flops() / _FLOPS, 2 * (moved + weights) / _BYTES)
