"""A page that imports the project's JavaScript modules as a browser does."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "http://segdemo.test"


@pytest.fixture(scope="module")
def page(browser):
    """An empty page whose origin has the project's JavaScript files and nothing else."""

    def answer(route):
        path = urlsplit(route.request.url).path
        if path.endswith(".js"):
            route.fulfill(path=ROOT / path[1:], content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page = browser.new_page()
    page.route(f"{ORIGIN}/**", answer)
    page.goto(ORIGIN)
    yield page
    page.close()
