"""The training loop: a step at a time, saved on the way, the same however often interrupted."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from segdemo.architectures.base import only_output
from segdemo.training.losses import deep_loss
from segdemo.training.plan import Plan, rate
from segdemo.training.ranks import Ranks

_CLIP = 5.0
_LONGEST_MEMORY = 0.998
_MEMORY_OF_LOSS = 0.97

BatchSampler = Callable[[int, Ranks], tuple[Tensor, Tensor]]
"""Step -> this process's images (N, C, H, W) and labels (N, H, W), by the step alone."""


ForwardDeep = Callable[[nn.Module, Tensor], list[Tensor]]
"""Network, images (N, C, H, W) -> logits of all outputs, as ``Architecture.forward_deep``."""


class Judge(Protocol):
    """Looks at the averaged network now and then, and may end the training."""

    def evaluate(self, step: int, network: nn.Module) -> bool:
        """Whether to go on, having seen the network in eval mode after so many steps."""

    def state_dict(self) -> dict[str, Any]:
        """What has to be saved with the run: tensors, numbers and text."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up where a saved run stopped."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """Where an unfinished run lies, and whose it is."""

    path: Path
    identity: str
    """A run of another identity is not continued."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """A trained network and what it cost."""

    network: nn.Module
    """The averaged weights, in eval mode on the CPU."""
    steps: int
    finished: bool
    """False when the run was told to stop; it is saved then."""
    wall_seconds: float
    cpu_seconds: float
    """Of this process and its children, over all its parts."""


class _Deep(nn.Module):
    """A network whose forward returns the logits of all outputs that are trained."""

    def __init__(self, network: nn.Module, forward_deep: ForwardDeep) -> None:
        super().__init__()
        self.network, self.forward_deep = network, forward_deep

    def forward(self, x: Tensor) -> list[Tensor]:
        """Logits (N, C, H, W) of each output, the network's own first."""
        return self.forward_deep(self.network, x)


def fit(
    network: nn.Module,
    batches: BatchSampler,
    plan: Plan,
    *,
    device: torch.device,
    forward_deep: ForwardDeep = only_output,
    ranks: Ranks = Ranks(),  # noqa: B008 - a frozen value
    saved: Saved | None = None,
    judge: Judge | None = None,
    told: Callable[[int, float], None] = lambda step, loss: None,
    stops: Callable[[int], bool] = lambda step: False,
) -> Outcome:
    """Trains the network from its weights, or from the run saved before, to the plan's end.

    ``told`` hears of every step and its loss, smoothed. ``stops`` is asked after every step
    whether to save the run and leave it at that. The result does not depend on where a run was
    stopped. Raises OSError when the run cannot be saved.
    """
    started, used = time.monotonic(), _processor_seconds()
    run = _Run(network.to(device), forward_deep, plan, ranks, device)
    wall_before, cpu_before = run.restore(saved, judge) if saved else (0.0, 0.0)

    def spent() -> tuple[float, float]:
        wall = wall_before + time.monotonic() - started
        return wall, cpu_before + _processor_seconds() - used

    going = True
    while going and run.step < plan.steps:
        run.advance(batches)
        told(run.step, run.loss)
        stopped = ranks.agree(stops(run.step))
        due = run.step % plan.check_every == 0 or run.step == plan.steps
        if due and judge is not None:
            # Only rank 0 looks, and all do what it says.
            going = ranks.agree(not ranks.leads or judge.evaluate(run.step, run.average.module))
        if saved and ranks.leads and (due or stopped):
            run.save(saved, judge, *spent())
        if stopped and run.step < plan.steps:
            break
    wall, cpu = spent()
    return Outcome(
        network=run.average.module.cpu().eval(),
        steps=run.step,
        finished=not going or run.step == plan.steps,
        wall_seconds=wall,
        cpu_seconds=cpu,
    )


class _Run:
    """All that changes from step to step."""

    def __init__(
        self,
        network: nn.Module,
        forward_deep: ForwardDeep,
        plan: Plan,
        ranks: Ranks,
        device: torch.device,
    ) -> None:
        self.network, self.plan, self.ranks, self.device = network, plan, ranks, device
        self.average = AveragedModel(network, avg_fn=_average, use_buffers=True).eval()
        self.optimizer = torch.optim.AdamW(_groups(network, plan), lr=plan.learning_rate)
        self.parallel = ranks.wrap(_Deep(network, forward_deep), device)
        self.parallel.train()
        if plan.frozen_norms:
            for module in self.parallel.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        self.half = halves_are_fast(device)
        self.step = 0
        self.loss = 0.0

    def advance(self, batches: BatchSampler) -> None:
        """One step."""
        # Dropout and augmentation draw anew in each step, so that a resumed run draws the same.
        torch.manual_seed((self.plan.seed * 1_000_003 + self.step) * 1_009 + self.ranks.rank)
        pictures, labels = (tensor.to(self.device) for tensor in batches(self.step, self.ranks))
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.plan, self.step)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half):
            outputs = self.parallel(pictures)
        # Some networks answer for the middle of a padded image: see processing.activate.
        height, width = labels.shape[1:]
        outputs = [logits[..., :height, :width] for logits in outputs]
        total = deep_loss(outputs, labels, gap_weight=self.plan.gap_weight)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        value = float(total.detach())
        self.loss = _smoothed(self.loss, value) if self.step else value
        self.step += 1

    def save(self, saved: Saved, judge: Judge | None, wall: float, cpu: float) -> None:
        """Writes everything, at once or not at all."""
        saved.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = saved.path.with_suffix(".part")
        torch.save(
            {
                "identity": saved.identity,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average.state_dict(),
                "judge": judge.state_dict() if judge else {},
                "step": self.step,
                "planned": self.plan.steps,
                "loss": self.loss,
                "wall": wall,
                "cpu": cpu,
            },
            unfinished,
        )
        unfinished.replace(saved.path)

    def restore(self, saved: Saved, judge: Judge | None) -> tuple[float, float]:
        """Takes up a saved run of this identity; the seconds that it had taken."""
        state = _read(saved)
        if state is None:
            return 0.0, 0.0
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.load_state_dict(state["average"])
        if judge:
            judge.load_state_dict(state["judge"])
        self.step, self.loss = state["step"], state["loss"]
        return state["wall"], state["cpu"]


def planned_steps(saved: Saved) -> int | None:
    """How many steps the unfinished run is to have; None when there is none to continue."""
    state = _read(saved)
    return None if state is None else int(state["planned"])


def _read(saved: Saved) -> dict[str, Any] | None:
    """The saved run; None when there is none of this identity."""
    try:
        state: dict[str, Any] = torch.load(saved.path, map_location="cpu", weights_only=True)
        return state if state["identity"] == saved.identity else None
    except Exception:  # absent, cut short, or none of ours: all mean to begin anew
        return None


def halves_are_fast(device: torch.device) -> bool:
    """Whether bfloat16 saves time: without AVX-512 a processor takes ten times as long."""
    if device.type == "cpu":
        return torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return device.type == "cuda"


def _average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
    """Exponential moving average that forgets early steps fast; batch counters are copied."""
    if not averaged.is_floating_point():
        return current
    decay = min(_LONGEST_MEMORY, (1 + int(count)) / (10 + int(count)))
    return averaged.lerp(current, 1 - decay)


def _smoothed(before: float, value: float) -> float:
    return _MEMORY_OF_LOSS * before + (1 - _MEMORY_OF_LOSS) * value


def _processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _groups(network: nn.Module, plan: Plan) -> list[dict[str, Any]]:
    """Weight decay for convolutions, none for biases and batch norm."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": weights, "weight_decay": plan.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
