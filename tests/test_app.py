"""The entry: it starts with what the environment asks for, or says in one sentence why not."""

import os
import signal
import subprocess
import sys

import pytest

from tests.table import every


def start(root, **environment):
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


@every(
    ("environment", "sentence"),
    [
        ({"SEGDEMO_DEVICE": "cuda:99"}, 'The device "cuda:99" was asked for'),
        ({"SEGDEMO_MAX_MEGAPIXELS": "many"}, 'SEGDEMO_MAX_MEGAPIXELS is set to "many"'),
    ],
)
def test_an_impossible_setting_ends_the_start_with_one_sentence(root, environment, sentence):
    ended = start(root, **environment)
    assert ended.returncode == 1
    assert ended.stderr.startswith(sentence)
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send")
def test_a_server_that_is_told_to_stop_ends_in_order_and_leaves_no_files(root, tmp_path):
    environment = os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    environment.pop("GRADIO_TEMP_DIR", None)
    server = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            assert any("Running on local URL" in line for line in server.stdout)
            assert list(tmp_path.glob("segdemo-server-*"))
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=900) == 0
        finally:
            server.kill()
        assert "Traceback" not in server.stderr.read()
    assert not list(tmp_path.glob("segdemo-*"))
