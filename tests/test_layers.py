"""Imports point down: the table of layers, and who owns which heavy package."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.table import every

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "segdemo"
MAX_LINES = 400
MAX_FILES = 25
MAX_FLAT = 10

# A module imports from its own line and from the lines above it, never from below.
LAYERS = (
    {"errors", "late", "settings", "spec", "strings", "version", "wording"},
    {"architectures"},
    {"images", "engine", "libraries"},
    {"checkpoints", "graphs"},
    {"hub"},
    {"catalog", "inference"},
    {"metrics"},
    {"training", "outputs"},
    {"serving"},
    {"batch"},
    {"evaluation"},
    {"ui", "cli"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# The same inside of the page: its packages, and the modules that stand in it.
UI_LAYERS = (
    {"gradio_support", "licences", "mask_words", "operations", "slots", "running"},
    {"visitor"},
    {"shelf", "wiring", "returning"},
    {"language"},
    {"transfers"},
    {"adding", "viewer"},
    {"intake"},
    {"viewer.readings", "batch"},
    {"handlers"},
    {"sharing", "api", "api_truth", "api_types"},
    {"layout"},
    {"comparing", "slot_events"},
    {"page"},
    {"demo"},
    {""},  # the package itself
)
UI_LEVEL = {name: level for level, names in enumerate(UI_LAYERS) for name in names}

# Who alone may import a package; whatever is not named here is free above layer 0.
OWNERS = {
    "gradio": {"ui"},
    "gradio_client": {"ui"},
    "huggingface_hub": {"hub"},
    "onnx": {"graphs"},
    "onnxruntime": {"graphs", "checkpoints"},
    "ray": {"serving"},
    "safetensors": {"checkpoints"},
    "segmentation_models_pytorch": {"libraries"},
    "timm": {"libraries"},
    "transformers": {"libraries"},
}
ALLOWED_IN_ARCHITECTURES = {"torch", "torchvision"}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


@cache
def imports(module: str) -> set[str]:
    """Every module that ``module`` imports anywhere in its text; names of ours to full depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in MODULES else node.module)
    return found


def part(module: str) -> str:
    """`segdemo.ui.layout` is of the part `ui`; the package itself is of the part ``."""
    return module.partition(".")[2].partition(".")[0]


def room(module: str) -> str:
    """`segdemo.ui.viewer.runner` is in the room `viewer`, `segdemo.ui.page` in `page`."""
    path = MODULES[module].relative_to(PACKAGE / "ui").with_suffix("")
    inside = ".".join(path.parts[:-1] or path.parts)
    return "" if inside == "__init__" else inside


def tracked(path: Path) -> bool:
    """Gradio writes .pyi files beside its components."""
    return path.is_file() and path.suffix not in (".pyi", ".pyc")


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "segdemo"}


def foreign(names: set[str]) -> set[str]:
    tops = {name.split(".")[0] for name in names} - {"segdemo", "__future__"}
    return tops - sys.stdlib_module_names


INSIDE = [name for name in MODULES if part(name) not in ("", "__main__")]


def test_every_module_has_a_layer():
    assert {part(name) for name in INSIDE} <= LEVEL.keys()


@every("module", INSIDE)
def test_imports_point_down(module):
    for name in ours(imports(module)):
        assert part(name), f"{module} imports from the package itself instead of from a module"
        assert LEVEL[part(name)] <= LEVEL[part(module)], f"{module} imports {name}"


def test_the_rooms_of_the_page_import_downwards():
    page = [name for name in INSIDE if part(name) == "ui"]
    assert {room(name) for name in page} == UI_LEVEL.keys()
    upwards = [
        f"{module} imports {name}"
        for module in page
        for name in ours(imports(module))
        if part(name) == "ui" and UI_LEVEL[room(name)] > UI_LEVEL[room(module)]
    ]
    assert not upwards


def test_a_folder_has_at_most_25_files_and_ten_modules_stand_beside_the_packages():
    folders = {path.parent for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts}
    full = {
        str(folder.relative_to(ROOT)): files
        for folder in folders
        if (files := len([path for path in folder.iterdir() if tracked(path)])) > MAX_FILES
    }
    assert not full
    flat = [path.name for path in PACKAGE.glob("*.py")]
    assert len(flat) <= MAX_FLAT, sorted(flat)


@every("module", MODULES)
def test_a_heavy_package_has_one_owner(module):
    for package in foreign(imports(module)):
        assert part(module) in OWNERS.get(package, {part(module)}), f"{module} imports {package}"


@every("module", [name for name in INSIDE if LEVEL[part(name)] == 0])
def test_the_lowest_layer_needs_only_the_standard_library(module):
    assert not foreign(imports(module))


@every("module", [name for name in INSIDE if part(name) == "architectures"])
def test_networks_need_only_torch(module):
    assert foreign(imports(module)) <= ALLOWED_IN_ARCHITECTURES


def test_the_entry_imports_the_package_alone():
    entry = ROOT / "app.py"
    tree = ast.parse(entry.read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert not foreign(modules)


def test_no_module_imports_itself_in_a_circle():
    waiting = {name: ours(imports(name)) & MODULES.keys() - {name} for name in INSIDE}
    while free := {name for name, needs in waiting.items() if not needs & waiting.keys()}:
        waiting = {name: needs for name, needs in waiting.items() if name not in free}
    assert not waiting, f"These import each other: {', '.join(waiting)}"


@every("module", MODULES)
def test_a_module_is_short_and_opens_with_its_job(module):
    source = MODULES[module].read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(source))


_EXTRAS = ("onnx", "onnxruntime", "segmentation_models_pytorch", "timm", "transformers")


@pytest.mark.parametrize(
    ("start", "heavy"),
    [
        (
            "import segdemo",
            ("torch", "torchvision", "gradio", "numpy", "PIL", "safetensors", "huggingface_hub"),
        ),
        (
            "from segdemo.ui import create_demo; create_demo()",
            ("torch", "torchvision", *_EXTRAS),
        ),
        ("import segdemo.cli.main", ("gradio", "huggingface_hub.inference", *_EXTRAS)),
    ],
    ids=["package", "page", "command line"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(start, heavy):
    report = f"import sys; {start}; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"
