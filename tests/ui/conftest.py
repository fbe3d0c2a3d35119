"""Small checkpoints, quick to run, of which one cannot work."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.catalog import shipped
from segdemo.ui.visitor import Visitor


def save_unet(path, *, title, task="test", classes=1, break_it=False):
    torch.manual_seed(len(title))
    tensors = UNet(UNetConfig.standard(width=4, depth=2, classes=classes)).state_dict()
    if break_it:
        tensors["head.bias"] = torch.full_like(tensors["head.bias"], float("nan"))
    words = {"title": title, "architecture": "unet", "task": task}
    save_file(tensors, path, metadata={"segdemo": json.dumps(words)})


def in_a_loop(make):
    """What a function makes of Gradio's, with nothing left open."""

    async def made():
        return make()

    # Without a loop that runs, Gradio makes one that it never closes; the browser's tests leave
    # one running in the first thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(made())).result()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    save_unet(folder / "first.safetensors", title="A first")
    save_unet(folder / "broken.safetensors", title="Broken", break_it=True)
    save_unet(folder / "last.safetensors", title="The last")
    return folder


@pytest.fixture(scope="session")
def entries(folder):
    return shipped(folder)


@pytest.fixture(scope="session")
def several(tmp_path_factory):
    """A checkpoint of several classes."""
    folder = tmp_path_factory.mktemp("several")
    save_unet(folder / "several.safetensors", title="Several classes", classes=4)
    (entry,) = shipped(folder)
    return entry


@pytest.fixture
def visitor():
    visitor = Visitor()
    yield visitor
    visitor.close()


@pytest.fixture
def picture():
    return Image.linear_gradient("L").convert("RGB").resize((61, 47))


@pytest.fixture
def picture_path(picture, tmp_path):
    path = tmp_path / "picture.png"
    picture.save(path)
    return str(path)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    # Gradio asks for its folder each time it stores a file.
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
