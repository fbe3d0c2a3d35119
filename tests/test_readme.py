"""The README says what is true: its settings, its Python, its commands."""

import re
import shlex
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from PIL import Image

from segdemo.architectures import ARCHITECTURES
from segdemo.cli import main as cli
from segdemo.settings import Settings
from segdemo.strings import table
from segdemo.ui import create_demo, launch_options
from tests.browser.conftest import served
from tests.table import every
from tests.ui.conftest import in_a_loop, save_unet

ROOT = Path(__file__).resolve().parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
ENGLISH, CHINESE = (path.read_text(encoding="utf-8") for path in READMES)

SETTING_ROW = re.compile(r"^\| `(SEGDEMO_\w+)` \| (.*?) ?\| (.+) \|$", flags=re.MULTILINE)


def shown(default):
    """A default as the table has it."""
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, int | float):
        return f"{default:g}"
    return default if isinstance(default, str) else ""


def rows(readme):
    return [(name, default.strip()) for name, default, _ in SETTING_ROW.findall(readme)]


def blocks(readme, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, flags=re.MULTILINE | re.DOTALL)


IN_PYTHON, FOR_PROGRAMS = blocks(ENGLISH, "python")


@every("readme", [ENGLISH, CHINESE], ids=["en", "zh"])
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


@every("readme", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_the_networks_are_those_that_are_recognised(readme):
    section = readme.split("\n## ")[3]
    names = re.findall(r"^\| (.+?) \|", section, flags=re.MULTILINE)
    assert sorted(names[1:]) == sorted(architecture.title for architecture in ARCHITECTURES)


@every("readme", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_link_leads_somewhere(readme):
    for target in re.findall(r"\]\(([^)#]+)", readme):
        assert target.startswith("https://") or (ROOT / target).exists(), target


@every("target", re.findall(r"make (\w+)", "".join(blocks(ENGLISH, "sh"))))
def test_every_command_exists(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


COMMANDS = re.findall(r"-m segdemo (.+)", "".join(blocks(ENGLISH, "sh")))


@every("command", COMMANDS)
def test_every_command_line_is_understood(command):
    assert cli._parser().parse_args(shlex.split(command)).run


@every("readme", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_the_files_that_are_promised_are_those_that_predict_writes(readme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_unet(tmp_path / "several.safetensors", title="Several classes", classes=3)
    Image.new("RGB", (32, 24)).save("photo.jpg")
    assert cli.main(["predict", "photo.jpg", "-c", "several.safetensors", "--out", "masks"]) == 0
    promised = re.findall(r"`(photo\.\w+\.png)`", readme)
    assert sorted(promised) == sorted(path.name for path in Path("masks").iterdir())


@every(("readme", "language"), [(ENGLISH, "en"), (CHINESE, "zh")])
def test_the_page_is_quoted_in_its_own_words(readme, language):
    said = {entry[language] for entry in table().values()}
    assert set(re.findall("“(.+?)”", readme)) <= said


def run(block):
    """The names that the code of a README leaves behind."""
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    return names


def test_the_python_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    names = run(IN_PYTHON)
    with Image.open("segdemo/ui/examples/retina.jpg") as picture:
        width, height = picture.size
    assert names["prediction"].probabilities.ndim == 3
    assert names["prediction"].mask(0.5).shape[-2:] == (height, width)


def test_the_calls_of_programs_are_answered(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    settings = Settings(device="cpu")
    with ExitStack() as stack:

        def serve():
            return served(create_demo(settings), **launch_options(settings))

        address = in_a_loop(lambda: stack.enter_context(serve()))
        names = run(FOR_PROGRAMS.replace("http://127.0.0.1:7860", address))
    with Image.open("segdemo/ui/examples/nuclei.png") as picture:
        size = picture.size
    for file in (names["mask"], names["probability"]):
        with Image.open(file) as picture:
            assert picture.size == size
    assert 0 < names["figures"]["coverage"] < 1
    assert 0.5 < names["comparison"]["agreement"][0]["iou"] < 1


def test_the_contribution_that_is_shown_is_the_real_one():
    shown = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    diff = shown.partition("+++ b/segdemo/architectures/pspnet.py\n")[2].partition("```")[0]
    source = (ROOT / "segdemo/architectures/pspnet.py").read_text(encoding="utf-8")
    assert [line.removeprefix("+") for line in diff.splitlines()] == source.splitlines()
