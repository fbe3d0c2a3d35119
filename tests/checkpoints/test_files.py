"""Files: every format that is read, and one sentence for everything that is not."""

import argparse
import collections
import datetime
import gzip
import io
import json
import os
import pickle
import random
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from segdemo.checkpoints import METADATA_KEY, read_file, read_metadata
from segdemo.errors import FileError
from tests.table import every

ROOT = Path(__file__).resolve().parents[2]

TENSORS = {"a.weight": torch.arange(600.0).reshape(20, 30), "a.bias": torch.ones(3).half()}
METADATA = {METADATA_KEY: '{"title": "test"}'}

DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    *(torch.complex64, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.uint16, torch.uint32, torch.uint64),
)
# torch.equal compares no others.
PICKLED = [dtype for dtype in DTYPES if dtype.is_signed and "float8" not in str(dtype)]

# Words of PyTorch, Python and their formats that mean nothing to the person at the screen.
FOREIGN_WORDS = (
    "weights_only",
    "Weights only",
    "torch.load",
    "unpickl",
    "pickle",
    "miniz",
    "Pytorch",
    "archive:",
    "deserializ",
    "Error",
    "Traceback",
    "\n",
)


def saved(content, **options):
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def legacy(content, **options):
    return saved(content, _use_new_zipfile_serialization=False, **options)


def zipped(members, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(__file__, "state_dict.py")
    return stream.getvalue()


def numpy_archive():
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(3))
    return stream.getvalue()


def torchscript():
    stream = io.BytesIO()
    members = {"net/data.pkl": b"\x80\x02}.", "net/constants.pkl": b"", "net/code/net.py": b"pass"}
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


