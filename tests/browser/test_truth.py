"""The ground truth as a person meets it, in a real Chromium."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import segdemo
from segdemo import ui
from segdemo.catalog import SHIPPED_FOLDER
from segdemo.images.masks import VOID
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.metrics.confusion import confusion
from segdemo.metrics.curves import best_threshold, curve
from segdemo.metrics.outlines import outlines
from segdemo.ui.viewer.map_files import cache_atlas, cache_map
from segdemo.ui.viewer.payload import ClassMaps, Truth
from tests.browser.conftest import HEIGHT, WIDTH, payload, random_map, ready, served_page

pytestmark = pytest.mark.browser

NAMES = ("dice", "iou", "precision", "recall", "accuracy")
CLASSES = 4


def drawn(seed=9):
    """(H, W): a truth that half of the pixels of every random map follow; some say nothing."""
    truth = (random_map(0) > 90).astype(np.uint8)
    truth[np.random.default_rng(seed).random(truth.shape) < 0.1] = VOID
    return truth


def truth_of(labels, **changes):
    return Truth(
        labels=cache_map(labels), several=bool((labels[labels < VOID] > 1).any()), **changes
    )


def compared(labels, *maps, **changes):
    panels = [ready(place, q) for place, q in enumerate(maps)]
    return payload(*panels, truth=truth_of(labels, **changes))


def shown(viewer, panel):
    """The figures under one panel, as they are read."""
    return viewer.find(f"[data-panel=slot-{panel}] .sv-score-value").all_inner_texts()


def figure(value):
    if 0.9995 <= value < 1:
        return ">0.999"
    return "–" if np.isnan(value) else f"{value:.3f}"


def test_the_figures_are_those_of_python_at_every_place_of_the_slider(open_viewer):
    truth, maps = drawn(), [random_map(1), random_map(2)]
    viewer = open_viewer(compared(truth, *maps))
    viewer.wait()
    for k in (1, 60, 128, 200, 255):
        viewer.call(f"viewer.actions.setThreshold({k})")
        for place, q in enumerate(maps):
            score = curve(q, truth).at(k)
            expected = [*(score[name] for name in NAMES), outlines(q, truth).f_score[k]]
            assert shown(viewer, place) == [figure(value) for value in expected]
            exact = viewer.call(f"viewer.scores({place})")
            np.testing.assert_allclose(list(exact.values()), expected, rtol=0, atol=1e-12)


def test_the_best_dice_of_all_is_that_of_the_mean_and_of_each_its_own(open_viewer):
    truth, maps = drawn(), [random_map(1), random_map(2)]
    curves = [curve(q, truth) for q in maps]
    viewer = open_viewer(compared(truth, *maps))
    viewer.wait()
    viewer.find("[data-part=best]").click()
    assert viewer.call("viewer.state()")["threshold"] == best_threshold(curves)
    for place, judged in enumerate(curves):
        button = viewer.find(f"[data-panel=slot-{place}] .sv-best")
        expect(button).to_have_text(
            f"Best {judged.dice[judged.best]:.3f} at {judged.best / 256:.3f}"
        )
    button.click()
    expect(button).to_have_attribute("data-reached", "true")
    viewer.call("viewer.actions.setLinked(false)")
    viewer.find("[data-part=best]").click()
    panels = viewer.call("viewer.state()")["panels"]
    assert [panel["threshold"] for panel in panels] == [judged.best for judged in curves]


def test_one_table_has_the_scores_of_all_networks_and_is_sorted_at_a_press(open_viewer):
    truth, maps = drawn(), [random_map(1), random_map(0), random_map(2)]
    viewer = open_viewer(compared(truth, *maps))
    viewer.wait()
    viewer.find(".sv-table summary").click()
    expect(viewer.find(".sv-table td").first).not_to_be_empty()
    rows = viewer.find(".sv-table tbody tr")

    def table(order=range(3)):
        assert [row.locator("td").all_inner_texts() for row in rows.all()] == [
            shown(viewer, place) for place in order
        ]

    table()
    columns = list(zip(*(shown(viewer, place) for place in range(3)), strict=True))
    for place, column in enumerate(columns):
        best = viewer.find(f".sv-table td[data-best=true]:nth-child({place + 2})")
        assert set(best.all_inner_texts()) == {
            max(column, key=lambda value: (value.lstrip(">"), value[0]))
        }
    viewer.find(".sv-sort:has-text('Recall')").click()
    expect(viewer.find(".sv-table th[aria-sort=descending]")).to_have_text("Recall")
    order = sorted(range(3), key=lambda place: -viewer.call(f"viewer.scores({place})")["recall"])
    table(order)
    viewer.call("viewer.actions.setThreshold(200)")
    table(order)


def test_the_table_is_that_of_the_next_picture_once_the_last_was_removed(open_viewer):
    truth, maps = drawn(), [random_map(1), random_map(0)]
    again = replace(compared(truth, *reversed(maps)), run="f" * 16)
    viewer = open_viewer(compared(truth, *maps), None, again)
    viewer.wait()
    viewer.find(".sv-table summary").click()
    expect(viewer.find(".sv-table td").first).to_have_text(shown(viewer, 0)[0])
    viewer.page.click("#next")
    viewer.page.wait_for_selector("#viewer .sv[data-state=empty]")
    viewer.page.click("#next")
    viewer.page.wait_for_selector("#viewer .sv[data-run=ffffffffffffffff][data-state=ready]")
    rows = viewer.find(".sv-table tbody tr")
    assert [row.locator("td").all_inner_texts() for row in rows.all()] == [
        shown(viewer, place) for place in range(2)
    ]


def test_one_network_alone_needs_no_table(open_viewer):
    viewer = open_viewer(compared(drawn(), random_map(1)))
    viewer.wait()
    expect(viewer.find(".sv-table")).to_be_hidden()


def test_the_difference_shows_what_is_right_and_wrong(open_viewer):
    truth, q = drawn(), random_map(1)
    viewer = open_viewer(compared(truth, q, random_map(2)))
    viewer.wait()
    viewer.call("viewer.actions.setMode('difference')")
    viewer.call("viewer.actions.setOpacity(1)")
    expect(viewer.find("[data-name=reference] [aria-checked=true]")).to_have_text("Truth")
    legend = viewer.find("[data-panel=slot-0] .sv-legend li")
    assert legend.all_inner_texts() == ["TP found", "FP extra", "FN missed", "Nothing said"]
    colours = viewer.call(
        """(() => {
          const canvas = document.querySelector('#viewer .sv-canvas');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return [canvas.width, canvas.height, [...data]];
        })()"""
    )
    width, height, data = colours
    pixels = np.reshape(data, (height, width, 4))
    scale = min(width / WIDTH, height / HEIGHT)
    xs = np.round((np.arange(WIDTH) + 0.5 - WIDTH / 2) * scale + width / 2 - 0.5).astype(int)
    ys = np.round((np.arange(HEIGHT) + 0.5 - HEIGHT / 2) * scale + height / 2 - 0.5).astype(int)
    cells = pixels[np.ix_(ys, xs)][..., :3]
    found = q >= 128
    hit, wrong, missed = (
        found & (truth == 1), found & (truth == 0), ~found & (truth == 1)
    )  # fmt: skip
    swatches = viewer.find("[data-panel=slot-0] .sv-legend i").evaluate_all(
        "all => all.map(({ style }) => style.backgroundColor)"
    )
    expected = [[int(part) for part in re.findall(r"\d+", colour)] for colour in swatches]
    for mask, colour in zip((hit, wrong, missed, truth == VOID), expected, strict=True):
        assert mask.any()
        assert (cells[mask] == colour).all()


def test_a_problem_is_said_while_the_comparison_goes_on(open_viewer):
    hostile = "No use: <img src=x onerror=window.pwned=1>${window.pwned=1}"
    viewer = open_viewer(payload(ready(0, random_map(1)), truth=Truth(problem=hostile)))
    viewer.wait()
    expect(viewer.find("[data-part=said]")).to_contain_text(hostile)
    expect(viewer.find(".sv-scores")).to_be_hidden()
    expect(viewer.find("[data-part=best]")).to_be_hidden()
    assert viewer.page.evaluate("window.pwned") is None


def test_what_was_done_to_a_mask_is_said_and_leaves_with_it(open_viewer):
    q = random_map(1)
    first = compared(drawn(), q, notices=("It was resized.",))
    viewer = open_viewer(first, payload(ready(0, q), run=first.run))
    viewer.wait()
    expect(viewer.find("[data-part=said]")).to_have_text("Ground truth: It was resized.")
    viewer.find("[data-part=plots] [data-value=iou]").click()
    viewer.call("viewer.actions.setMode('difference')")
    viewer.page.click("#next")
    expect(viewer.find("[data-part=said]")).to_be_hidden()
    expect(viewer.find(".sv-scores")).to_be_hidden()
    expect(viewer.find("[data-part=plots]")).to_be_hidden()
    assert viewer.call("document.querySelector('#viewer .sv').dataset.plot") == "histogram"


def test_a_truth_of_another_size_than_the_map_gives_no_figures(open_viewer):
    small = payload(ready(0, random_map(1, 30, 20)), truth=truth_of(drawn()))
    viewer = open_viewer(small)
    viewer.wait()
    expect(viewer.find(".sv-scores")).to_be_hidden()


def test_the_plot_marks_the_best_iou_of_each_panel(open_viewer):
    truth = drawn()
    viewer = open_viewer(compared(truth, random_map(1), random_map(2)))
    viewer.wait()
    before = viewer.find("[data-part=plot]").bounding_box()["height"]
    viewer.find("[data-part=plots] [data-value=iou]").click()
    viewer.call("0")
    assert viewer.find("[data-part=plot]").bounding_box()["height"] > before
    painted = """(([r, g, b]) => {
      const canvas = document.querySelector('#viewer [data-part=curves]');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const found = [];
      for (let i = 0; i < data.length; i += 4) {
        if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) {
          found.push([(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)]);
        }
      }
      return [canvas.width, canvas.height, found];
    })"""
    for place, colour in enumerate(([16, 176, 255], [255, 184, 28])):
        ink = [round(part * 0.85) for part in colour]
        width, height, found = viewer.call(f"{painted}({ink})")
        best = max(range(1, 256), key=lambda k: curve(random_map(place + 1), truth).iou[k])
        iou = curve(random_map(place + 1), truth).iou[best]
        x = 7 + (best - 1) * (width - 14) / 254
        y = height - 5 - iou * (height - 10)
        assert any(abs(u + 0.5 - x) < 2 and abs(v + 0.5 - y) < 2 for u, v in found)


# --- Several classes --------------------------------------------------------------------------


def of_classes(seed):
    """A panel of four classes, its winners, its maps of q, and its entry."""
    maps = np.stack([random_map(seed + place) for place in range(CLASSES)])
    labels = maps.argmax(0).astype(np.uint8)
    classes = ClassMaps(
        names=tuple(f"class {number}" for number in range(CLASSES)),
        colours=CLASS_PALETTES["safe"][:CLASSES],
        palette="safe",
        background=0,
        hidden=(),
        labels=cache_map(labels),
        atlas=cache_atlas(maps),
    )
    return labels, maps, ready(0, 255 - maps[0], classes=classes)


def class_truth():
    labels = np.random.default_rng(3).integers(0, CLASSES, (HEIGHT, WIDTH), dtype=np.uint8)
    labels[::2] = of_classes(20)[0][::2]
    labels[:, 0] = VOID
    return labels


def test_winners_are_judged_class_by_class(open_viewer):
    found, _, panel = of_classes(20)
    truth = class_truth()
    viewer = open_viewer(payload(panel, truth=truth_of(truth)))
    viewer.wait()
    judged = confusion(found, truth, CLASSES)
    assert shown(viewer, 0) == [figure(judged.mean_iou), figure(judged.accuracy)]
    assert viewer.find(".sv-class-score").all_inner_texts() == [figure(iou) for iou in judged.ious]


def test_a_class_is_judged_by_that_class_of_the_truth(open_viewer):
    _, maps, panel = of_classes(20)
    truth = class_truth()
    viewer = open_viewer(payload(panel, truth=truth_of(truth)))
    viewer.wait()
    viewer.find(".sv-pick").select_option("2")
    right = np.where(truth == VOID, VOID, truth == 2).astype(np.uint8)
    expected = curve(maps[2], right).at(128)
    expect(viewer.find(".sv-score-value").first).to_have_text(figure(expected["dice"]))
    assert shown(viewer, 0)[:5] == [figure(expected[name]) for name in NAMES]


def test_winners_are_foreground_where_the_truth_knows_no_classes(open_viewer):
    found, _, panel = of_classes(20)
    truth = drawn()
    viewer = open_viewer(payload(panel, truth=truth_of(truth)))
    viewer.wait()
    expected = curve(np.where(found > 0, 255, 0).astype(np.uint8), truth).at(128)
    assert shown(viewer, 0)[:5] == [figure(expected[name]) for name in NAMES]
    expect(viewer.find(".sv-best")).to_be_hidden()


def test_a_mask_that_fits_far_better_otherwise_is_read_so_at_a_click(
    open_page, gradio_cache, tmp_path
):
    name = "nuclei_unet_bilinear.safetensors"
    shutil.copy(SHIPPED_FOLDER / name, tmp_path / name)
    with Image.open(Path(ui.__file__).parent / "examples" / "nuclei.png") as picture:
        picture.convert("RGB").crop((0, 0, 128, 96)).save(tmp_path / "cells.png")
    mask = segdemo.load(tmp_path / name).predict(tmp_path / "cells.png").mask(0.5)
    Image.fromarray(np.rot90(mask)).save(tmp_path / "drawn.png")
    with served_page(tmp_path) as address:
        viewer = open_page(address)
        viewer.page.set_input_files("#picture input[type=file]", tmp_path / "cells.png")
        viewer.page.wait_for_selector("#viewer .sv[data-state=ready]")
        viewer.page.set_input_files("#truth input[type=file]", tmp_path / "drawn.png")
        hint = viewer.find(".sv-doubt")
        expect(hint).to_contain_text("turned right by 90°")
        viewer.find(".sv-mend").click()
        expect(viewer.find(".sv-score-value").first).to_have_text("1.000")
        expect(hint).to_have_count(0)
