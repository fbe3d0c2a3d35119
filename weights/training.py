"""Trains one checkpoint by a recipe: scheduled by step, resumable, the same result every time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from weights import pictures

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
SIDE_WEIGHT = 0.4


@dataclass(frozen=True)
class Recipe:
    """All that decides a checkpoint's weights."""

    name: str
    task: str
    architecture: str
    title: str
    steps: int
    batch: int
    crops: tuple[int, ...]
    """Side of the training crop in equal parts of the run: small ones first, they are cheap."""
    learning_rate: float
    samples: int
    canvas: int
    seed: int = 0
    gap_weight: float = 0.0
    """Extra weight of background pixels squeezed between two bodies."""
    framed: bool = False
    """Pictures with a subject and an up: nearly the whole picture is shrunk to the size of the
    crop instead of cut, and mirrored, never turned."""

    def smoke(self) -> Recipe:
        """The same recipe on a few tiny pictures: seconds instead of minutes."""
        return replace(self, steps=4, batch=2, crops=(32, 48), samples=6, canvas=48)

    def crop(self, step: int) -> int:
        """Side in pixels of the crops of this step."""
        return self.crops[min(step * len(self.crops) // self.steps, len(self.crops) - 1)]


@dataclass
class Outcome:
    """A trained network and what it cost."""

    network: nn.Module
    wall_seconds: float
    cpu_seconds: float


def build(architecture: str) -> nn.Module:
    """The network of a recipe, three channels in and one logit out, freshly initialised."""
    if architecture == "unet":
        return UNet(UNetConfig.standard(in_channels=3, classes=1, width=16))
    return U2Net(U2NetConfig.lite(in_channels=3, classes=1))


class Batches:
    """Picks, crops and varies the pictures of a step, by the number of the step alone."""

    def __init__(self, recipe: Recipe, stock: pictures.Pictures, masks: pictures.Masks) -> None:
        self._recipe, self._stock, self._masks = recipe, stock, masks

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Normalised pictures (batch, 3, crop, crop) and masks (batch, 1, crop, crop), float32."""
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, 1, step])
        crop = recipe.crop(step)
        chosen = self._shuffled(step)
        shown = np.empty((recipe.batch, crop, crop, 3), np.float32)
        truth = np.empty((recipe.batch, crop, crop), np.float32)
        for row, index in enumerate(chosen):
            if recipe.framed:
                picture, mask = _framed(rng, self._stock[index], self._masks[index], crop)
            else:
                picture, mask = _cut(rng, self._stock[index], self._masks[index], crop)
            gain = np.exp(rng.normal(0, 0.08, 3)) * np.exp(rng.normal(0, 0.08))
            shown[row] = np.clip(picture * (gain / 255) + rng.normal(0, 0.02, 3), 0, 1)
            truth[row] = mask
        shown = (shown - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
        x = torch.from_numpy(shown.transpose(0, 3, 1, 2))
        return x.contiguous(memory_format=torch.channels_last), torch.from_numpy(truth)[:, None]

    def _shuffled(self, step: int) -> np.ndarray[Any, np.dtype[np.int64]]:
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
    truth = Image.fromarray(mask * 255).resize((crop, crop), Image.Resampling.BILINEAR, box)
    shown, kept = np.asarray(small), (np.asarray(truth) > 127).astype(np.uint8)
    return (shown[:, ::-1], kept[:, ::-1]) if rng.integers(2) else (shown, kept)


def loss(logits: Tensor, truth: Tensor, gap_weight: float = 0.0) -> Tensor:
    """Binary cross-entropy plus one minus soft Dice, averaged over the pictures of a batch."""
    weight = None
    if gap_weight:
        # What a 3x3 closing of the mask fills in is the gap between two touching bodies.
        closed = -functional.max_pool2d(-functional.max_pool2d(truth, 3, 1, 1), 3, 1, 1)
        weight = 1 + gap_weight * (closed - truth)
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, weight)
    chance = torch.sigmoid(logits)
    common = (chance * truth).sum((1, 2, 3))
    dice = (2 * common + 1) / (chance.sum((1, 2, 3)) + truth.sum((1, 2, 3)) + 1)
    return entropy + 1 - dice.mean()


class Average:
    """Exponential moving average of parameters and batch-norm statistics."""

    def __init__(self, network: nn.Module) -> None:
        self.tensors = {k: v.detach().clone() for k, v in network.state_dict().items()}

    def update(self, network: nn.Module, step: int) -> None:
        """Moves towards the network's present values; early steps are forgotten fast."""
        decay = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for key, value in network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.tensors[key].lerp_(value, 1 - decay)
                else:
                    self.tensors[key].copy_(value)


def rate(recipe: Recipe, step: int) -> float:
    """Learning rate: linear warm-up over 5 % of the steps, then a cosine down to 1 %."""
    warm = max(1, recipe.steps // 20)
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    progress = (step - warm) / max(1, recipe.steps - warm)
    return recipe.learning_rate * float(0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * progress)))


def train(
    recipe: Recipe,
    *,
    work: Path,
    device: torch.device,
    jobs: int = 1,
    position: int = 0,
    save_every: int = 200,
    stop_after: int | None = None,
    watch: Callable[[int, nn.Module], str] | None = None,
) -> Outcome | None:
    """Trains from the last saved step in `work`, or from nothing.

    The result does not depend on where a run was interrupted. Returns None when `stop_after`
    steps were done before the recipe ended. `watch` is called with the averaged network at
    every save, and what it returns is printed.
    """
    started, used = time.monotonic(), _processor_seconds()
    stock, masks = pictures.cached(
        work, recipe.task, recipe.seed, recipe.canvas, recipe.samples, jobs
    )
    batches = Batches(recipe, stock, masks)
    torch.manual_seed(recipe.seed)
    network = build(recipe.architecture).to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(_groups(network), lr=recipe.learning_rate)
    average = Average(network)
    state_path = work / f"{recipe.name}.state.pt"
    fingerprint = json.dumps(vars(recipe), default=str) + str(
        pictures.generator_version(recipe.task)
    )
    first, wall_before, cpu_before = 0, 0.0, 0.0
    if state_path.exists():
        state = torch.load(state_path, map_location=device, weights_only=True)
        if state["recipe"] == fingerprint:
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            average.tensors = state["average"]
            first, wall_before, cpu_before = state["step"], state["wall"], state["cpu"]

    def spent() -> tuple[float, float]:
        wall = wall_before + time.monotonic() - started
        return wall, cpu_before + _processor_seconds() - used

    def save(step: int) -> None:
        wall, cpu = spent()
        unfinished = state_path.with_suffix(".part")
        torch.save(
            {
                "recipe": fingerprint,
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "average": average.tensors,
                "step": step,
                "wall": wall,
                "cpu": cpu,
            },
            unfinished,
        )
        unfinished.replace(state_path)

    network.train()
    half = halves_are_fast(device)
    running = 0.0
    with tqdm(
        total=recipe.steps, initial=first, desc=recipe.name, position=position, mininterval=2
    ) as bar:
        for step in range(first, recipe.steps):
            x, truth = (tensor.to(device) for tensor in batches(step))
            for group in optimizer.param_groups:
                group["lr"] = rate(recipe, step)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
                outputs = network.forward_deep(x) if isinstance(network, U2Net) else [network(x)]
            total = torch.zeros((), device=device)
            for index, logits in enumerate(outputs):
                part = loss(logits.float(), truth, recipe.gap_weight)
                total = total + (part if index == 0 else SIDE_WEIGHT * part)
            optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            average.update(network, step)
            running = 0.97 * running + 0.03 * float(total.detach())
            bar.update()
            bar.set_postfix(loss=f"{running:.3f}", refresh=False)
            done = step + 1
            if done % save_every == 0 or done == recipe.steps or done == stop_after:
                save(done)
                if watch is not None:
                    bar.write(watch(done, averaged(recipe, average)))
            if done == stop_after and done < recipe.steps:
                return None
    return Outcome(averaged(recipe, average), *spent())


def averaged(recipe: Recipe, average: Average) -> nn.Module:
    """A network of its own on the CPU with the averaged weights, in eval mode."""
    network = build(recipe.architecture)
    network.load_state_dict({key: value.cpu() for key, value in average.tensors.items()})
    return network.eval()


def halves_are_fast(device: torch.device) -> bool:
    """Whether bfloat16 saves time: without AVX-512 a processor takes ten times as long."""
    if device.type == "cpu":
        return torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return device.type == "cuda"


def _processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _groups(network: nn.Module) -> list[dict[str, Any]]:
    """Weight decay for convolutions, none for biases and batch norm."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [
        {"params": weights, "weight_decay": 0.01},
        {"params": others, "weight_decay": 0.0},
    ]
