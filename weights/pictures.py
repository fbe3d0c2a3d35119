"""The generated pictures of a task: made in parallel, kept on disk, the same for a seed."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from weights import generators
from weights.tasks import TASKS

Pictures = NDArray[np.uint8]
Masks = NDArray[np.uint8]

HELD_OUT = 990_000
"""Pictures for training are drawn from seeds below, those for scores from this seed on."""


def generator_version(task: str) -> int:
    """The version number of a task's generator; scores compare only within one version."""
    version: int = TASKS[task].generator.VERSION
    return version


def generate(task: str, seed: int, side: int, count: int, jobs: int = 1) -> tuple[Pictures, Masks]:
    """Pictures (count, side, side, 3) and masks (count, side, side) of labels, both uint8.

    Picture n depends on the task, the seed and n alone, never on the number of jobs.
    """
    make: Callable[[int], tuple[Pictures, Masks]] = partial(_one, task, seed, side)
    pictures = np.empty((count, side, side, 3), np.uint8)
    masks = np.empty((count, side, side), np.uint8)
    with tqdm(total=count, desc=f"{task} pictures", unit="picture", leave=False) as bar:
        if jobs == 1:
            for index in range(count):
                pictures[index], masks[index] = make(index)
                bar.update()
        else:
            with ProcessPoolExecutor(jobs) as pool:
                results = pool.map(make, range(count), chunksize=16)
                for index, (picture, mask) in enumerate(results):
                    pictures[index], masks[index] = picture, mask
                    bar.update()
    return pictures, masks


def cached(
    folder: Path, task: str, seed: int, side: int, count: int, jobs: int = 1
) -> tuple[Pictures, Masks]:
    """As `generate`, but read from `folder` when the same generator made them before."""
    path = folder / f"{task}-{_fingerprint(task)}-{side}-{count}-{seed}.npz"
    if path.exists():
        with np.load(path) as stored:
            return stored["pictures"], stored["masks"]
    pictures, masks = generate(task, seed, side, count, jobs)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez(unfinished, pictures=pictures, masks=masks)
    unfinished.replace(path)
    return pictures, masks


def _one(task: str, seed: int, side: int, index: int) -> tuple[Pictures, Masks]:
    rng = np.random.default_rng([seed, index])
    picture, mask = TASKS[task].generator.generate(rng, side)
    return picture, mask


def _fingerprint(task: str) -> str:
    """Changes whenever the code that draws the pictures does."""
    source = TASKS[task].generator.__file__
    assert source is not None
    waiting, contents = [Path(source)], dict[Path, bytes]()
    while waiting:
        path = waiting.pop()
        if path not in contents:
            contents[path] = path.read_bytes()
            waiting += _generators_in(contents[path])
    return hashlib.sha256(b"".join(contents[path] for path in sorted(contents))).hexdigest()[:10]


def _generators_in(source: bytes) -> Iterator[Path]:
    """The files of weights.generators that a module there imports from."""
    root = Path(generators.__file__).parent
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(generators.__name__):
            inside = Path(*(node.module or "").split(".")[2:])
            names = [inside, *(inside / alias.name for alias in node.names)]
            yield from (path for name in names if (path := root / f"{name}.py").is_file())
