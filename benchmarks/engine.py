"""A network on the CPU: as it is, by our engine, and by other runtimes where they are installed."""

import copy
import io
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.machine import physical_cores
from benchmarks.networks import NETWORKS, SHIPPED, classes_of, pair
from benchmarks.tables import table
from benchmarks.timing import Less, in_turn, less, threads
from benchmarks.untouched import untouched
from segdemo.engine.convolution import to_channels_last
from segdemo.engine.devices import number_type
from segdemo.engine.engine import Engine
from segdemo.engine.heap import keep_freed_memory
from segdemo.errors import SettingsError

_ROUNDS = 5
_PLAIN = "plain PyTorch"
_KEPT = "the same, freed memory kept"
_Run = Callable[[], Tensor]
_Build = Callable[[nn.Module, Tensor, int], _Run]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """How many times less a way takes than the network as it is."""

    network: str
    side: int
    way: str
    less_work: Less
    """Time of the processor, on one core."""
    sooner: Less
    """Time by the clock, on all cores."""
    difference: float
    """The largest between logits, relative to the largest logit."""
    changed: float
    """Share of the pixels that are of another class."""


def measure() -> list[Ratio]:
    """Every way in turn, on one core and on all of them."""
    keep_freed_memory()
    return [ratio for name in (*NETWORKS, SHIPPED) for ratio in _ratios(name)]


def section(rows: Sequence[Ratio]) -> str:
    """A Markdown table of what was measured."""
    lines = table(
        ("network", "way", "picture", "less work", "sooner", "difference", "changed"),
        (
            (
                row.network,
                row.way,
                f"{row.side} px",
                str(row.less_work),
                str(row.sooner),
                f"{row.difference:.0e}",
                f"{row.changed:.2%}",
            )
            for row in rows
        ),
        words=2,
    )
    return f"""## A network on the CPU

One picture, in float32 where nothing else is said. Less work: how many times less time of the
processor than by plain PyTorch as tutorials run it, under `no_grad` in a process of its own, on one
core. Sooner: how many times less time by the clock, on {physical_cores()} cores. Medians of
{_ROUNDS} rounds with quartiles, all ways in turn. Freed memory kept is what the app does besides:
malloc does not give large buffers back to the system after each call. The difference is the largest
between logits, relative to the largest logit; changed is the share of pixels that get another
class. {SHIPPED} has learned and gets a photo; the others have random
weights, which make more of a difference than such as have learned.

{lines}
"""


def _ratios(name: str) -> list[Ratio]:
    network, picture = pair(name)
    cores, builds = physical_cores(), _ways(network, picture)
    with torch.inference_mode(), untouched(name) as plain:

        def processor() -> float:
            return time.process_time() + plain.processor_seconds()

        with threads(1):
            alone = {way: build(network, picture, 1) for way, build in builds.items()}
            work = in_turn({**alone, _PLAIN: partial(plain.run, 1)}, _ROUNDS, processor)
            answers = {way: run() for way, run in alone.items()}
        with threads(cores):
            together = {way: build(network, picture, cores) for way, build in builds.items()}
            waited = in_turn(
                {**together, _PLAIN: partial(plain.run, cores)}, _ROUNDS, time.perf_counter
            )
        expected = plain.answer()
    return [
        Ratio(
            network=name,
            side=picture.shape[-1],
            way=way,
            less_work=less(work[_PLAIN], work[way]),
            sooner=less(waited[_PLAIN], waited[way]),
            difference=float((answers[way] - expected).abs().max() / expected.abs().max()),
            changed=float((classes_of(answers[way]) != classes_of(expected)).float().mean()),
        )
        for way in builds
    ]


def _ways(network: nn.Module, picture: Tensor) -> dict[str, _Build]:
    """Each makes a network ready for pictures of this size on so many threads."""
    ways: dict[str, _Build] = {
        _KEPT: lambda network, picture, _: lambda: network(picture),
        "segdemo": partial(_by_segdemo, torch.float32),
    }
    with suppress(SettingsError):  # of a processor that would only be slower in it
        ways["segdemo, bf16"] = partial(_by_segdemo, number_type(torch.device("cpu"), "bf16"))
    if find_spec("onnxruntime") and find_spec("onnxscript"):
        ways["onnxruntime"] = partial(_by_onnxruntime, _exported(network, picture))
    if find_spec("openvino"):
        ways["OpenVINO"] = _by_openvino
    return ways


def _by_segdemo(dtype: torch.dtype, network: nn.Module, picture: Tensor, _: int) -> _Run:
    # As segdemo.load has it; the network itself stays as plain PyTorch has it.
    engine, laid_out = Engine(dtype), copy.deepcopy(network)
    to_channels_last(laid_out)
    return lambda: engine.run(laid_out, picture)


def _exported(network: nn.Module, picture: Tensor) -> bytes:
    with torch.inference_mode(False):
        program: Any = torch.onnx.export(network, (picture.clone(),), dynamo=True, verbose=False)
    file = io.BytesIO()
    program.save(file)
    return file.getvalue()


def _by_onnxruntime(exported: bytes, _: nn.Module, picture: Tensor, count: int) -> _Run:
    import onnxruntime  # noqa: PLC0415 (an optional package)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count
    # Threads that wait busily would take the others' time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(exported, options, providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: picture.numpy()}
    return lambda: torch.from_numpy(session.run(None, given)[0])


def _by_openvino(network: nn.Module, picture: Tensor, count: int) -> _Run:
    import openvino  # noqa: PLC0415 (an optional package)

    model = openvino.convert_model(
        network, example_input=picture.clone(), input=[tuple(picture.shape)]
    )
    # It would silently take bfloat16 where the processor has it.
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": count}
    compiled = openvino.Core().compile_model(model, "CPU", options)
    return lambda: torch.from_numpy(compiled(picture.numpy())[0])
