"""Files come in by drags that Chromium itself makes, by paste and by choosers."""

import json
import threading

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.strings import text
from tests.browser.conftest import served_page
from tests.ui.conftest import save_unet

pytestmark = pytest.mark.browser

READY = "#viewer .sv[data-state=ready]"
PLACES = {"picture": (300, 400), "mask": (1100, 200), "network": (1100, 700)}
"""Where the targets of a drag are, in a window of 1280 x 800."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    save_unet(folder / "a.safetensors", title="A first")
    save_unet(folder / "b.safetensors", title="B second")
    return folder


class Gate:
    """A pool that predicts nothing while a test holds it."""

    def __init__(self, pool):
        self.pool = pool
        self.open = threading.Event()
        self.open.set()

    def predict(self, path, picture, *rest):
        assert self.open.wait(timeout=600)
        return self.pool.predict(path, picture, *rest)

    def __getattr__(self, name):
        return getattr(self.pool, name)


@pytest.fixture(scope="module")
def gate():
    return Gate(Pool(Settings(device="cpu")))


@pytest.fixture(scope="module")
def address(gradio_cache, weights, gate):
    with served_page(weights, predictor=gate, max_megapixels=1) as address:
        yield address


@pytest.fixture
def files(tmp_path):
    """Makes files of one's own."""

    def make(name, seed=0, size=(61, 47)):
        path = tmp_path / name
        if path.suffix == ".safetensors":
            save_unet(path, title=f"Mine {seed}")
        else:
            random = np.random.default_rng(seed)
            deep = path.suffix == ".tif"
            values = random.integers(0, 4000 if deep else 256, size[::-1])
            if "mask" in name:
                values = 255 * (values > 100)
            Image.fromarray(values.astype(np.uint16 if deep else np.uint8)).save(path)
        return path

    return make


@pytest.fixture
def visit(new_page):
    errors = []

    def visit(address):
        page = new_page(viewport={"width": 1280, "height": 800})
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(address)
        page.wait_for_selector("#viewer .sv")
        return page

    yield visit
    assert not errors


def drag(page, *paths, to="picture"):
    """Drags files over the page and drops them; unlike a script's, its files go with the event."""
    client = page.context.new_cdp_session(page)
    x, y = PLACES[to]
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    told = {"x": x, "y": y, "data": data}
    client.send("Input.dispatchDragEvent", {"type": "dragEnter", **told})
    page.wait_for_selector("#zone .dz-veil:popover-open")
    client.send("Input.dispatchDragEvent", {"type": "dragOver", **told})
    page.wait_for_selector(f"#zone [data-target={to}][data-over]")
    client.send("Input.dispatchDragEvent", {"type": "drop", **told})
    page.wait_for_selector("#zone .dz-veil", state="hidden")
    client.detach()


def lies(page, place, name):
    """Until a file of that name lies in a place."""
    expect(page.locator(f"#{place} .pl[data-state=filled] .pl-name")).to_have_text(name)


def names(page):
    return page.locator("#viewer .sv-panel:not(.sv-original) .sv-name")


def test_the_first_picture_that_is_dropped_on_the_filled_page_is_compared(
    visit, shipped_address, files
):
    page = visit(shipped_address)
    page.wait_for_selector(READY)
    drag(page, files("own.png"))
    lies(page, "picture", "own.png")
    page.wait_for_selector(READY)
    expect(page.locator("#viewer .sv-detail", has_text="stored")).to_have_count(0)
    expect(names(page)).to_have_count(2)


def test_a_picture_that_no_browser_shows_has_a_thumbnail_and_replaces_the_last(
    visit, address, files
):
    page = visit(address)
    drag(page, files("first.png"))
    lies(page, "picture", "first.png")
    drag(page, files("deep.tif"))
    lies(page, "picture", "deep.tif")
    page.wait_for_function("document.querySelector('#picture .pl-thumb').naturalWidth === 61")
    page.wait_for_selector(READY)


def test_a_network_of_ones_own_is_used_wherever_it_is_dropped_and_only_once(visit, address, files):
    page = visit(address)
    drag(page, files("own.png"))
    lies(page, "picture", "own.png")
    mine = files("mine.safetensors")
    for to, word in (("picture", "now"), ("network", "already")):
        drag(page, mine, to=to)
        said = page.locator("#zone .dz-item[data-kind=done]")
        expect(said).to_contain_text(f"mine.safetensors is network C {word}: U-Net")
        lies(page, "picture", "own.png")
        page.wait_for_selector(f"{READY}[data-count='3']")
    expect(names(page).nth(2)).to_have_text("Mine 0")


