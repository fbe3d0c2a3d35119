"""The page of a report: plain HTML that needs neither a network nor a script."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from segdemo.inference.maps import LEVELS
from segdemo.metrics.scores import BY_NAME
from segdemo.strings import language, text

_NAMES = {"title": "report_title_name"}
# As the viewer's badges: black or white, whichever reads better on the colour.
_LIGHT = 0.179
_WEIGHTS = (0.2126, 0.7152, 0.0722)

STYLE = Path(__file__).with_suffix(".css")
POLICY = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, kw_only=True)
class Section:
    """What the page says of one network; all of its texts may be foreign."""

    letter: str
    title: str
    message: str = ""
    """Why there is no answer; empty when there is one."""
    colour: str = "#888888"
    facts: tuple[str, ...] = ()
    shown: str = ""
    """Which class is shown."""
    threshold: int | None = None
    """k of k/256; None where classes are shown, to which none applies."""
    legend: tuple[tuple[str, str, float], ...] = ()
    """(name, colour, share) of each class."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    """Field -> (value, who decided it)."""


def page(
    sections: Sequence[Section], figures: Sequence[Mapping[str, str | float]], made: str
) -> str:
    """The page, whose images lie beside it: image.jpg, A/overlay.png and so on.

    Whatever is foreign stands in it as text, and no script could run.
    """
    title = text("report_title", count=len(sections))
    cards = "".join(_card(section) for section in sections)
    return f"""<!DOCTYPE html>
<html lang="{escape(language())}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="soft">{escape(made)}</p>
{_figures(sections, figures)}
<div class="cards">
<section class="card"><header><h2>{escape(text("viewer_original"))}</h2></header>
{_picture("picture.jpg", text("viewer_original"))}</section>
{cards}
</div>
<footer class="soft"><p>{escape(text("report_rule"))}</p>
<p>{_link("figures.csv")} · {_link("checkpoints.json")}</p></footer>
</body>
</html>
"""


def _figures(sections: Sequence[Section], figures: Sequence[Mapping[str, str | float]]) -> str:
    """The figures as a table; columns in which nothing is known are left out."""
    if not figures:
        return ""
    colours = {section.letter: section.colour for section in sections}
    names = [
        name
        for name in figures[0]
        if name not in ("letter", "checkpoint") and any(_figure(row[name]) for row in figures)
    ]
    head = "".join(f"<th{_align(name)}>{escape(_heading(name))}</th>" for name in names)
    rows = "".join(
        f"<tr><td>{_badge(str(row['letter']), colours[str(row['letter'])])}</td>"
        f"<td>{escape(str(row['checkpoint']))}</td>"
        + "".join(f"<td{_align(name)}>{escape(_figure(row[name]))}</td>" for name in names)
        + "</tr>"
        for row in figures
    )
    return (
        f'<div class="scroll"><table class="figures"><thead><tr><th></th>'
        f"<th>{escape(text('report_network'))}</th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _align(name: str) -> str:
    return "" if name == "shown" else ' class="number"'


def _heading(name: str) -> str:
    kind, _, letter = name.partition("_")
    if kind == "agreement":
        return text("report_agreement", letter=letter)
    return BY_NAME[name].label if name in BY_NAME else text(f"report_{name}")


def _figure(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:.4f}"


def _card(section: Section) -> str:
    badge = _badge(section.letter, section.colour)
    if section.message:
        return (
            f'<section class="card"><header>{badge}<h2>{escape(section.title)}</h2></header>'
            f'<p class="message">{escape(section.message)}</p></section>'
        )
    facts = list(filter(None, section.facts))
    if section.threshold is not None:
        facts.append(text("report_cut", shown=section.shown, threshold=section.threshold / LEVELS))
    folder = section.letter
    legend = "".join(
        f'<li><i style="background: {escape(colour)}"></i>{escape(name)} · {share:.1%}</li>'
        for name, colour, share in section.legend
    )
    files = "".join(
        f"<figure{' class=cut' * (kind == 'cutout')}>{_picture(f'{folder}/{kind}.png', text(name))}"
        f"<figcaption>{escape(text(name))}</figcaption></figure>"
        for kind, name in (
            ("mask", "viewer_save_mask"),
            ("probability", "viewer_save_probability"),
            ("cutout", "viewer_save_cutout"),
        )
    )
    return f"""<section class="card"><header>{badge}<div><h2>{escape(section.title)}</h2>
<p class="soft">{escape(" · ".join(facts))}</p></div></header>
{_picture(f"{folder}/overlay.png", text("viewer_save_overlay"))}
{f'<ul class="legend">{legend}</ul>' if legend else ""}
<div class="files">{files}</div>
{_details(text("report_checkpoint"), _provenance(section.provenance))}
{_details(text("report_spec"), _spec(section))}
</section>"""


def _details(title: str, rows: str) -> str:
    return (
        f"<details><summary>{escape(title)}</summary>"
        f'<div class="scroll"><table>{rows}</table></div></details>'
    )


def _provenance(facts: Mapping[str, Any]) -> str:
    known = (
        (name, value)
        for name, value in facts.items()
        # What comes from no repository has no commit either.
        if name != "reading" and not (value is None and name in ("repository", "commit"))
    )
    return "".join(
        _row(text(_NAMES.get(name, f"report_{name}")), _value(value)) for name, value in known
    )


def _spec(section: Section) -> str:
    return (
        "".join(_row(name, _value(value), origin) for name, (value, origin) in section.spec.items())
        + f"<tr><td colspan=3>{_link(f'{section.letter}/spec.json')}</td></tr>"
    )


def _row(name: str, *values: str) -> str:
    cells = "".join(f"<td>{escape(value)}</td>" for value in values)
    return f"<tr><th>{escape(name)}</th>{cells}</tr>"


def _value(value: Any) -> str:
    """A value as it may stand in a table."""
    if value is None:
        return text("report_unknown")
    if isinstance(value, bool):
        return text("report_yes" if value else "report_no")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return ", ".join(_value(one) for one in value)
    return str(value)


def _picture(path: str, words: str) -> str:
    return f'<a href="{escape(path)}"><img src="{escape(path)}" alt="{escape(words)}"></a>'


def _link(path: str) -> str:
    return f'<a href="{escape(path)}">{escape(path)}</a>'


def _badge(letter: str, colour: str) -> str:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    ]
    luminance = sum(share * value for share, value in zip(_WEIGHTS, linear, strict=True))
    ink = "#000" if luminance > _LIGHT else "#fff"
    style = f"background: {escape(colour)}; color: {ink}"
    return f'<span class="badge" style="{style}">{escape(letter)}</span>'
