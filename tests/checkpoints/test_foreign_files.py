"""Files of other programs are named with the way out; honest objects beside weights are let be."""

import datetime
import io
import json
import random
import re
import struct
import sys
import types
import zipfile

import numpy as np
import pytest
import torch

from segdemo.checkpoints import read_file
from segdemo.errors import FileError
from tests.table import every


def refusal(folder, data, name="a.bin"):
    path = folder / name
    path.write_bytes(data)
    with pytest.raises(FileError) as refused:
        read_file(path)
    assert refused.value.message("en") != refused.value.message("zh")
    return refused.value


def zipped(*names):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"{}")
    return stream.getvalue()


@every(
    ("data", "key"),
    [
        (b"\x1c\0\0\0TFL3" + bytes(40), "file_tflite"),
        (b"\x18\0\0\0ORTM" + bytes(40), "file_ort"),
        (b"\x18\0\0\0ET12" + bytes(40), "file_executorch"),
        (b"GGUF\x03\0\0\0" + bytes(40), "file_gguf"),
        (b"\x93NUMPY\x01\0v\0{'descr'", "file_numpy"),
        (b"\x08\x01\x12\xff\x01", "file_tensorflow"),
        (b'{"metadata": {"total_size": 1},\n "weight_map": {"a": "b"}}', "file_index"),
        (zipped("x/models/model.json", "x/archive_format"), "file_exported_program"),
        (zipped("brats/configs/metadata.json", "brats/models/model.pt"), "file_monai_bundle"),
    ],
)
def test_the_format_of_another_program_is_named(tmp_path, data, key):
    assert refusal(tmp_path, data).key == key


def test_a_program_of_torch_export_is_named(tmp_path):
    program = torch.export.export(torch.nn.Conv2d(3, 4, 1), (torch.rand(1, 3, 8, 8),))
    stream = io.BytesIO()
    torch.export.save(program, stream)
    assert refusal(tmp_path, stream.getvalue(), "a.pt2").key == "file_exported_program"


def test_a_part_of_a_checkpoint_names_the_whole(tmp_path):
    stream = io.BytesIO()
    torch.save(torch.ones(2), stream)
    error = refusal(tmp_path, stream.getvalue(), "model-00002-of-00003.safetensors")
    assert (error.key, error.facts["count"]) == ("file_shard", 3)
    assert "model.safetensors" in str(error)
    error = refusal(tmp_path, stream.getvalue(), "__0_0.distcp")
    assert error.key == "file_distributed"
    assert "dcp_to_torch_save" in str(error)


def whole(package):
    """An object of a class that lies in a package of that name."""
    module = types.ModuleType(f"{package}.tasks")
    kind = type("Network", (), {"__module__": module.__name__})
    module.Network = kind
    sys.modules[package], sys.modules[module.__name__] = types.ModuleType(package), module
    return kind()


@every(
    ("package", "family"),
    [("ultralytics", "YOLO"), ("monai", "MONAI"), ("nnunetv2", "nnU-Net"), ("mmseg", "mmseg")],
)
def test_a_whole_object_of_a_known_library_has_its_way_out(tmp_path, monkeypatch, package, family):
    for name in (package, f"{package}.tasks"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    stream = io.BytesIO()
    torch.save({"model": whole(package)}, stream)
    error = refusal(tmp_path, stream.getvalue())
    assert (error.key, family in str(error)) == ("file_whole_family", True)


BESIDE = {
    "a sparse tensor": lambda: torch.eye(3).to_sparse(),
    "a layout": lambda: torch.strided,
    "a generator": lambda: np.random.default_rng(0),
    "a random state": lambda: np.random.RandomState(0),
    "a seed": lambda: np.random.SeedSequence(1),
    "a pattern": lambda: re.compile("a+"),
    "dice": lambda: random.Random(0),
    "a masked array": lambda: np.ma.array([1, 2]),
    "a time": lambda: datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc),
}


@every("name", BESIDE)
@every("protocol", (2, 4))
def test_honest_objects_beside_weights_are_left_out_and_accused_of_nothing(
    tmp_path, name, protocol
):
    path = tmp_path / "a.pth"
    torch.save(
        {"state_dict": {"a": torch.ones(2)}, "x": BESIDE[name]()}, path, pickle_protocol=protocol
    )
    assert torch.equal(read_file(path).content["state_dict"]["a"], torch.ones(2))


def test_frames_of_pandas_beside_weights_are_left_out(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"loss": [1.0, 2.0], "when": pandas.to_datetime(["2020-01-01"] * 2)})
    path = tmp_path / "a.pth"
    torch.save({"state_dict": {"a": torch.ones(2)}, "x": frame, "y": frame.index}, path)
    assert torch.equal(read_file(path).content["state_dict"]["a"], torch.ones(2))


def headed(kind, shape, count):
    header = json.dumps({"a": {"dtype": kind, "shape": shape, "data_offsets": [0, count]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(count)


def test_small_numbers_of_safetensors_are_kinds_and_no_damage(tmp_path):
    for kind in ("F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"):
        path = tmp_path / f"{kind}.safetensors"
        path.write_bytes(headed(kind, [3, 2], 6))
        assert read_file(path).content["a"].shape == (3, 2)
    for kind, count in (("F4", 3), ("F6_E2M3", 6), ("F6_E3M2", 6)):
        error = refusal(tmp_path, headed(kind, [count * 8 // int(kind[1])], count))
        assert (error.key, error.facts["kind"]) == ("file_kind", kind)
