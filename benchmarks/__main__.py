"""Measure what is asked for, or everything; write the tables and, beside them, the numbers."""

import argparse
import datetime
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Browser, sync_playwright

from benchmarks import (
    classes,
    clients,
    comparison,
    engine,
    evidence,
    frames,
    gpu,
    hub,
    loading,
    machine,
    memory,
    precision,
    recognition,
    redraw,
    request,
    startup,
)
from benchmarks.processes import ROOT

# Each has measure, which returns rows, and section, which makes Markdown of them.
_PARTS: Mapping[str, tuple[Any, ...]] = {
    "page": (redraw, comparison),
    "frames": (frames,),
    "startup": (startup,),
    "request": (request, classes),
    "clients": (clients,),
    "checkpoints": (recognition, loading),
    "evidence": (evidence,),
    "engine": (engine,),
    "memory": (memory,),
    "gpu": (gpu,),
    "precision": (precision,),
    "hub": (hub,),
}
_IN_A_BROWSER = {"page", "frames", "startup"}
_INTRODUCTION = f"""# Benchmarks

`.venv/bin/python -m benchmarks` measures all of this and writes this file; with the name of a
part, {", ".join(f"`{part}`" for part in _PARTS)},
only that part is measured and written anew, and with `--to FOLDER` somewhere else.
[results](results) has the numbers of the latest run of each part as JSON. onnxruntime (with
onnxscript), openvino and transformers are measured beside segdemo where they are installed, and
`gpu` where there is a CUDA device.
"""


def main() -> None:
    """Takes a few minutes for each part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "part", nargs="*", metavar="PART", choices=[*_PARTS, []], help="all when left out"
    )
    parser.add_argument("--to", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    options = parser.parse_args()
    here = [part for part in _PARTS if part != "gpu" or torch.cuda.is_available()]
    for part in options.part or here:
        facts = machine.facts()
        sections, rows = _measured(part, facts)
        text = "\n\n".join([_heading(facts), *(section.strip() for section in sections)])
        _keep(options.to, part, facts, rows)
        _write(options.to / "README.md", part, text)
        print(text, flush=True)


def _measured(part: str, facts: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """The sections of a part, and all rows of numbers; ``facts`` learn of a browser."""
    if part not in _IN_A_BROWSER:
        found = [(table, table.measure()) for table in _PARTS[part]]
    else:
        with _chromium() as browser:
            facts["packages"]["Chromium"] = f"{browser.version} headless"
            found = [(table, table.measure(browser)) for table in _PARTS[part]]
    sections = [table.section(rows) for table, rows in found]
    return sections, [row for _, rows in found for row in rows]


@contextmanager
def _chromium() -> Iterator[Browser]:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    find = subprocess.run(
        [ROOT / "tools" / "chromium"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find.stdout.strip(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


def _keep(folder: Path, part: str, facts: Mapping[str, Any], rows: Sequence[Any]) -> None:
    """The numbers of a part, with where and when they were measured."""
    results = folder / "results"
    results.mkdir(parents=True, exist_ok=True)
    told = {
        "date": _today(),
        "machine": facts,
        "rows": [{"kind": type(row).__name__, **asdict(row)} for row in rows],
    }
    document = json.dumps(told, indent=1, ensure_ascii=False)
    (results / f"{part}.json").write_text(document + "\n", encoding="utf-8")


def _write(report: Path, part: str, text: str) -> None:
    """Put a part in the place of what an earlier run wrote of it."""
    before = report.read_text(encoding="utf-8") if report.exists() else ""
    found = re.findall(r"<!-- (\w+) -->\n(.*?)<!-- end -->", before, flags=re.DOTALL)
    sections = {**dict(found), part: text}
    marked = [
        f"<!-- {part} -->\n\n{sections[part].strip()}\n\n<!-- end -->\n"
        for part in _PARTS
        if part in sections
    ]
    report.write_text("\n".join([_INTRODUCTION, *marked]), encoding="utf-8")


def _heading(facts: Mapping[str, Any]) -> str:
    busy = (
        " The machine was busy with other work, so times by the clock are upper bounds."
        if facts["load"] > 1
        else ""
    )
    described = machine.described(facts)
    return f"{_today()}: {described}. Load average at the start: {facts['load']:.1f}.{busy}"


def _today() -> str:
    return f"{datetime.datetime.now(tz=datetime.timezone.utc):%Y-%m-%d}"


if __name__ == "__main__":
    main()
