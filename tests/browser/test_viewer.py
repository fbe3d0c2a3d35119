"""The viewer as a person meets it, in a real Chromium."""

import re

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from segdemo.ui.viewer.payload import CachedFile, CachedImage, PanelEntry, PanelState, ViewerState
from segdemo.ui.viewer.viewer import ComparisonViewer
from tests.browser.conftest import HEIGHT, WIDTH, payload, random_map, ready

pytestmark = pytest.mark.browser

HOSTILE = (
    "<img src=x onerror=\"window.pwned='html'\">${Object.assign(window, {pwned: 'literal'})}"
    "{{constructor}}`</div><script>window.pwned='script'</script>"
)


def iou(a: np.ndarray, b: np.ndarray, k: int) -> float:
    return np.sum((a >= k) & (b >= k)) / np.sum((a >= k) | (b >= k))


# --- Exact ------------------------------------------------------------------------------------


def test_the_mask_drawn_at_every_threshold_is_that_of_python(open_viewer):
    q = random_map(1)
    viewer = open_viewer(payload(ready(0, q), ready(1, random_map(2))))
    viewer.wait()
    drawn = viewer.masks(0, range(1, 256))
    expected = q[None] >= np.arange(1, 256)[:, None, None]
    assert drawn.shape == (255, HEIGHT, WIDTH)
    assert np.array_equal(drawn, expected)


@pytest.mark.parametrize("density", [1, 2])
def test_the_mask_is_exact_when_zoomed_and_moved(open_viewer, density):
    q = random_map(3)
    viewer = open_viewer(payload(ready(0, q), ready(1, random_map(4))), density=density)
    viewer.wait()
    viewer.call("viewer.actions.zoomBy(2.37, 101, 83)")
    viewer.call("viewer.actions.panBy(-13.7, 5.2)")
    thresholds = [1, 77, 128, 255]
    drawn = viewer.masks(0, thresholds)
    shown = drawn < 255
    assert 0.05 < shown.mean() < 0.9
    expected = q[None] >= np.array(thresholds)[:, None, None]
    assert np.array_equal(drawn[shown], expected[shown])


def test_each_pixel_of_the_screen_shows_the_cell_under_its_centre(open_viewer):
    q = random_map(8)
    viewer = open_viewer(payload(ready(0, q), ready(1, random_map(9))))
    viewer.wait()
    viewer.call("viewer.actions.zoomBy(1.83, 40, 300)")
    viewer.call("viewer.actions.setMode('mask')")
    state = viewer.call("viewer.state()")
    width, height = state["size"]["width"], state["size"]["height"]
    drawn = viewer.call(
        """(() => {
          const canvas = document.querySelector('#viewer .sv-canvas');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i] > 127);
        })()"""
    )
    scale = min(width / WIDTH, height / HEIGHT) * state["view"]["zoom"]
    x = (np.arange(width) + 0.5 - width / 2) / scale + state["view"]["x"] * WIDTH
    y = (np.arange(height) + 0.5 - height / 2) / scale + state["view"]["y"] * HEIGHT
    # On the edge between two cells, rounding decides.
    clear = np.ix_(np.abs(y - np.round(y)) > 1e-6, np.abs(x - np.round(x)) > 1e-6)
    expected = q[np.ix_(np.floor(y).astype(int), np.floor(x).astype(int))] >= 128
    assert np.array_equal(np.reshape(drawn, (height, width))[clear], expected[clear])


def test_a_map_larger_than_its_panel_arrives_bit_by_bit(open_viewer):
    q = random_map(5, 1100, 700)
    viewer = open_viewer(payload(ready(0, q), ready(1, q), size=(1100, 700)))
    viewer.wait()
    assert np.array_equal(viewer.values(0), q.ravel())


