"""Retrains any or all of the shipped checkpoints from nothing: `python -m weights.make all`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from segdemo.architectures.u2net import U2NetConfig
from segdemo.architectures.unet import UNetConfig
from segdemo.spec import Postprocessing, Preprocessing, SegmentationSpec
from weights import evaluation, pictures, training
from weights.training import Recipe

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
HALF_LIMIT = 65504.0
"""The largest number that half precision holds."""


# U²-Net costs several times as much a step, so it begins on smaller crops.
_TRAINING: dict[str, dict[str, Any]] = {
    "unet": {"batch": 16, "crops": (128,), "learning_rate": 3e-3},
    "u2net": {"batch": 12, "crops": (96, 112, 128), "learning_rate": 2e-3},
}


def _recipe(
    name: str, architecture: str, task: str, title: str, steps: int, gap_weight: float
) -> Recipe:
    return Recipe(
        name=name,
        task=task,
        architecture=architecture,
        title=title,
        steps=steps,
        samples=10_000,
        canvas=128,
        gap_weight=gap_weight,
        **_TRAINING[architecture],
    )


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _recipe("nuclei_unet", "unet", "nuclei", "Nuclei · U-Net", 1200, 3.0),
        _recipe("vessels_unet", "unet", "vessels", "Vessels · U-Net", 1300, 0.0),
        _recipe("nuclei_u2net_lite", "u2net", "nuclei", "Nuclei · U²-Net lite", 1800, 3.0),
        _recipe("vessels_u2net_lite", "u2net", "vessels", "Vessels · U²-Net lite", 1000, 0.0),
    )
}

# Nuclei are looked at in their own size, a fundus at the size of the generated ones.
_LONGEST = {"nuclei": 1024, "vessels": 512}
_CLASS = {"nuclei": "nucleus", "vessels": "vessel"}


def spec_of(recipe: Recipe) -> SegmentationSpec:
    """How the page has to prepare a picture for a checkpoint of this recipe."""
    return SegmentationSpec(
        preprocessing=Preprocessing(
            resize="at_most",
            side=_LONGEST[recipe.task],
            resample="bilinear",
            channels="rgb",
            divisor=255.0,
            mean=training.MEAN,
            std=training.DEVIATION,
            multiple_of=16,
        ),
        postprocessing=Postprocessing(
            activation="sigmoid", classes=(_CLASS[recipe.task],), threshold=0.5
        ),
    )


def card(recipe: Recipe, cost: dict[str, Any]) -> dict[str, Any]:
    """What the metadata of a file says about it, beside the spec."""
    config = (
        UNetConfig.standard(in_channels=3, classes=1, width=16)
        if recipe.architecture == "unet"
        else U2NetConfig.lite(in_channels=3, classes=1)
    )
    return {
        "title": recipe.title,
        "task": recipe.task,
        "licence": "Apache-2.0",
        "data": "generated pictures only",
        "architecture": recipe.architecture,
        "config": asdict(config),
        "training": {
            "steps": recipe.steps,
            "batch": recipe.batch,
            "crops": list(recipe.crops),
            "pictures": recipe.samples,
            "generator": f"{recipe.task} v{pictures.generator_version(recipe.task)}",
            "seed": recipe.seed,
            **cost,
        },
    }


def export(network: nn.Module, path: Path, metadata: dict[str, Any]) -> None:
    """Writes half-precision weights; whole numbers stay as they are.

    Raises ValueError when a weight does not fit into half precision.
    """
    tensors = {}
    for key, value in network.state_dict().items():
        tensor = value.detach().cpu().contiguous()
        if tensor.is_floating_point():
            if not bool(tensor.abs().max() < HALF_LIMIT):
                raise ValueError(f"{key} does not fit into half precision")
            tensor = tensor.half()
        tensors[key] = tensor
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    save_file(tensors, unfinished, metadata={"segdemo": json.dumps(metadata, sort_keys=True)})
    # safetensors writes files that only their owner can read.
    unfinished.chmod(0o644)
    unfinished.replace(path)


def describe(path: Path) -> dict[str, Any]:
    """The card and spec inside a file."""
    with safe_open(path, framework="pt") as stored:
        document: dict[str, Any] = json.loads(stored.metadata()["segdemo"])
    return document


def make(
    recipe: Recipe, *, out: Path, work: Path, device: torch.device, jobs: int, held_out: int
) -> Path:
    """Trains, writes `out/NAME.safetensors`, scores that file and notes the scores in it."""
    outcome = training.train(recipe, work=work, device=device, jobs=jobs)
    assert outcome is not None
    cost = {
        "minutes": round(outcome.wall_seconds / 60, 1),
        "processor_minutes": round(outcome.cpu_seconds / 60, 1),
        "device": device.type,
    }
    path = out / f"{recipe.name}.safetensors"
    metadata = {**card(recipe, cost), **spec_of(recipe).to_dict()}
    export(outcome.network, path, metadata)
    scores = evaluation.score(path, recipe.task, recipe.canvas, held_out, work)
    export(outcome.network, path, {**metadata, "scores": scores})
    print(f"{path.name}: {json.dumps(scores)}")
    return path


def write_cards(folder: Path) -> None:
    """Brings the table in README.md between its two marks in line with the files."""
    lines = [
        "| file | network | IoU | F1, 1 px | best threshold | steps | minutes | seed | sha256 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in RECIPES:
        path = folder / f"{name}.safetensors"
        facts = describe(path)
        scores, run = facts["scores"], facts["training"]
        cells = (
            f"`{path.name}`", facts["title"], f"{scores['iou']:.3f}",
            f"{scores['f1_1px']:.3f}" if "f1_1px" in scores else "",
            f"{scores['best_threshold']:.2f} ({scores['iou_at_best_threshold']:.3f})",
            str(run["steps"]), f"{run['minutes']:.0f} ({run['processor_minutes']:.0f})",
            str(run["seed"]),
            f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    readme = folder / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition("<!-- cards -->\n")
    _, _, after = rest.partition("<!-- end of cards -->")
    table = "\n".join(lines)
    readme.write_text(
        f"{before}<!-- cards -->\n{table}\n<!-- end of cards -->{after}", encoding="utf-8"
    )


def _parallel(names: Sequence[str], options: argparse.Namespace) -> int:
    """Each checkpoint in a process of its own, `jobs` at a time; the first failure's exit code."""
    common = ["--out", str(options.out), "--work", str(options.work), "--threads", "1"]
    if options.device:
        common += ["--device", options.device]

    def run(name: str) -> int:
        command = [sys.executable, "-m", "weights.make", name, *common]
        return subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode

    with ThreadPoolExecutor(options.jobs) as pool:
        codes = list(pool.map(run, names))
    return next((code for code in codes if code), 0)


