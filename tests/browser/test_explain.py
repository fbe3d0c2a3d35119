"""Why a mask looks as it does: warnings, the drawer, trials, and thresholds of each panel's own."""

import re

import gradio as gr
import numpy as np
import pytest
from playwright.sync_api import expect

from segdemo.ui.viewer.map_files import cache_map
from segdemo.ui.viewer.payload import Assumption, Figures, PanelState, Trial, ViewerState
from segdemo.ui.viewer.viewer import ComparisonViewer
from tests.browser.conftest import HEIGHT, WIDTH, payload, random_map, ready

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"window.pwned='html'\">`${window.pwned=1}"
NOTHING = "The largest p is 0.310: nothing can show at this threshold."


def ramp(low: int, high: int) -> np.ndarray:
    """Every value from low to high, about equally often."""
    return np.linspace(low, high + 0.99, HEIGHT * WIDTH).astype(np.uint8).reshape(HEIGHT, WIDTH)


def figures_of(q: np.ndarray) -> Figures:
    low, mean, high = (float(value) / 256 for value in (q.min(), q.mean(), q.max()))
    return Figures(minimum=low, mean=mean, maximum=high)


def assumption(name: str, raw: str, options=(), **changes) -> Assumption:
    control = "choice" if options else "number"
    facts = {"label": name, "value": raw, "origin": "somebody", "control": control, "raw": raw}
    return Assumption(name=name, options=options, **{**facts, **changes})


SIDE = assumption("preprocessing.side", "1024")
ACTIVATION = assumption(
    "postprocessing.activation", "sigmoid", (("sigmoid", "sigmoid"), ("none", "none"))
)
MEAN = assumption("preprocessing.mean", "0.5", control="numbers")
ASSUMED = (SIDE, MEAN, ACTIVATION)


def explained(place: int, q: np.ndarray, **changes):
    facts = {"figures": figures_of(q), "activation": "sigmoid", "assumed": ASSUMED}
    return ready(place, q, **{**facts, **changes})


@pytest.fixture
def asked(open_demo):
    """Opens a viewer whose questions to Python are kept, and answered with the next payload."""

    def asked(*payloads):
        answers, questions = list(payloads), []
        with gr.Blocks(fill_width=True) as demo:
            viewer = ComparisonViewer(elem_id="viewer")

            def keep(event: gr.EventData):
                questions.append(dict(event._data))
                return answers.pop(0) if answers else gr.skip()

            for name in ("reassume", "reset", "trials", "choose"):
                options = {"show_progress": "hidden", "queue": False, "trigger_mode": "multiple"}
                getattr(viewer, name)(keep, outputs=viewer, **options)
            demo.load(lambda: answers.pop(0), outputs=viewer, show_progress="hidden")
        page = open_demo(demo)
        page.wait()
        return page, questions

    return asked


# --- Warnings ---------------------------------------------------------------------------------


def test_a_map_that_cannot_show_says_so_and_lowering_the_threshold_shows_it(open_viewer):
    dim = ramp(0, 79)
    viewer = open_viewer(
        payload(explained(0, dim, figures=Figures(minimum=0.0, mean=0.15, maximum=0.31)))
    )
    viewer.wait()
    status = viewer.find(".sv-alert[role=status]")
    expect(status).to_contain_text(NOTHING)
    assert viewer.call("viewer.coverage(0)") == 0
    status.get_by_role("button", name="Lower the threshold").click()
    expect(status).to_be_empty()
    assert 0 < viewer.call("viewer.coverage(0)") < 1


def test_a_map_of_foreground_alone_is_mended_by_a_higher_threshold(open_viewer):
    viewer = open_viewer(payload(explained(0, ramp(150, 255))))
    viewer.wait()
    status = viewer.find(".sv-alert")
    expect(status).to_contain_text("The smallest p is 0.586: all is foreground at this threshold.")
    status.get_by_role("button", name="Raise the threshold").click()
    expect(status).to_be_empty()


def test_a_constant_map_offers_no_threshold(open_viewer):
    q = np.full((HEIGHT, WIDTH), 128, np.uint8)
    viewer = open_viewer(payload(explained(0, q), ready(1, random_map(1))))
    viewer.wait()
    status = viewer.find(".sv-alert")
    expect(status.first).to_contain_text("The map is constant: p is 0.500 everywhere.")
    assert status.first.get_by_role("button").all_inner_texts() == ["Try other readings"]
    expect(status.nth(1)).to_be_empty()


