"""ONNX files on the way in: looked at, refused in a sentence, read in another way."""

import io
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

import segdemo
from segdemo.architectures import ARCHITECTURES
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.catalog import from_file, in_folders
from segdemo.checkpoints.export import export_onnx
from segdemo.checkpoints.judging import judge
from segdemo.checkpoints.recognise import recognise
from segdemo.errors import CheckpointError, FileError, PredictionError, SegdemoError
from segdemo.graphs import detection as module
from segdemo.graphs.reader import read_model
from segdemo.hub.remote import RangeFile
from segdemo.inference.inspection import inspect_network
from segdemo.settings import Settings
from segdemo.spec import Preprocessing, SegmentationSpec
from tests.graphs.graph_files import Wrapped, write
from tests.small_configs import CONFIGS

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT
IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8))


def unet(classes=1, width=4):
    torch.manual_seed(0)
    return UNet(UNetConfig.standard(width=width, depth=2, classes=classes)).eval()


@pytest.fixture
def plain(tmp_path):
    return write(unet(), tmp_path / "plain.onnx", torch.rand(1, 3, 64, 64), free=(0, 2, 3))


def made(
    path: Path, *, inputs=(("image", FLOAT, (1, 3, 32, 32)),),
    outputs=(("mask", FLOAT, (1, 3, 32, 32)),), nodes=None, weights=(), domains=(),
) -> Path:  # fmt: skip
    """A graph of the given interface, which hands its image on unless it has other nodes."""
    values = [helper.make_tensor_value_info(*value) for value in (*inputs, *outputs)]
    nodes = nodes or [helper.make_node("Identity", [inputs[0][0]], [name]) for name, *_ in outputs]
    graph = helper.make_graph(
        nodes, "graph", values[: len(inputs)], values[len(inputs) :], list(weights)
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(name, 1) for name in domains)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    )
    return path


def key_of(path: Path) -> str:
    """What loading says against a file."""
    with pytest.raises(SegdemoError) as refused:
        segdemo.load(path, device="cpu")
    assert refused.value.message("en") != refused.value.message("zh")
    return refused.value.key


def looping():
    """A node that goes on as long as its condition says."""
    state = helper.make_tensor_value_info("x", FLOAT, None)
    after = helper.make_tensor_value_info("y", FLOAT, None)
    going = helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, ())
    number = helper.make_tensor_value_info("n", onnx.TensorProto.INT64, ())
    still = helper.make_tensor_value_info("c2", onnx.TensorProto.BOOL, ())
    inside = [
        helper.make_node("Identity", ["x"], ["y"]),
        helper.make_node("Identity", ["c"], ["c2"]),
    ]
    body = helper.make_graph(inside, "body", [number, going, state], [still, after])
    return helper.make_node("Loop", ["", "", "image"], ["mask"], body=body)


def far_away(path: Path) -> Path:
    """A graph whose weights lie outside of its folder."""
    weight = helper.make_tensor("w", FLOAT, (1, 3, 32, 32), [0.0] * 3072)
    weight.ClearField("float_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret.bin")
    add = helper.make_node("Add", ["image", "w"], ["mask"])
    return made(path, nodes=[add], weights=[weight])


def test_graphs_that_are_none_from_an_image_to_masks_are_refused_in_a_sentence(tmp_path):
    image = ("image", FLOAT, (1, 3, 32, 32))
    custom = helper.make_node("Fancy", ["image"], ["mask"], domain="acme.ops")
    cases = {
        "graph_no_picture": {"inputs": (("x", FLOAT, (1, 3, 16, 32, 32)),)},
        "graph_inputs": {"inputs": (image, ("scale", FLOAT, (1,)))},
        "graph_no_mask": {"outputs": (("logits", FLOAT, (1, 1000)),)},
        "graph_queries": {
            "outputs": (("classes", FLOAT, (1, 100, 20)), ("masks", FLOAT, (1, 100, 32, 32)))
        },
        "graph_operators": {"nodes": [custom], "domains": ("acme.ops",)},
        "graph_loops": {"nodes": [looping()]},
        "checkpoint_memory": {
            "inputs": (("image", FLOAT, (1, 3, 30000, 30000)),),
            "outputs": (("mask", FLOAT, (1, 3, 30000, 30000)),),
        },
        "checkpoint_family": {
            "outputs": (("boxes0", FLOAT, (1, 116, 8400)), ("protos", FLOAT, (1, 32, 32, 32)))
        },
        "graph_refused": {"nodes": [helper.make_node("NoSuchOperation", ["image"], ["mask"])]},
    }
    wrong = {}
    for key, facts in cases.items():
        found = key_of(made(tmp_path / f"{key}.onnx", **facts))
        if found != key:
            wrong[key] = found
    assert key_of(far_away(tmp_path / "far.onnx")) == "graph_outside"
    assert not wrong


