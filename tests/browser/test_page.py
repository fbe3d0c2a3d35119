"""The page as a visitor uses it: real components, real networks, a real browser."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from segdemo.ui.viewer.stored import FOLDER
from tests.browser.conftest import served_page
from tests.ui.conftest import save_unet

pytestmark = pytest.mark.browser

HOSTILE = "Z <img src=x onerror='window.pwned=1'>${window.pwned=2}{{constructor}}"
READY = "#viewer .sv[data-state=ready]"


@pytest.fixture(scope="module")
def address(gradio_cache, tmp_path_factory):
    """A page with three checkpoints, of which the second fails and the third has a hostile name."""
    folder = tmp_path_factory.mktemp("page")
    save_unet(folder / "a.safetensors", title="A first")
    save_unet(folder / "b.safetensors", title="Broken", break_it=True)
    save_unet(folder / "c.safetensors", title=HOSTILE)
    with served_page(folder, max_megapixels=1) as address:
        yield address


@pytest.fixture
def page(new_page, address):
    page = new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    page.wait_for_selector("#viewer .sv")
    return page


@pytest.fixture
def upload(page, tmp_path):
    def upload(picture=None, name="picture.png", content=None):
        path = tmp_path / name
        if content is None:
            (picture or Image.linear_gradient("L").resize((61, 47))).save(path)
        else:
            path.write_bytes(content)
        page.set_input_files("#picture input[type=file]", path)

    return upload


def choose(page, slot, title):
    page.click(f"#checkpoint-{slot} input")
    page.locator("[role=option]", has_text=title).first.click()


def panels(page):
    return page.locator("#viewer .sv-panel:not(.sv-original)")


def test_an_uploaded_picture_becomes_a_finished_comparison(page, upload):
    upload()
    page.wait_for_selector(READY)
    expect(panels(page)).to_have_count(2)
    expect(panels(page).nth(0)).to_contain_text("A first")


def test_a_network_that_fails_says_so_in_its_own_panel(page, upload):
    upload()
    page.wait_for_selector(READY)
    expect(panels(page).nth(1)).to_contain_text("NaN")
    expect(panels(page).nth(0)).to_contain_text("foreground")


def test_choosing_a_checkpoint_runs_it_at_once_and_its_name_stays_text(page, upload):
    upload()
    page.wait_for_selector(READY)
    choose(page, 1, "Z <img")
    page.wait_for_function(
        "name => document.querySelector('#viewer').textContent.includes(name)", arg=HOSTILE
    )
    page.wait_for_selector(READY)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#viewer img[src=x]").count() == 0


def test_slots_come_and_go_between_one_and_four(page):
    visible = page.locator("[id^=checkpoint-]:visible")
    expect(visible).to_have_count(2)
    for expected in (3, 4):
        page.click("#add")
        page.wait_for_selector(f"#checkpoint-{expected - 1}")
        expect(visible).to_have_count(expected)
    page.wait_for_selector("#add[disabled]")
    for left in (3, 2, 1):
        page.click("#remove-0")
        page.wait_for_selector(f"#checkpoint-{left}", state="hidden")
        expect(visible).to_have_count(left)


def test_a_panel_leaves_with_its_slot(page, upload):
    page.click("#add")
    page.wait_for_selector("#checkpoint-2")
    upload()
    page.wait_for_selector(READY)
    choose(page, 2, "Z <img")
    page.wait_for_selector("#viewer .sv[data-count='3'][data-state=ready]")
    page.click("#remove-1")
    page.wait_for_selector("#viewer .sv[data-count='2'][data-state=ready]")
    expect(panels(page).locator(".sv-name")).to_have_text(["A first", HOSTILE])
    page.click("#remove-0")
    page.wait_for_selector("#viewer .sv[data-count='1'][data-state=ready]")
    expect(panels(page).locator(".sv-name")).to_have_text([HOSTILE])


def test_a_bad_picture_is_one_sentence_and_the_page_goes_on(page, upload):
    upload(name="page.png", content=b"<!DOCTYPE html><html><body>404</body></html>")
    expect(page.locator("#picture .pl-problem")).to_contain_text("web page")
    upload()
    page.wait_for_selector(READY)


def test_a_picture_beyond_the_limit_is_told_its_size_and_the_limit(page, upload):
    upload(Image.new("L", (2000, 1000)))
    problem = page.locator("#picture .pl-problem")
    expect(problem).to_contain_text("2 megapixels; the limit is 1.")


def test_the_status_names_the_device(page):
    expect(page.locator("#status")).to_contain_text("CPU")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(new_page, address, theme, tmp_path):
    page = new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}?__theme={theme}")
    page.wait_for_selector("#viewer .sv")
    path = tmp_path / "picture.png"
    Image.linear_gradient("L").resize((90, 70)).save(path)
    page.set_input_files("#picture input[type=file]", path)
    page.wait_for_selector(READY)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.fixture
def shipped_page(new_page, shipped_address):
    page = new_page(viewport={"width": 1280, "height": 800})
    page.runs = []
    page.on("request", lambda sent: page.runs.append(sent) if "/queue/join" in sent.url else None)
    page.goto(shipped_address)
    page.wait_for_selector(READY)
    return page


def test_the_first_visit_shows_a_finished_comparison_that_nothing_was_run_for(shipped_page):
    expect(panels(shipped_page)).to_have_count(2)
    expect(panels(shipped_page).nth(0)).to_contain_text("Vessels · U-Net")
    expect(panels(shipped_page).nth(1)).to_contain_text("Vessels · U²-Net lite")
    assert shipped_page.runs == []


def test_an_example_opens_with_its_networks_and_nothing_is_run(shipped_page):
    shipped_page.click("#examples button >> nth=1")
    shipped_page.wait_for_function(
        "document.querySelector('#checkpoint-0 input').value.startsWith('Nuclei')"
    )
    expect(panels(shipped_page).filter(has_text="Nuclei")).to_have_count(2)
    shipped_page.wait_for_selector(READY)
    expect(panels(shipped_page)).to_have_count(2)
    assert shipped_page.runs == []


def test_a_mask_for_an_example_is_judged_as_it_is_stored_until_it_is_run_here(
    shipped_page, tmp_path
):
    shipped_page.click("#examples button >> nth=1")
    cards = panels(shipped_page)
    cards.filter(has_text="Nuclei").first.wait_for()
    shipped_page.wait_for_selector(READY)
    with Image.open(FOLDER / "cell.png") as picture:
        picture.convert("L").point(lambda grey: 255 * (grey > 150)).save(tmp_path / "truth.png")
    shipped_page.set_input_files("#truth input[type=file]", tmp_path / "truth.png")
    shipped_page.wait_for_selector("#viewer .sv-score-value")
    shipped_page.wait_for_selector(READY)
    expect(cards.filter(has_text=", stored")).to_have_count(2)
    shipped_page.get_by_role("button", name="Run it here").click()
    cards.filter(has_text=", stored").first.wait_for(state="detached")
    shipped_page.wait_for_selector(READY)
    shipped_page.locator("#viewer .sv-score-value").first.wait_for()


def test_the_page_can_be_used_by_keyboard_alone(shipped_page):
    shipped_page.evaluate("document.querySelector('#viewer .sv').scrollIntoView()")
    reached = set()
    for _ in range(60):
        shipped_page.keyboard.press("Tab")
        reached.add(
            shipped_page.evaluate(
                "document.activeElement.closest('[id]:not([id^=html-])')?.id + ' '"
                " + (document.activeElement.dataset.part ?? '')"
            )
        )
    assert any(place.startswith("checkpoint-0") for place in reached)
    assert "state button" in reached
    assert any(place.endswith(" threshold") for place in reached)
    assert any(place.startswith("examples") for place in reached)


def test_the_printed_keys_work_from_the_start(shipped_page):
    mode = "document.querySelector('#viewer .sv').segdemo.state().mode"
    shipped_page.keyboard.press("2")
    shipped_page.wait_for_function(f"{mode} === 'mask'")
    shipped_page.locator("#checkpoint-0 input").focus()
    shipped_page.keyboard.press("4")
    assert shipped_page.evaluate(mode) == "mask"


def test_on_a_phone_the_result_comes_first_and_into_sight(new_page, shipped_address):
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(shipped_address)
    page.wait_for_selector(f"{READY}[data-layout=swipe]")
    stage = page.locator("#viewer .sv-stage .sv-view")
    at_first = stage.bounding_box()
    assert at_first["y"] < 844 * 3 / 4
    assert at_first["width"] > 300
    assert page.locator("#picture").bounding_box()["y"] < at_first["y"]
    assert page.locator("#checkpoint-0").bounding_box()["y"] > at_first["y"]
    page.locator("#examples button").nth(1).tap()
    page.wait_for_function(
        """() => {
          const stage = document.querySelector("#viewer .sv-stage");
          const { top, bottom } = stage.getBoundingClientRect();
          return top > 0 && top < innerHeight / 2 && bottom > innerHeight / 2;
        }"""
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 390
