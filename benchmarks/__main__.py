"""Measure what is asked for, or everything, and write it into benchmarks/README.md."""

import argparse
import datetime
import os
import re
import subprocess
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks import comparison, engine, files, hub, machine, recognition, redraw

_ROOT = Path(__file__).parent.parent
_REPORT = Path(__file__).with_name("README.md")
_MAP_SIZES = ((640, 480), (1024, 768), (2048, 1536))
_PHOTO_SIZES = ((640, 480), (4000, 3000))
_PARTS = ("page", "checkpoints", "engine", "hub")
_INTRODUCTION = """# Benchmarks

`.venv/bin/python -m benchmarks` measures all of this and writes this file; with the name of a
part, `page`, `checkpoints`, `engine` or `hub`, only that part is measured and written anew.
"""


def main() -> None:
    """Takes a few minutes for each part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "part", nargs="*", metavar="PART", choices=[*_PARTS, []], help="all when left out"
    )
    chosen = parser.parse_args().part or _PARTS
    sections = _sections(_REPORT.read_text(encoding="utf-8")) if _REPORT.exists() else {}
    measured = {"page": _page, "checkpoints": _checkpoints, "engine": _engine, "hub": _hub}
    for part in chosen:
        sections[part] = measured[part](machine.load_average())
    written = [_marked(part, sections[part]) for part in _PARTS if part in sections]
    report = "\n".join([_INTRODUCTION, *written])
    _REPORT.write_text(report, encoding="utf-8")
    print(report)


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


def _page(load: float) -> str:
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
    return f"""{_heading(described, load)}

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


def _checkpoints(load: float) -> str:
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
    return f"""{_heading(machine.describe(), load)}

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


def _engine(load: float) -> str:
    rows = "\n".join(
        f"| {row.network} | {row.side} px | {row.way} | {row.faster:.2f}× | {row.difference:.0e} |"
        for row in engine.measure()
    )
    return f"""{_heading(machine.describe(), load)}

## A network on the CPU

Float32, one picture, one core: how many times less time of the processor than the plain PyTorch
module, median of {engine.ROUNDS}, all ways in turn. The difference is the largest between logits,
relative to the largest logit, with random weights.

| network | picture | way | faster | difference |
|---|--:|---|--:|--:|
{rows}
"""


def _hub(load: float) -> str:
    look_rows = "\n".join(
        f"| {row.file} | {row.megabytes:.0f} MB | {row.of_the_file:,} | {row.requests} "
        f"| {row.verdict} |"
        for row in hub.looks()
    )
    told_rows = "\n".join(
        f"| {row.situation} | {row.sentence} | {_seconds(row.look)} | {_seconds(row.fetch)} "
        f"| {_seconds(row.search)} |"
        for row in hub.situations()
    )
    return f"""{_heading(machine.describe(), load)}

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


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


if __name__ == "__main__":
    main()