def test_families_that_need_a_prompt_are_named(tmp_path):
    image = ("image", FLOAT, (1, 3, 32, 32))
    for beside, family in (("point_coords", "Segment Anything"), ("input_ids", "CLIPSeg")):
        path = made(tmp_path / f"{beside}.onnx", inputs=(image, (beside, FLOAT, (1, 2))))
        with pytest.raises(CheckpointError, match=family):
            segdemo.load(path, device="cpu")


def test_weights_in_a_file_beside_are_read_and_missing_ones_are_named(plain, tmp_path):
    onnx.save(
        onnx.load(plain), tmp_path / "split.onnx", save_as_external_data=True, location="split.data"
    )
    split = segdemo.load(tmp_path / "split.onnx", device="cpu").predict(IMAGE)
    whole = segdemo.load(plain, device="cpu").predict(IMAGE)
    np.testing.assert_allclose(split.probabilities, whole.probabilities, atol=1e-6)
    (tmp_path / "split.data").unlink()
    assert key_of(tmp_path / "split.onnx") == "graph_beside"


def test_a_damaged_graph_is_a_damaged_file(plain, tmp_path):
    data = plain.read_bytes()
    for count in (30, 600, len(data) // 2, len(data) - 3):
        cut = tmp_path / "cut.onnx"
        cut.write_bytes(data[:count])
        assert key_of(cut) == "file_damaged"


def test_a_look_over_ranges_tells_what_loading_does_for_little(tmp_path):
    path = write(unet(3, 64), tmp_path / "large.onnx", torch.rand(1, 3, 64, 64))
    data, fetched = path.read_bytes(), []

    def fetch(start, stop):
        fetched.append(stop - start)
        return data[start:stop]

    source = io.BufferedReader(RangeFile(fetch, name="large.onnx", size=len(data)))
    verdict = judge(source, name="large.onnx", size=len(data))
    assert verdict.reason is None
    loaded = segdemo.load(path, device="cpu").detection
    assert (verdict.classes, verdict.in_channels) == (3, 3)
    assert verdict.configuration == loaded.architecture.describe(loaded.config)
    assert sum(fetched) < 200_000 < len(data)
    assert abs(verdict.parameters / loaded.parameters - 1) < 0.02


def test_without_the_packages_a_look_and_loading_say_which_to_install(plain, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with plain.open("rb") as file:
        reason = judge(file, name="x.onnx", size=plain.stat().st_size).reason
    assert "pip install -r requirements-onnx.txt" in str(reason)
    assert key_of(plain) == "graph_packages"


@pytest.mark.slow
def test_our_own_export_comes_back_with_its_spec_and_takes_odd_sizes(tmp_path):
    source = tmp_path / "net.safetensors"
    recognised = _saved(source)
    spec = SegmentationSpec(preprocessing=Preprocessing(resize="none", mean=(0.25,)))
    export_onnx(recognised.detection, spec, tmp_path / "net.onnx")
    graph = segdemo.load(tmp_path / "net.onnx", device="cpu")
    assert graph.spec == spec
    weights = segdemo.load(source, device="cpu", overrides=spec.to_dict())
    np.testing.assert_allclose(
        graph.predict(IMAGE).probabilities, weights.predict(IMAGE).probabilities, atol=1e-4
    )


def _saved(path):
    from safetensors.torch import save_file  # noqa: PLC0415

    save_file(unet().state_dict(), path)
    return recognise(path)


def test_other_outputs_are_other_readings_and_one_is_chosen_by_its_name(tmp_path):
    wrapped = Wrapped(unet(3), "several")
    names = ("aux_logits", "logits", "labels")
    path = write(wrapped, tmp_path / "three.onnx", torch.rand(1, 3, 128, 128), outputs=names)
    plain = segdemo.load(path, device="cpu")
    assert plain.detection.id == "logits"
    assert {other.id for other in plain.detection.alternatives} == {"aux_logits", "labels"}
    labels = segdemo.load(path, device="cpu", assume="labels").predict(IMAGE)
    assert set(np.unique(labels.probabilities)) <= {0.0, 1.0}
    np.testing.assert_array_equal(
        labels.probabilities.argmax(0), plain.predict(IMAGE).probabilities.argmax(0)
    )
    with pytest.raises(CheckpointError, match=r"cannot be read as .nonsense"):
        segdemo.load(path, device="cpu", assume="nonsense")


def test_a_graph_has_an_estimate_of_memory_and_keeps_to_the_budget(plain, tmp_path):
    roomy = segdemo.load(plain, device="cpu")
    small, large = (roomy.network.peak(torch.Size((1, 3, side, side))) for side in (64, 256))
    assert large == pytest.approx(16 * small, rel=0.05)
    picture = IMAGE.resize((1600, 1600))
    tight = segdemo.load(plain, device="cpu", settings=Settings(memory_megabytes=20))
    assert roomy.predict(picture).network_size == (1024, 1024)
    assert max(tight.predict(picture).network_size) < 1024
    fixed = write(unet(), tmp_path / "fixed.onnx", torch.rand(1, 3, 512, 512))
    with pytest.raises(CheckpointError, match="SEGDEMO_MEMORY_MB"):
        segdemo.load(fixed, device="cpu", settings=Settings(memory_megabytes=10))


def test_a_folder_lists_graphs_and_inspection_describes_them(plain):
    (entry,) = in_folders([plain.parent])
    assert (entry.path, entry.architecture, entry.title) == (plain, "onnx", "plain")
    assert from_file(plain, "upload").bytes == plain.stat().st_size
    facts = inspect_network(segdemo.load(plain, device="cpu"), IMAGE)
    assert facts["spec"]["preprocessing.mean"]["origin"] == "assumed"
    weights = onnx.load(plain).graph.initializer
    assert facts["parameters"] == sum(np.prod(w.dims) for w in weights if w.data_type == FLOAT)


def test_a_graph_goes_to_another_process_by_its_file(plain):
    segmenter = segdemo.load(plain, device="cpu")
    twin = pickle.loads(pickle.dumps(segmenter))
    assert twin.spec == segmenter.spec
    np.testing.assert_array_equal(
        twin.predict(IMAGE).probabilities, segmenter.predict(IMAGE).probabilities
    )


def test_a_graph_is_not_trained_nor_written_again(plain):
    with pytest.raises(FileError, match="cannot be trained, exported or published"):
        recognise(plain)


def test_a_graph_that_fails_on_an_image_says_so(tmp_path):
    class Picky(nn.Module):
        def forward(self, x):
            return functional.conv2d(x.reshape(1, 3, 64, 64), torch.ones(1, 3, 1, 1))

    path = write(Picky(), tmp_path / "picky.onnx", torch.rand(1, 3, 64, 64), free=(2, 3))
    segmenter = segdemo.load(path, device="cpu")
    with pytest.raises(PredictionError, match="failed on this image"):
        segmenter.predict(IMAGE)


def test_bytes_of_no_model_never_break_the_reader(plain):
    data = bytearray(plain.read_bytes())
    rng = np.random.default_rng(1)
    found = set()
    for _ in range(60):
        hurt = bytearray(data)
        for place in rng.integers(0, min(len(data), 4000), 3):
            hurt[place] = rng.integers(256)
        for whole in (True, False):
            try:
                read_model(io.BytesIO(hurt), name="x", size=len(hurt), whole=whole)
            except FileError as error:
                found.add(error.key)
    assert found == {"file_damaged"}


def test_graphs_of_known_networks_are_prepared_as_their_authors_do(tmp_path):
    expected = {
        "u2net": ("xuebinqin/U-2-Net", "maximum", 0.485),
        "isnet": ("xuebinqin/DIS and briaai/RMBG-1.4", 255.0, 0.5),
        "modnet": ("ZHKKKe/MODNet", 255.0, 0.5),
    }
    for family, (origin, divisor, mean) in expected.items():
        architecture = next(one for one in ARCHITECTURES if one.id == family)
        network = architecture.build(CONFIGS[family])
        path = write(network, tmp_path / f"{family}.onnx", torch.rand(1, 3, 64, 64))
        spec = segdemo.load(path, device="cpu").spec
        assert spec.origins["preprocessing.mean"] == origin
        assert (spec.preprocessing.divisor, spec.preprocessing.mean[0]) == (divisor, mean)
        assert spec.origins.get("preprocessing.std") in (origin, None)
        assert (spec.preprocessing.resize, spec.preprocessing.side) == ("stretch", 64)


def test_a_graph_of_small_numbers_runs(plain, tmp_path):
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    small = tmp_path / "small.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_dynamic(plain, small, weight_type=QuantType.QUInt8)
    exact = segdemo.load(plain, device="cpu").predict(IMAGE).probabilities
    np.testing.assert_allclose(
        segdemo.load(small, device="cpu").predict(IMAGE).probabilities, exact, atol=0.2
    )
