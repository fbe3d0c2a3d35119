"""What a visitor may rely on: the browser asks this server alone; nobody sees what is theirs."""

from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import served_page
from tests.ui.conftest import save_unet

pytestmark = pytest.mark.browser

READY = "#viewer .sv[data-state=ready]"


@pytest.fixture(scope="module")
def address(gradio_cache, tmp_path_factory):
    """A page that offers two checkpoints and opens without a picture."""
    folder = tmp_path_factory.mktemp("manners")
    save_unet(folder / "a.safetensors", title="A first")
    save_unet(folder / "b.safetensors", title="The last")
    with served_page(folder) as address:
        yield address


@pytest.fixture
def visit(new_page):
    """Opens a page for a visitor of their own; remembers whom it asks."""

    def visit(address):
        page = new_page(viewport={"width": 1280, "height": 800})
        page.asked = []
        page.on("request", lambda sent: page.asked.append(sent.url))
        page.on("websocket", lambda socket: page.asked.append(socket.url))
        page.goto(address)
        page.wait_for_selector("#viewer .sv")
        return page

    return visit


@pytest.fixture
def noise(tmp_path):
    """A picture that nobody else has."""

    def noise(seed):
        path = tmp_path / f"noise-{seed}.png"
        pixels = np.random.default_rng(seed).integers(0, 256, (47, 61, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return noise


def compare(page, picture):
    page.set_input_files("#picture input[type=file]", picture)
    page.wait_for_selector(READY)


def others(page, address):
    """Whom the page has asked beside its own server and itself."""
    own = {urlsplit(address).netloc, ""}
    return [url for url in page.asked if urlsplit(url).netloc not in own]


def test_a_session_asks_nobody_but_its_own_server(visit, shipped_address, noise):
    page = visit(shipped_address)
    page.wait_for_selector(READY)
    page.click("#examples button >> nth=1")
    page.wait_for_function(
        "document.querySelector('#checkpoint-0 input').value.startsWith('Nuclei')"
    )
    page.wait_for_selector(READY)
    compare(page, noise(0))
    page.click("#add")
    page.wait_for_selector("#checkpoint-2")
    page.click("#state .rs-button")
    page.wait_for_selector(READY)
    page.click("footer .show-api")
    page.wait_for_selector(".api-docs >> text=4 API endpoints")
    page.goto(shipped_address)
    page.wait_for_selector(READY)
    page.click("footer .settings")
    page.wait_for_selector("text=Display Theme")
    assert len(page.asked) > 20
    assert others(page, shipped_address) == []


def test_a_browser_keeps_no_record_of_runs(visit, address, noise):
    page = visit(address)
    compare(page, noise(0))
    kept = page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
    assert "noise" not in kept
    databases = page.evaluate("indexedDB.databases().then((all) => all.map(({ name }) => name))")
    assert databases == []


def files_of(page):
    """The pictures and maps that a page has fetched."""
    return {url for url in page.asked if "/gradio_api/file=" in url}


def test_what_one_visitor_compares_no_other_sees(visit, address, noise):
    first, second = visit(address), visit(address)
    compare(first, noise(1))
    of_first = files_of(first)
    assert len(of_first) >= 3
    # Neither one who was there before nor one who comes later.
    for other in (second, visit(address)):
        assert other.locator(READY).count() == 0
        assert other.locator("#picture img[src]").count() == 0
        assert not of_first & files_of(other)


def test_two_visitors_who_compare_at_once_each_see_their_own(visit, address, noise):
    first, second = visit(address), visit(address)
    for page, seed in ((first, 2), (second, 3)):
        page.set_input_files("#picture input[type=file]", noise(seed))
    for page in (first, second):
        page.wait_for_selector(READY)
        assert len(files_of(page)) >= 3
    assert not files_of(first) & files_of(second)
    second.click("#add")
    second.wait_for_selector("#checkpoint-2")
    assert first.locator("[id^=checkpoint-]:visible").count() == 2
