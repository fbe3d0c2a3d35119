"""What people keep of a comparison, and links that open it again."""

import re
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from gradio.utils import get_upload_folder
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Viewer

pytestmark = pytest.mark.browser

OPEN = ".sv-menu:popover-open"


@pytest.fixture
def visit(new_page, shipped_address):
    errors = []

    def visit(query="", *, width=1280, locale="en", state="ready"):
        page = new_page(
            viewport={"width": width, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
            locale=locale,
        )
        page.on("pageerror", lambda error: errors.append(error))
        page.runs = []
        page.on(
            "request", lambda sent: page.runs.append(sent) if "/queue/join" in sent.url else None
        )
        page.goto(f"{shipped_address}{query}")
        page.wait_for_selector(f"#viewer .sv[data-state={state}]")
        return page

    yield visit
    assert not errors


def download(page, button, value, path):
    page.locator(button).click()
    with page.expect_download() as coming:
        page.click(f"{OPEN} [data-value={value}]")
    coming.value.save_as(path)
    page.keyboard.press("Escape")
    return coming.value.suggested_filename


def test_a_saved_mask_is_the_mask_on_the_screen(visit, tmp_path):
    page = visit("?ex=cell")
    page.wait_for_function("document.querySelector('#viewer').textContent.includes('Nuclei')")
    page.wait_for_selector("#viewer .sv[data-state=ready]")
    viewer = Viewer(page)
    viewer.call("viewer.actions.setThreshold(60)")
    name = download(page, "#viewer .sv-save >> nth=0", "mask", tmp_path / "mask.png")
    assert re.fullmatch(r"cell-Nuclei-.+-mask\.png", name)
    mask = np.asarray(Image.open(tmp_path / "mask.png"))
    shown = viewer.values(0).reshape(mask.shape) >= 60
    # The map on the screen was stored by another run, whose rounding may differ by a hair.
    assert (shown != (mask == 255)).mean() < 1e-3
    assert 0 < shown.mean() < 1


def test_the_report_has_what_is_set_in_the_viewer(visit, tmp_path):
    page = visit("?ex=cell")
    page.wait_for_function("document.querySelector('#viewer').textContent.includes('Nuclei')")
    viewer = Viewer(page)
    viewer.call("viewer.actions.setThreshold(77)")
    name = download(page, "#viewer [data-part=share]", "report", tmp_path / "report.zip")
    assert name == "cell-report.zip"
    archive = ZipFile(tmp_path / "report.zip")
    heading, *rows = archive.read("figures.csv").decode().splitlines()
    assert len(rows) == 2
    at = heading.split(",").index("threshold")
    assert [row.split(",")[at] for row in rows] == [str(77 / 256)] * 2

    archive.extractall(tmp_path)
    asked = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto((tmp_path / "index.html").as_uri())
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    assert all(url.startswith("file:") for url in asked)


def test_a_file_that_cannot_be_made_is_a_sentence_in_the_menu(visit, tmp_path):
    page = visit()
    Image.linear_gradient("L").resize((62, 48)).save(tmp_path / "gone.png")
    page.set_input_files("#picture input[type=file]", tmp_path / "gone.png")
    expect(page.locator("#picture .pl-name")).to_have_text("gone.png")
    page.wait_for_selector("#state .rs[data-state=ready] >> text=Up to date")
    # As old uploads are swept away.
    for upload in Path(get_upload_folder()).rglob("gone.png"):
        upload.unlink()
    page.locator("#viewer .sv-save >> nth=0").click()
    page.click(f"{OPEN} [data-value=mask]")
    page.wait_for_function(
        "name => document.querySelector(name).textContent.includes('picture')",
        arg=f"{OPEN} .sv-menu-said",
    )


def test_the_view_is_one_picture_of_all_panels_saved_or_copied(visit, tmp_path):
    page = visit("?ex=cell")
    page.wait_for_function("document.querySelector('#viewer').textContent.includes('Nuclei')")
    page.wait_for_selector("#viewer .sv[data-state=ready]")
    share = "#viewer [data-part=share]"
    assert download(page, share, "view", tmp_path / "view.png") == "segdemo.png"
    viewer = Viewer(page)
    with Image.open(tmp_path / "view.png") as image:
        view = np.asarray(image.convert("RGB")).astype(int)
    size = viewer.call("viewer.state()")["size"]
    assert view.shape[1] > 2 * size["width"]
    assert view.shape[0] > size["height"]
    shown = viewer.call(
        "Array.from(document.querySelector('#viewer .sv-panel .sv-canvas').getContext('2d')"
        f".getImageData(0, {size['height'] // 2}, {size['width']}, 1).data)"
    )
    row = np.reshape(shown, (-1, 4))[:, :3]
    top = view.shape[0] - 12 - size["height"]
    part = view[top + size["height"] // 2, 12 : 12 + size["width"]]
    # What is transparent on the page lies over its ground here.
    solid = np.reshape(shown, (-1, 4))[:, 3] == 255
    assert solid.mean() > 0.5
    np.testing.assert_allclose(part[solid], row[solid], atol=2)
    page.click(share)
    page.click(f"{OPEN} [data-value=view_copy]")
    expect(page.locator(f"{OPEN} .sv-menu-said")).to_contain_text("in the clipboard")
    types = page.evaluate("navigator.clipboard.read().then((items) => items[0].types)")
    assert types == ["image/png"]


def test_a_copied_link_opens_what_was_seen(visit):
    page = visit()
    page.click("#examples button >> nth=2")
    page.wait_for_function("document.querySelector('#viewer').textContent.includes('Nuclei')")
    viewer = Viewer(page)
    for change in ("setThreshold(70)", "setMode('contour')", "setLayout('swipe')"):
        viewer.call(f"viewer.actions.{change}")
    before = len(page.runs)
    page.click("#viewer [data-part=share]")
    page.click(f"{OPEN} [data-value=link]")
    page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('?')")
    link = page.evaluate("navigator.clipboard.readText()")
    assert len(page.runs) == before
    query = link[link.index("?") :]
    assert "ex=nuclei" in query

    other = visit(query)
    other.wait_for_function(
        "document.querySelector('#checkpoint-0 input').value.startsWith('Nuclei')"
    )
    opened = Viewer(other)
    other.wait_for_function("document.querySelector('#viewer .sv').segdemo.state().threshold == 70")
    state = opened.call("viewer.state()")
    assert (state["mode"], state["layout"]) == ("contour", "swipe")


def test_a_link_with_thresholds_for_each_panel_sets_each(visit):
    page = visit("?ex=cell&t=70,90")
    page.wait_for_function(
        "document.querySelector('#viewer .sv').segdemo.state().panels[1]?.threshold == 90"
    )
    state = Viewer(page).call("viewer.state()")
    assert [panel["threshold"] for panel in state["panels"]] == [70, 90]


def test_a_checkpoint_that_a_link_should_not_name_is_a_warning_and_stays_text(visit):
    page = visit("?ex=cell&m=nuclei_unet&m=<img%20src=x%20onerror=window.pwned=1>")
    expect(page.locator(".toast-body").first).to_contain_text("is not offered here")
    assert page.evaluate("window.pwned") is None
    page.wait_for_selector("#viewer .sv[data-state=ready][data-count='1']")


def test_where_the_clipboard_is_shut_the_link_is_there_to_be_copied(visit):
    page = visit()
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('no')))")
    page.click("#viewer [data-part=share]")
    page.click(f"{OPEN} [data-value=link]")
    expect(page.locator(f"{OPEN} .sv-menu-link")).to_have_value(re.compile("m=vessels_unet"))