def test_with_four_networks_a_fifth_waits_in_the_lists_and_that_is_said(visit, address, files):
    page = visit(address)
    own = [files(f"mine{number}.safetensors", "x" * number) for number in range(3)]
    drag(page, *own, to="network")
    expect(page.locator("#zone .dz-item[data-kind=done]")).to_have_count(2)
    expect(page.locator("#zone .dz-item[data-kind=problem]")).to_contain_text("All four places")
    chosen = [page.input_value(f"#checkpoint-{slot} input") for slot in range(4)]
    assert [name.split(" ")[0] for name in chosen] == ["A", "B", "Mine", "Mine"]
    page.click("#checkpoint-0 input")
    expect(page.locator("[role=option]", has_text="Mine")).to_have_count(3)


def test_a_mask_is_scored_and_another_replaces_it(visit, address, files):
    page = visit(address)
    drag(page, files("own.png"))
    lies(page, "picture", "own.png")
    for seed in (1, 2):
        drag(page, files(f"mask{seed}.png", seed), to="mask")
        lies(page, "truth", f"mask{seed}.png")
        page.locator("#viewer .sv-score-value").first.wait_for()
    drag(page, files("next.png"))
    page.wait_for_selector("#truth .pl[data-state=empty]")
    page.locator("#viewer .sv-score-value").first.wait_for(state="hidden")


def test_picture_mask_and_network_may_come_in_one_drop(visit, address, files):
    page = visit(address)
    drag(page, files("own_mask.png"), files("mine.safetensors"), files("own.png"))
    lies(page, "picture", "own.png")
    lies(page, "truth", "own_mask.png")
    page.wait_for_selector(f"{READY}[data-count='3']")


def test_several_pictures_go_to_many_pictures(visit, address, files):
    page = visit(address)
    drag(page, *(files(f"{number}.png", number) for number in range(3)))
    page.wait_for_selector("#batch-pictures .pl[data-state=filled]:visible")
    expect(page.locator("#batch-pictures .pl-name")).to_have_text("3 files")
    expect(page.locator("#batch-masks h2")).to_have_text("Their masks (optional)")
    # A second drop replaces the first.
    drag(page, *(files(f"{number}.png", number) for number in range(2)))
    expect(page.locator("#batch-pictures .pl-name")).to_have_text("2 files")
    drag(page, files("0_mask.png"), to="mask")
    lies(page, "batch-masks", "1 file")


def test_the_tab_of_many_pictures_is_whole_after_one_came_and_another_language(
    visit, address, files
):
    page = visit(address)
    drag(page, files("own.png"))
    lies(page, "picture", "own.png")
    page.select_option("#language select", "zh")
    expect(page.locator("#picture h2")).to_have_text(text("place_picture", "zh"))
    page.wait_for_selector(READY)
    page.get_by_role("tab", name=text("page_tab_many", "zh")).click()
    for place in ("pictures", "masks"):
        expect(page.locator(f"#batch-{place} h2")).to_have_text(text(f"place_{place}", "zh"))


