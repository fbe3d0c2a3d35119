import subprocess
import sys

import torch

from segdemo.checkpoints import places

_COMPARED = """
import os
from segdemo.checkpoints.places import torchvision_folder
places = ({}, {"XDG_CACHE_HOME": "/caches"}, {"TORCH_HOME": "~/t"}, {"TORCH_HOME": ""})
found = []
for place in places:
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        os.environ.pop(name, None)
    os.environ.update(place)
    found.append((torchvision_folder(), place))
import torch
for folder, place in found:
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        os.environ.pop(name, None)
    os.environ.update(place)
    if str(folder) != os.path.join(torch.hub.get_dir(), "checkpoints"):
        print(folder, torch.hub.get_dir(), place)
"""


def test_weights_of_torchvision_lie_where_pytorch_says():
    answer = subprocess.run(
        [sys.executable, "-c", _COMPARED], capture_output=True, text=True, check=True
    )
    assert answer.stdout == ""


def test_a_folder_that_was_set_in_pytorch_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    assert places.torchvision_folder() == tmp_path / "checkpoints"
