"""What visitors leave goes with the server, or with the next one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from segdemo.errors import SettingsError
from segdemo.ui.operations.temporary import server_folder


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_temporary_files_and_gradios_uploads_lie_in_one_folder_that_goes_at_the_end(tmp_path):
    with server_folder() as folder:
        left = Path(tempfile.mkdtemp())
        assert left.parent == folder
        assert Path(os.environ["GRADIO_TEMP_DIR"]).parent == folder
        assert folder.parent == tmp_path
    assert not list(tmp_path.iterdir())
    assert "GRADIO_TEMP_DIR" not in os.environ
    assert tempfile.tempdir == str(tmp_path)


def test_a_folder_for_uploads_that_the_operator_chose_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "chosen"))
    with server_folder():
        assert os.environ["GRADIO_TEMP_DIR"] == str(tmp_path / "chosen")
    assert os.environ["GRADIO_TEMP_DIR"] == str(tmp_path / "chosen")


def test_what_a_killed_server_left_is_swept_and_what_a_running_one_has_is_not(
    tmp_path, monkeypatch
):
    killed = (
        "import os, tempfile\n"
        "from segdemo.ui.operations.temporary import server_folder\n"
        "with server_folder() as folder:\n"
        "    (folder / 'left').write_text('x')\n"
        "    os._exit(9)\n"
    )
    with server_folder() as running:
        subprocess.run(
            [sys.executable, "-c", killed],
            check=False,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            cwd=Path(__file__).parents[3],
        )
        assert len(list(tmp_path.iterdir())) == 2
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with server_folder():
            folders = set(tmp_path.iterdir())
            assert running in folders
            assert not any((folder / "left").exists() for folder in folders)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SettingsError, match="cannot be written: No such file"), server_folder():
        pass
