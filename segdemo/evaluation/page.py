"""The page of an evaluation: one HTML file that needs neither a network nor a script."""

import base64
import math
from html import escape

import numpy as np

from segdemo.evaluation.evaluate import Evaluation
from segdemo.evaluation.summary import Thresholds
from segdemo.evaluation.tables import Table, remarks, tables, worst_called
from segdemo.images.palettes import PANEL_COLOURS, TRUTH_COLOURS
from segdemo.outputs.report_page import POLICY, STYLE
from segdemo.strings import language, text

_WIDTH, _HEIGHT, _MARGIN = 480, 240, 32
_OWN_STYLE = """
table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums}
th,td{padding:.3em .7em;text-align:right;border-bottom:1px solid #8884}
th:first-child,td:first-child{text-align:left}
.wide{overflow-x:auto}.cases{display:flex;flex-wrap:wrap;gap:1em}
.cases figure{margin:0;max-width:256px}.cases img{width:100%}
.key{display:inline-block;width:.8em;height:.8em;border:1px solid #888;margin:0 .3em 0 1em}
"""


def page(evaluation: Evaluation) -> str:
    """The page with its pictures inside; whatever is foreign stands in it as text."""
    title = escape(text("evaluate_title"))
    told = "".join(f"<li>{escape(one)}</li>" for one in remarks(evaluation))
    parts = [_table(table) for table in tables(evaluation)]
    curves = _curves(evaluation.summary.thresholds)
    cases = "".join(_cases(evaluation, network) for network in evaluation.summary.networks)
    return f"""<!DOCTYPE html>
<html lang="{escape(language())}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE.read_text(encoding="utf-8")}{_OWN_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<ul class="soft">{told}</ul>
{"".join(parts)}
{curves}
<h2>{escape(text("evaluate_worst"))}</h2>
<p class="soft">{_keys()}</p>
{cases}
<footer class="soft"><p>{escape(text("report_rule"))}</p></footer>
</body>
</html>
"""


def _table(table: Table) -> str:
    head = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in table.head)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    return (
        f"<h2>{escape(table.title)}</h2><div class=wide><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div><p class=soft>{escape(table.note)}</p>"
    )


def _curves(thresholds: tuple[Thresholds, ...]) -> str:
    """Mean Dice by threshold, a line for each network."""
    if not thresholds:
        return ""
    lines, legend = [], []
    for place, one in enumerate(thresholds):
        colour = PANEL_COLOURS[place % len(PANEL_COLOURS)]
        points = " ".join(
            f"{_MARGIN + k * _WIDTH / 256:.1f},{_MARGIN + (1 - value) * _HEIGHT:.1f}"
            for k, value in enumerate(one.curve)
            if not np.isnan(value)
        )
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        legend.append(f'<span class=key style="background:{colour}"></span>{escape(one.network)}')
    whole = f"0 0 {_WIDTH + 2 * _MARGIN} {_HEIGHT + 2 * _MARGIN}"
    label = escape(text("evaluate_curves"))
    ticks = "".join(
        f'<text x="{_MARGIN + share * _WIDTH:.0f}" y="{_HEIGHT + 1.6 * _MARGIN:.0f}" '
        f'text-anchor="middle" font-size="12" fill="currentColor">{share:g}</text>'
        f'<text x="{0.8 * _MARGIN:.0f}" y="{_MARGIN + (1 - share) * _HEIGHT + 4:.0f}" '
        f'text-anchor="end" font-size="12" fill="currentColor">{share:g}</text>'
        for share in (0, 0.5, 1)
    )
    return (
        f"<h2>{label}</h2><p>{''.join(legend)}</p>"
        f'<svg viewBox="{whole}" width="{_WIDTH + 2 * _MARGIN}" role="img" aria-label="{label}">'
        f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" '
        f'stroke="#8888"/>{ticks}{"".join(lines)}</svg>'
    )


def _keys() -> str:
    names = {"hit": "evaluate_hit", "wrong": "evaluate_wrong", "missed": "evaluate_missed"}
    return "".join(
        f'<span class=key style="background:{TRUTH_COLOURS[name]}"></span>{escape(text(key))}'
        for name, key in names.items()
    )


def _cases(evaluation: Evaluation, network: str) -> str:
    figures = []
    for picture, value in worst_called(evaluation, network):
        content = evaluation.cases.get((network, picture), b"")
        if content and value != str(math.nan):
            data = base64.b64encode(content).decode("ascii")
            caption = escape(f"{picture} · Dice {value}")
            figures.append(
                f'<figure><img src="data:image/jpeg;base64,{data}" alt="{caption}">'
                f"<figcaption>{caption}</figcaption></figure>"
            )
    return f"<h3>{escape(network)}</h3><div class=cases>{''.join(figures) or '–'}</div>"
