"""What the viewer does not do again, counted in a real Chromium."""

import numpy as np
import pytest

from segdemo.images.masks import VOID
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.ui.viewer.map_files import cache_atlas, cache_map
from segdemo.ui.viewer.payload import ClassMaps, Truth
from tests.browser.conftest import HEIGHT, WIDTH, payload, random_map, ready
from tests.table import every

pytestmark = pytest.mark.browser

MODES = ("overlay", "mask", "heat", "contour", "cutout", "difference")
COUNT = """() => {
  window.seen = { put: 0, pictures: 0, drawn: 0 };
  const { putImageData, drawImage } = CanvasRenderingContext2D.prototype;
  Object.assign(CanvasRenderingContext2D.prototype, {
    putImageData(...given) {
      window.seen.put += this.canvas.isConnected;
      return putImageData.apply(this, given);
    },
    drawImage(source, ...given) {
      window.seen[source instanceof ImageBitmap ? "pictures" : "drawn"] += 1;
      return drawImage.call(this, source, ...given);
    },
  });
}"""


class Counted:
    """A viewer and what it has done since it was looked at last."""

    def __init__(self, viewer):
        self.viewer = viewer
        viewer.page.evaluate(COUNT)
        self.painted = 0
        viewer.rest()
        self.look()

    def look(self) -> dict[str, int]:
        """Calls of the canvases in the page, pictures scaled, and pixels of masks painted."""
        painted = self.viewer.call("viewer.painted()")
        seen = self.viewer.page.evaluate(
            "() => { const seen = window.seen; window.seen = { put: 0, pictures: 0, drawn: 0 };"
            " return seen; }"
        )
        answer = {**seen, "painted": painted - self.painted}
        self.painted = painted
        return answer

    def after(self, *actions: str) -> dict[str, int]:
        """What these actions, drawn one by one, have taken."""
        for action in actions:
            self.viewer.call(f"viewer.actions.{action}")
        return self.look()

    @property
    def pixels(self) -> int:
        """Of one panel."""
        size = self.viewer.call("viewer.state().size")
        return size["width"] * size["height"]


def half_certain(seed: int) -> np.ndarray:
    """A map of two halves, of which one is background at every threshold."""
    q = random_map(seed)
    q[:, : WIDTH // 2] = 0
    return q


@pytest.fixture
def two(open_viewer):
    """Two panels of maps that are certain on their left side."""
    viewer = open_viewer(payload(ready(0, half_certain(1)), ready(1, half_certain(2))), density=2)
    viewer.wait()
    return Counted(viewer)


def pixels_of(viewer, selector=".sv-panel .sv-canvas") -> str:
    """A digest of every byte of the first picture."""
    return viewer.call(
        f"""(async () => {{
          const canvas = document.querySelector('#viewer {selector}');
          const {{ width, height }} = canvas;
          const {{ data }} = canvas.getContext('2d').getImageData(0, 0, width, height);
          const digest = await crypto.subtle.digest('SHA-256', data);
          return width + ' × ' + height + ' ' + new Uint8Array(digest).join(' ');
        }})()"""
    )


@every("mode", MODES)
def test_no_step_of_the_threshold_paints_a_mask_anew_or_scales_the_picture(two, mode):
    two.after(f"setMode('{mode}')")
    seen = two.after("setThreshold(140)", "setThreshold(20)")
    assert seen["put"] == 4
    assert seen["painted"] == seen["pictures"] == 0


@every("mode", MODES)
def test_a_step_of_the_threshold_shows_what_drawing_anew_shows(two, mode):
    two.after("fit()", f"setMode('{mode}')", "zoomBy(1.7)")
    two.after("setThreshold(30)", "setThreshold(31)", "setThreshold(90)", "setThreshold(84)")
    stepped = pixels_of(two.viewer)
    two.after("zoomBy(2)", "zoomBy(0.5)")
    two.after("setMode('mask')", f"setMode('{mode}')")
    assert stepped == pixels_of(two.viewer)


def test_a_step_beside_the_truth_shows_what_drawing_anew_shows(open_viewer):
    drawn = (random_map(0) > 90).astype(np.uint8)
    drawn[::7] = VOID
    truth = Truth(labels=cache_map(drawn), several=False)
    viewer = open_viewer(payload(ready(0, half_certain(1)), truth=truth), density=2)
    viewer.wait()
    counted = Counted(viewer)
    counted.after("setMode('difference')", "setThreshold(90)")
    seen = counted.after("setThreshold(91)", "setThreshold(84)")
    assert seen["painted"] == 0
    stepped = pixels_of(viewer)
    counted.after("setMode('mask')", "setMode('difference')")
    assert stepped == pixels_of(viewer)


def test_a_pan_paints_what_comes_into_the_panels(two):
    two.after("zoomBy(4)")
    size = two.viewer.call("viewer.state().size")
    width, height = size["width"], size["height"]
    seen = two.after("panBy(-31, 12)")
    assert seen["painted"] == 2 * (width * height - (width - 31) * (height - 12))
    assert seen["pictures"] == 1


@every("mode", MODES)
def test_a_pan_shows_what_drawing_anew_shows(two, mode):
    # A scale that puts no middle of a pixel on the edge between two cells.
    two.after("fit()", f"setMode('{mode}')", "zoomBy(3.337)")
    two.after("panBy(-31, 12)", "panBy(8, 9)", "panBy(-3, -40)")
    moved = pixels_of(two.viewer)
    other = "heat" if mode == "mask" else "mask"
    two.after(f"setMode('{other}')", f"setMode('{mode}')")
    assert moved == pixels_of(two.viewer)


def test_a_mask_alone_needs_no_picture(two):
    two.after("setMode('mask')")
    assert two.after("zoomBy(2)", "panBy(10, 3)", "setThreshold(60)")["pictures"] == 0


def test_the_picture_is_scaled_once_for_all_panels(two):
    assert two.after("zoomBy(2)")["pictures"] == 1


def test_only_the_panel_whose_threshold_moves_is_drawn(two):
    two.after("setLinked(false)")
    assert two.after("setThreshold(40)")["put"] == 1


def test_the_pointer_draws_nothing(two):
    seen = two.after("probeAt(40, 30)", "probeAt(60, 31)", "probe(null)")
    assert seen == {"put": 0, "pictures": 0, "drawn": 0, "painted": 0}


def test_swiping_paints_each_side_alone_and_then_what_the_divider_uncovers(two):
    seen = two.after("setLayout('swipe')")
    assert seen["painted"] == two.pixels
    width = two.viewer.call("viewer.state().size.width")
    seen = two.after("setDivider(0.75)")
    uncovered = round(0.75 * width) - round(0.5 * width)
    assert seen["painted"] == uncovered * two.pixels // width


def test_hiding_a_class_paints_the_panels_that_know_it(open_viewer):
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:] = 1
    labels[:, 40:] = 2
    maps = np.stack([random_map(number) for number in range(3)])

    def several(place: int, *names: str):
        classes = ClassMaps(
            names=names,
            colours=CLASS_PALETTES["safe"][:3],
            palette="safe",
            background=0,
            hidden=(0,),
            labels=cache_map(labels),
            atlas=cache_atlas(maps),
        )
        return ready(place, maps[0], classes=classes)

    panels = several(0, "none", "sky", "tree"), several(1, "none", "dog", "cat")
    viewer = open_viewer(payload(*panels))
    viewer.wait()
    counted = Counted(viewer)
    viewer.find(".sv-class").filter(has_text="sky").click()
    seen = counted.look()
    assert seen["painted"] == counted.pixels
    assert seen["put"] == 1