def test_a_map_in_another_kind_of_png_arrives_too(open_viewer, tmp_path):
    q = random_map(5)
    Image.fromarray(q).convert("RGB").save(tmp_path / "colour.png")
    stored = CachedImage(
        width=WIDTH, height=HEIGHT, file=CachedFile(path=str(tmp_path / "colour.png"))
    )
    viewer = open_viewer(payload(ready(0, q, map=stored), ready(1, q)))
    viewer.wait()
    assert np.array_equal(viewer.values(0), q.ravel())


def test_a_map_does_not_pass_through_a_canvas(open_viewer):
    # Some browsers alter what a canvas gives back; numbers that are called exact must not.
    q = random_map(5)
    viewer = open_viewer(None, payload(ready(0, q), ready(1, random_map(6))))
    viewer.wait("empty")
    viewer.page.evaluate(
        """() => {
          const read = CanvasRenderingContext2D.prototype.getImageData;
          CanvasRenderingContext2D.prototype.getImageData = function (...area) {
            const image = read.apply(this, area);
            for (let i = 0; i < image.data.length; i += 3) image.data[i] ^= 1;
            return image;
          };
        }"""
    )
    viewer.page.click("#next")
    viewer.wait()
    assert np.array_equal(viewer.values(0), q.ravel())


def test_coverage_and_agreement_are_those_of_numpy(open_viewer):
    maps = [random_map(seed) for seed in range(4)]
    viewer = open_viewer(payload(*(ready(place, q) for place, q in enumerate(maps))))
    viewer.wait()
    for k in (1, 60, 128, 200, 255):
        viewer.call(f"viewer.actions.setThreshold({k})")
        for place, q in enumerate(maps):
            assert viewer.call(f"viewer.coverage({place})") == np.mean(q >= k)
            shown = viewer.find(".sv-percent").nth(place).inner_text()
            assert shown == f"{np.mean(q >= k) * 100:.2f}%"
        pairs = [(one, other) for one in range(4) for other in range(one + 1, 4)]
        for place, (one, other) in enumerate(pairs):
            expected = iou(maps[one], maps[other], k)
            assert viewer.call(f"viewer.agreement({one}, {other})") == expected
            assert viewer.find(".sv-number").nth(place).inner_text() == f"{expected:.3f}"


def test_maps_of_different_size_have_no_agreement(open_viewer):
    small = random_map(1, 30, 20)
    viewer = open_viewer(payload(ready(0, random_map(1)), ready(1, small)))
    viewer.wait()
    assert viewer.find(".sv-number").all_inner_texts() == ["–"]
    assert "another size" in viewer.find(".sv-chip").get_attribute("title")


def test_the_probe_tells_the_interval_of_every_map_under_the_pointer(open_viewer):
    maps = [random_map(6), random_map(7)]
    viewer = open_viewer(payload(*(ready(place, q) for place, q in enumerate(maps))))
    viewer.wait()
    x, y = 17, 30
    box = viewer.find(".sv-view").first.bounding_box()
    scale = box["width"] / WIDTH
    viewer.page.mouse.move(box["x"] + (x + 0.5) * scale, box["y"] + (y + 0.5) * scale)
    expect(viewer.find(".sv-where")).to_have_text(f"x {x} · y {y}")
    for place, q in enumerate(maps):
        value = int(q[y, x])
        overrides = viewer.find(".sv-panel .sv-probe").nth(place)
        expect(overrides).to_have_text(f"p {value / 256:.3f}–{(value + 1) / 256:.3f}")
        foreground = str(value >= 128).lower()
        expect(overrides.locator(".sv-reading")).to_have_attribute("data-foreground", foreground)
    expect(viewer.find(".sv-panel:visible .sv-cross")).to_have_count(2)


# --- No request while anything moves ------------------------------------------------------------


