"""Networks of several classes as a person meets them, in a real Chromium."""

from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

from segdemo.images.palettes import CLASS_PALETTES
from segdemo.ui.viewer.map_files import cache_atlas, cache_map
from segdemo.ui.viewer.payload import ClassMaps, PanelState, ViewerState
from tests.browser.conftest import HEIGHT, WIDTH, payload, random_map, ready

pytestmark = pytest.mark.browser

NAMES = ("background", "sky", "<b>tree</b>", "car")
HOSTILE = "<b>tree</b>"


def drawn(seed=0):
    """Labels (H, W) of the first three classes in wide bands, and a map for each class."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10 + seed :, :] = 1
    labels[:, 40 - seed :] = 2
    return labels, np.stack([random_map(seed + number) for number in range(len(NAMES))])


def several(place, labels, maps, names=NAMES, **changes):
    """A finished panel of several classes."""
    colours = CLASS_PALETTES["safe"][: len(names)]
    classes = ClassMaps(
        names=names,
        colours=colours,
        palette="safe",
        background=0,
        hidden=(0,),
        labels=cache_map(labels),
        atlas=cache_atlas(maps),
    )
    return ready(place, maps[0], classes=classes, **changes)


@pytest.fixture
def two(open_viewer):
    """A viewer of two networks with the same classes."""
    one, other = drawn(), drawn(5)
    viewer = open_viewer(payload(several(0, *one), several(1, *other)))
    viewer.wait()
    return viewer, one, other


def pick(viewer, name, panel=0):
    viewer.find(".sv-pick").nth(panel).select_option(label=name)
    viewer.wait()


def colours_of(viewer, panel=0):
    """The colour under each cell of the map in the middle, (H, W) of 0xRRGGBB."""
    shown = viewer.call(
        f"""(() => {{
          const canvas = document.querySelectorAll('#viewer .sv-panel .sv-canvas')[{panel}];
          const {{ width, height }} = canvas;
          const {{ data }} = canvas.getContext('2d').getImageData(0, 0, width, height);
          const scale = Math.min(width / {WIDTH}, height / {HEIGHT});
          const left = (width - {WIDTH} * scale) / 2;
          const top = (height - {HEIGHT} * scale) / 2;
          return Array.from({{ length: {WIDTH * HEIGHT} }}, (_, i) => {{
            const x = Math.floor(left + (i % {WIDTH} + 0.5) * scale);
            const y = Math.floor(top + (Math.floor(i / {WIDTH}) + 0.5) * scale);
            const at = 4 * (y * width + x);
            return data[at] * 65536 + data[at + 1] * 256 + data[at + 2];
          }});
        }})()"""
    )
    return np.reshape(shown, (HEIGHT, WIDTH))


def number(colour):
    return int(colour[1:], 16)


def test_every_pixel_is_painted_in_the_colour_of_its_class(two):
    viewer, (labels, _), _ = two
    viewer.call("viewer.actions.setMode('mask')")
    # Hidden classes, at first the background, are black in a mask.
    palette = np.array([0, *(number(colour) for colour in CLASS_PALETTES["safe"][1:4])])
    np.testing.assert_array_equal(colours_of(viewer), palette[labels])


def test_no_threshold_changes_what_wins(two):
    viewer, (labels, _), _ = two
    viewer.call("viewer.actions.setMode('mask')")
    before = colours_of(viewer)
    viewer.call("viewer.actions.setThreshold(250)")
    np.testing.assert_array_equal(colours_of(viewer), before)
    assert viewer.call("viewer.coverage(0)") == np.mean(labels != 0)


def test_the_legend_names_the_classes_that_won_and_their_shares(two):
    viewer, (labels, _), _ = two
    items = viewer.find("[data-panel=slot-0] .sv-class")
    shares = [f"{np.mean(labels == place) * 100:.2f}%" for place in range(3)]
    expected = [f"{name}{share}" for name, share in zip(NAMES[:3], shares, strict=True)]
    assert items.all_text_contents() == expected
    assert viewer.find(".sv-class b").count() == 0


def test_of_many_classes_those_of_the_picture_come_first_and_one_can_be_found(open_viewer):
    names = (*(f"class {number}" for number in range(148)), "wall", "windowpane")
    labels = np.full((HEIGHT, WIDTH), 149, np.uint8)
    labels[:3], labels[:, 0] = 148, 7
    maps = np.stack([random_map(number) for number in range(len(names))])
    colours = CLASS_PALETTES["ade20k"][:150]
    panel = several(0, labels, maps, names=names)
    panel = replace(panel, classes=replace(panel.classes, colours=colours, palette="ade20k"))
    viewer = open_viewer(payload(panel))
    viewer.wait()
    assert viewer.find(".sv-class .sv-class-name").all_inner_texts() == [
        *("windowpane", "wall", "class 7"),
    ]
    groups = viewer.find(".sv-pick optgroup")
    assert groups.first.locator("option").all_inner_texts() == ["windowpane", "wall", "class 7"]
    assert groups.nth(1).locator("option").count() == 147
    find = viewer.find(".sv-find")
    find.fill("w")
    assert viewer.find(".sv-found button").all_inner_texts() == ["windowpane", "wall"]
    find.fill("12")
    assert len(viewer.find(".sv-found button").all_inner_texts()) == 8
    find.fill("no such")
    expect(viewer.find(".sv-found")).to_contain_text("No class is called so.")
    find.fill("wall")
    find.press("Enter")
    viewer.wait()
    expect(viewer.find(".sv-pick")).to_have_value("148")
    expect(viewer.find(".sv-found")).to_be_hidden()


def test_a_class_is_hidden_in_all_panels_that_know_it(two):
    viewer, (labels, _), _ = two
    viewer.call("viewer.actions.setMode('mask')")
    viewer.find(
        ".sv-class",
    ).filter(has_text="sky").first.click()
    expect(viewer.find(".sv-class").filter(has_text="sky").nth(1)).to_have_attribute(
        "aria-pressed", "false"
    )
    shown = colours_of(viewer)
    assert viewer.call("viewer.state()")["panels"][1]["hidden"] == [0, 1]
    assert set(shown[labels == 1]) == {0}
    assert set(shown[labels == 2]) == {number(CLASS_PALETTES["safe"][2])}


def test_the_palette_can_be_changed(two):
    viewer, (labels, _), _ = two
    viewer.call("viewer.actions.setMode('mask')")
    viewer.find(".sv-palette").first.select_option("voc")
    shown = colours_of(viewer)
    assert set(shown[labels == 1]) == {number(CLASS_PALETTES["voc"][1])}


def test_one_class_is_a_map_like_any_other(two):
    viewer, (_, maps), _ = two
    for place, name in enumerate(NAMES):
        pick(viewer, name)
        np.testing.assert_array_equal(viewer.values(0), maps[place].ravel())
    drawn_masks = viewer.masks(0, [1, 128, 200])
    np.testing.assert_array_equal(
        drawn_masks, maps[3][None] >= np.array([1, 128, 200])[:, None, None]
    )


def test_a_pick_holds_for_all_panels_of_these_classes_unless_each_is_set_alone(two):
    viewer, (_, maps), (_, others) = two
    pick(viewer, "car")
    np.testing.assert_array_equal(viewer.values(1), others[3].ravel())
    viewer.call("viewer.actions.setLinked(false)")
    pick(viewer, "sky")
    np.testing.assert_array_equal(viewer.values(0), maps[1].ravel())
    np.testing.assert_array_equal(viewer.values(1), others[3].ravel())
    picks = [panel["pick"] for panel in viewer.call("viewer.state()")["panels"]]
    assert picks == ["1", "3"]


def test_everything_but_the_background_is_the_map_that_python_made(two):
    viewer, (_, maps), _ = two
    pick(viewer, "All but background")
    np.testing.assert_array_equal(viewer.values(0), maps[0].ravel())


def test_smaller_maps_are_enlarged_to_the_size_of_the_others(open_viewer):
    labels, maps = drawn()
    small = maps[:, ::2, ::2]
    viewer = open_viewer(payload(several(0, labels, small), ready(1, random_map(7))))
    viewer.wait()
    pick(viewer, "sky")
    rows = ((np.arange(HEIGHT) + 0.5) / HEIGHT * small.shape[1]).astype(int)
    columns = ((np.arange(WIDTH) + 0.5) / WIDTH * small.shape[2]).astype(int)
    np.testing.assert_array_equal(viewer.values(0), small[1][np.ix_(rows, columns)].ravel())
    assert viewer.find(".sv-number").inner_text() != "–"


def test_the_difference_shows_the_other_class_in_its_colour(two):
    viewer, (labels, _), (others, _) = two
    viewer.call("viewer.actions.setOpacity(1)")
    viewer.call("viewer.actions.setMode('difference')")
    shown = colours_of(viewer, 1)
    tree = number(CLASS_PALETTES["safe"][2])
    assert set(shown[(others == 2) & (labels != 2)]) == {tree}
    same = shown[(others == labels)]
    assert all(colour >> 16 == (colour >> 8) & 255 == colour & 255 for colour in set(same))
    expect(viewer.find(".sv-panel .sv-legend").nth(1)).to_contain_text("Same class")


def test_agreement_by_class_is_the_share_of_equal_pixels(two):
    viewer, (labels, _), (others, _) = two
    share = f"{np.mean(labels == others) * 100:.2f}%"
    assert viewer.find(".sv-number").inner_text() == share


def test_classes_in_another_order_are_compared_by_name(open_viewer):
    labels, maps = drawn()
    names = (NAMES[0], NAMES[2], NAMES[1], NAMES[3])
    swapped = np.array([0, 2, 1, 3], np.uint8)[labels]
    viewer = open_viewer(payload(several(0, labels, maps), several(1, swapped, maps, names)))
    viewer.wait()
    assert viewer.find(".sv-number").inner_text() == "100.00%"


def test_the_cross_tells_the_class_and_its_probability(two):
    viewer, (labels, maps), _ = two
    viewer.call("viewer.actions.probe({ x: 0.9, y: 0.9 })")
    y, x = int(0.9 * HEIGHT), int(0.9 * WIDTH)
    q = maps[labels[y, x]][y, x]
    low, high = f"{q / 256:.3f}", f"{(q + 1) / 256:.3f}"
    overrides = viewer.find("[data-panel=slot-0] .sv-probe")
    expect(overrides).to_have_text(f"{HOSTILE}, p {low}–{high}")


def test_pictures_stay_side_by_side_whatever_stands_below_them(open_viewer):
    labels, maps = drawn()
    viewer = open_viewer(payload(several(0, labels, maps), ready(1, random_map(7))))
    viewer.wait()
    boxes = [viewer.find(".sv-panel .sv-view").nth(place).bounding_box() for place in (0, 1)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["height"] == boxes[1]["height"]


def test_classes_are_picked_and_hidden_with_the_keyboard_alone(two):
    viewer, (_, maps), _ = two
    viewer.find(".sv-pick").first.focus()
    viewer.page.keyboard.press("ArrowDown")
    viewer.page.keyboard.press("ArrowDown")
    viewer.page.keyboard.press("ArrowDown")
    viewer.wait()
    np.testing.assert_array_equal(viewer.values(0), maps[1].ravel())
    viewer.page.keyboard.press("Home")
    viewer.wait()
    viewer.find(".sv-class").first.focus()
    viewer.page.keyboard.press("Space")
    expect(viewer.find(".sv-class").first).to_have_attribute("aria-pressed", "true")


def test_every_mode_draws_and_asks_python_for_nothing(two):
    viewer, *_ = two
    viewer.page.wait_for_load_state("networkidle")
    asked = []
    viewer.page.on("request", lambda request: asked.append(request.url))
    for mode in ("overlay", "mask", "heat", "contour", "cutout", "difference"):
        viewer.call(f"viewer.actions.setMode('{mode}')")
        assert len(np.unique(colours_of(viewer))) > 1
    pick(viewer, "car")
    pick(viewer, "All classes")
    assert not asked


def test_another_network_in_the_slot_starts_with_all_its_classes(open_viewer):
    labels, maps = drawn()
    first = payload(several(0, labels, maps), ready(1, random_map(7)))
    names = ("background", "cell", "wall", "gap")
    second = payload(several(0, labels, maps[::-1].copy(), names), ready(1, random_map(7)))
    viewer = open_viewer(first, second)
    viewer.wait()
    viewer.call("viewer.actions.setLinked(false)")
    pick(viewer, "car")
    viewer.page.click("#next")
    expect(viewer.find("[data-panel=slot-0] .sv-class").nth(1)).to_contain_text("cell")
    assert viewer.call("viewer.state()")["panels"][0]["pick"] == "all"


def test_what_a_link_says_of_classes_is_shown_also_where_the_maps_are_here_already(open_viewer):
    one, other = drawn(), drawn(5)
    panels = several(0, *one), several(1, *other)
    chosen = (PanelState(pick="3"), PanelState(palette="voc"))
    again = payload(*panels, state=ViewerState(threshold=128, mode="mask", panels=chosen))
    between = payload(*panels)
    viewer = open_viewer(again, between, again)

    def shows(run):
        viewer.page.wait_for_selector(f"#viewer .sv[data-state=ready][data-run='{run}']")

    def next_one(run):
        viewer.page.click("#next")
        shows(run)

    shows(again.run)
    for is_last in (False, True):
        np.testing.assert_array_equal(viewer.values(0), one[1][3].ravel())
        shown = colours_of(viewer, 1)
        assert set(shown[other[0] == 1]) == {number(CLASS_PALETTES["voc"][1])}
        state = viewer.call("viewer.state()")
        assert [panel["pick"] for panel in state["panels"]] == ["3", "all"]
        assert [panel["palette"] for panel in state["panels"]] == ["voc", "voc"]
        if not is_last:
            pick(viewer, "All classes")
            viewer.find(".sv-palette").first.select_option("safe")
            next_one(between.run)
            next_one(again.run)


def test_a_link_says_what_is_shown_of_the_classes_where_it_is_not_as_at_first(two):
    viewer, *_ = two
    page = viewer.page
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")

    def link():
        viewer.find("[data-part=share]").click()
        page.click(".sv-menu:popover-open [data-value=link]")
        field = page.wait_for_selector(".sv-menu:popover-open .sv-menu-link")
        page.keyboard.press("Escape")
        return field.input_value()

    assert "pick" not in link()
    assert "palette" not in link()
    viewer.find(".sv-palette").first.select_option("voc")
    viewer.call("viewer.actions.setLinked(false)")
    pick(viewer, "car", 1)
    assert "&pick=,3&palette=voc,voc&" in link()
