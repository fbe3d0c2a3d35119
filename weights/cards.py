"""What a shipped file says of itself, and the table of it in README.md."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from segdemo.checkpoints.export import halved
from weights import pictures
from weights.recipes import RECIPES, Recipe

_HEAD = (
    "file", "network", "parameters", "MB", "generator", "IoU / Dice", "F1, 1 px",
    "best threshold", "CPU ms", "steps", "minutes", "seed", "sha256",
)  # fmt: skip


def card(recipe: Recipe, cost: dict[str, Any]) -> dict[str, Any]:
    """What the metadata of a file says about it: the spec, the recipe and what it cost."""
    assumed = {"assume": recipe.assume} if recipe.assume else {}
    return {
        "title": recipe.title,
        "task": recipe.task,
        "licence": "Apache-2.0",
        "data": "generated pictures only",
        "architecture": recipe.architecture,
        "config": asdict(recipe.config),
        **assumed,
        "training": {
            **_run(recipe),
            **({"before": [_run(run) for run in recipe.runs[:-1]]} if recipe.before else {}),
            "generator": f"{recipe.task} v{pictures.generator_version(recipe.task)}",
            "seed": recipe.seed,
            **cost,
        },
        **recipe.spec.to_dict(),
    }


def _run(recipe: Recipe) -> dict[str, Any]:
    return {
        "steps": recipe.steps,
        "batch": recipe.batch,
        "crops": list(recipe.crops),
        "pictures": recipe.samples,
    }


def export(network: nn.Module, path: Path, metadata: dict[str, Any]) -> None:
    """Writes half-precision weights; whole numbers stay as they are.

    Raises ValueError when a weight does not fit into half precision.
    """
    _write(halved(network.state_dict()), path, metadata)


def add_scores(path: Path, scores: dict[str, Any]) -> None:
    """Notes the scores in the file; its weights stay as they are."""
    _write(load_file(path), path, {**describe(path), "scores": scores})


def _write(tensors: dict[str, Any], path: Path, metadata: dict[str, Any]) -> None:
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


def trained(folder: Path) -> dict[str, Path]:
    """Name -> file of every recipe whose checkpoint is there, in the order of the recipes."""
    paths = {name: folder / f"{name}.safetensors" for name in RECIPES}
    return {name: path for name, path in paths.items() if path.exists()}


def write_table(folder: Path) -> None:
    """Brings the table in README.md between its two marks in line with the files."""
    lines = [_row(_HEAD), "|---" * len(_HEAD) + "|"]
    lines += [_row(_cells(path)) for path in trained(folder).values()]
    readme = folder / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition("<!-- cards -->\n")
    _, _, after = rest.partition("<!-- end of cards -->")
    table = "\n".join(lines)
    readme.write_text(
        f"{before}<!-- cards -->\n{table}\n<!-- end of cards -->{after}", encoding="utf-8"
    )


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(path: Path) -> tuple[str, ...]:
    facts = describe(path)
    scores, run = facts["scores"], facts["training"]
    iou = f"{scores['miou']:.3f} (mean)" if "miou" in scores else f"{scores['iou']:.3f}"
    best = f"{scores['best_threshold']:.2f}" if "best_threshold" in scores else ""
    return (
        f"`{path.name}`",
        facts["title"],
        f"{_parameters(path):,}",
        f"{path.stat().st_size / 1e6:.1f}",
        run["generator"],
        f"{iou} / {scores['dice']:.3f}",
        f"{scores['f1_1px']:.3f}" if "f1_1px" in scores else "",
        f"{best} ({scores['iou_at_best_threshold']:.3f})" if best else "",
        f"{scores['cpu_milliseconds']:.0f} ({scores['cpu_side']} px)",
        " + ".join(str(each["steps"]) for each in (*run.get("before", ()), run)),
        f"{run['minutes']:.0f} ({run['processor_minutes']:.0f})",
        str(run["seed"]),
        f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`",
    )


def _parameters(path: Path) -> int:
    tensors = load_file(path).items()
    return sum(tensor.numel() for key, tensor in tensors if key.endswith((".weight", ".bias")))