def test_fifty_steps_of_the_threshold_make_no_request(open_viewer):
    viewer = open_viewer(payload(ready(0, random_map(1)), ready(1, random_map(2))))
    viewer.wait()
    viewer.page.wait_for_load_state("networkidle")
    requests = []
    viewer.page.on("request", lambda request: requests.append(request.url))
    slider = viewer.find(".sv-threshold")
    slider.focus()
    for _ in range(50):
        viewer.page.keyboard.press("ArrowRight")
    for key in "123456":
        viewer.page.keyboard.press(key)
    viewer.call("viewer.actions.zoomBy(3)")
    assert viewer.call("viewer.state().threshold") == 178
    expect(slider).to_have_attribute("aria-valuetext", "0.695")
    # Longer than the rest after which a mirroring viewer would report.
    viewer.page.evaluate("new Promise((resolve) => setTimeout(resolve, 400))")
    assert requests == []


def test_a_mirroring_viewer_reports_once_it_has_come_to_rest(open_demo):
    seen = []

    def remember(state):
        seen.append(state)

    with gr.Blocks() as demo:
        first = payload(ready(0, random_map(1)), ready(1, random_map(2)))
        viewer = ComparisonViewer(first, elem_id="viewer", mirror=True)
        viewer.settle(remember, inputs=[viewer], queue=False, show_progress="hidden")
    opened = open_demo(demo)
    opened.wait()
    with opened.page.expect_response(re.compile("gradio_api")):
        # At once, however busy the machine is: a rest in between would be told too.
        opened.call(
            """(() => {
              const slider = document.querySelector(".sv-threshold");
              for (let i = 0; i < 10; i++) {
                slider.stepUp();
                slider.dispatchEvent(new Event("input", { bubbles: true }));
              }
              viewer.actions.setMode("mask");
            })()"""
        )
    panels = (PanelState(threshold=138, pick="foreground"),) * 2
    assert seen == [ViewerState(threshold=138, mode="mask", panels=panels)]
    assert opened.call("viewer.state().threshold") == 138


def test_a_map_is_fetched_once_though_its_run_comes_again(open_viewer):
    one, two = ready(0, random_map(1)), ready(1, random_map(2))
    running = PanelEntry(id="slot-1", label="Model 1", status="running")
    run = {"run": "ab" * 8}
    viewer = open_viewer(None, payload(one, running, **run), payload(one, two, **run))
    fetched = []
    viewer.page.on("request", lambda request: fetched.append(request.url))
    viewer.wait("empty")
    viewer.page.click("#next")
    viewer.wait("loading")
    viewer.page.click("#next")
    viewer.wait("ready")
    maps = [url for url in fetched if url.endswith("map.png")]
    assert len(maps) == len(set(maps)) == 2
    assert len([url for url in fetched if url.endswith("picture.jpg")]) == 1


# --- Panels come one by one -----------------------------------------------------------------------


def test_panels_wait_run_and_finish_one_by_one(open_viewer):
    waiting = [PanelEntry(id=f"slot-{place}", label=f"Model {place}") for place in (0, 1)]
    running = PanelEntry(id="slot-0", label="Model 0", status="running")
    done = [ready(place, random_map(place)) for place in (0, 1)]
    failed = PanelEntry(
        id="slot-1", label="Model 1", status="failed", title="Too large", message="Scale it down."
    )
    run = {"run": "cd" * 8}
    viewer = open_viewer(
        payload(*waiting, **run),
        payload(running, waiting[1], **run),
        payload(done[0], waiting[1], **run),
        payload(done[0], failed, **run),
    )
    cards = viewer.find(".sv-panel:not(.sv-original)")
    viewer.wait("loading")
    expect(cards.first).to_have_attribute("data-status", "waiting")
    expect(cards.first.locator(".sv-wait-text")).to_have_text("Waiting")
    viewer.page.click("#next")
    expect(cards.first).to_have_attribute("data-status", "running")
    expect(cards.first).to_have_attribute("aria-busy", "true")
    viewer.page.click("#next")
    expect(cards.first).to_have_attribute("data-status", "ready")
    expect(cards.first.locator(".sv-detail")).to_have_text("42 msCPU · fp32U-Net · 1.9 M")
    viewer.page.keyboard.press("2")
    viewer.call("viewer.actions.setThreshold(60)")
    viewer.call("viewer.actions.zoomBy(2)")
    viewer.page.click("#next")
    viewer.wait("ready")
    expect(cards.nth(1).locator(".sv-failure-title")).to_have_text("Too large")
    expect(cards.nth(1).locator(".sv-failure-text")).to_have_text("Scale it down.")
    expect(viewer.find(".sv-live")).to_have_text(
        "The results are ready. Model 1 failed; its panel says why."
    )
    state = viewer.call("viewer.state()")
    assert state["threshold"] == 60
    assert state["view"]["zoom"] == 2
    assert viewer.find(".sv-chip").count() == 0