def test_a_warning_moves_no_picture(open_viewer):
    viewer = open_viewer(payload(explained(0, ramp(0, 79)), explained(1, random_map(2))))
    viewer.wait()
    before = viewer.find(".sv-view").first.bounding_box()
    viewer.call("viewer.actions.setThreshold(40)")
    expect(viewer.find(".sv-warning")).to_have_count(0)
    assert viewer.find(".sv-view").first.bounding_box() == before


def test_a_sigmoid_applied_twice_is_mended_with_one_press(asked):
    twice, mended = ramp(128, 187), random_map(3)
    viewer, questions = asked(
        payload(explained(0, twice, figures=Figures(minimum=0.5, mean=0.6, maximum=0.731))),
        payload(explained(0, mended)),
    )
    status = viewer.find(".sv-alert")
    expect(status).to_contain_text("p never falls below 0.5")
    status.get_by_role("button", name="Read without sigmoid").click()
    expect(status).to_be_empty()
    assert questions == [{"panel": "slot-0", "name": "postprocessing.activation", "raw": "none"}]
    viewer.wait()
    assert np.array_equal(viewer.values(0), mended.ravel())


def test_a_way_out_that_does_not_exist_is_not_offered(open_viewer):
    q = ramp(128, 187)
    figures = Figures(minimum=0.5, mean=0.6, maximum=0.731)
    viewer = open_viewer(payload(explained(0, q, figures=figures, assumed=())))
    viewer.wait()
    expect(viewer.find(".sv-alert")).to_contain_text("p never falls below 0.5")
    expect(viewer.find(".sv-way")).to_have_count(0)


# --- The drawer -------------------------------------------------------------------------------


def test_the_drawer_says_the_figures_and_what_was_assumed_by_whom(open_viewer):
    changed = assumption("preprocessing.side", "512", origin="you", changed=True)
    q = random_map(1)
    figures = Figures(minimum=0.0004, mean=0.4567, maximum=0.99999)
    viewer = open_viewer(
        payload(
            explained(0, q, figures=figures, assumed=(changed, ACTIVATION), notes=("A note",)),
            explained(1, q),
        )
    )
    viewer.wait()
    expect(viewer.find(".sv-explain")).to_have_count(0)
    viewer.find(".sv-info").first.click()
    drawer = viewer.find(".sv-explain")
    expect(drawer).to_be_focused()
    assert drawer.locator(".sv-facts dd").all_inner_texts() == ["<0.001", "0.457", ">0.999"]
    assert drawer.get_by_label("preprocessing.side").input_value() == "512"
    assert drawer.locator(".sv-row").first.get_attribute("data-changed") == "true"
    assert drawer.locator(".sv-origin").all_inner_texts() == ["you", "somebody"]
    expect(drawer.locator(".sv-notes li")).to_have_text("A note")
    expect(drawer.get_by_role("button", name="Reset", exact=True)).to_be_enabled()
    viewer.find(".sv-info").nth(1).click()
    expect(drawer).to_contain_text("Model 1")
    expect(drawer.get_by_role("button", name="Reset", exact=True)).to_be_disabled()
    assert [node.get_attribute("aria-expanded") for node in viewer.find(".sv-info").all()] == [
        "false",
        "true",
    ]
    viewer.page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(viewer.find(".sv-info").nth(1)).to_be_focused()


def test_every_decision_is_told_to_python(asked):
    viewer, questions = asked(
        payload(explained(0, random_map(1), assumed=(SIDE, MEAN, ACTIVATION)))
    )
    viewer.find(".sv-info").click()
    drawer = viewer.find(".sv-explain")
    mean = drawer.get_by_label("preprocessing.mean")
    mean.fill("0.485, 0.456, 0.406")
    decisions = (
        lambda: mean.press("Enter"),
        lambda: drawer.get_by_label("postprocessing.activation").select_option("none"),
        lambda: drawer.get_by_role("button", name="Try all presets").click(),
    )
    for decide in decisions:
        with viewer.page.expect_response(re.compile("/run/")):
            decide()
    expect(drawer.get_by_role("button", name="Trying…")).to_be_visible()
    expected = [
        {"panel": "slot-0", "name": "preprocessing.mean", "raw": "0.485, 0.456, 0.406"},
        {"panel": "slot-0", "name": "postprocessing.activation", "raw": "none"},
        {"panel": "slot-0"},
    ]
    assert questions == expected


