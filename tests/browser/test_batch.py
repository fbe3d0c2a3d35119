"""The tab for many pictures as a visitor uses it."""

import csv
import io
import zipfile
from threading import Semaphore

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from tests.browser.conftest import served_page
from tests.ui.conftest import save_unet

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.pwned=1'>.png"
READY = "#batch .bt[data-state=ready]"
COUNT = 5


class Gate:
    """A pool that waits before each prediction while a test holds it."""

    def __init__(self, pool):
        self.pool = pool
        self.left = None

    def predict(self, path, picture, *rest):
        if self.left is not None:
            assert self.left.acquire(timeout=600)
        return self.pool.predict(path, picture, *rest)

    def __getattr__(self, name):
        return getattr(self.pool, name)


@pytest.fixture(scope="module")
def gate():
    return Gate(Pool(Settings(device="cpu")))


@pytest.fixture(scope="module")
def address(gradio_cache, tmp_path_factory, gate):
    """A page with two small networks."""
    folder = tmp_path_factory.mktemp("page")
    save_unet(folder / "a.safetensors", title="A first")
    save_unet(folder / "b.safetensors", title="The second one")
    with served_page(folder, predictor=gate, max_megapixels=1) as address:
        yield address


@pytest.fixture(scope="module")
def dropped(tmp_path_factory):
    """Pictures, of which two are broken, in a folder and an archive, and masks of two of them."""
    folder = tmp_path_factory.mktemp("dropped")
    random = np.random.default_rng(4)
    for number in range(COUNT):
        noise = random.integers(0, 256, (48, 64, 3), np.uint8)
        noise[: 8 * number] //= 3
        Image.fromarray(noise).save(folder / f"picture {number}.png")
    (folder / "broken.png").write_bytes((folder / "picture 0.png").read_bytes()[:200])
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(folder / "picture 4.png", "../../picture 4.png")
        archive.writestr(HOSTILE, "<html>")
    for number in (0, 4):
        Image.new("L", (64, 48), 255).save(folder / f"picture {number}_mask.gif")
    files = [folder / f"picture {number}.png" for number in range(4)]
    masks = [folder / f"picture {number}_mask.gif" for number in (0, 4)]
    return [*files, folder / "broken.png", folder / "more.zip"], masks


@pytest.fixture
def page(new_page, address):
    page = new_page(viewport={"width": 1280, "height": 900}, locale="en")
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(address)
    page.wait_for_selector("#viewer .sv")
    page.get_by_role("tab", name="Many pictures").click()
    page.wait_for_selector("#batch .bt[data-state=empty]")
    yield page
    assert page.evaluate("window.pwned") is None
    assert not errors


@pytest.fixture
def drop(page, dropped):
    """Drops all files, or some, and begins."""

    def drop(pictures=dropped[0], masks=dropped[1]):
        drop_into(page, "#batch-pictures", pictures)
        if masks:
            drop_into(page, "#batch-masks", masks)
        page.click("#batch-run")

    return drop


def drop_into(page, place, files):
    page.set_input_files(f"{place} input[type=file]", files)
    page.wait_for_selector(f"{place} .pl[data-state=filled]")


def cards(page):
    return page.locator("#batch .bt-card")


def figures(page):
    with page.expect_download() as download:
        page.click("#batch [data-part=table]")
    text = download.value.path().read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def move(page, k):
    page.fill("#batch input[type=range]", str(k))


def test_pictures_become_cards_and_broken_ones_sentences(page, drop):
    drop()
    page.wait_for_selector(READY)
    expect(cards(page)).to_have_count(COUNT)
    expect(page.locator(".bt-status")).to_contain_text("5 of 7 pictures done. 2 could not be run.")
    failures = page.locator(".bt-failure").all_inner_texts()
    assert [text.split(".png")[0] for text in failures] == ["broken", HOSTILE.split(".png")[0]]


def test_the_most_disagreement_comes_first_at_every_threshold_without_a_request(page, drop):
    drop()
    page.wait_for_selector(READY)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    shown = {}
    for k in (60, 90, 110):
        move(page, k)
        page.wait_for_function(
            "text => document.querySelector('.bt-value').textContent === text", arg=f"{k / 256:.3f}"
        )
        shown[k] = [
            (card.locator(".bt-name").inner_text(), card.locator(".bt-fact").first.inner_text())
            for card in cards(page).all()
        ]
    assert not requests
    for k, told in shown.items():
        move(page, k)
        lines = {line["picture"]: line for line in figures(page) if line["disagreement"]}
        assert len(lines) == COUNT
        assert {line["threshold"] for line in lines.values()} == {f"{k / 256:g}"}
        values = {name: float(line["disagreement"]) for name, line in lines.items()}
        assert [name for name, _ in told] == sorted(values, key=lambda name: -values[name])
        assert [fact for _, fact in told] == [
            f"Disagreement {values[name]:.3f}" for name, _ in told
        ]