def test_a_new_run_keeps_what_was_chosen_and_resets_the_zoom(open_viewer):
    first = payload(ready(0, random_map(1)), ready(1, random_map(2)), threshold=100)
    second = payload(ready(0, random_map(3)), ready(1, random_map(4)), threshold=30)
    viewer = open_viewer(first, second)
    viewer.wait()
    assert viewer.call("viewer.state().threshold") == 100
    for action in ("setMode('contour')", "setOpacity(0.3)", "setThreshold(200)", "zoomBy(4)"):
        viewer.call(f"viewer.actions.{action}")
    viewer.page.click("#next")
    viewer.page.wait_for_selector(f"#viewer .sv[data-state=ready][data-run='{second.run}']")
    state = viewer.call("viewer.state()")
    assert (state["mode"], state["opacity"], state["threshold"]) == ("contour", 0.3, 200)
    assert state["view"] == {"zoom": 1, "x": 0.5, "y": 0.5}


def test_a_new_run_brings_its_threshold_to_whoever_chose_none(open_viewer):
    first = payload(ready(0, random_map(1)), ready(1, random_map(2)), threshold=100)
    second = payload(ready(0, random_map(1)), ready(1, random_map(2)), threshold=30)
    viewer = open_viewer(first, second)
    viewer.wait()
    viewer.page.click("#next")
    viewer.page.wait_for_selector(f"#viewer .sv[data-state=ready][data-run='{second.run}']")
    assert viewer.call("viewer.state().threshold") == 30


def test_nothing_is_left_when_the_comparison_is_taken_away(open_viewer):
    viewer = open_viewer(payload(ready(0, random_map(1)), ready(1, random_map(2))), None)
    viewer.wait()
    viewer.page.click("#next")
    viewer.wait("empty")
    assert viewer.find("[data-panel]").count() == 0
    expect(viewer.find(".sv-empty")).to_be_visible()
    expect(viewer.find(".sv-bar")).not_to_be_visible()


def test_a_restored_state_comes_back(open_viewer):
    state = ViewerState(threshold=42, mode="heat", layout="swipe", opacity=0.2)
    viewer = open_viewer(payload(ready(0, random_map(1)), ready(1, random_map(2)), state=state))
    viewer.wait()
    restored = viewer.call("viewer.state()")
    kept = {name: restored[name] for name in ("threshold", "mode", "layout", "opacity")}
    assert ViewerState(**kept) == state


def test_a_map_that_cannot_be_fetched_is_told_and_can_be_tried_again(open_viewer):
    first = payload(ready(0, random_map(1)), ready(1, random_map(2)))
    viewer = open_viewer(None, first)
    viewer.wait("empty")
    blocked = re.compile(r"map\.png")
    viewer.page.route(blocked, lambda route: route.abort())
    viewer.page.click("#next")
    viewer.wait("error")
    panel = viewer.find(".sv-panel:not(.sv-original)").first
    expect(panel.locator(".sv-failure-title")).to_have_text("The result did not arrive")
    viewer.page.unroute(blocked)
    panel.get_by_role("button", name="Try again").click()
    expect(panel).to_have_attribute("data-status", "ready")


