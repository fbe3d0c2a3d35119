"""Every control of the viewer is used, and the server hears of none but those that are for it."""

import re
from functools import partial
from urllib.parse import urlsplit

import gradio as gr
import pytest
from playwright.sync_api import Locator, Response

from segdemo.ui.viewer.map_files import cache_map
from segdemo.ui.viewer.payload import Trial
from segdemo.ui.viewer.viewer import ComparisonViewer
from tests.browser.conftest import Viewer, payload, random_map, ready
from tests.browser.test_classes import drawn as drawn_classes
from tests.browser.test_classes import several
from tests.browser.test_explain import explained, ramp
from tests.browser.test_truth import drawn as drawn_truth
from tests.browser.test_truth import truth_of

pytestmark = pytest.mark.browser

FOR_PYTHON = {
    "how a network reads the picture": ".sv-row .sv-field, .sv-explain-head .sv-helper, .sv-trial",
    "how the mask is read": ".sv-mend",
    "other ways out than a threshold": ".sv-way ~ .sv-way",
    "files and links": ".sv-menu-item",
    "what could not be fetched": ".sv-retry",
}
"""Controls that are there to ask Python, by what they ask for."""

CONTROLS = """(root, others) => {
  const seen = {};
  for (const node of root.querySelectorAll("button, input, select, [role=slider]")) {
    if (node.matches(others)) continue;
    const part = node.closest("[data-name], [data-part]");
    const name = [
      node.closest("[data-panel]")?.dataset.panel,
      part?.dataset.name ?? part?.dataset.part,
      [...node.classList].at(-1) ?? node.localName,
      node.dataset.value ?? node.querySelector(".sv-class-name")?.textContent,
    ].filter(Boolean).join(" ");
    node.dataset.control = name;
    seen[name] ||= node.checkVisibility() && !node.disabled;
  }
  return seen;
}"""
"""The names of all other controls, each with whether it can be used now."""


def controls(viewer: Viewer) -> dict[str, bool]:
    return viewer.page.locator(viewer.selector).evaluate(CONTROLS, ", ".join(FOR_PYTHON.values()))


def use(control: Locator) -> None:
    """Do by keyboard whatever it is for."""
    kind = control.evaluate("(node) => node.type || node.getAttribute('role')")
    if kind in ("range", "slider"):
        control.press("ArrowRight")
    elif kind == "color":
        control.fill("#123456")
    elif kind == "select-one":
        for value in control.locator("option").evaluate_all("all => all.map((one) => one.value)"):
            control.select_option(value)
        control.select_option(index=0)
    elif control.get_attribute("aria-haspopup"):
        control.press("Enter")
        control.page.keyboard.press("Escape")
    else:
        control.press("Enter" if kind == "button" else "Space")


def use_all(viewer: Viewer, used: set[str]) -> None:
    """Use every control that can be used and has not been; some are there only after others."""
    while fresh := [
        name for name, usable in controls(viewer).items() if usable and name not in used
    ]:
        used.add(fresh[0])
        use(viewer.find(f'[data-control="{fresh[0]}"]').first)
        viewer.call("0")


def use_pictures(viewer: Viewer) -> None:
    """Point, zoom and move with the mouse, and press every key that has a meaning."""
    area, mouse = viewer.find(".sv-view").first, viewer.page.mouse
    area.dblclick()
    mouse.wheel(0, -300)
    mouse.down()
    mouse.move(200, 400, steps=3)
    mouse.up()
    viewer.find(".sv-panels").focus()
    for key in ("[", "]", "{", "}", *"123456", "+", "-", "ArrowLeft", "Shift+ArrowUp", "0", "h"):
        viewer.page.keyboard.press(key)
    viewer.call("0")


def kind(name: str) -> str:
    """What a control is, whatever panel it belongs to."""
    return re.sub(r"^slot-\d ", "", name)


def concerns_panel(response: Response) -> bool:
    """Whether it answers what was asked about the first panel, and not that things are at rest."""
    if "/run/predict" not in response.url:
        return False
    return response.request.post_data_json["event_data"] == {"panel": "slot-0"}


def test_all_that_the_server_hears_of_the_viewers_controls_is_that_they_came_to_rest(open_demo):
    trials = (Trial(id="one", title="One", map=cache_map(random_map(4))),)
    shown = payload(
        explained(0, ramp(0, 79), trials=trials),
        several(1, *drawn_classes()),
        ready(2, random_map(2)),
        truth=truth_of(drawn_truth()),
    )
    heard: list[str] = []
    with gr.Blocks(fill_width=True) as demo:
        component = ComparisonViewer(shown, elem_id="viewer", mirror=True)
        for event in ("settle", "reassume", "reset", "trials", "choose", "save", "open"):
            getattr(component, event)(
                partial(heard.append, event), queue=False, show_progress="hidden"
            )
    viewer = open_demo(demo)
    viewer.wait()
    viewer.page.wait_for_load_state("networkidle")
    asked: list[str] = []
    viewer.page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    used: set[str] = set()
    use_all(viewer, used)
    # Some of what was used has taken others away.
    viewer.call("[viewer.actions.setLinked(true), viewer.actions.setThreshold(255)]")
    viewer.call("[viewer.actions.setLayout('side'), viewer.actions.zoomBy(3)]")
    viewer.find(".sv-info").first.press("Enter")
    use_all(viewer, used)
    with viewer.page.expect_response(re.compile("/run/predict")):
        use_pictures(viewer)
    assert {"drawer input", "fit sv-tool", "slot-0 panels sv-way"} <= used
    # What is hidden in one panel has been used in another.
    assert {kind(name) for name in controls(viewer)} <= {kind(name) for name in used}
    assert set(heard) == {"settle"}
    assert set(asked) == {"/gradio_api/run/predict"}
    # It would have heard of others.
    with viewer.page.expect_response(concerns_panel):
        viewer.find(".sv-explain-head .sv-helper").first.press("Enter")
    assert set(heard) == {"settle", "trials"}
