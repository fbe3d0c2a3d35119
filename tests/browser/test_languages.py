"""The page in the languages that it speaks, for everybody: by their browser or their own choice."""

from pathlib import Path

import axe_playwright_python
import pytest
from PIL import Image
from playwright.sync_api import expect

from segdemo.strings import text
from tests.browser.conftest import served_page
from tests.ui.conftest import save_unet

pytestmark = pytest.mark.browser

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
READY = "#viewer .sv[data-state=ready]"


@pytest.fixture(scope="module")
def address(gradio_cache, tmp_path_factory):
    """A page that offers two checkpoints, of which one fails, and opens without a picture."""
    folder = tmp_path_factory.mktemp("languages")
    save_unet(folder / "a.safetensors", title="A first")
    save_unet(folder / "b.safetensors", title="Broken", break_it=True)
    with served_page(folder) as address:
        yield address


@pytest.fixture
def open_in(new_page):
    """Opens an address as a browser of that locale does."""
    failures = []

    def open_in(address, locale, width=1280):
        page = new_page(locale=locale, viewport={"width": width, "height": 800})
        page.on("pageerror", lambda error: failures.append(error))
        # Gradio only mentions a component that could not begin, by what it calls its script.
        page.on("console", lambda said: "js_on_load" in said.text and failures.append(said.text))
        page.goto(address)
        page.wait_for_selector("#viewer .sv")
        return page

    yield open_in
    assert not failures


def wait_for(page, selector, words):
    page.locator(selector, has_text=words).first.wait_for()


def speaks(page, language):
    """Until every kind of component speaks the language: Gradio's, ours, and Python's notes."""
    wait_for(page, "#add", text("page_add", language))
    # An empty viewer does not show its tools.
    tools = page.locator("#viewer .sv-modes", has_text=text("viewer_mode_overlay", language))
    tools.wait_for(state="attached")
    wait_for(page, "#adding summary", text("add_title", language))


def choose_language(page, language):
    page.select_option("#language select", language)
    speaks(page, language)


@pytest.mark.parametrize(
    ("locale", "language", "tag"),
    # tests/js/language.test.js has more; Gradio itself takes these two for others than we do.
    [("zh", "zh", "zh-CN"), ("fr-FR", "en", "en")],
)
def test_the_page_follows_the_browser(open_in, address, locale, language, tag):
    page = open_in(address, locale)
    speaks(page, language)
    expect(page.locator("html")).to_have_attribute("lang", tag)
    expect(page.locator("#language select")).to_have_value(language)
    expect(page.locator("#picture h2")).to_have_text(text("place_picture", language))


def test_another_language_takes_nothing_away_and_fetches_no_map_again(open_in, shipped_address):
    page = open_in(shipped_address, "en-US")
    page.wait_for_selector(READY)
    page.evaluate(
        """() => {
          const { actions } = document.querySelector("#viewer .sv").segdemo;
          actions.setThreshold(77);
          actions.setMode("contour");
          actions.setLayout("swipe");
        }"""
    )
    page.locator("#viewer .sv-info").first.click()
    state = "document.querySelector('#viewer .sv').segdemo.state()"
    before, fetched = page.evaluate(state), []
    page.on("request", lambda request: fetched.append(request.url))
    choose_language(page, "zh")
    wait_for(page, "#viewer .sv-explain", text("page_stored", "zh"))
    assert page.evaluate(state) == before
    assert (
        page.locator("#viewer .sv-explain").get_by_text(text("viewer_reading", "zh")).count() == 1
    )
    assert (
        page.locator("#checkpoint-0 input").input_value().count(text("page_source_shipped", "zh"))
    )
    assert not [url for url in fetched if url.endswith(".png")]
    wait_for(page, "#truth .pl-name", text("place_mask_drop", "zh"))
    wait_for(page, "#picture .pl-fact", text("place_size", "zh", width=1411, height=1411))
    choose_language(page, "en")
    wait_for(page, "#viewer .sv-explain", text("page_stored", "en"))
    assert page.evaluate(state) == before


def test_a_comparison_is_told_again_and_its_failures_too(open_in, address, tmp_path):
    page = open_in(address, "en-US")
    Image.linear_gradient("L").resize((61, 47)).save(tmp_path / "picture.png")
    page.set_input_files("#picture input[type=file]", tmp_path / "picture.png")
    page.wait_for_selector(READY)
    wait_for(page, "#viewer .sv-failure", "not numbers")
    choose_language(page, "zh")
    wait_for(page, "#viewer .sv-failure", "NaN 或无穷大")
    wait_for(page, "#viewer .sv-failure-title", text("panel_failed", "zh"))
    page.wait_for_selector(READY)


def test_what_went_wrong_is_said_in_the_language_chosen(open_in, address):
    page = open_in(address, "zh-CN")
    speaks(page, "zh")
    page.get_by_role("tab", name=text("page_tab_many", "zh")).click()
    page.click("#batch-run")
    wait_for(page, ".toast-body", text("batch_no_pictures", "zh"))
    page.locator(f'.toast-title[data-words="{text("language_toast_error", "zh")}"]').wait_for()


def test_the_choice_is_remembered(open_in, address):
    page = open_in(address, "zh-CN")
    speaks(page, "zh")
    choose_language(page, "en")
    page.reload()
    speaks(page, "en")
    assert page.evaluate("document.documentElement.lang") == "en"
    # A browser may keep anything in its store.
    page.evaluate("localStorage.setItem('segdemo-language', 'constructor')")
    page.reload()
    speaks(page, "zh")


def grave_findings(page):
    """What axe-core calls serious or critical, with where it is."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        (finding["id"], node["target"], node.get("failureSummary"))
        for finding in found["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


# Every two of theme, language and width meet.
@pytest.mark.parametrize(
    ("theme", "language", "width"),
    [("light", "en", 1280), ("dark", "zh", 1280), ("dark", "en", 390), ("light", "zh", 390)],
)
def test_nobody_is_kept_out_and_all_stands_in_its_place(
    open_in, shipped_address, theme, language, width
):
    page = open_in(f"{shipped_address}?__theme={theme}", language, width)
    page.wait_for_selector(READY)
    speaks(page, language)
    page.locator("#examples [aria-label]").first.wait_for()
    assert_the_choice_of_language_ends_the_first_line(page, width)
    assert grave_findings(page) == []
    page.locator("#viewer .sv-info").first.click()
    page.locator("#adding summary").click()
    assert grave_findings(page) == []
    page.locator("#views [role=tab]:visible", has_text=text("page_tab_many", language)).click()
    page.wait_for_selector("#batch-run")
    assert grave_findings(page) == []


def assert_the_choice_of_language_ends_the_first_line(page, width):
    """And nothing is too wide."""
    assert page.evaluate("document.documentElement.scrollWidth") == width
    choice = page.locator("#language select").bounding_box()
    neighbour = page.locator("#title h1" if width == 390 else "#views [role=tab]").first
    beside = neighbour.bounding_box()
    assert abs(middle(choice) - middle(beside)) <= 2
    tools = page.locator("#viewer .sv-bar").bounding_box()
    assert choice["y"] + choice["height"] <= tools["y"]


def middle(box):
    return box["y"] + box["height"] / 2