def test_a_picture_that_cannot_be_fetched_is_told_and_can_be_tried_again(open_viewer):
    viewer = open_viewer(None, payload(ready(0, random_map(1)), ready(1, random_map(2))))
    viewer.wait("empty")
    blocked = re.compile(r"picture\.jpg")
    viewer.page.route(blocked, lambda route: route.fulfill(status=404))
    viewer.page.click("#next")
    viewer.wait("error")
    viewer.page.unroute(blocked)
    viewer.page.get_by_role("button", name="Try again").first.click()
    viewer.wait("ready")


def test_a_new_picture_leaves_nothing_of_the_old_one(open_viewer):
    first = payload(ready(0, random_map(1)), ready(1, random_map(2)))
    waiting = [PanelEntry(id=f"slot-{place}", label="Next") for place in (0, 1)]
    viewer = open_viewer(first, payload(*waiting, size=(30, 60)))
    viewer.wait("ready")
    viewer.page.route(re.compile(r"picture\.jpg"), lambda route: None)
    viewer.page.click("#next")
    viewer.wait("loading")
    widths = viewer.find(".sv-canvas").evaluate_all("all => all.map((canvas) => canvas.width)")
    assert set(widths) <= {0, 300}
    shown = viewer.find(".sv-panel .sv-canvas").first.evaluate("canvas => canvas.width")
    assert shown == 0


# --- Several viewers, and text of strangers -------------------------------------------------------


def test_two_viewers_on_one_page_do_not_collide(open_demo):
    maps = [random_map(seed) for seed in range(4)]
    with gr.Blocks() as demo:
        ComparisonViewer(payload(ready(0, maps[0]), ready(1, maps[1])), elem_id="viewer")
        ComparisonViewer(payload(ready(0, maps[2]), ready(1, maps[3])), elem_id="other")
    one = open_demo(demo)
    other = type(one)(one.page, "#other .sv")
    one.wait()
    other.wait()
    one.call("viewer.actions.setThreshold(30)")
    one.call("viewer.actions.setMode('mask')")
    one.call("viewer.actions.zoomBy(3)")
    one.find(".sv-colour").first.fill("#ff0000")
    assert other.call("viewer.state().threshold") == 128
    assert other.call("viewer.state().mode") == "overlay"
    assert other.call("viewer.state().view.zoom") == 1
    assert other.find(".sv-colour").first.input_value() != "#ff0000"
    assert other.call("viewer.coverage(0)") == np.mean(maps[2] >= 128)
    ids = one.page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_foreign_text_stays_text(open_viewer):
    panels = (
        ready(0, random_map(1), label=HOSTILE, detail=HOSTILE, device=HOSTILE, notes=(HOSTILE,)),
        PanelEntry(id="slot-1", label=HOSTILE, status="failed", title=HOSTILE, message=HOSTILE),
        ready(2, random_map(2), label=HOSTILE),
    )
    viewer = open_viewer(payload(*panels))
    viewer.wait()
    viewer.call("viewer.actions.setMode('difference')")
    viewer.call("viewer.actions.setLayout('swipe')")
    assert viewer.page.evaluate("window.pwned") is None
    assert viewer.find(":is(img, script)").count() == 0
    viewer.find(".sv-info").first.click()
    for selector in (".sv-name", ".sv-network", ".sv-device", ".sv-notes li", ".sv-failure-text"):
        shown = viewer.find(selector).filter(has_text="pwned")
        assert shown.first.text_content() == HOSTILE, selector


# --- By keyboard, pointer and wheel ---------------------------------------------------------------


@pytest.fixture
def shown(open_viewer):
    maps = [random_map(seed) for seed in range(3)]
    viewer = open_viewer(payload(*(ready(place, q) for place, q in enumerate(maps))))
    viewer.wait()
    return viewer