def test_a_menu_is_used_by_keys_and_lets_the_viewer_keep_its_own(visit):
    page = visit()
    page.locator("#viewer .sv-save >> nth=0").press("Enter")
    page.wait_for_selector(OPEN)
    focused = "document.activeElement.dataset.value"
    page.wait_for_function(f"{focused} === 'mask'")
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"{focused} === 'cutout'")
    page.keyboard.press("2")
    assert Viewer(page).call("viewer.state()")["mode"] == "overlay"
    page.keyboard.press("Escape")
    page.wait_for_selector(OPEN, state="detached")
    page.wait_for_function("document.activeElement.className === 'sv-save'")


@pytest.mark.parametrize("width", [390, 1280])
def test_a_menu_stays_inside_of_the_window(visit, width):
    page = visit(width=width)
    for button in (
        "#viewer .sv-save >> nth=0",
        "#viewer .sv-save >> nth=1",
        "#viewer [data-part=share]",
    ):
        page.locator(button).click()
        box = page.locator(OPEN).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        page.keyboard.press("Escape")


def test_a_link_without_an_example_waits_for_a_picture_in_every_language(visit, tmp_path):
    page = visit("?m=nuclei_unet&t=90", locale="zh-CN", state="empty")
    page.wait_for_function(
        "document.querySelector('#checkpoint-0 input').value.startsWith('细胞核')"
    )
    expect(page.locator(".toast-body").first).to_contain_text("链接不包含图片")
    path = tmp_path / "picture.png"
    Image.linear_gradient("L").resize((61, 47)).save(path)
    page.set_input_files("#picture input[type=file]", path)
    page.wait_for_selector("#viewer .sv[data-state=ready][data-count='1']")
    page.wait_for_function(
        "document.querySelector('#viewer .sv').segdemo.state().panels[0]?.threshold === 90"
    )
