"""What is installed, what requirements.txt asks for and what the Space runs are one."""

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.table import every

ROOT = Path(__file__).resolve().parent.parent


def requirements(name):
    """Distribution -> requirement, as the file ``name`` lists them."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    asked = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in asked}


RUNTIME = requirements("requirements.txt")
OPTIONAL = {
    name: requirement
    for extra in ("onnx", "smp", "transformers")
    for name, requirement in requirements(f"requirements-{extra}.txt").items()
}
OF_GRADIO = {
    canonicalize_name(Requirement(line).name) for line in importlib.metadata.requires("gradio")
}
"""What Gradio brings and hands to us, such as the requests that it answers."""


def test_the_space_the_requirements_and_the_installed_gradio_are_one_version():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sdk_version = re.search(r"^sdk_version: (\S+)$", readme, flags=re.MULTILINE)[1]
    assert str(RUNTIME["gradio"].specifier) == f"=={sdk_version}"
    assert importlib.metadata.version("gradio") == sdk_version


@every("name", ["requirements.txt", "requirements-onnx.txt", "requirements-dev.txt"])
def test_what_is_installed_is_what_was_asked_for(name):
    for distribution, requirement in requirements(name).items():
        assert requirement.specifier.contains(importlib.metadata.version(distribution))


def test_the_package_imports_only_what_the_requirements_name():
    providers = importlib.metadata.packages_distributions()
    for path in [ROOT / "app.py", *sorted((ROOT / "segdemo").rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for top in {name.split(".")[0] for name in names} - {"segdemo"}:
                if top not in sys.stdlib_module_names:
                    distributions = {canonicalize_name(name) for name in providers.get(top, [top])}
                    known = RUNTIME.keys() | OPTIONAL.keys() | OF_GRADIO
                    assert distributions & known, f"{path.name} imports {top}"
