"""Retrains any or all of the shipped checkpoints from nothing: `python -m weights.make all`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from segdemo.training.ranks import Ranks, started
from weights import evaluation, training
from weights.cards import add_scores, card, describe, export, trained, write_table
from weights.recipes import RECIPES, Recipe

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
HELD_OUT_PICTURES = 500


def make(
    recipe: Recipe, *, out: Path, work: Path, device: torch.device, ranks: Ranks, jobs: int
) -> Path:
    """Trains and writes `out/NAME.safetensors`."""
    outcome = training.train(recipe, work=work, device=device, ranks=ranks, jobs=jobs)
    cost = {
        "minutes": round(outcome.wall_seconds / 60, 1),
        "processor_minutes": round(outcome.cpu_seconds / 60, 1),
        "device": device.type,
    }
    path = out / f"{recipe.name}.safetensors"
    if ranks.leads:
        export(outcome.network, path, card(recipe, cost))
    return path


def score(recipe: Recipe, path: Path, *, work: Path, count: int) -> None:
    """Scores a file on held-out pictures, times it, and notes both in it."""
    scores = evaluation.score(path, recipe.task, recipe.canvas, count, work)
    scores |= evaluation.speed(path)
    add_scores(path, scores)
    print(f"{path.name}: {json.dumps(scores)}")


def time_anew(recipe: Recipe, path: Path) -> None:
    """Measures the speed of a file again; its other scores stay as they are."""
    scores = describe(path)["scores"] | evaluation.speed(path)
    add_scores(path, scores)
    print(f"{path.name}: {scores['cpu_milliseconds']} ms")


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
    parser.add_argument("--score", action="store_true", help="only score the files that are there")
    parser.add_argument("--time", action="store_true", help="only time the files that are there")
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
        write_table(options.out or FOLDER)
        return 0
    scratch = Path(tempfile.mkdtemp(prefix="segdemo-smoke-")) if options.smoke else None
    options.out = options.out or scratch or FOLDER
    options.work = options.work or scratch or FOLDER / ".cache"
    torch.set_num_threads(options.threads)
    if options.score or options.time:
        for name, path in trained(options.out).items():
            if name in names and options.score:
                score(RECIPES[name], path, work=options.work, count=HELD_OUT_PICTURES)
            elif name in names:
                time_anew(RECIPES[name], path)
        return 0
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    with started(device) as (ranks, own_device):
        if options.fresh and ranks.leads:
            for name in names:
                training.forget(RECIPES[name], options.work)
        ranks.wait()
        if len(names) > 1 and not options.smoke and ranks.world == 1:
            return _parallel(names, options)
        for name in names:
            _one(name, options, own_device, ranks)
    return 0


def _one(name: str, options: argparse.Namespace, device: torch.device, ranks: Ranks) -> None:
    recipe = RECIPES[name].smoke() if options.smoke else RECIPES[name]
    jobs = 1 if options.smoke else options.jobs
    path = make(recipe, out=options.out, work=options.work, device=device, ranks=ranks, jobs=jobs)
    if ranks.leads:
        count = 4 if options.smoke else HELD_OUT_PICTURES
        score(recipe, path, work=options.work, count=count)
    ranks.wait()


if __name__ == "__main__":
    sys.exit(main())
