"""Scores a network on the validation images and stops training early."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.inference.processing import activate
from segdemo.metrics.accumulated import Scores, scores_for
from segdemo.spec import Postprocessing
from segdemo.training.samples import Samples


class Validation:
    """Judges a network after every few steps and keeps the best weights; see loop.Judge."""

    def __init__(
        self,
        samples: Samples,
        aside: Sequence[int],
        postprocessing: Postprocessing,
        *,
        device: torch.device,
        patience: int,
        told: Callable[[int, float, float], None],
    ) -> None:
        """``told`` hears the step, its score and the best so far.

        After ``patience`` looks without a better score the training ends.
        """
        self._samples, self._aside = samples, tuple(aside)
        self._postprocessing, self._device = postprocessing, device
        self._patience, self._told = patience, told
        self.best = -1.0
        self.best_step = 0
        self.weights: dict[str, Tensor] = {}
        """The best so far, on the CPU."""
        self._without = 0

    def scores(self, network: nn.Module) -> Scores:
        """Of the network, in eval mode, at the size in which it sees the images."""
        counted = scores_for(self._postprocessing.classes)
        with torch.inference_mode():
            for index in self._aside:
                sample = self._samples[index]
                pixels = self._samples.rules.tensor(sample.picture)[None].to(self._device)
                size = sample.picture.size
                found = activate(network(pixels), self._postprocessing.activation, size)
                counted.add(found.cpu().numpy(), sample.labels)
        return counted

    def evaluate(self, step: int, network: nn.Module) -> bool:
        """Whether to go on."""
        value = self.scores(network.eval()).best
        if value > self.best:
            self.best, self.best_step, self._without = value, step, 0
            self.weights = {
                key: tensor.detach().to("cpu", copy=True)
                for key, tensor in network.state_dict().items()
            }
        else:
            self._without += 1
        self._told(step, value, self.best)
        return self._without < self._patience

    def state_dict(self) -> dict[str, Any]:
        """What a run that goes on later has to know."""
        return {
            "best": self.best,
            "best_step": self.best_step,
            "without": self._without,
            "weights": self.weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up what an earlier part of the run has seen."""
        self.best, self.best_step = state_dict["best"], state_dict["best_step"]
        self._without, self.weights = state_dict["without"], state_dict["weights"]
