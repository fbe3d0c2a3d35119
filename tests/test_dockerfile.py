"""The container image has all that the page needs, and nothing of it runs as root."""

import re
import shutil
import subprocess
import sys

import pytest

from segdemo import catalog
from segdemo.settings import Settings


@pytest.fixture
def dockerfile(root):
    return (root / "Dockerfile").read_text(encoding="utf-8")


def test_the_files_of_the_image_build_the_page_with_every_shipped_checkpoint(
    dockerfile, root, tmp_path
):
    for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            for path in sorted(root.glob(source)):
                if path.is_dir():
                    shutil.copytree(path, tmp_path / target)
                else:
                    (tmp_path / target).mkdir(exist_ok=True)
                    shutil.copy(path, tmp_path / target / path.name)
    report = (
        "from segdemo import catalog; from segdemo.settings import Settings;"
        "from segdemo.ui import create_demo; create_demo();"
        "print([entry.title for entry in catalog.offered(Settings())])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", report], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    titles = [entry.title for entry in catalog.offered(Settings())]
    assert answer.stdout.splitlines()[-1] == str(titles)


def test_it_runs_as_a_user_and_says_when_it_is_ready(dockerfile):
    last_user = re.findall(r"^USER (\w+)$", dockerfile, re.MULTILINE)[-1]
    assert last_user != "root"
    assert dockerfile.index("USER ") > dockerfile.rindex("pip install")
    assert "/readyz" in dockerfile


def test_what_is_copied_is_what_docker_is_given(dockerfile, root):
    given = re.findall(r"^!(.+)$", (root / ".dockerignore").read_text(), re.MULTILINE)
    copied = [
        source
        for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sorted(copied) == sorted(given)
