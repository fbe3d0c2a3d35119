"""Adding checkpoints as a visitor does it: a real browser, a real client, a Hub on loopback."""

import re
from functools import partial

import pytest
from hub_server import HubServer, clients
from huggingface_hub.utils import close_session
from PIL import Image
from playwright.sync_api import expect

from segdemo.catalog import cached, shipped
from segdemo.hub.references import Address
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.ui import launch_options
from segdemo.ui.adding import events as adding_events
from segdemo.ui.adding.hub_access import hub_access
from segdemo.ui.handlers import Handlers
from segdemo.ui.page import build
from segdemo.ui.shelf import Shelf
from tests.browser.conftest import served
from tests.ui.conftest import save_unet
from tests.ui.hub_fakes import remote_entry

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror='window.pwned=1'>.pth"
READY = "#viewer .sv[data-state=ready]"
ROW = "#transfers .tr-row"
FAR = Address(repo_id="alice/far", filename="far.safetensors")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    save_unet(folder / "a.safetensors", title="A first")
    save_unet(folder / "b.safetensors", title="B second")
    return folder


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A checkpoint of another width than those on the page, so that it is no copy of them."""
    path = tmp_path_factory.mktemp("cells") / "cells.safetensors"
    save_unet(path, title="Cells of the Hub")
    return path.read_bytes()


@pytest.fixture(scope="module")
def hub(tmp_path_factory, cells):
    cache = tmp_path_factory.mktemp("cache")
    with HubServer() as server, pytest.MonkeyPatch.context() as patch:
        clients.turn_client_to(server.endpoint, cache=cache, patch=patch)
        server.cache = cache
        server.add(
            "alice/cells",
            {"cells.safetensors": cells, HOSTILE: b"\x80\x02}q\x00.", "model.onnx": b"onnx"},
            pipeline_tag="image-segmentation",
        )
        server.add(FAR.repo_id, {FAR.filename: cells})
        yield server
    close_session()


def settings(**changes):
    return Settings(device="cpu", max_megapixels=1, **changes)


def demo_of(weights, hub, **changes):
    chosen = settings(**changes)
    access = hub_access(chosen)
    far = remote_entry("far", address=FAR, title="Far away", bytes=100_000)

    def offer():
        return (*shipped(weights), *cached(hub.cache, most_bytes=10**9), far)

    handlers = Handlers(
        settings=chosen,
        predictor=Pool(chosen),
        shelf=Shelf(offer, online=not access.offline),
        hub=access,
        examples=(),
    )
    return partial(served, build(handlers, weights), **launch_options(chosen))


@pytest.fixture(scope="module")
def address(gradio_cache, weights, hub):
    with demo_of(weights, hub)() as address:
        yield address


@pytest.fixture
def visit(new_page, tmp_path):
    """Opens the page for one more visitor; no script of it may fail."""
    errors = []

    def visit(address, *, width=1280, height=900, theme="light", picture=True):
        page = new_page(viewport={"width": width, "height": height})
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(f"{address}?__theme={theme}")
        page.wait_for_selector("#viewer .sv")
        if picture:
            path = tmp_path / "picture.png"
            Image.linear_gradient("L").resize((61, 47)).save(path)
            page.set_input_files("#picture input[type=file]", path)
            page.wait_for_selector(READY)
        return page

    yield visit
    assert not errors


def look(page, words):
    if not page.evaluate("document.querySelector('#adding details').open"):
        page.click("#adding summary")
    page.fill("#adding [data-part=text]", words)
    page.press("#adding [data-part=text]", "Enter")
    page.wait_for_selector("#adding .ad-answer:not([hidden])")


def says(page, selector, words):
    """Until the first of them says so."""
    expect(page.locator(selector).first).to_contain_text(words)


def titles(page):
    return page.locator("#viewer .sv-panel:not(.sv-original) .sv-name").all_inner_texts()


def offered(page, slot=0):
    page.click(f"#checkpoint-{slot} input")
    page.wait_for_selector("[role=option]")
    labels = page.locator("[role=option]").all_inner_texts()
    page.keyboard.press("Escape")
    return labels


def offers(page, words, slot=0):
    """Until a slot offers what has these words, as what is here already."""
    page.click(f"#checkpoint-{slot} input")
    here = page.locator("[role=option]", has_text=words).filter(has_not_text="↓")
    here.first.wait_for()
    page.keyboard.press("Escape")


def choose(page, slot, title):
    page.click(f"#checkpoint-{slot} input")
    page.locator("[role=option]", has_text=title).first.click()


def test_opening_the_page_asks_the_hub_nothing(visit, address, hub):
    before = len(hub.requests)
    page = visit(address)
    assert page.locator("#adding details").get_attribute("open") is None
    assert len(hub.requests) == before


def test_a_pasted_id_shows_the_verdict_on_every_file(visit, address):
    page = visit(address, picture=False)
    look(page, "https://huggingface.co/alice/cells")
    for words in ("U-Net", "1 class", "No licence is stated", "model.onnx"):
        says(page, "#adding .ad-answer", words)
    expect(page.locator("#adding .ad-use")).to_have_count(1)


def test_a_hostile_name_stays_text(visit, address):
    page = visit(address, picture=False)
    look(page, "alice/cells")
    says(page, "#adding .ad-answer", HOSTILE)
    assert page.evaluate("window.pwned") is None
    assert page.locator("#adding img").count() == 0


def test_words_find_repositories_and_pressing_one_looks_inside(visit, address):
    page = visit(address, picture=False)
    look(page, "cells")
    page.click("#adding button.ad-line:has-text('alice/cells')")
    page.wait_for_selector("#adding .ad-use")
    page.click("#adding .ad-back")
    expect(page.locator("#adding button.ad-line:has-text('alice/cells')")).to_have_count(1)


def test_what_goes_wrong_stands_in_place(visit, address):
    page = visit(address, picture=False)
    look(page, "alice/missing")
    says(page, "#adding .ad-problem", "alice/missing")
    assert page.locator(".toast-body").count() == 0


def test_use_downloads_with_progress_and_compares_with_what_was_there(visit, address, hub, cells):
    hub.add("alice/slow", {"slow.safetensors": cells + bytes(0)})
    page = visit(address)
    look(page, "alice/slow")
    stall = hub.fault("stall", on="get", repo="alice/slow")
    page.click("#adding .ad-use")
    # It begins at 0, and stays where the Hub stalls.
    bar = page.locator(f"{ROW} [role=progressbar]")
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    says(page, f"{ROW} .tr-text", "MB")
    # The others are compared meanwhile, and nothing is red.
    page.wait_for_selector("#viewer .sv[data-state=ready][data-count='3']")
    assert page.locator("#viewer .sv-panel[data-status=failed]").count() == 0
    says(page, "#viewer .sv-panel[data-status=absent]", "Being downloaded")
    stall.lift()
    page.wait_for_selector("#viewer .sv-panel:nth-child(3)[data-status=ready]")
    expect(page.locator(ROW)).to_have_count(0)
    assert titles(page)[:2] == ["A first", "B second"]
    offers(page, "slow", 2)


def test_cancel_stops_at_once_and_trying_again_goes_on(visit, address, hub, cells):
    hub.add("alice/cancelled", {"c.safetensors": cells})
    page = visit(address)
    look(page, "alice/cancelled")
    stall = hub.fault("stall", on="get", repo="alice/cancelled")
    page.click("#adding .ad-use")
    page.wait_for_selector(f"{ROW} [aria-valuenow]")
    page.click(f"{ROW} [data-action=cancel]")
    page.wait_for_selector(f"{ROW}[data-state=stopped]")
    page.wait_for_selector("#viewer .sv-panel[data-status=absent]:has-text('Not downloaded yet')")
    stall.lift()
    page.click(f"{ROW} [data-action=begin]")
    page.wait_for_selector("#viewer .sv-panel:nth-child(3)[data-status=ready]")


def test_a_download_that_fails_says_why_in_its_row(visit, address, hub, cells):
    hub.add("alice/broken", {"b.safetensors": cells})
    page = visit(address)
    look(page, "alice/broken")
    hub.fault("corrupt", on="get", repo="alice/broken")
    page.click("#adding .ad-use")
    page.wait_for_selector(f"{ROW}[data-state=failed]")
    says(page, ROW, "damaged")
    page.wait_for_selector("#viewer .sv-panel[data-status=absent]:has-text('Try the download')")
    page.click(f"{ROW} [data-action=dismiss]")
    page.wait_for_selector(ROW, state="detached")
    page.wait_for_selector("#viewer .sv-panel[data-status=absent]:has-text('Press Run again')")


def test_choosing_what_is_not_here_fetches_it_and_the_comparison_goes_on_by_itself(visit, address):
    page = visit(address)
    assert any("Far away · Hub" in label and "↓" in label for label in offered(page))
    choose(page, 1, "Far away")
    page.wait_for_selector(f"{READY} .sv-panel:nth-child(2)[data-status=ready] :text('Far away')")
    assert titles(page) == ["A first", "Far away"]


def test_what_one_visitor_fetched_others_find_after_a_reload(visit, address, hub, tmp_path):
    path = tmp_path / "shared.safetensors"
    save_unet(path, title="Shared cells")
    hub.add("alice/shared", {path.name: path.read_bytes()})
    alice, bob = visit(address), visit(address, picture=False)
    look(alice, "alice/shared")
    alice.click("#adding .ad-use")
    alice.wait_for_selector("#viewer .sv-panel:nth-child(3)[data-status=ready]")
    offers(alice, "alice/shared")
    assert not any("Shared cells" in label for label in offered(bob))
    bob.reload()
    bob.wait_for_selector("#viewer .sv")
    bob.click("#checkpoint-0 input")
    bob.wait_for_selector("[role=option]:has-text('Shared cells')")


@pytest.mark.parametrize("closed", ["private", "gated"])
def test_what_a_visitors_token_opened_no_other_visitor_ever_sees(
    visit, address, hub, cells, monkeypatch, closed
):
    token = hub.user("alice")
    repo_id = f"alice/{closed}"
    hub.add(repo_id, {f"{closed}.safetensors": cells}, **{closed: True})
    monkeypatch.setattr(adding_events, "token_of", lambda _: token)
    alice = visit(address)
    look(alice, repo_id)
    says(alice, "#adding .ad-answer", closed)
    alice.click("#adding .ad-use")
    alice.wait_for_selector("#viewer .sv-panel:nth-child(3)[data-status=ready]")
    monkeypatch.undo()
    bob = visit(address, picture=False)
    offers(alice, repo_id)
    assert not any(repo_id in label for label in offered(bob))
    assert not [path for path in hub.cache.rglob("*") if closed in path.name]


def test_a_chosen_file_is_judged_and_used(visit, address, weights):
    page = visit(address)
    page.set_input_files("#adding input[type=file]", weights / "a.safetensors")
    says(page, "#zone .dz-item[data-kind=done]", "a.safetensors is network C now: U-Net")
    page.wait_for_selector("#viewer .sv-panel:nth-child(3)[data-status=ready]")
    offers(page, "your file", 2)


def test_a_chosen_file_that_is_no_checkpoint_says_why(visit, address, tmp_path):
    page = visit(address, picture=False)
    path = tmp_path / "page.pth"
    path.write_text("<!DOCTYPE html><html><body>404</body></html>")
    page.set_input_files("#adding input[type=file]", path)
    says(page, "#zone .dz-item[data-kind=problem]", "web page")
    expect(page.locator("[id^=checkpoint-]:visible")).to_have_count(2)


def test_where_uploads_are_off_a_line_says_so(visit, gradio_cache, weights, hub):
    with demo_of(weights, hub, checkpoint_uploads=False)() as address:
        page = visit(address, picture=False)
        says(page, "#adding", "off on this server")
        assert page.locator("#adding .ad-own:visible").count() == 0


def test_offline_the_page_says_so_and_works_with_what_is_here(
    visit, gradio_cache, weights, hub, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    before = len(hub.requests)
    with demo_of(weights, hub)() as address:
        page = visit(address)
        page.click("#adding summary")
        says(page, "#status", "Offline")
        says(page, "#adding", "Offline mode is on")
        assert page.locator("#adding .ad-form:visible").count() == 0
        assert not any("↓" in label for label in offered(page))
    assert len(hub.requests) == before


def test_an_unreachable_hub_is_a_sentence_and_the_comparison_stays(
    visit, address, hub, monkeypatch
):
    page = visit(address)
    fault = hub.fault("drop", on="api")
    look(page, "alice/cells")
    says(page, "#adding .ad-problem", re.compile(r"\.\s*$"))
    fault.lift()
    assert titles(page) == ["A first", "B second"]


def test_the_status_names_a_hub_that_is_not_the_usual_one(visit, address, hub):
    says(visit(address, picture=False), "#status", hub.endpoint)


def test_everything_is_reached_by_keyboard_and_has_a_name(visit, address):
    page = visit(address, picture=False)
    page.focus("#adding summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("alice/cells")
    page.keyboard.press("Enter")
    page.wait_for_selector("#adding .ad-use")
    names = set()
    page.focus("#adding .ad-file")
    for _ in range(6):
        names.add(
            page.evaluate(
                "(document.activeElement.getAttribute('aria-label') || '')"
                " + document.activeElement.textContent"
            )
        )
        page.keyboard.press("Tab")
    assert {"Look", "Use cells.safetensorsUse", "Your own network (.pth)"} <= names


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_the_verdicts_without_sideways_scrolling(visit, address, theme):
    page = visit(address, width=390, height=844, theme=theme, picture=False)
    look(page, "alice/cells")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
