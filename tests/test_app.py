"""The entry: it starts with what the environment asks for, or says in one sentence why not."""

import os
import subprocess
import sys

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
