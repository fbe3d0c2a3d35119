"""The report: a part that is measured anew takes its own place and leaves the others alone."""

import json

from benchmarks.__main__ import _keep, _write
from benchmarks.memory import Memory


def test_a_part_is_written_in_its_place_and_the_others_stay(tmp_path):
    report = tmp_path / "README.md"
    _write(report, "memory", "memory first")
    _write(report, "page", "the page")
    _write(report, "memory", "memory anew")
    text = report.read_text(encoding="utf-8")
    assert text.index("the page") < text.index("memory anew")
    assert "memory first" not in text
    assert text.count("<!-- end -->") == 2


def test_numbers_are_kept_with_where_they_come_from(tmp_path):
    row = Memory(
        side=8,
        plain_mib=2.0,
        segdemo_mib=1.0,
        plain_seconds=1.0,
        segdemo_seconds=0.5,
        difference=0.0,
    )
    _keep(tmp_path, "memory", {"processor": "one"}, [row])
    kept = json.loads((tmp_path / "results" / "memory.json").read_text(encoding="utf-8"))
    assert kept["machine"] == {"processor": "one"}
    assert kept["rows"][0]["kind"] == "Memory"
    assert kept["rows"][0]["segdemo_mib"] == 1.0