class Marker:
    """Runs a command when it is unpickled by somebody who trusts it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Calling:
    """Calls a function when it is unpickled by somebody who trusts it."""

    def __init__(self, function, argument):
        self.what = function, (argument,)

    def __reduce__(self):
        return self.what


class Network(nn.Module):
    """Saved as a whole, as many people do."""


@pytest.fixture
def refusal(tmp_path):
    """Writes bytes to a file, reads them, and returns what the person is told."""

    def read(data, name="network.pth"):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(FileError) as caught:
            read_file(path)
        with pytest.raises(FileError, match=f"^{re.escape(str(caught.value))}$"):
            read_file(path, mmap=True)
        message = str(caught.value)
        assert name in message
        assert message.endswith(".")
        assert len(message) < 300
        for word in FOREIGN_WORDS:
            assert word not in message.replace("torch.save", "").replace("raw pickle", "")
        return caught.value.key

    return read


def assert_same(content):
    assert content.keys() == TENSORS.keys()
    for key, tensor in TENSORS.items():
        assert torch.equal(content[key], tensor)
        assert content[key].dtype == tensor.dtype


FORMATS = {
    "safetensors": save(TENSORS, METADATA),
    "zip": saved(TENSORS),
    "legacy": legacy(TENSORS),
}


@every("kind", FORMATS)
@every("name", ["a.safetensors", "b.pth", "c.pt", "d.ckpt", "e", "f.txt"])
def test_every_format_is_read_whatever_the_file_is_called(tmp_path, kind, name):
    path = tmp_path / name
    path.write_bytes(FORMATS[kind])
    assert_same(read_file(path).content)


def test_a_path_may_be_text(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(FORMATS["zip"])
    assert_same(read_file(str(path)).content)


def test_safetensors_bring_their_own_words(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(FORMATS["safetensors"])
    assert read_file(path).metadata == METADATA
    assert read_metadata(path) == METADATA


@every("kind", ["zip", "legacy"])
def test_pickles_have_no_words_of_their_own(tmp_path, kind):
    path = tmp_path / "a.pth"
    path.write_bytes(FORMATS[kind])
    assert read_file(path).metadata == {}


def test_safetensors_without_metadata_are_silent(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file(TENSORS, path)
    assert read_file(path).metadata == {}
    assert read_metadata(path) == {}


def test_what_stands_around_the_tensors_is_kept(tmp_path):
    path = tmp_path / "a.ckpt"
    path.write_bytes(saved({"state_dict": TENSORS, "epoch": 3, "mask_values": [0, 255]}))
    content = read_file(path).content
    assert content["epoch"] == 3
    assert_same(content["state_dict"])


def test_a_file_that_is_overwritten_does_not_end_the_process(tmp_path):
    # A mapped file ends the process with SIGBUS, so another process is asked.
    large = {"a": torch.ones(1 << 20)}
    for name, data in (("1", save(large)), ("2", saved(large)), ("3", legacy(large))):
        (tmp_path / name).write_bytes(data)
    script = (
        "import sys; from segdemo.checkpoints import read_file\n"
        "for path in sys.argv[1:]:\n"
        "    tensor = read_file(path).content['a']\n"
        "    open(path, 'wb').close()\n"
        "    print(int(tensor.sum()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, *map(str, sorted(tmp_path.iterdir()))],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.stdout.split() == [str(1 << 20)] * 3


@every("kind", FORMATS)
def test_a_constant_file_is_read_the_same_and_stays_as_it_is(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(FORMATS[kind])
    content = read_file(path, mmap=True).content
    assert_same(content)
    content["a.weight"].zero_()
    assert path.read_bytes() == FORMATS[kind]
    path.unlink()
    assert torch.equal(content["a.bias"], TENSORS["a.bias"])


@pytest.mark.skipif(os.name != "posix", reason="mapped files cannot be deleted elsewhere")
@every("make", [save, saved])
def test_numbers_of_a_constant_file_are_read_once_they_are_used(tmp_path, make):
    path = tmp_path / "a"
    path.write_bytes(make({"a": torch.ones(1 << 16)}))
    tensor = read_file(path, mmap=True).content["a"]
    others = path.read_bytes().replace(torch.ones(4).numpy().tobytes(), b"\0" * 16)
    with path.open("r+b") as file:
        file.write(others)
    assert not tensor.any()


@every("more", range(8))
def test_a_constant_file_may_have_its_tensors_at_odd_places(tmp_path, more):
    # Early versions of the library wrote headers of any length.
    path, header = tmp_path / "a", json.dumps({"a": entry([3], 0, 12)}).encode() + b" " * more
    path.write_bytes(headed(header, np.arange(3, dtype="<f4").tobytes()))
    assert read_file(path, mmap=True).content["a"].tolist() == [0, 1, 2]


def test_a_pickle_that_ends_like_an_archive_is_read_as_what_it_is(tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(FORMATS["legacy"] + b"PK\x05\x06" + b"\0" * 18)
    assert_same(read_file(path).content)


def test_an_empty_file(refusal):
    assert refusal(b"") == "file_empty"


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(FileError) as caught:
            read_file(path)
        assert caught.value.key == "file_unreadable"


@every("kind", FORMATS)
@every("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_called_damaged(refusal, kind, share):
    data = FORMATS[kind]
    assert refusal(data[: int(len(data) * share)]) == "file_damaged"


def headed(header, data=b"", length=None):
    """A safetensors file with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@every(
    ("data", "key"),
    [
        (headed(b"{" + b"x" * 60), "file_header"),
        (headed(b"{" + b" " * 50_000, length=2**62), "file_header"),
        (headed(b"{}" + b" " * 2_000_000), "file_too_many"),
        (headed(b'{"a":' + b"[" * 100_000), "file_header"),
        (headed({"a": entry([2], 0, 8)}, bytes(4)), "file_damaged"),
        (headed({"a": entry([2], 0, 8)}, bytes(12)), "file_header"),
        (headed({"a": entry([2], 4, 12)}, bytes(12)), "file_header"),
        (headed({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)), "file_header"),
        (headed({"a": entry([2], 8, 0)}, bytes(8)), "file_header"),
        (headed({"a": entry([True], 0, 4)}, bytes(4)), "file_header"),
        (headed({"a": entry([1.0], 0, 4)}, bytes(4)), "file_header"),
        (headed({"a": entry([-1, -1], 0, 4)}, bytes(4)), "file_header"),
        (headed({"a": entry([1], 0, 4, "F31")}, bytes(4)), "file_header"),
        (headed({"a": entry([1], 0, 4), "__metadata__": {"b": 1}}, bytes(4)), "file_header"),
        (headed({"a": [1, 2]}), "file_header"),
        (headed({"a": entry([0, 2**50], 0, 0)}), "file_tensor_empty"),
        (headed({"a": entry([2**40, 2**40], 0, 4)}, bytes(4)), "file_claims"),
        (headed(b'{"a":{"dtype":"U8"},"a":{"dtype":"U8"}}'), "file_twice"),
        (headed({f"{n:x}": 0 for n in range(10_001)}), "file_too_many"),
    ],
)
def test_a_header_that_does_not_fit_the_file_is_refused(refusal, data, key):
    assert refusal(data) == key