def _environment() -> dict[str, str]:
    # Large buffers are given back to the system after every step otherwise: a third slower.
    limit = str(1 << 32)
    return {
        "MALLOC_MMAP_THRESHOLD_": limit,
        "MALLOC_TRIM_THRESHOLD_": limit,
        **os.environ,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m weights.make", description=__doc__)
    parser.add_argument("names", nargs="*", default=["all"], help=f"all, or {', '.join(RECIPES)}")
    parser.add_argument("--smoke", action="store_true", help="a few steps on tiny pictures")
    parser.add_argument("--out", type=Path, help="where the files go (default: weights/)")
    parser.add_argument("--work", type=Path, help="pictures and unfinished runs (weights/.cache)")
    parser.add_argument("--device", help="cuda or cpu (default: cuda when there is one)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads of a training")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time")
    parser.add_argument("--fresh", action="store_true", help="forget unfinished runs first")
    parser.add_argument("--cards", action="store_true", help="only rewrite the table in README.md")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    names = list(RECIPES) if "all" in options.names else options.names
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        parser.error(f"no such checkpoint: {', '.join(unknown)}")
    if options.cards:
        write_cards(options.out or FOLDER)
        return 0
    scratch = Path(tempfile.mkdtemp(prefix="segdemo-smoke-")) if options.smoke else None
    options.out = options.out or scratch or FOLDER
    options.work = options.work or scratch or FOLDER / ".cache"
    if options.fresh:
        for name in names:
            (options.work / f"{name}.state.pt").unlink(missing_ok=True)
    if len(names) > 1 and not options.smoke:
        return _parallel(names, options)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.set_num_threads(options.threads)
    for name in names:
        recipe = RECIPES[name].smoke() if options.smoke else RECIPES[name]
        make(
            recipe,
            out=options.out,
            work=options.work,
            device=device,
            jobs=1 if options.smoke else options.jobs,
            held_out=4 if options.smoke else 200,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
