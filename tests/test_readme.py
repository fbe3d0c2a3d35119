"""The README says what is true: its settings, its Python, its commands."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

from segdemo.architectures import ARCHITECTURES
from segdemo.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
ENGLISH, CHINESE = (path.read_text(encoding="utf-8") for path in READMES)

SETTING_ROW = re.compile(r"^\| `(SEGDEMO_\w+)` \| (.*?) ?\| (.+) \|$", flags=re.MULTILINE)


def shown(default):
    """A default as the table has it."""
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, int | float) else ""


def rows(readme):
    return [(name, default.strip()) for name, default, _ in SETTING_ROW.findall(readme)]


def blocks(readme, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_the_settings_are_those_of_the_code(readme):
    expected = [(field.metadata["variable"], shown(field.default)) for field in fields(Settings)]
    assert rows(readme) == expected


def test_the_meanings_are_those_of_the_code():
    meanings = {name: meaning for name, _, meaning in SETTING_ROW.findall(ENGLISH)}
    assert meanings == {
        field.metadata["variable"]: field.metadata["meaning"] for field in fields(Settings)
    }


def test_both_languages_show_the_same_code():
    def code(readme, language):
        return [re.sub(r"\s*#.*", "", block) for block in blocks(readme, language)]

    for language in ("sh", "python"):
        assert code(ENGLISH, language) == code(CHINESE, language)


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_the_networks_are_those_that_are_recognised(readme):
    section = readme.split("\n## ")[3]
    names = re.findall(r"^\| (.+?) \|", section, flags=re.MULTILINE)
    assert sorted(names[1:]) == sorted(architecture.title for architecture in ARCHITECTURES)


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_link_leads_somewhere(readme):
    for target in re.findall(r"\]\(([^)#]+)", readme):
        assert target.startswith("https://") or (ROOT / target).exists(), target


@pytest.mark.parametrize("target", re.findall(r"make (\w+)", "".join(blocks(ENGLISH, "sh"))))
def test_every_command_exists(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize("block", blocks(ENGLISH, "python"))
def test_the_python_runs(block, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    with Image.open("segdemo/ui/examples/retina.jpg") as picture:
        width, height = picture.size
    assert names["prediction"].probabilities.ndim == 3
    assert names["prediction"].mask(0.5).shape[-2:] == (height, width)


def test_the_contribution_that_is_shown_is_the_real_one():
    shown = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    diff = shown.partition("+++ b/segdemo/architectures/isnet.py\n")[2].partition("```")[0]
    source = (ROOT / "segdemo/architectures/isnet.py").read_text(encoding="utf-8")
    assert [line.removeprefix("+") for line in diff.splitlines()] == source.splitlines()
