"""What the page's own components are made of."""

import re
import string
from pathlib import Path
from typing import get_args

import pytest

from segdemo.strings import section
from segdemo.ui.adding import panel as hub_panel
from segdemo.ui.adding.panel import HubPanel
from segdemo.ui.adding.payload import Answer
from segdemo.ui.batch import panel as batch_panel
from segdemo.ui.gradio_support.assets import script, static
from segdemo.ui.gradio_support.javascript import in_order
from segdemo.ui.intake import places, zone
from segdemo.ui.language import panel as language_choice
from segdemo.ui.running import state_line
from segdemo.ui.sharing import saved_file
from segdemo.ui.transfers import panel as transfer_list
from segdemo.ui.transfers.panel import TransferList
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.viewer import viewer
from segdemo.ui.viewer.payload import Mode

UI = Path(__file__).parents[2] / "segdemo" / "ui"
TEMPLATES = sorted(
    path.relative_to(UI).as_posix()
    for ending in ("html", "css")
    for path in UI.glob(f"*/static/**/*.{ending}")
)
ENTRIES = {
    "viewer_": viewer.ENTRY,
    "add_": hub_panel.ENTRY,
    "page_transfer_": transfer_list.ENTRY,
    "page_batch_": batch_panel.ENTRY,
    "place_": places.ENTRY,
    "zone_": zone.ENTRY,
    "run_": state_line.ENTRY,
    "language_": language_choice.ENTRY,
    "saved_": saved_file.ENTRY,
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_holds_nothing_that_gradio_would_evaluate(name):
    source = static(name)
    for evaluated in ("${", "{{", "`", "\\"):
        assert evaluated not in source


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith("html")])
def test_a_template_holds_no_id_and_no_text(name):
    source = static(name)
    assert " id=" not in source
    assert re.sub(r"<[^>]*>", "", source).strip() == ""


def test_every_script_is_part_of_a_component():
    used = {module.path for entry in ENTRIES.values() for module in in_order(UI / entry)}
    assert used == set(UI.glob("*/static/**/*.js"))


def test_every_style_is_part_of_a_component():
    displays = {entry.replace("mount_", "").replace(".js", ".css") for entry in ENTRIES.values()}
    used = displays | {f"viewer/static/{path}" for path in viewer.STYLES} | {*places.STYLES}
    assert used == {name for name in TEMPLATES if name.endswith("css")}


def test_python_and_the_browser_know_the_same_modes():
    modes = in_order(UI / "viewer/static/modes/modes.js")
    (order,) = re.findall(r"^const MODES = .*\[(.*)\]", modes[-1].body, re.MULTILINE)
    names = {
        constant: name
        for module in modes
        for constant, name in re.findall(
            r'^const (\w+) = Object.freeze\(\{\n  name: "(\w+)",', module.body, re.MULTILINE
        )
    }
    assert [names[constant] for constant in order.split(", ")] == list(get_args(Mode))


@pytest.mark.parametrize("prefix", ENTRIES)
def test_every_text_that_the_scripts_ask_for_is_in_the_table(prefix):
    table = section(prefix)
    words = set(
        script(ENTRIES[prefix])
        .replace("strings.", " strings.")
        .translate(str.maketrans({sign: " " for sign in string.punctuation if sign not in "._"}))
        .split()
    )
    # What all components share asks for texts of the viewer alone.
    shared = section("viewer_") | section("")
    for word in words:
        head, _, key = word.partition(".")
        if head == "strings" and key:
            assert key.partition(".")[0] in table | shared, key


def test_no_text_of_the_viewer_is_idle():
    source = script(viewer.ENTRY)
    # Some are asked for by a name that is put together, or that stands for itself.
    composed = [
        re.sub(r"\$\{[^}]*\}", r"\\w+", template)
        for template in re.findall(r"strings\[`([^`]*)`\]", source)
    ]
    for key in section("viewer_"):
        assert (
            f"strings.{key}" in source
            or f'"{key}"' in source
            or any(re.fullmatch(template, key) for template in composed)
        ), key


def test_what_a_browser_sends_of_these_is_not_even_read():
    panel = HubPanel(online=True, uploads=True, max_megabytes=1)
    for component in (panel, TransferList()):
        assert component.preprocess({"path": "/etc/passwd"}) is None


def test_a_browser_gets_plain_values():
    answer = HubPanel(online=True, uploads=True, max_megabytes=1).postprocess(
        Answer(kind="problem", serial=3, note="Why.")
    )
    assert answer["schema"] == "segdemo.adding/1"
    assert (answer["kind"], answer["serial"], answer["note"]) == ("problem", 3, "Why.")
    rows = TransferList().postprocess(Transfers().rows())
    assert rows == {"schema": "segdemo.transfers/1", "serial": 0, "followed": False, "rows": []}
