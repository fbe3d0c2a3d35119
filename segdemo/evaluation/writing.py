"""Writes an evaluation for spreadsheets, programs and people: CSV, JSON, Markdown, one HTML."""

import json
from pathlib import Path

from segdemo.evaluation.evaluate import Evaluation
from segdemo.evaluation.page import page
from segdemo.evaluation.tables import markdown
from segdemo.outputs.files import require_folder, write_whole
from segdemo.outputs.report import figures_csv

NAMES = ("scores.csv", "figures.csv", "evaluation.json", "evaluation.md", "evaluation.html")
"""Every image, network and class; their means; all of it; the tables; a page."""


def write(evaluation: Evaluation, folder: Path) -> tuple[Path, ...]:
    """The files of NAMES in a folder, each whole. Raises ExportError."""
    require_folder(folder)
    facts = evaluation.to_dict()
    means: list[dict[str, str | float]] = [
        {
            "checkpoint": one.network,
            "class": one.class_name,
            "score": one.score,
            "count": float(one.count),
            "mean": one.mean,
            "sd": one.sd,
            "median": one.median,
            "pooled": one.pooled,
        }
        for one in evaluation.summary.figures
    ]
    contents = (
        "\ufeff" + figures_csv(evaluation.rows),
        "\ufeff" + figures_csv(means),
        json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        markdown(evaluation),
        page(evaluation),
    )
    paths = tuple(folder / name for name in NAMES)
    for path, content in zip(paths, contents, strict=True):
        write_whole(path, content.encode("utf-8"))
    return paths
