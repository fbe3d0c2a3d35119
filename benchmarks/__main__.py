"""Measure what is asked for, or everything; write the tables and, beside them, the numbers."""

import argparse
import datetime
import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks import comparison, engine, files, hub, machine, recognition, redraw, request

_ROOT = Path(__file__).parent.parent
_REPORT = Path(__file__).with_name("README.md")
_MAP_SIZES = ((640, 480), (1024, 768), (2048, 1536))
_PHOTO_SIZES = ((640, 480), (4000, 3000))
_REQUEST_SIZES = ((1024, 768), (4000, 3000))
_PARTS = ("page", "request", "checkpoints", "engine", "hub")
_RESULTS = Path(__file__).with_name("results")
_INTRODUCTION = """# Benchmarks

`.venv/bin/python -m benchmarks` measures all of this and writes this file; with the name of a
part, `page`, `request`, `checkpoints`, `engine` or `hub`, only that part is measured and written
anew. [results](results) has the numbers of the latest run of each part as JSON.
"""


def main() -> None:
    """Takes a few minutes for each part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "part", nargs="*", metavar="PART", choices=[*_PARTS, []], help="all when left out"
    )
    chosen = parser.parse_args().part or _PARTS
    sections = _sections(_REPORT.read_text(encoding="utf-8")) if _REPORT.exists() else {}
    measured = {
        "page": _page,
        "request": _request,
        "checkpoints": _checkpoints,
        "engine": _engine,
        "hub": _hub,
    }
    for part in chosen:
        load = machine.load_average()
        sections[part], rows = measured[part](load)
        _keep(part, load, rows)
    written = [_marked(part, sections[part]) for part in _PARTS if part in sections]
    report = "\n".join([_INTRODUCTION, *written])
    _REPORT.write_text(report, encoding="utf-8")
    print(report)


def _keep(part: str, load: float, rows: Sequence[Any]) -> None:
    """The numbers of a part, with where and when they were measured."""
    _RESULTS.mkdir(exist_ok=True)
    told = {
        "date": f"{datetime.datetime.now(tz=datetime.timezone.utc):%Y-%m-%d}",
        "machine": machine.describe(),
        "load": load,
        "rows": [{"kind": type(row).__name__, **asdict(row)} for row in rows],
    }
    document = json.dumps(told, indent=1, ensure_ascii=False, default=str)
    (_RESULTS / f"{part}.json").write_text(document + "\n", encoding="utf-8")


def _marked(part: str, section: str) -> str:
    return f"<!-- {part} -->\n\n{section.strip()}\n\n<!-- end -->\n"


def _sections(report: str) -> dict[str, str]:
    """What an earlier run wrote, by part."""
    return dict(re.findall(r"<!-- (\w+) -->\n(.*?)<!-- end -->", report, flags=re.DOTALL))


def _heading(described: str, load: float) -> str:
    busy = (
        " The machine was busy with other work, so times by the clock are upper bounds."
        if load > 1
        else ""
    )
    today = datetime.datetime.now(tz=datetime.timezone.utc)
    return f"{today:%Y-%m-%d}: {described}. Load average at the start: {load:.1f}.{busy}"


def _page(load: float) -> tuple[str, Sequence[Any]]:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    find = subprocess.run(
        [_ROOT / "tools" / "chromium"], cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find.stdout.strip(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        redraws = [redraw.measure(browser, size) for size in _MAP_SIZES]
        idle_mib = comparison.idle_memory(browser)
        timings = [comparison.measure(browser, size) for size in _PHOTO_SIZES]
        described = machine.describe(browser.version)
        browser.close()
    redraw_rows = "\n".join(
        f"| {_size(row.size)} | {row.viewer_work_ms:.1f} ms | {row.viewer_ms:.1f} ms "
        f"| {row.naive_ms:.0f} ms | {row.ratio:.0f}× | {row.work_ratio:.0f}× |"
        for row in redraws
    )
    timing_rows = "\n".join(
        f"| {_size(row.size)} | {row.first_ms / 1000:.1f} s | {row.last_ms / 1000:.1f} s "
        f"| {row.peak_mib:.0f} MiB |"
        for row in timings
    )
    section = f"""{_heading(described, load)}

## One threshold step, {redraw.PANELS} panels

From the slider's event until the new pixels are there; median of {redraws[0].steps} steps, both
ways in turn on one page. The usual way is a slider event that paints {redraw.PANELS} `gr.Image` in
Python, here on the same machine, without a network in between. The work is what the browser does
within its frame; the rest of segdemo's time is waiting for the screen to ask for one.

| maps | work in the browser | segdemo | through Python | sooner | less work |
|---|--:|--:|--:|--:|--:|
{redraw_rows}

