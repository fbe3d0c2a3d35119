"""The page's JavaScript modules, imported by the browser that they run in."""

import re
from pathlib import Path

import pytest

from tests.js.conftest import ROOT

HERE = Path(__file__).parent
FILES = sorted((ROOT / "segdemo" / "ui").glob("*/static/**/*.js"))
TESTS = sorted(HERE.glob("*.test.js"))
CLAIMS = [
    (path.name, name)
    for path in TESTS
    for name in re.findall(r'^test\("(.+?)", ', path.read_text(encoding="utf-8"), re.MULTILINE)
]

pytestmark = pytest.mark.browser


def address(path: Path) -> str:
    """Where the page finds a file."""
    return "/" + path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def claims(page):
    """The page after all tests have been imported, each with the modules that it names."""
    page.evaluate(
        """async (paths) => {
          for (const path of paths) await import(path);
          window.tests = (await import("/tests/js/harness.js")).tests;
        }""",
        [address(path) for path in TESTS],
    )
    return page


def test_every_claim_is_run(claims):
    assert claims.evaluate("[...tests.keys()]") == [name for _, name in CLAIMS]


@pytest.mark.parametrize(("file", "name"), CLAIMS)
def test_claim(claims, file, name):
    claims.evaluate("name => tests.get(name)()", name)


def test_a_browser_imports_every_module(page):
    problems = page.evaluate(
        """async (paths) => {
          const problems = {};
          const note = (path) => (error) => { problems[path] = String(error); };
          for (const path of paths) await import(path).catch(note(path));
          return problems;
        }""",
        [address(path) for path in FILES],
    )
    # These need what Gradio gives to a component.
    mounts = [address(path) for path in FILES if path.name.startswith("mount_")]
    assert sorted(problems) == mounts
    for path, problem in problems.items():
        assert re.fullmatch(r"ReferenceError: (element|props) is not defined", problem), path


def test_gradio_is_called_in_one_file():
    for path in FILES:
        if path.name != "gradio.js":
            source = path.read_text(encoding="utf-8")
            assert not re.search(r"\b(props\.|trigger\(|watch\()", source), path.name


def test_nobody_writes_html():
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", source)