def test_everything_is_done_by_keyboard(shown):
    press = shown.page.keyboard.press
    shown.find(".sv-panels").focus()
    for key, mode in zip("123456", ComparisonMode.ALL, strict=True):
        press(key)
        assert shown.call("viewer.state().mode") == mode
    press("]")
    press("]")
    press("[")
    press("}")
    assert shown.call("viewer.state().threshold") == 145
    press("+")
    press("+")
    press("ArrowLeft")
    view = shown.call("viewer.state().view")
    assert view["zoom"] == pytest.approx(2.25)
    assert view["x"] < 0.5
    press("0")
    assert shown.call("viewer.state().view") == {"zoom": 1, "x": 0.5, "y": 0.5}
    press("Shift+ArrowRight")
    expect(shown.find(".sv-where")).to_have_text(f"x {WIDTH // 2 + 1} · y {HEIGHT // 2}")
    press("Escape")
    expect(shown.find(".sv-where")).to_have_text("")


class ComparisonMode:
    ALL = ("overlay", "mask", "heat", "contour", "cutout", "difference")


def test_a_group_of_choices_is_one_stop_and_arrows_move_in_it(shown):
    group = shown.page.get_by_role("radiogroup", name="View")
    group.get_by_role("radio", checked=True).focus()
    shown.page.keyboard.press("ArrowRight")
    expect(group.get_by_role("radio", checked=True)).to_have_text("Mask")
    expect(group.get_by_role("radio", checked=True)).to_be_focused()
    shown.page.keyboard.press("ArrowLeft")
    shown.page.keyboard.press("ArrowLeft")
    expect(group.get_by_role("radio", checked=True)).to_have_text("Difference")
    stops = group.get_by_role("radio").evaluate_all(
        "all => all.filter((b) => b.tabIndex === 0).length"
    )
    assert stops == 1


def test_what_has_the_focus_is_seen(shown):
    shown.find(".sv-threshold").focus()
    shown.page.keyboard.press("Tab")
    outline = shown.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_masks_are_hidden_while_the_button_is_held(shown):
    # The picture is grey, so whatever is coloured is a mask.
    coloured = """() => {
      const canvas = document.querySelector('#viewer .sv-canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4) {
        if (Math.abs(data[i] - data[i + 2]) > 8) return true;
      }
      return false;
    }"""
    assert shown.page.evaluate(coloured)
    shown.find("[data-part=bare]").hover()
    shown.page.mouse.down()
    shown.call("null")
    assert not shown.page.evaluate(coloured)
    shown.page.mouse.up()
    shown.call("null")
    assert shown.page.evaluate(coloured)
    shown.find(".sv-panels").focus()
    shown.page.keyboard.down("h")
    shown.call("null")
    assert not shown.page.evaluate(coloured)
    shown.page.keyboard.up("h")
    shown.call("null")
    assert shown.page.evaluate(coloured)


def test_wheel_and_drag_move_all_panels_together(shown):
    box = shown.find(".sv-view").first.bounding_box()
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.4
    shown.page.mouse.move(x, y)
    before = shown.find(".sv-where").inner_text()
    shown.page.mouse.wheel(0, -300)
    shown.page.wait_for_function(
        "document.querySelector('#viewer .sv').segdemo.state().view.zoom > 1"
    )
    shown.page.mouse.move(x + 0.2, y)
    assert shown.find(".sv-where").inner_text() == before
    start = shown.call("viewer.state().view.x")
    shown.page.mouse.down()
    shown.page.mouse.move(x - 60, y, steps=4)
    shown.page.mouse.up()
    assert shown.call("viewer.state().view.x") > start
    drawn = shown.masks(0, [128]), shown.masks(1, [128])
    assert np.array_equal(drawn[0] == 255, drawn[1] == 255)
    shown.page.mouse.dblclick(x, y)
    zoom = shown.call("viewer.state().view.zoom")
    assert zoom > 3
    shown.find("[data-part=fit]").click()
    assert shown.call("viewer.state().view.zoom") == 1


