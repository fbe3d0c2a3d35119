"""Measure everything here and write benchmarks/README.md."""

import datetime
import os
import subprocess
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks import comparison, machine, redraw

_ROOT = Path(__file__).parent.parent
_REPORT = Path(__file__).with_name("README.md")
_MAP_SIZES = ((640, 480), (1024, 768), (2048, 1536))
_PHOTO_SIZES = ((640, 480), (4000, 3000))


def main() -> None:
    """Takes a few minutes."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    find = subprocess.run(
        [_ROOT / "tools" / "chromium"], cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    load = machine.load_average()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find.stdout.strip(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        redraws = [redraw.measure(browser, size) for size in _MAP_SIZES]
        idle_mib = comparison.idle_memory(browser)
        timings = [comparison.measure(browser, size) for size in _PHOTO_SIZES]
        described = machine.describe(browser.version)
        browser.close()
    report = _report(described, load, redraws, timings, idle_mib)
    _REPORT.write_text(report, encoding="utf-8")
    print(report)


def _report(
    described: str,
    load: float,
    redraws: list[redraw.Redraw],
    timings: list[comparison.Timing],
    idle_mib: float,
) -> str:
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
    busy = (
        " The machine was busy with other work, so the times of the photos are upper bounds."
        if load > 1
        else ""
    )
    today = datetime.datetime.now(tz=datetime.timezone.utc)
    return f"""# Benchmarks

`.venv/bin/python -m benchmarks` measures all of this and writes this file.

{today:%Y-%m-%d}: {described}. Load average at the start: {load:.1f}.{busy}

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


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


if __name__ == "__main__":
    main()