def test_a_picture_of_the_clipboard_is_pasted_anywhere(visit, address):
    page = visit(address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async () => {
          const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
          canvas.getContext('2d').fillRect(0, 0, 20, 20);
          const blob = await new Promise((done) => canvas.toBlob(done));
          await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
        }"""
    )
    page.keyboard.press("Control+V")
    lies(page, "picture", "image.png")
    page.wait_for_selector(READY)


def test_a_broken_or_removed_picture_takes_its_results_away(visit, address, files):
    page = visit(address)
    drag(page, files("own.png"))
    page.wait_for_selector(READY)
    broken = files("broken.png")
    broken.write_bytes(broken.read_bytes()[:60])
    drag(page, broken)
    expect(page.locator("#picture .pl-problem")).to_contain_text("damaged")
    page.wait_for_selector("#viewer .sv[data-state=empty]")
    drag(page, files("own.png"))
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Picture: Remove").click()
    page.wait_for_selector("#picture .pl[data-state=empty]")
    page.wait_for_selector("#viewer .sv[data-state=empty]")


def test_a_file_beyond_the_limit_is_told_before_it_is_sent(visit, address, tmp_path):
    page = visit(address)
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "upload" in request.url else 0)
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(Settings().max_upload_megabytes * 1_000_000 + 1)
    drag(page, path)
    expect(page.locator("#zone .dz-item[data-kind=problem]")).to_contain_text("the limit is")
    assert not sent


def test_a_file_that_the_server_refuses_is_told_in_the_words_of_the_server(visit, address, files):
    page = visit(address)
    problem = page.locator("#zone .dz-item[data-kind=problem]")
    answers = [
        (507, json.dumps({"detail": "The disk is full."}), "The disk is full."),
        (502, "<p>Bad gateway</p>", text("zone_not_sent", name="own.png")),
        (422, json.dumps({"detail": [{"loc": ["body"]}]}), text("zone_not_sent", name="own.png")),
    ]
    asked = []
    for status, body, sentence in answers:

        def refuse(route, *, status=status, body=body):
            asked.append(route.request.headers["accept-language"])
            route.fulfill(status=status, body=body)

        page.route("**/upload*", refuse)
        drag(page, files("own.png"))
        expect(problem.get_by_text(sentence)).to_be_visible()
        page.unroute("**/upload*")
    assert asked == ["en"] * 3


def test_files_that_the_server_does_not_look_at_leave_no_row_behind(visit, address, files):
    page = visit(address)
    rows = page.locator("#zone .dz-item")
    page.route("**/queue/join*", lambda route: route.fulfill(status=503, body='{"error": "Busy."}'))
    drag(page, files("own.png"))
    expect(rows.get_by_text(text("zone_not_read", name="own.png"))).to_be_visible()
    expect(rows).to_have_count(1)
    page.unroute("**/queue/join*")
    drag(page, files("own.png"))
    lies(page, "picture", "own.png")
    expect(rows).to_have_count(0)


def test_a_picture_dropped_while_another_runs_is_the_one_that_is_shown(visit, address, files, gate):
    page = visit(address)
    gate.open.clear()
    try:
        drag(page, files("slow.png", 5, (200, 50)))
        page.wait_for_selector("#viewer .sv-panel[data-status=running]")
        drag(page, files("next.png", 6, (50, 200)))
        lies(page, "picture", "next.png")
        # At once, though the network still works on the other one.
        page.wait_for_function(
            """() => {
              const { view, size } = document.querySelector('#viewer .sv').segdemo.state();
              return view && document.querySelector('#viewer .sv-panel[data-status=waiting]');
            }"""
        )
    finally:
        gate.open.set()
    page.wait_for_selector(READY)
    shape = page.evaluate(
        "(() => { const { values, maskPixels } = document.querySelector('#viewer .sv').segdemo;"
        " const { width, height } = maskPixels(0); return [width, height, values(0).length]; })()"
    )
    assert shape == [50, 200, 10000]


def test_another_reading_of_a_mask_is_scored_at_once_and_undone(visit, address, files, gate):
    page = visit(address)
    drag(page, files("own.png"))
    lies(page, "picture", "own.png")
    drag(page, files("mask.png", 1), to="mask")
    lies(page, "truth", "mask.png")
    figures = page.locator("#viewer .sv-panel >> nth=1 >> .sv-score-value")
    said = page.locator("#truth .pl-said")
    expect(said).to_have_text("Read as: foreground and ground.")
    chips = page.locator("#truth .pl-chip")
    expect(chips).to_have_count(2)
    expect(chips.first).to_contain_text("255foreground")
    page.wait_for_selector(READY)
    figures.first.wait_for()
    first = figures.all_inner_texts()
    # No network may run for it.
    gate.open.clear()
    try:
        page.locator("#truth .pl-summary").press("Enter")
        page.get_by_role("button", name="inverse", exact=True).press("Enter")
        expect(said).to_have_text("Read as: foreground and ground, inverse.")
        # Pixel accuracy is none where it was.
        expect(figures.nth(4)).to_have_text(f"{1 - float(first[4]):.3f}")
        expect(chips.first).to_contain_text("255ground")
        undo = page.get_by_role("button", name="As read first")
        expect(undo).to_be_focused()
        undo.press("Enter")
        expect(said).to_have_text("Read as: foreground and ground.")
        expect(figures.nth(4)).to_have_text(first[4])
        assert figures.all_inner_texts() == first
        expect(undo).to_be_hidden()
    finally:
        gate.open.set()