def test_digits_written_in_the_drawer_do_not_change_the_view(open_viewer):
    viewer = open_viewer(payload(explained(0, random_map(1))))
    viewer.wait()
    viewer.find(".sv-info").click()
    field = viewer.find(".sv-explain").get_by_label("preprocessing.mean")
    field.press("End")
    field.press_sequentially("[2-3]0")
    assert viewer.call("viewer.state().mode") == "overlay"
    assert viewer.call("viewer.state().threshold") == 128
    assert field.input_value() == "0.5[2-3]0"


def test_an_open_drawer_outlives_the_next_payload_and_what_is_being_written(asked):
    first = payload(explained(0, random_map(1)), explained(1, random_map(2)))
    changed = assumption("preprocessing.side", "512", changed=True)
    waiting = payload(
        ready(0, random_map(1), status="running", map=None), explained(1, random_map(2))
    )
    second = payload(
        explained(0, random_map(3), assumed=(changed, MEAN, ACTIVATION)),
        explained(1, random_map(2)),
        run=waiting.run,
    )
    viewer, _ = asked(first, waiting, second)
    viewer.find(".sv-info").first.click()
    drawer = viewer.find(".sv-explain")
    drawer.get_by_label("preprocessing.side").fill("512")
    drawer.get_by_label("preprocessing.side").press("Enter")
    expect(drawer).to_have_attribute("aria-busy", "true")
    assert drawer.get_by_label("preprocessing.side").input_value() == "512"
    drawer.get_by_label("preprocessing.mean").fill("0.25")
    drawer.get_by_label("postprocessing.activation").select_option("none")
    expect(drawer).to_have_attribute("aria-busy", "false")
    expect(drawer.locator(".sv-row").first).to_have_attribute("data-changed", "true")


def test_a_drawer_closes_with_its_panel(asked):
    viewer, _ = asked(
        payload(explained(0, random_map(1)), explained(1, random_map(2))),
        payload(explained(0, random_map(1))),
    )
    viewer.find(".sv-info").nth(1).click()
    viewer.find(".sv-explain").get_by_role("button", name="Try all presets").click()
    expect(viewer.find(".sv-explain")).to_have_count(0)


def test_foreign_text_in_the_drawer_stays_text(open_viewer):
    hostile = assumption(HOSTILE, HOSTILE, ((HOSTILE, HOSTILE),), origin=HOSTILE)
    trial = Trial(id=HOSTILE, title=HOSTILE, map=cache_map(random_map(4)))
    panel = explained(0, random_map(1), assumed=(hostile,), trials=(trial,), notes=(HOSTILE,))
    viewer = open_viewer(payload(panel))
    viewer.wait()
    viewer.find(".sv-info").click()
    for selector in (".sv-row-label", ".sv-origin", ".sv-field option", ".sv-trial-title"):
        assert viewer.find(f".sv-explain {selector}").first.text_content() == HOSTILE
    assert viewer.find(".sv-explain :is(img, script)").count() == 0
    assert viewer.page.evaluate("window.pwned") is None


# --- Trials -----------------------------------------------------------------------------------


def test_trials_are_drawn_at_the_present_threshold_and_a_press_chooses_one(asked):
    maps = [random_map(seed) for seed in (5, 6)]
    trials = tuple(
        Trial(id=f"trial-{at}", title=f"Way {at}", map=cache_map(q), chosen=at == 0)
        for at, q in enumerate(maps)
    )
    viewer, questions = asked(
        payload(explained(0, random_map(1))),
        payload(explained(0, random_map(1), trials=trials)),
    )
    viewer.find(".sv-info").click()
    drawer = viewer.find(".sv-explain")
    drawer.get_by_role("button", name="Try all presets").click()
    buttons = drawer.locator(".sv-trial")
    expect(buttons).to_have_count(2)
    for k in (128, 40):
        viewer.call(f"viewer.actions.setThreshold({k})")
        for at, q in enumerate(maps):
            share = f"{np.mean(q >= k) * 100:.2f}%"
            expect(buttons.nth(at)).to_have_accessible_name(f"Way {at}: {share} foreground")
            assert np.array_equal(coloured(viewer, at), q >= k)
    assert buttons.nth(0).get_attribute("aria-pressed") == "true"
    with viewer.page.expect_response(re.compile("/run/")):
        buttons.nth(1).click()
    assert questions[-1] == {"panel": "slot-0", "trial": "trial-1"}