def test_two_fingers_zoom(open_viewer):
    viewer = open_viewer(
        payload(ready(0, random_map(1)), ready(1, random_map(2))),
        width=390,
        height=844,
        has_touch=True,
    )
    viewer.wait()
    # A phone begins with the swipe.
    assert viewer.call("viewer.state().layout") == "swipe"
    viewer.call("viewer.actions.setLayout('side')")
    viewer.find(".sv-view").first.scroll_into_view_if_needed()
    box = viewer.find(".sv-view").first.bounding_box()
    y = box["y"] + box["height"] / 2
    middle = box["x"] + box["width"] / 2
    client = viewer.page.context.new_cdp_session(viewer.page)

    def touch(kind: str, *places: float) -> None:
        points = [{"x": x, "y": y, "id": number} for number, x in enumerate(places)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", middle - 20)
    touch("touchStart", middle - 20, middle + 20)
    for spread in (25, 30, 35, 40):
        touch("touchMove", middle - spread, middle + spread)
    touch("touchEnd")
    assert viewer.call("viewer.state().view.zoom") == pytest.approx(2, rel=0.05)


def test_the_divider_shows_one_model_left_and_the_other_right(open_viewer):
    empty, full = np.zeros((HEIGHT, WIDTH), np.uint8), np.full((HEIGHT, WIDTH), 255, np.uint8)
    viewer = open_viewer(payload(ready(0, empty), ready(1, full)))
    viewer.wait()
    viewer.call("viewer.actions.setMode('mask')")
    viewer.page.get_by_role("radio", name="Swipe").click()
    divider = viewer.page.get_by_role("slider", name="Divider between the two models")

    def foreground() -> float:
        return viewer.call(
            """(() => {
              const canvas = document.querySelector('#viewer .sv-stage canvas');
              const middle = canvas.height >> 1;
              const row = canvas.getContext('2d').getImageData(0, middle, canvas.width, 1).data;
              let [white, all] = [0, 0];
              for (let i = 0; i < row.length; i += 4) {
                if (row[i + 3]) { all += 1; white += row[i] > 127; }
              }
              return white / all;
            })()"""
        )

    assert foreground() == pytest.approx(0.5, abs=0.01)
    divider.focus()
    viewer.page.keyboard.press("End")
    expect(divider).to_have_attribute("aria-valuenow", "100")
    assert foreground() == 0
    viewer.page.keyboard.press("Home")
    assert foreground() == 1
    viewer.page.keyboard.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "2")


def test_a_difference_is_told_against_a_chosen_reference(shown):
    shown.page.get_by_role("radio", name="Difference").click()
    shown.page.get_by_role("radiogroup", name="against").get_by_text("C").click()
    legends = shown.find(".sv-panel .sv-legend")
    expect(legends.nth(0)).to_have_text("bothonly Aonly C")
    expect(legends.nth(2)).to_have_text("reference")


def test_a_colour_follows_its_panel_everywhere(shown):
    shown.find(".sv-colour").first.fill("#00ff7f")
    shown.call("null")
    colour = "rgb(0, 255, 127)"
    expect(shown.find(".sv-badge").first).to_have_css("background-color", colour)
    expect(shown.find(".sv-mini").first).to_have_css("background-color", colour)


# --- On every screen ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_screen_needs_to_scroll_sideways(open_viewer, scheme):
    panels = [ready(place, random_map(place), label="A model " * 9) for place in range(4)]
    payloads = [payload(*panels[:count]) for count in (2, 3, 4)]
    viewer = open_viewer(*payloads, scheme=scheme)
    viewer.call("viewer.actions.setMode('difference')")
    for shown in payloads:
        viewer.page.wait_for_selector(f"#viewer .sv[data-state=ready][data-run='{shown.run}']")
        for width in (390, 760, 1280):
            viewer.page.set_viewport_size({"width": width, "height": 844})
            for layout in ("side", "swipe"):
                viewer.call(f"viewer.actions.setLayout({layout!r})")
                assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width
                edge = viewer.find(":is(button, input, .sv-panel, .sv-stage):visible").evaluate_all(
                    "all => Math.max(...all.map((node) => node.getBoundingClientRect().right))"
                )
                assert edge <= width, (len(shown.panels), width, layout)
        if shown is not payloads[-1]:
            viewer.page.click("#next")


