"""ONNX graphs on the Hub: told before the download, and run after it."""

import pytest
import torch
from PIL import Image
from safetensors.torch import save

import segdemo
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.hub.listing import look
from segdemo.hub.references import Address
from tests.graphs.graph_files import write

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
REPO = "alice/graphs"


@pytest.fixture
def graph(tmp_path):
    network = UNet(UNetConfig.standard(width=4, depth=1, classes=3)).eval()
    path = write(network, tmp_path / "a.onnx", torch.rand(1, 3, 32, 32), free=(0, 2, 3))
    return network, path.read_bytes()


def test_a_graph_is_described_before_it_is_fetched(hub, graph):
    hub.add(REPO, {"onnx/model.onnx": graph[1], "onnx/broken.onnx": graph[1][:-40]})
    verdicts = {file.address.filename: file.verdict for file in look(Address(repo_id=REPO)).files}
    verdict = verdicts["onnx/model.onnx"]
    assert (verdict.reason, verdict.title, verdict.classes) == (None, "ONNX", 3)
    assert "3 × H × W float32" in verdict.configuration
    assert verdicts["onnx/broken.onnx"].reason.key == "file_damaged"


def test_the_weights_are_meant_where_a_graph_of_them_lies_beside(hub, graph):
    network, data = graph
    weights = save(network.state_dict())
    hub.add(REPO, {"best.safetensors": weights, "model.onnx": data})
    assert segdemo.from_pretrained(REPO).detection.architecture.id == "unet"
    picture = Image.linear_gradient("L").resize((48, 40)).convert("RGB")
    fetched = segdemo.from_pretrained(REPO, filename="model.onnx")
    assert fetched.predict(picture).probabilities.shape == (3, 40, 48)
