"""A reload in the same tab finds picture, networks and view again; another tab does not."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import served_page
from tests.browser.test_intake import READY, drag, files, lies, names, visit, weights

pytestmark = pytest.mark.browser

__all__ = ["files", "visit", "weights"]  # fixtures of the files that come in

STATE = "document.querySelector('#viewer .sv').segdemo.state()"


@pytest.fixture(scope="module")
def address(gradio_cache, weights):
    with served_page(weights, max_megapixels=1) as address:
        yield address


def set_view(page):
    page.evaluate(
        """() => {
          const { actions } = document.querySelector("#viewer .sv").segdemo;
          actions.setThreshold(77);
          actions.setMode("contour");
        }"""
    )
    page.wait_for_function(
        "location.search.includes('t=77') && location.search.includes('contour')"
    )


def test_ones_own_picture_mask_network_and_view_survive_a_reload(visit, address, files):
    page = visit(address)
    drag(page, files("own.png", 21), files("own_mask.png", 22), files("mine.safetensors"))
    lies(page, "truth", "own_mask.png")
    page.wait_for_selector(f"{READY}[data-count='3']")
    page.locator("#truth .pl-summary").click()
    page.get_by_role("button", name="inverse", exact=True).click()
    said = page.locator("#truth .pl-said")
    expect(said).to_contain_text("inverse")
    set_view(page)
    assert "own" not in page.url
    page.reload()
    lies(page, "picture", "own.png")
    lies(page, "truth", "own_mask.png")
    expect(said).to_contain_text("inverse")
    page.wait_for_selector(f"{READY}[data-count='3']")
    expect(names(page).nth(2)).to_have_text("Mine 0")
    assert page.evaluate(f"[{STATE}.threshold, {STATE}.mode]") == [77, "contour"]
    assert page.locator(".toast-body").count() == 0
    # And once more, by way of another page.
    page.goto("about:blank")
    page.go_back()
    lies(page, "picture", "own.png")
    page.wait_for_selector(f"{READY}[data-count='3']")


def test_another_tab_of_the_same_browser_sees_nothing_of_it(visit, address, files):
    page = visit(address)
    drag(page, files("own.png", 23))
    lies(page, "picture", "own.png")
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_selector("#viewer .sv")
    other.wait_for_selector("#picture .pl[data-state=empty]")
    assert other.evaluate("sessionStorage.length") == 0


def test_a_view_of_an_example_survives_a_reload_and_keeps_the_theme(visit, shipped_address):
    page = visit(f"{shipped_address}?__theme=dark")
    page.wait_for_selector(READY)
    assert page.url.endswith("?__theme=dark")
    set_view(page)
    assert "__theme=dark" in page.url
    page.reload()
    page.wait_for_selector(READY)
    page.wait_for_function(f"{STATE}.threshold === 77 && {STATE}.mode === 'contour'")