def coloured(viewer, at: int) -> np.ndarray:
    """Where a trial's thumbnail is in colour: its background is grey."""
    flat = viewer.page.evaluate(
        """(at) => {
          const canvas = document.querySelectorAll(".sv-trial canvas")[at];
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return Array.from({ length: data.length / 4 }, (_, i) =>
            data[4 * i] !== data[4 * i + 1] || data[4 * i + 1] !== data[4 * i + 2]);
        }""",
        at,
    )
    return np.array(flat).reshape(HEIGHT, WIDTH)


# --- Thresholds -------------------------------------------------------------------------------


def test_each_panel_may_have_a_threshold_of_its_own(open_viewer):
    maps = [random_map(seed) for seed in range(2)]
    viewer = open_viewer(payload(*(explained(place, q) for place, q in enumerate(maps))))
    viewer.wait()
    expect(viewer.find(".sv-actives .sv-option")).to_have_count(0)
    viewer.find(".sv-option[data-value=unlinked]").click()
    options = viewer.find(".sv-actives .sv-option")
    expect(options).to_have_count(2)
    viewer.page.keyboard.press("]")
    options.nth(1).click()
    viewer.call("viewer.actions.setThreshold(200)")
    assert [panel["threshold"] for panel in viewer.call("viewer.state().panels")] == [129, 200]
    assert [node.inner_text() for node in options.locator(".sv-number").all()] == ["0.504", "0.781"]
    for at, (q, k) in enumerate(zip(maps, (129, 200), strict=True)):
        assert viewer.call(f"viewer.coverage({at})") == np.mean(q >= k)
    both = (maps[0] >= 129) & (maps[1] >= 200)
    either = (maps[0] >= 129) | (maps[1] >= 200)
    assert viewer.call("viewer.agreement(0, 1)") == np.sum(both) / np.sum(either)
    # Touching a card makes the keys its own.
    viewer.find(".sv-panel[data-panel=slot-0] .sv-name").click()
    viewer.find(".sv-panels").press("[")
    assert [panel["threshold"] for panel in viewer.call("viewer.state().panels")] == [128, 200]
    viewer.find(".sv-option[data-value=linked]").click()
    assert [panel["threshold"] for panel in viewer.call("viewer.state().panels")] == [128, 128]


def test_thresholds_that_were_restored_hold_for_each_panel(open_viewer):
    state = ViewerState(threshold=90, panels=(PanelState(threshold=90), PanelState(threshold=17)))
    viewer = open_viewer(
        payload(explained(0, random_map(1)), explained(1, random_map(2)), state=state)
    )
    viewer.wait()
    assert [panel["threshold"] for panel in viewer.call("viewer.state().panels")] == [90, 17]
    expect(viewer.find(".sv-option[data-value=unlinked]")).to_have_attribute("aria-checked", "true")


def test_otsu_parts_all_histograms_together_or_each_by_itself(open_viewer):
    maps = [
        np.where(random_map(0) > 128, high, low).astype(np.uint8)
        for low, high in ((10, 60), (100, 240))
    ]
    viewer = open_viewer(payload(*(explained(place, q) for place, q in enumerate(maps))))
    viewer.wait()
    otsu = viewer.find("[data-part=otsu]")
    otsu.click()
    together = viewer.call("viewer.state().threshold")
    assert 100 < together <= 240
    viewer.find(".sv-option[data-value=unlinked]").click()
    otsu.click()
    own = [panel["threshold"] for panel in viewer.call("viewer.state().panels")]
    assert own == [35, 170]
    assert viewer.call("viewer.coverage(0)") == np.mean(maps[0] == 60)


def test_a_stretched_panel_is_cut_as_u2net_would_cut_it(open_viewer):
    q = ramp(20, 90)
    viewer = open_viewer(payload(explained(0, q), explained(1, q)))
    viewer.wait()
    viewer.find(".sv-info").first.click()
    viewer.find(".sv-explain").get_by_role("checkbox").check()
    stretched = np.floor((q.astype(float) - 20) * 255 / 70)
    for k in (1, 60, 128, 255):
        viewer.call(f"viewer.actions.setThreshold({k})")
        assert viewer.call("viewer.coverage(0)") == np.mean(stretched >= k)
        assert viewer.call("viewer.coverage(1)") == np.mean(q >= k)
        effective = viewer.call("viewer.state().panels[0].threshold")
        assert np.array_equal(q >= effective, stretched >= k)
    expect(viewer.find(".sv-alert").first).to_be_empty()
    drawn = viewer.masks(0, [100])
    assert np.array_equal(drawn[0], stretched >= 100)