def test_a_phone_shows_two_by_two_and_keeps_the_threshold_in_sight(open_viewer):
    panels = [ready(place, random_map(place, 60, 90)) for place in range(3)]
    viewer = open_viewer(payload(*panels, size=(60, 90)), width=390, height=560)
    viewer.wait()
    cards = [card.bounding_box() for card in viewer.find(".sv-panel:visible").all()]
    assert len(cards) == 4
    assert cards[0]["y"] == cards[1]["y"]
    assert cards[2]["x"] == cards[0]["x"]
    strip = viewer.find(".sv-strip").bounding_box()
    assert cards[3]["y"] + cards[3]["height"] > 560
    assert strip["y"] + strip["height"] <= 560


def test_dark_and_light_are_readable(open_viewer):
    contrast = """(selector) => {
      const parse = (text) => text.match(/[\\d.]+/g).map(Number);
      const node = document.querySelector(selector);
      let ground = node;
      const canvas = document.createElement('canvas').getContext('2d');
      const paint = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return canvas.getImageData(0, 0, 1, 1).data;
      };
      const behind = (node) => paint(getComputedStyle(node).backgroundColor);
      while (behind(ground)[3] < 255) ground = ground.parentElement;
      const light = (colour) => {
        const [r, g, b] = [...paint(colour)].map((v) => v / 255)
          .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const pair = [light(getComputedStyle(node).color),
        light(getComputedStyle(ground).backgroundColor)];
      return Math.max(...pair) / Math.min(...pair);
    }"""
    panels = ready(0, random_map(1)), ready(1, random_map(2))
    for scheme in ("light", "dark"):
        viewer = open_viewer(payload(*panels), scheme=scheme)
        viewer.wait()
        for selector in (
            ".sv-name",
            ".sv-detail",
            ".sv-label",
            ".sv-option:nth-child(3)",
            ".sv-key",
        ):
            assert viewer.page.evaluate(contrast, f"#viewer {selector}") >= 4.5, (scheme, selector)


def test_nothing_moves_for_those_who_want_less_motion(open_viewer):
    running = PanelEntry(id="slot-0", label="Model 0", status="running")
    viewer = open_viewer(payload(running), reduced_motion="reduce")
    viewer.wait("loading")
    moving = "document.querySelector('#viewer .sv').getAnimations({subtree: true}).length"
    assert viewer.page.evaluate(moving) == 0
    viewer = open_viewer(payload(running))
    viewer.wait("loading")
    assert viewer.page.evaluate(moving) > 0


def test_an_empty_viewer_says_what_to_do(open_viewer):
    viewer = open_viewer()
    viewer.wait("empty")
    expect(viewer.find(".sv-empty")).to_be_visible()
    expect(viewer.find(".sv-empty-hint")).to_contain_text("Drop a picture")
    expect(viewer.find(".sv-bar")).not_to_be_visible()


def test_the_viewer_is_presented_alone_and_large_until_it_is_left(open_viewer):
    viewer = open_viewer(payload(ready(0, random_map(1)), ready(1, random_map(2))))
    viewer.wait()
    name, root = viewer.find(".sv-name").first, viewer.page.locator("#viewer .sv")
    small = name.bounding_box()["height"]
    viewer.page.keyboard.press("f")
    expect(root).to_have_attribute("data-present", "true")
    viewer.wait()
    window = viewer.page.viewport_size
    assert root.bounding_box()["width"] == window["width"]
    assert name.bounding_box()["height"] > 1.4 * small
    assert viewer.find(".sv-view").first.bounding_box()["width"] > 0.45 * window["width"]
    viewer.page.keyboard.press("Escape")
    expect(root).to_have_attribute("data-present", "false")
    viewer.find("[data-part=present]").click()
    expect(root).to_have_attribute("data-present", "true")
    viewer.page.keyboard.press("f")
    expect(root).to_have_attribute("data-present", "false")