def test_the_lowest_dice_comes_first_where_there_are_masks(page, drop):
    drop()
    page.wait_for_selector(READY)
    page.select_option("#batch select", "dice")
    by_name = {}
    for line in figures(page):
        if line["dice"]:
            by_name.setdefault(line["picture"], []).append(float(line["dice"]))
    assert set(by_name) == {"picture 0.png", "picture 4.png"}
    expected = sorted(by_name, key=lambda name: sum(by_name[name]))
    for place, name in enumerate(expected):
        expect(page.locator(".bt-card .bt-name").nth(place)).to_have_text(name)
    scores = " · ".join(
        f"{letter} {value:.3f}" for letter, value in zip("AB", by_name[expected[0]], strict=True)
    )
    expect(cards(page).first).to_contain_text(f"Dice {scores}")


def test_the_small_masks_follow_the_threshold(page, drop):
    drop()
    page.wait_for_selector(READY)
    painted = """async () => {
        const canvas = document.querySelector('.bt-card .bt-canvas');
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return canvas.width > 1 ? canvas.toDataURL() : null;
    }"""
    page.wait_for_function("document.querySelector('.bt-card .bt-canvas').width === 64")
    page.select_option("#batch select", "given")
    move(page, 1)
    everything = page.evaluate(painted)
    move(page, 255)
    page.wait_for_function(f"async (before) => await ({painted})() !== before", arg=everything)


def test_the_masks_of_all_networks_come_in_an_archive(page, drop):
    drop()
    page.wait_for_selector(READY)
    with page.expect_download() as download:
        page.click("#batch [data-part=archive]")
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        with Image.open(io.BytesIO(archive.read(names[1]))) as mask:
            assert mask.size == (64, 48)
    assert len(names) == 1 + 2 * COUNT
    assert {name.split("/")[0] for name in names[1:]} == {"A A first", "B The second one"}


def test_what_is_done_when_it_is_stopped_is_kept(page, drop, gate):
    gate.left = Semaphore(4)
    try:
        drop()
        page.wait_for_selector("#batch .bt[data-count='2']")
        page.click("#batch [data-part=cancel]")
        page.wait_for_function("document.querySelector('#batch [data-part=cancel]').disabled")
    finally:
        gate.left, waiting = None, gate.left
        waiting.release(100)
    page.wait_for_selector(READY)
    expect(page.locator(".bt-status")).to_contain_text("Stopped: 3 of 7 pictures done.")
    assert len({line["picture"] for line in figures(page)}) == 3


def test_a_card_opens_its_picture_and_mask_in_the_comparison(page, drop):
    drop()
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Open picture 4.png in the comparison").click()
    page.wait_for_selector("#viewer .sv[data-state=ready]")
    expect(page.locator("#viewer .sv-panel:not(.sv-original)")).to_have_count(2)
    page.wait_for_function(
        "name => document.querySelector('#truth').innerText.replace(/\\n/g, '').includes(name)",
        arg="picture 4_mask.gif",
    )
    page.get_by_role("tab", name="Many pictures").click()
    expect(cards(page)).to_have_count(COUNT)


def test_running_nothing_says_so(page):
    page.click("#batch-run")
    page.wait_for_selector("text=There is no picture to run.")


def test_the_gallery_fits_a_narrow_screen_and_keys_reach_it(page, drop):
    page.set_viewport_size({"width": 390, "height": 844})
    drop()
    page.wait_for_selector(READY)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.focus(".bt-open")
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer .sv[data-state=ready]")


def test_the_gallery_speaks_the_language_that_is_chosen(page, drop):
    drop()
    page.wait_for_selector(READY)
    page.evaluate(
        """() => {
          document.documentElement.dataset.language = 'zh';
          window.dispatchEvent(new Event('segdemo-language'));
        }"""
    )
    expect(page.locator(".bt-status")).to_contain_text("张图片")
    expect(cards(page).first).to_contain_text("分歧")