@every("dtype", sorted(DTYPES, key=str), ids=str)
def test_every_dtype_is_read_as_the_library_wrote_it(tmp_path, dtype):
    path, tensor = tmp_path / "a.safetensors", torch.arange(6).reshape(3, 2).to(dtype)
    save_file(
        {"odd": torch.ones(3, dtype=torch.uint8), "a": tensor, "one": tensor[0, 0].clone()}, path
    )
    found = read_file(path).content
    assert torch.equal(found["a"].view(torch.uint8), tensor.view(torch.uint8))
    assert (found["a"].dtype, found["one"].shape) == (dtype, ())


@every(
    ("data", "key"),
    [
        (b"not a checkpoint at all", "file_foreign"),
        (b'{"layers": {"a": 1}}', "file_foreign"),
        (b'{"a": 1{', "file_foreign"),
        (b"\0" * 100, "file_foreign"),
        (b"\x89PNG\r\n\x1a\n", "file_picture"),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), "file_keras"),
        (zipped({"config.json": b"{}", "model.weights.h5": b""}), "file_keras"),
        (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\xd4\x01", "file_onnx"),
        (pickle.dumps({"a": [1, 2]}, 4), "file_pickle"),
        (pickle.dumps({"a": torch.ones(2)}, 5), "file_pickle"),
        (gzip.compress(b"a", mtime=0), "file_archive"),
        (b"x", "file_foreign"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "file_web_page"),
        (b"\n  <HTML>", "file_web_page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "file_pointer"),
        (numpy_archive(), "file_archive"),
        (zipped({"network.pth": FORMATS["zip"]}), "file_archive"),
        (tarred(), "file_archive"),
        (torchscript(), "file_torchscript"),
    ],
)
def test_what_is_no_checkpoint_is_named(refusal, data, key):
    assert refusal(data) == key


@every("make", [saved, legacy], ids=["zip", "legacy"])
@every("holder", [lambda x: x, lambda x: {"a": x}, lambda x: [x]])
def test_code_in_a_file_is_not_run_and_the_object_is_named(refusal, tmp_path, make, holder):
    marker = tmp_path / "ran"
    assert refusal(make(holder(Marker(marker)))) == "file_runs_code"
    assert not marker.exists()


