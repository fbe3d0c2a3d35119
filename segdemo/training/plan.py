"""Training hyper-parameters and the learning-rate schedule."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A training in numbers; the same plan with the same batches gives the same weights."""

    steps: int
    learning_rate: float
    """The highest; ``rate`` says when."""
    seed: int = 0
    weight_decay: float = 0.01
    """Of convolutions; biases and norms have none."""
    gap_weight: float = 0.0
    """See losses.loss."""
    frozen_norms: bool = False
    """Whether batch norms keep the statistics that they came with, as small batches need it."""
    check_every: int = 200
    """Steps between two looks at the averaged network, at which the run is saved as well."""


def rate(plan: Plan, step: int) -> float:
    """Learning rate: linear warm-up over 5 % of the steps, then a cosine down to 1 %."""
    warm = max(1, plan.steps // 20)
    if step < warm:
        return plan.learning_rate * (step + 1) / warm
    progress = (step - warm) / max(1, plan.steps - warm)
    return plan.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
