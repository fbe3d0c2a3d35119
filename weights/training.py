"""Trains one checkpoint by its recipe on generated pictures."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from segdemo.training.loop import Outcome, Saved, fit
from segdemo.training.ranks import Ranks
from segdemo.training.start import fresh
from weights import pictures
from weights.recipes import Recipe
from weights.tasks import TASKS

# What "L" of Pillow is made of, which a network of one channel will be given.
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)


class Batches:
    """Picks, crops and varies the pictures of a step, by the number of the step alone."""

    def __init__(self, recipe: Recipe, stock: pictures.Pictures, masks: pictures.Masks) -> None:
        self._recipe, self._stock, self._masks = recipe, stock, masks
        spec = recipe.spec.preprocessing
        self._mean, self._deviation = (np.array(v, np.float32) for v in (spec.mean, spec.std))
        self._grey = recipe.config.in_channels == 1
        self._framed = TASKS[recipe.task].framed

    def __call__(self, step: int, ranks: Ranks) -> tuple[Tensor, Tensor]:
        """Normalised pictures (n, C, crop, crop), float32, and labels (n, crop, crop), uint8.

        ``n`` is this process's share of the batch.
        """
        chosen, crop = self._shuffled(step), self._recipe.crop(step)
        rows = [self._varied(step, row, chosen[row], crop) for row in ranks.share(len(chosen))]
        shown = np.stack([picture for picture, _ in rows])
        if self._grey:
            shown = (shown @ _LUMA)[..., None]
        shown = (shown - self._mean) / self._deviation
        labels = np.stack([mask for _, mask in rows])
        return torch.from_numpy(shown.transpose(0, 3, 1, 2)), torch.from_numpy(labels)

    def _varied(
        self, step: int, row: int, index: int, crop: int
    ) -> tuple[NDArray[np.float32], pictures.Masks]:
        """A picture in [0, 1] and its labels: cropped or shrunk, mirrored, in other light."""
        rng = np.random.default_rng([self._recipe.seed, 1, step, row])
        vary = _framed if self._framed else _cut
        picture, mask = vary(rng, self._stock[index], self._masks[index], crop)
        gain = np.exp(rng.normal(0, 0.08, 3)) * np.exp(rng.normal(0, 0.08))
        light = np.clip(picture * (gain / 255) + rng.normal(0, 0.02, 3), 0, 1)
        return light.astype(np.float32), mask

    def _shuffled(self, step: int) -> NDArray[np.int64]:
        """Every picture once in an epoch; an epoch may end inside a batch."""
        places = np.arange(step * self._recipe.batch, (step + 1) * self._recipe.batch)
        epochs, within = np.divmod(places, len(self._stock))
        orders = {
            epoch: np.random.default_rng([self._recipe.seed, 2, epoch]).permutation(
                len(self._stock)
            )
            for epoch in sorted(set(epochs.tolist()))
        }
        return np.array([orders[e][w] for e, w in zip(epochs.tolist(), within, strict=True)])


def _cut(
    rng: np.random.Generator, picture: pictures.Pictures, mask: pictures.Masks, crop: int
) -> tuple[pictures.Pictures, pictures.Masks]:
    """A random square of a picture that has no up: turned and mirrored."""
    top, left = rng.integers(0, len(picture) - crop + 1, 2)
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    window = np.s_[top : top + crop, left : left + crop]
    picture, mask = np.rot90(picture[window], turns), np.rot90(mask[window], turns)
    return (picture[:, ::-1], mask[:, ::-1]) if mirrored else (picture, mask)


def _framed(
    rng: np.random.Generator, picture: pictures.Pictures, mask: pictures.Masks, crop: int
) -> tuple[pictures.Pictures, pictures.Masks]:
    """At least seven eighths of a picture, a little squeezed and shrunk to the crop; mirrored."""
    side = len(picture)
    height, width = rng.integers(side * 7 // 8, side + 1, 2).tolist()
    top, left = int(rng.integers(side - height + 1)), int(rng.integers(side - width + 1))
    box = (left, top, left + width, top + height)
    small = Image.fromarray(picture).resize((crop, crop), Image.Resampling.BILINEAR, box)
    truth = Image.fromarray(mask).resize((crop, crop), Image.Resampling.NEAREST, box)
    shown, kept = np.asarray(small), np.asarray(truth)
    return (shown[:, ::-1], kept[:, ::-1]) if rng.integers(2) else (shown, kept)


def train(
    recipe: Recipe,
    *,
    work: Path,
    device: torch.device,
    ranks: Ranks = Ranks(),  # noqa: B008 - a frozen value
    jobs: int = 1,
    stops: Callable[[int], bool] = lambda step: False,
) -> Outcome:
    """Trains from the last saved step in `work`, or from nothing; first the run before, if any.

    The result does not depend on where a run was interrupted. ``stops`` says after which step
    to leave it for now. The seconds are those of all runs.
    """
    earlier = None
    if recipe.before:
        earlier = train(
            recipe.before, work=work, device=device, ranks=ranks, jobs=jobs, stops=stops
        )
        if not earlier.finished:
            return earlier
    stock, masks = _stock(recipe, work, ranks, jobs)
    identity = json.dumps([asdict(recipe), pictures.generator_version(recipe.task)])
    with tqdm(total=recipe.steps, desc=recipe.name, mininterval=2, disable=not ranks.leads) as bar:

        def told(step: int, loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update(step - bar.n)

        outcome = fit(
            copy.deepcopy(earlier.network)
            if earlier
            else fresh(recipe.network, recipe.config, recipe.seed),
            Batches(recipe, stock, masks),
            recipe.plan,
            device=device,
            forward_deep=recipe.network.forward_deep,
            ranks=ranks,
            saved=Saved(path=state_path(recipe.name, work), identity=identity),
            told=told,
            stops=stops,
        )
    if earlier is None:
        return outcome
    if recipe.averaged and outcome.finished:
        _average(outcome.network, earlier.network)
    return replace(
        outcome,
        wall_seconds=earlier.wall_seconds + outcome.wall_seconds,
        cpu_seconds=earlier.cpu_seconds + outcome.cpu_seconds,
    )


@torch.no_grad()
def _average(network: nn.Module, other: nn.Module) -> None:
    """Give ``network`` the mean of its weights and statistics and those of another like it."""
    theirs = other.state_dict()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(theirs[name], 0.5)


def state_path(name: str, work: Path) -> Path:
    """Where the unfinished run of a recipe is kept."""
    return work / f"{name}.state.pt"


def forget(recipe: Recipe, work: Path) -> None:
    """Removes the unfinished run of a recipe, and that of the run before."""
    state_path(recipe.name, work).unlink(missing_ok=True)
    if recipe.before:
        forget(recipe.before, work)


def _stock(recipe: Recipe, work: Path, ranks: Ranks, jobs: int) -> Any:
    """The pictures to train on; one process draws them, the others wait and read."""
    wanted = (work, recipe.task, recipe.seed, recipe.canvas, recipe.samples, jobs)
    if ranks.leads:
        stock = pictures.cached(*wanted)
    ranks.wait()
    return stock if ranks.leads else pictures.cached(*wanted)
