import json

import pytest
import torch
from code_bases import randomised
from strangers import STRANGERS

import segdemo
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import METADATA_KEY, detect, read_file
from segdemo.checkpoints import export as module
from segdemo.checkpoints.export import export_onnx, export_safetensors
from segdemo.errors import ExportError
from segdemo.spec import Postprocessing, Preprocessing, SegmentationSpec

SPEC = SegmentationSpec(
    preprocessing=Preprocessing(resize="stretch", side=64, mean=(0.5,)),
    postprocessing=Postprocessing(classes=("thing",), threshold=0.25),
)


@pytest.fixture
def detection():
    torch.manual_seed(0)
    network = UNet(UNetConfig.standard(width=4, depth=2)).half()
    return detect(network.state_dict())


def test_what_was_exported_is_the_same_network_with_the_same_spec(detection, tmp_path):
    path = tmp_path / "net.safetensors"
    export_safetensors(detection, SPEC, {"title": "Kept"}, path)
    segmenter = segdemo.load(path, device="cpu")
    picture = torch.rand(1, 3, 37, 41)
    torch.testing.assert_close(segmenter.network(picture), detection.build()(picture))
    assert segmenter.spec == SPEC
    assert json.loads(read_file(path).metadata[METADATA_KEY])["title"] == "Kept"


def test_an_export_keeps_its_precision(detection, tmp_path):
    path = tmp_path / "net.safetensors"
    export_safetensors(detection, SPEC, {}, path)
    assert read_file(path).content["head.weight"].dtype == torch.float16


def test_what_no_tensor_can_tell_is_remembered(tmp_path):
    config = UNetConfig.standard(width=4, bias=True)
    ours = UNet(config).state_dict()
    theirs = {}
    for key, tensor in ours.items():
        key = key.replace("encoder.0.", "inc.double_conv.")
        for level in range(1, 5):
            key = key.replace(f"encoder.{level}.", f"down{level}.maxpool_conv.1.double_conv.")
            key = key.replace(f"decoder.{level - 1}.conv.", f"up{level}.conv.double_conv.")
            key = key.replace(f"decoder.{level - 1}.up", f"up{level}.up")
        for name, index in (("conv1", "0"), ("norm1", "1"), ("conv2", "3"), ("norm2", "4")):
            key = key.replace(f"double_conv.{name}", f"double_conv.{index}")
        theirs[key.replace("head.", "outc.conv.")] = tensor
    path = tmp_path / "net.safetensors"
    assumed = detect(theirs, assume="unet_unpadded")
    export_safetensors(assumed, SPEC, {}, path)
    segmenter = segdemo.load(path, device="cpu")
    assert segmenter.detection.config.padding == 0
    picture = torch.rand(1, 3, 150, 141)
    torch.testing.assert_close(segmenter.network(picture), assumed.build()(picture))


def test_another_order_of_layers_is_exported_in_the_order_that_was_taken(tmp_path):
    build, _ = STRANGERS["one norm for two"]
    tensors = randomised(build()).state_dict()
    # As a safetensors file has them: counters first, then the alphabet.
    keys = sorted(tensors, key=lambda key: (not key.endswith("tracked"), key))
    tensors = {key: tensors[key] for key in keys}
    ids = [other.id for other in detect(tensors).alternatives]
    taken = detect(tensors, assume=next(name for name in ids if "order_2" in name))
    path = tmp_path / "net.safetensors"
    export_safetensors(taken, SegmentationSpec(), {}, path)
    again = segdemo.load(path, device="cpu")
    picture = torch.rand(1, taken.config.in_channels, 64, 64)
    torch.testing.assert_close(again.network(picture), taken.build()(picture))


@pytest.mark.slow
def test_onnx_computes_what_pytorch_does_at_other_sizes_too(detection, tmp_path):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    assert export_onnx(detection, SPEC, path) <= 1e-4
    described = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert SegmentationSpec.from_json(described[METADATA_KEY]) == SPEC


@pytest.mark.slow
def test_a_graph_takes_any_batch_and_gives_what_is_asked_for(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    several = detect(UNet(UNetConfig.standard(width=16, depth=1, classes=3)).state_dict())
    spec = SegmentationSpec(postprocessing=Postprocessing(activation="softmax"))
    picture = torch.rand(4, 3, 33, 47)
    expected = several.build()(picture).softmax(1)
    for output, half in (("probabilities", False), ("labels", False), ("probabilities", True)):
        path = tmp_path / f"{output}{half}.onnx"
        export_onnx(several, spec, path, output=output, half=half)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        assert [one.name for one in session.get_outputs()] == [output]
        (found,) = session.run(None, {"picture": picture.numpy()})
        if output == "labels":
            assert (found == expected.argmax(1).numpy()).mean() > 0.999
        else:
            tolerance = 2e-2 if half else 1e-5
            assert abs(found - expected.numpy()).max() < tolerance
            assert found.dtype == "float32"
    sizes = [(tmp_path / f"probabilities{half}.onnx").stat().st_size for half in (False, True)]
    assert sizes[1] < 0.9 * sizes[0]


def test_without_the_packages_onnx_says_which_to_install(detection, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"onnx, onnxscript, onnxruntime.*requirements-onnx"):
        export_onnx(detection, SPEC, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()
