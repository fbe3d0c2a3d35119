"""A person has a checkpoint read in another way: on the real page, with real networks."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from segdemo.inference.image_evidence import USUAL_VALUES
from tests.browser.conftest import Viewer, served_page
from tests.ui.conftest import save_unet

pytestmark = pytest.mark.browser

READY = "#viewer .sv[data-state=ready]"
DIVISOR = "preprocessing.divisor"
WAYS = len(USUAL_VALUES) + len(("bgr", "grey", "none"))
"""One of the usual values is the file's own."""


@pytest.fixture(scope="module")
def address(gradio_cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("readings")
    save_unet(folder / "a.safetensors", title="A first")
    save_unet(folder / "b.safetensors", title="Another")
    with served_page(folder, max_megapixels=1) as address:
        yield address


@pytest.fixture
def viewer(open_page, address, tmp_path):
    """The page with a picture compared, and the drawer of the second panel open."""
    viewer = open_page(address)
    path = tmp_path / "picture.png"
    Image.linear_gradient("L").resize((61, 47)).save(path)
    viewer.page.set_input_files("#picture input[type=file]", path)
    viewer.page.wait_for_selector(READY)
    card(viewer).locator(".sv-info").click()
    viewer.page.wait_for_selector(".sv-explain .sv-row")
    return viewer


def card(viewer):
    return viewer.find(".sv-panel:not(.sv-original)").nth(1)


def row(viewer, label):
    return viewer.page.locator(".sv-explain .sv-row", has_text=label)


def until_changed(viewer, label, changed="true"):
    viewer.page.wait_for_selector(
        f".sv-explain .sv-row[data-changed={changed}]:has-text('{label}')"
    )
    viewer.page.wait_for_selector(READY)


def test_one_assumption_is_decided_otherwise_and_taken_back(viewer: Viewer):
    first, before = viewer.values(0), viewer.values(1)
    row(viewer, "Values").locator("select").select_option("1")
    until_changed(viewer, "Values")
    assert not np.array_equal(viewer.values(1), before)
    assert np.array_equal(viewer.values(0), first)
    expect(row(viewer, "Values")).to_contain_text("your choice")
    viewer.page.locator(".sv-explain").get_by_role("button", name="Reset", exact=True).click()
    until_changed(viewer, "Values", "false")
    assert np.array_equal(viewer.values(1), before)


def test_a_senseless_value_is_a_sentence_and_everything_stays(viewer: Viewer):
    before = viewer.values(1)
    field = row(viewer, "Mean").locator("input")
    field.fill("as usual")
    field.press("Tab")
    toast = viewer.page.locator(".toast-body, [data-testid=toast-body]").first
    toast.wait_for()
    expect(toast).to_contain_text("Mean cannot be “as usual”")
    viewer.page.wait_for_function("field => field.value === '0'", arg=field.element_handle())
    assert np.array_equal(viewer.values(1), before)


def test_the_usual_readings_are_tried_and_one_is_chosen(viewer: Viewer):
    before = viewer.values(1)
    viewer.page.locator(".sv-explain").get_by_role("button", name="Try all presets").click()
    trials = viewer.page.locator(".sv-explain .sv-trial")
    expect(trials).to_have_count(WAYS)
    trials.filter(has_text="Raw").click()
    until_changed(viewer, "Values")
    after = viewer.values(1)
    assert not np.array_equal(after, before)
    expect(trials).to_have_count(WAYS)
    trials.filter(has_text="As it comes").click()
    until_changed(viewer, "Values", "false")
    assert np.array_equal(viewer.values(1), before)
