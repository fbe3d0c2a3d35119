"""The wheel, built from this tree and installed elsewhere, runs and asks for what files name."""

import os
import shutil
import subprocess
import sys
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from segdemo.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("imaging", "onnx", "smp", "transformers")

pytestmark = pytest.mark.slow


def pip(*arguments):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of this tree, so that nothing is built inside of it."""
    folder = tmp_path_factory.mktemp("package")
    tree = folder / "tree"
    ours = shutil.ignore_patterns("__pycache__", "*.pyi")
    shutil.copytree(ROOT / "segdemo", tree / "segdemo", ignore=ours)
    (tree / "weights").mkdir()
    # One of the shipped checkpoints proves what all of them would.
    shutil.copy(ROOT / "weights" / "nuclei_unet_bilinear.safetensors", tree / "weights")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for path in ROOT.glob("requirements*.txt"):
        shutil.copy(path, tree)
    pip("wheel", tree, "--no-deps", "--no-build-isolation", "--no-index", "-w", folder / "wheels")
    (path,) = (folder / "wheels").iterdir()
    return path


@pytest.fixture(scope="module")
def metadata(wheel):
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_string(archive.read(name).decode("utf-8"))


@pytest.fixture(scope="module")
def installed(wheel):
    """Runs the installed script in an empty folder that knows nothing of this tree."""
    place = wheel.parent.parent / "installed"
    pip("install", wheel, "--no-deps", "--no-index", "--target", place)
    elsewhere = place.parent / "elsewhere"
    elsewhere.mkdir()

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(place), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(place / "bin" / "segdemo"), *arguments]
        return subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
        )

    run.place, run.elsewhere = place, elsewhere
    return run


def required(metadata, extra=None):
    """Distribution -> specifier, as the wheel asks for it with an extra, or without any."""
    found = {}
    for line in metadata.get_all("Requires-Dist"):
        requirement = Requirement(line)
        of_extra = "extra ==" in str(requirement.marker or "")
        named = extra is not None and f'extra == "{extra}"' in str(requirement.marker)
        if of_extra == (extra is not None) and (named or extra is None):
            found[canonicalize_name(requirement.name)] = str(requirement.specifier)
    return found


def asked(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    both = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(one.name): str(one.specifier) for one in both}


def test_the_wheel_asks_for_what_the_requirements_name(metadata):
    assert metadata["Version"] == VERSION
    assert metadata["Requires-Python"] == ">=3.10"
    assert required(metadata) == asked("requirements.txt")
    assert sorted(metadata.get_all("Provides-Extra")) == list(EXTRAS)
    for extra in EXTRAS:
        assert required(metadata, extra) == asked(f"requirements-{extra}.txt"), extra


def test_the_wheel_holds_every_file_that_the_package_needs(wheel):
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    ours = [path for path in (ROOT / "segdemo").rglob("*") if path.is_file()]
    wanted = {
        path.relative_to(ROOT).as_posix() for path in ours if path.suffix not in (".pyc", ".pyi")
    }
    assert wanted - names == set()
    assert "segdemo/py.typed" in wanted
    extra = {name for name in names - wanted if "-info/" not in name and ".data/" not in name}
    assert extra == set()


def test_the_installed_script_runs_from_anywhere(installed):
    assert installed("--version").stdout == f"segdemo {VERSION}\n"
    Image.effect_noise((64, 48), 80).convert("RGB").save(installed.elsewhere / "photo.jpg")
    done = installed("predict", "photo.jpg", "-c", "nuclei_unet_bilinear", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "photo.jpg" in done.stdout
    names = {path.name for path in (installed.elsewhere / "out").iterdir()}
    assert names == {f"photo.{kind}.png" for kind in ("mask", "probability", "overlay", "cutout")}


def test_the_installed_page_finds_its_files(installed):
    code = (
        "from segdemo.ui import create_demo; from segdemo.catalog import shipped;"
        "import segdemo; create_demo(); print(segdemo.__file__, [one.id for one in shipped()])"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed.place), "SEGDEMO_DEVICE": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed.elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    file, _, shipped = done.stdout.splitlines()[-1].partition(" ")
    assert Path(file).is_relative_to(installed.place)
    assert shipped == "['nuclei_unet_bilinear']"
