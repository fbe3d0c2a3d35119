"""The tables that people read of an evaluation: the same rows as Markdown and in a page."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from segdemo.evaluation.evaluate import Evaluation
from segdemo.evaluation.scoring import FOREGROUND, LOWER_IS_BETTER, MEAN, SCORES
from segdemo.evaluation.summary import MAIN
from segdemo.strings import text


@dataclass(frozen=True, kw_only=True)
class Table:
    """A heading, the names of columns, and rows of text; the first column is no number."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables(evaluation: Evaluation) -> tuple[Table, ...]:
    """Means of each network and class, thresholds, and differences; empty ones are left out."""
    found = (_means(evaluation), _thresholds(evaluation), _differences(evaluation))
    return tuple(table for table in found if table.rows)


def _means(evaluation: Evaluation) -> Table:
    summary = evaluation.summary
    groups: dict[tuple[str, str], list[str]] = {}
    for one in summary.figures:
        cells = groups.setdefault((one.network, one.class_name), [])
        cells.append(with_deviation(one.mean, one.sd, one.count))
    return Table(
        title=text("evaluate_table_means"),
        head=(
            text("evaluate_checkpoint"),
            text("evaluate_class"),
            *(_headed(score) for score in SCORES),
        ),
        rows=tuple(
            (network, class_called(name), *cells) for (network, name), cells in groups.items()
        ),
        note=text("evaluate_note_means"),
    )


def _thresholds(evaluation: Evaluation) -> Table:
    summary = evaluation.summary
    common = summary.common
    return Table(
        title=text("evaluate_table_thresholds"),
        head=(
            text("evaluate_checkpoint"),
            text("evaluate_used"),
            text("evaluate_best"),
            text("evaluate_common", threshold="–" if common is None else f"{common:.3f}"),
        ),
        rows=tuple(
            (
                one.network,
                f"{number(one.at_used)} ({one.used:.3f})",
                "–" if one.best is None else f"{number(one.at_best)} ({one.best:.3f})",
                number(one.at_common),
            )
            for one in summary.thresholds
        ),
        note=text("evaluate_note_thresholds"),
    )


def _differences(evaluation: Evaluation) -> Table:
    return Table(
        title=text("evaluate_table_differences"),
        head=(
            text("evaluate_pair"),
            text("evaluate_score"),
            text("evaluate_difference"),
            text("evaluate_interval"),
            text("evaluate_p"),
            text("evaluate_count"),
        ),
        rows=tuple(
            (
                f"{one.first} – {one.second}",
                score_called(one.score),
                signed(one.difference.mean),
                f"{signed(one.difference.low)} … {signed(one.difference.high)}",
                p_value(one.difference.p),
                str(one.difference.count),
            )
            for one in evaluation.summary.comparisons
            if one.difference.count
        ),
        note=text("evaluate_note_differences"),
    )


def worst_called(evaluation: Evaluation, network: str) -> tuple[tuple[str, str], ...]:
    """(image, its Dice) of those on which a network does worst."""
    return tuple(
        (one.picture, number(one.scoring.main.scores[MAIN]))
        for one in evaluation.worst(network)
        if one.scoring
    )


def remarks(evaluation: Evaluation) -> tuple[str, ...]:
    """What was paired, how masks were read, and what could not be judged, a sentence each."""
    pairing = evaluation.pairing
    sentences = [
        text("evaluate_paired", count=len(pairing.pairs), reading=evaluation.reading),
        *evaluation.notices,
    ]
    for key, names in (
        ("evaluate_pictures_alone", pairing.pictures_alone),
        ("evaluate_masks_alone", pairing.masks_alone),
    ):
        if names:
            sentences.append(text(key, count=len(names), names=_some(names)))
    failures = evaluation.summary.failures
    sentences += [
        text("evaluate_failed", name=one.picture, checkpoint=one.network, reason=one.failure)
        for one in failures
    ]
    return tuple(sentences)


def markdown(evaluation: Evaluation) -> str:
    """The tables as text that GitHub and editors show as such."""
    escape: Callable[[str], str] = lambda cell: cell.replace("|", "\\|")  # noqa: E731
    parts = [f"# {text('evaluate_title')}", "", *(f"- {one}" for one in remarks(evaluation)), ""]
    for table in tables(evaluation):
        parts += [f"## {table.title}", "", _line(map(escape, table.head))]
        parts.append(_line("---" if place < 2 else "--:" for place in range(len(table.head))))
        parts += [_line(map(escape, row)) for row in table.rows]
        parts += ["", table.note, ""]
    parts += [f"## {text('evaluate_worst')}", ""]
    for network in evaluation.summary.networks:
        worst = ", ".join(f"{name} ({value})" for name, value in worst_called(evaluation, network))
        parts.append(f"- {network}: {worst or '–'}")
    return "\n".join(parts) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def class_called(name: str) -> str:
    """A class's own name, or what people call the foreground and the mean."""
    known = {FOREGROUND: "report_foreground", MEAN: "evaluate_mean"}
    return text(known[name]) if name in known else name


def score_called(name: str) -> str:
    """What people call a score."""
    return text(f"score_{name}")


def _headed(score: str) -> str:
    return score_called(score) + (" ↓" if score in LOWER_IS_BETTER else " ↑")


def number(value: float) -> str:
    """For people: three places, a dash for what is not defined."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def signed(value: float) -> str:
    """The same with a sign."""
    return "–" if math.isnan(value) else f"{value:+.3f}"


def p_value(value: float) -> str:
    """For people: "0.031", "< 0.001"."""
    return "–" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def with_deviation(mean: float, sd: float, count: int) -> str:
    """For people: "0.912 ± 0.031", with the count of a single one left to the reader."""
    return number(mean) if count < 2 or math.isnan(sd) else f"{mean:.3f} ± {sd:.3f}"


def _some(names: tuple[str, ...], most: int = 10) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