## A photo through {len(timings[0].networks)} networks on the CPU

{", ".join(timings[0].networks)}.

From choosing the file until a panel shows its result, on a server that has not loaded a network
before. After a first visit, with nothing run yet, a server holds {idle_mib:.0f} MiB.

| photo | first panel | last panel | peak memory of the server |
|---|--:|--:|--:|
{timing_rows}
"""
    return section, [*redraws, *timings]


def _request(load: float) -> tuple[str, Sequence[Any]]:
    measured = [request.measure(size) for size in _REQUEST_SIZES]
    rows = "\n".join(
        f"| {_size(row.size)} | {row.usual_ms:.0f} ms | {row.ours_ms:.0f} ms | {row.less:.0f}× |"
        for row in measured
    )
    section = f"""{_heading(machine.describe(), load)}

## A picture, without the network

Time of the processor on one core from a JPEG with a camera's noise to what the browser fetches,
median of {request.ROUNDS}, both ways in turn; the network and its map of {request.SIDE} px are the
same and do not count. The usual way is that of tutorials: Pillow, `ToTensor` and `Normalize`, the
map at full size, an overlay in numpy, PNG. It has to do all of that again for each threshold.

| photo | usual | segdemo | less |
|---|--:|--:|--:|
{rows}
"""
    return section, measured


def _checkpoints(load: float) -> tuple[str, Sequence[Any]]:
    found = recognition.measure()
    loadings = files.measure()
    found_rows = "\n".join(
        f"| {row.name} | {row.title} | {row.tensors} | {row.milliseconds:.0f} ms |" for row in found
    )
    loading_rows = "\n".join(
        f"| {row.kind}, {row.megabytes:.0f} MB | {row.way} | {row.seconds:.2f} s "
        f"| {row.cpu_seconds:.2f} s | {row.peak_mib:.0f} MiB |"
        for row in loadings
    )
    section = f"""{_heading(machine.describe(), load)}

## Which network it is

From names and shapes alone, on the meta device; median time of the processor.

| state dict | network | tensors | recognised in |
|---|---|--:|--:|
{found_rows}

## A U²-Net from its file

From the path to the network, in fresh processes, medians of {files.TIMES}, both ways in turn. The
usual way knows which network it is, builds it with random weights, and fills these by
`load_state_dict` with what `torch.load` or `safetensors.torch.load_file` reads. segdemo recognises
the network and looks for NaN besides. The memory is what the process grew by at most, until every
weight was used once.

| file | way | time | of the processor | memory |
|---|---|--:|--:|--:|
{loading_rows}
"""
    return section, [*found, *loadings]


def _engine(load: float) -> tuple[str, Sequence[Any]]:
    measured = engine.measure()
    rows = "\n".join(
        f"| {row.network} | {row.side} px | {row.way} | {row.faster:.2f}× | {row.difference:.0e} |"
        for row in measured
    )
    section = f"""{_heading(machine.describe(), load)}

## A network on the CPU

Float32, one picture, one core: how many times less time of the processor than the plain PyTorch
module, median of {engine.ROUNDS}, all ways in turn. The difference is the largest between logits,
relative to the largest logit, with random weights.

| network | picture | way | faster | difference |
|---|--:|---|--:|--:|
{rows}
"""
    return section, measured


def _hub(load: float) -> tuple[str, Sequence[Any]]:
    looks, situations = hub.looks(), hub.situations()
    look_rows = "\n".join(
        f"| {row.file} | {row.megabytes:.0f} MB | {row.of_the_file:,} | {row.requests} "
        f"| {row.verdict} |"
        for row in looks
    )
    told_rows = "\n".join(
        f"| {row.situation} | {row.sentence} | {_seconds(row.look)} | {_seconds(row.fetch)} "
        f"| {_seconds(row.search)} |"
        for row in situations
    )
    section = f"""{_heading(machine.describe(), load)}

## A look at a file on the Hub

Before anything is downloaded: a Hub on loopback counts what it sends. One request is for the
repository's description, one is answered by the address of the large file; the others read parts
of it.

| file | size | bytes read of it | requests | verdict |
|---|--:|--:|--:|---|
{look_rows}

## What goes wrong, and when it is told

The same Hub has each fault in turn, with a deadline of {hub.DEADLINE_SECONDS:g} s
(`SEGDEMO_HUB_TIMEOUT`; 20 s when unset). The times are in seconds, for a look at a repository, a
download and a search.

| situation | what is said | look | download | search |
|---|---|--:|--:|--:|
{told_rows}
"""
    return section, [*looks, *situations]


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


if __name__ == "__main__":
    main()