# --- Loading ----------------------------------------------------------------------------------


def arriving(open_viewer, before: str):
    """A viewer that gets two panels after a script has run in its page; and their maps."""
    maps = [random_map(1), random_map(2)]
    viewer = open_viewer(None, payload(*(ready(place, q) for place, q in enumerate(maps))))
    viewer.wait("empty")
    viewer.page.evaluate(before)
    viewer.page.click("#next")
    viewer.wait()
    return viewer, maps


def test_maps_are_read_beside_the_page(open_viewer):
    viewer, maps = arriving(
        open_viewer,
        """() => {
          window.unpacked = 0;
          const Stream = window.DecompressionStream;
          window.DecompressionStream = function (format) {
            window.unpacked += 1;
            return new Stream(format);
          };
        }""",
    )
    assert viewer.page.evaluate("window.unpacked") == 0
    assert len(viewer.page.workers) == 1
    for place, q in enumerate(maps):
        assert np.array_equal(viewer.values(place), q.ravel())


@pytest.mark.parametrize(
    "worker",
    [
        "class { constructor() { throw new DOMException('no', 'SecurityError'); } }",
        "class extends Worker { constructor() { super('/there-is-no-such-script'); } }",
    ],
)
def test_where_no_worker_may_begin_the_page_reads_the_maps(open_viewer, worker):
    viewer, maps = arriving(open_viewer, f"() => {{ window.Worker = {worker}; }}")
    for place, q in enumerate(maps):
        assert np.array_equal(viewer.values(place), q.ravel())


def test_the_first_panel_is_painted_before_the_others_arrive(open_viewer):
    first, second = ready(0, random_map(1)), ready(1, random_map(2))
    viewer = open_viewer(None, payload(first, second))
    viewer.wait("empty")
    held = []
    viewer.page.route(
        f"**/{second.map.file.path.split('/')[-2]}/map.png", lambda route: held.append(route)
    )
    viewer.page.click("#next")
    viewer.page.wait_for_selector("#viewer [data-panel=slot-0][data-status=ready]")
    viewer.page.wait_for_function("document.querySelector('#viewer .sv').segdemo.painted() > 0")
    size = viewer.call("viewer.state().size")
    assert viewer.call("viewer.painted()") == size["width"] * size["height"]
    held[0].continue_()
    viewer.wait()
    assert viewer.call("viewer.painted()") == 2 * size["width"] * size["height"]
