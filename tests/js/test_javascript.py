"""The pure JavaScript of the viewer, tested in the browser that it runs in."""

import re
from pathlib import Path

import pytest

from segdemo.ui.gradio_support.assets import static

HERE = Path(__file__).parent
FILES = sorted((HERE.parents[1] / "segdemo" / "ui").glob("*/static/**/*.js"))
PURE = (
    "text",
    "colours",
    "histogram",
    "view",
    "maps",
    "blocks",
    "flips",
    "edges",
    "painting",
    "png",
    "counts",
    "class_layers",
    "payload",
    "autothreshold",
    "thresholds",
    "warnings",
    "links",
    "batch_counts",
)
CLAIMS = [
    (path.name, name)
    for path in sorted(HERE.glob("*.test.js"))
    for name in re.findall(r'^test\("(.+?)", ', path.read_text(encoding="utf-8"), re.MULTILINE)
]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    scripts = [HERE / "harness.js", *sorted(HERE.glob("*.test.js"))]
    # One script, as in the viewer: the files share a scope and know nothing of each other's order.
    texts = [static(f"{name}.js") for name in PURE]
    source = "\n".join([*texts, *(path.read_text(encoding="utf-8") for path in scripts)])
    page.add_script_tag(content=f'"use strict";\n{source}')
    yield page
    page.close()


def test_every_claim_is_run(page):
    assert page.evaluate("[...tests.keys()]") == [name for _, name in CLAIMS]


@pytest.mark.parametrize(("file", "name"), CLAIMS)
def test_claim(page, file, name):
    page.evaluate("name => tests.get(name)()", name)


def test_a_pure_file_touches_no_page():
    for name in PURE:
        source = static(f"{name}.js")
        assert not re.search(r"\b(document|window|element|props|trigger|watch)\b", source), name


def test_gradio_is_called_in_one_file():
    for path in FILES:
        if path.name != "gradio.js":
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"\b(props\.|trigger\(|watch\()", source), path.name


def test_nobody_writes_html():
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", source)
