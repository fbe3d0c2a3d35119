"""The line that says what runs: seconds, cancel, a server that is gone or another one."""

import re

import pytest
from playwright.sync_api import expect

from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from tests.browser.conftest import served_page
from tests.browser.test_intake import READY, Gate, drag, files, lies, visit, weights

pytestmark = pytest.mark.browser

__all__ = ["files", "visit", "weights"]  # fixtures of the files that come in


@pytest.fixture(scope="module")
def gate():
    return Gate(Pool(Settings(device="cpu")))


@pytest.fixture(scope="module")
def address(gradio_cache, weights, gate):
    with served_page(weights, predictor=gate, max_megapixels=1) as address:
        yield address


@pytest.fixture
def closed(gate):
    """A gate that is closed while the test says nothing else."""
    gate.open.clear()
    yield gate
    gate.open.set()


def says(page, words):
    expect(page.locator("#state .rs-words")).to_contain_text(words)


def press(page, name):
    page.locator("#state").get_by_role("button", name=name).click()


def test_it_counts_the_seconds_of_the_network_that_runs_until_all_is_done(
    visit, address, files, closed
):
    page = visit(address)
    drag(page, files("own.png", 11))
    says(page, re.compile(r"^A runs \(A first\), [1-9]\d* s$"))
    closed.open.set()
    page.wait_for_selector(READY)
    says(page, "Up to date.")


def test_cancel_is_obeyed_at_once_and_running_again_goes_on(visit, address, files, closed):
    page = visit(address)
    drag(page, files("own.png", 12))
    says(page, "A runs")
    press(page, "Cancel")
    # The network has not ended yet.
    page.wait_for_selector("#viewer .sv[data-state=absent]")
    says(page, "2 of 2 have no result.")
    closed.open.set()
    press(page, "Run again")
    page.wait_for_selector(READY)
    says(page, "Up to date.")


def test_a_stored_result_says_so_and_can_be_run(visit, shipped_address):
    page = visit(shipped_address)
    says(page, "A stored result")
    press(page, "Run it here")
    says(page, "Up to date.")
    expect(page.locator("#viewer .sv-detail", has_text="stored")).to_have_count(0)


def test_a_server_that_no_longer_answers_is_said_and_one_that_answers_again_goes_on(
    visit, address, files, closed
):
    page = visit(address)
    drag(page, files("own.png", 13))
    lies(page, "picture", "own.png")
    says(page, "A runs")
    page.route("**/app_id", lambda route: route.abort())
    says(page, "Connection lost")
    page.unroute("**/app_id")
    press(page, "Retry")
    says(page, "A runs")
    closed.open.set()
    page.wait_for_selector(READY)
    says(page, "Up to date.")


def test_a_server_that_was_restarted_asks_for_a_reload(visit, address, files, closed):
    page = visit(address)
    drag(page, files("own.png", 14))
    says(page, "A runs")
    page.route("**/app_id", lambda route: route.fulfill(json={"app_id": 1}))
    says(page, "restarted")
    page.unroute("**/app_id")
    press(page, "Reload")
    page.wait_for_selector("#state .rs[data-state=empty]", state="attached")