@every("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_bare_pickle_is_not_run(refusal, tmp_path, protocol):
    marker = tmp_path / "ran"
    data = pickle.dumps({"a": Marker(marker)}, protocol=protocol)
    assert refusal(data) in {"file_foreign", "file_runs_code"}
    assert not marker.exists()


@every("make", [saved, legacy], ids=["zip", "legacy"])
def test_a_whole_network_is_refused_with_its_class(tmp_path, make):
    path = tmp_path / "whole.pth"
    path.write_bytes(make(Network()))
    with pytest.raises(FileError) as caught:
        read_file(path)
    assert caught.value.key == "file_whole_object"
    assert f"{__name__}.Network" in str(caught.value)


@every("make", [saved, legacy], ids=["zip", "legacy"])
@every(("content", "found"), [([1, 2], "list"), (torch.ones(2), "Tensor"), ("text", "str")])
def test_what_is_no_mapping_is_named(tmp_path, make, content, found):
    path = tmp_path / "odd.pth"
    path.write_bytes(make(content))
    with pytest.raises(FileError) as caught:
        read_file(path)
    assert caught.value.key == "file_not_weights"
    assert found in str(caught.value)


def test_an_archive_that_unpacks_to_more_than_it_is_is_not_unpacked(refusal):
    members = {"a/data.pkl": b"\x80\x02}.", "a/data/0": b"\0" * 1_000_000}
    assert refusal(zipped(members, zipfile.ZIP_DEFLATED)) == "file_compressed"


def test_an_archive_of_endless_members_is_not_listed(refusal):
    members = {"a/data.pkl": b"\x80\x02}.", **{f"a/data/{'x' * 900}{n}": b"" for n in range(9000)}}
    assert refusal(zipped(members)) == "file_too_many"


@every("make", [saved, legacy], ids=["zip", "legacy"])
@every(
    ("function", "name"),
    [
        (os.system, "posix.system"),
        (eval, "builtins.eval"),
        (torch.hub.load, "torch.hub.load"),
        (subprocess.Popen, "subprocess.Popen"),
        (exec, "builtins.exec"),
    ],
)
def test_what_a_file_asks_to_call_is_named(tmp_path, make, function, name):
    path, marker = tmp_path / "a.pth", tmp_path / "ran"
    path.write_bytes(make({**TENSORS, "z": Calling(function, f"open({str(marker)!r}, 'w')")}))
    with pytest.raises(FileError) as caught:
        read_file(path)
    assert caught.value.key == "file_runs_code"
    assert name in str(caught.value)
    assert not marker.exists()


@every("make", [saved, legacy], ids=["zip", "legacy"])
@every("wrap", [nn.DataParallel, lambda net: {"model": net, "epoch": 3}])
def test_a_whole_network_is_named_however_it_is_wrapped(refusal, make, wrap):
    assert refusal(make(wrap(Network()))) == "file_whole_object"


class Metrics:
    """As people keep beside their weights."""

    def __init__(self):
        self.best = np.float64(0.9)


@every("make", [saved, legacy], ids=["zip", "legacy"])
def test_objects_beside_the_weights_do_not_matter(tmp_path, make):
    path = tmp_path / "a.ckpt"
    beside = {
        "hyper_parameters": argparse.Namespace(rate=0.1, folder=PurePosixPath("/data")),
        "folder": Path("/data"),
        "best": np.float64(0.5),
        "history": np.arange(4.0),
        "classes": {"a", "b"},
        "seen": collections.defaultdict(int, a=1),
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
        "type": torch.float16,
        "when": datetime.date(2024, 5, 1),
        (1, (2, 3)): None,
        "metrics": Metrics(),
        "optimizer_states": [{"state": {0: {"step": torch.tensor(1.0)}}}],
    }
    path.write_bytes(make({"state_dict": TENSORS, **beside}))
    assert_same(read_file(path).content["state_dict"])


@every("make", [saved, legacy], ids=["zip", "legacy"])
@every("protocol", [2, 3, 4, 5])
def test_tensors_of_every_kind_are_what_pytorch_reads(tmp_path, make, protocol):
    base = torch.arange(24.0)
    network = nn.BatchNorm2d(3)
    content = collections.OrderedDict(
        state=network.state_dict(),
        parameter=nn.Parameter(base[:4].clone()),
        view=base[3:15].reshape(3, 4).t(),
        shared=base[20:],
        scalar=torch.tensor(7),
        nothing=torch.ones(0),
        **{str(dtype): torch.ones(3, 2).to(dtype) for dtype in PICKLED},
    )
    data = make(content, pickle_protocol=protocol)
    path = tmp_path / "a.pth"
    path.write_bytes(data)
    expected = {**content, **network.state_dict()}
    del expected["state"]
    found = dict(read_file(path).content)
    found.update(found.pop("state"))
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        assert torch.equal(found[key], tensor.detach()), key
        assert found[key].dtype == tensor.dtype
    assert (
        found["view"].untyped_storage().data_ptr() == found["shared"].untyped_storage().data_ptr()
    )


@every("make", [saved, legacy], ids=["zip", "legacy"])
def test_a_tensor_larger_than_its_storage_is_named_with_both_sizes(tmp_path, make):
    path = tmp_path / "a.pth"
    path.write_bytes(make({"net": {"w": torch.ones(4).as_strided((200_000, 200_000), (0, 0))}}))
    assert path.stat().st_size < 3000
    with pytest.raises(FileError) as caught:
        read_file(path)
    assert "w" in caught.value.facts["tensor"]
    assert "claims 160 GB, but the file holds 16 bytes" in str(caught.value)


def forged(count):
    """An archive whose storage of four numbers is said to have ``count``."""
    original = zipfile.ZipFile(io.BytesIO(saved({"w": torch.ones(4)})))
    members = {name: original.read(name) for name in original.namelist()}
    pickled = next(name for name in members if name.endswith("data.pkl"))
    told = b"J" + count.to_bytes(4, "little")
    members[pickled] = members[pickled].replace(b"K\x04tq", told + b"tq")
    members[pickled] = members[pickled].replace(b"K\x04\x85", told + b"\x85")
    assert members[pickled].count(told) == 2
    return zipped(members)


@every("count", [5, 2**30])
def test_a_storage_larger_than_its_record_is_not_reserved(refusal, count):
    assert refusal(forged(count)) == "file_claims"


def test_a_legacy_storage_larger_than_the_file_is_not_reserved(refusal):
    data = legacy({"w": torch.ones(4)})
    told = b"J" + (2**30).to_bytes(4, "little")
    assert data.count(b"K\x04Nt") == 1
    assert refusal(data.replace(b"K\x04Nt", told + b"Nt")) == "file_damaged"


@every("make", [saved, legacy], ids=["zip", "legacy"])
def test_a_file_of_endless_tensors_is_given_up(refusal, make):
    one = torch.ones(1)
    assert refusal(make({str(n): one.view(1) for n in range(10_001)})) == "file_too_many"


def test_keys_whose_hash_would_take_for_ever_are_left_out(tmp_path):
    # t = (t, t), fifty times over, as the key of a dict.
    bomb = b"}(" + b")" + b"2\x86" * 50 + b"K\x01u"
    content = b"\x80\x02" + bomb + b"."
    path = tmp_path / "a.pth"
    path.write_bytes(zipped({"a/data.pkl": content, "a/version": b"3"}))
    assert len(read_file(path).content) == 1


@every("kind", FORMATS)
def test_a_file_with_wrong_bytes_is_read_or_refused_but_nothing_else(tmp_path, kind):
    dice, path = random.Random(0), tmp_path / "a.pth"
    refused = 0
    for _ in range(150):
        data = bytearray(FORMATS[kind])
        # Mostly where the structure is: the numbers in between can be anything.
        for _ in range(dice.randint(1, 8)):
            place = dice.choice((dice.randrange(400), -dice.randrange(1, 400)))
            data[place] = dice.randrange(256)
        path.write_bytes(data)
        try:
            read_file(path)
        except FileError:
            refused += 1
    assert refused > 20


@every("data", [b"", b"text", FORMATS["zip"], FORMATS["safetensors"][:40]])
def test_metadata_of_what_is_no_safetensors_is_refused(tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(FileError):
        read_metadata(path)


def test_metadata_of_what_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(FileError):
            read_metadata(path)
