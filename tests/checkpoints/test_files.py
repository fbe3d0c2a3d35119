"""Files: every format that is read, and one sentence for everything that is not."""

import io
import os
import pickle
import random
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from segdemo.checkpoints import METADATA_KEY, read_file, read_metadata
from segdemo.errors import FileError

ROOT = Path(__file__).resolve().parents[2]

TENSORS = {"a.weight": torch.arange(600.0).reshape(20, 30), "a.bias": torch.ones(3).half()}
METADATA = {METADATA_KEY: '{"title": "test"}'}

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


def legacy(content):
    return saved(content, _use_new_zipfile_serialization=False)


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
        message = str(caught.value)
        assert name in message
        assert message.endswith(".")
        assert len(message) < 300
        for word in FOREIGN_WORDS:
            assert word not in message.replace("torch.save", "")
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


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", ["a.safetensors", "b.pth", "c.pt", "d.ckpt", "e", "f.txt"])
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


@pytest.mark.parametrize("kind", ["zip", "legacy"])
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


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_called_damaged(refusal, kind, share):
    data = FORMATS[kind]
    assert refusal(data[: int(len(data) * share)]) == "file_damaged"


def test_a_damaged_header_is_called_damaged(refusal):
    assert refusal((50).to_bytes(8, "little") + b"{" + b"x" * 60) == "file_damaged"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"not a checkpoint at all", "file_foreign"),
        (b'{"layers": {"a": 1}}', "file_foreign"),
        (b'{"a": 1{', "file_foreign"),
        (b"\0" * 100, "file_foreign"),
        (b"\x89PNG\r\n\x1a\n", "file_foreign"),
        (b"x", "file_foreign"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "file_web_page"),
        (b"\n  <HTML>", "file_web_page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "file_pointer"),
        (numpy_archive(), "file_foreign"),
        (zipped({"network.pth": FORMATS["zip"]}), "file_foreign"),
        (tarred(), "file_foreign"),
        (torchscript(), "file_torchscript"),
    ],
)
def test_what_is_no_checkpoint_is_named(refusal, data, key):
    assert refusal(data) == key


@pytest.mark.parametrize("make", [saved, legacy], ids=["zip", "legacy"])
@pytest.mark.parametrize("holder", [lambda x: x, lambda x: {"a": x}, lambda x: [x]])
def test_code_in_a_file_is_not_run_and_the_object_is_named(refusal, tmp_path, make, holder):
    marker = tmp_path / "ran"
    assert refusal(make(holder(Marker(marker)))) == "file_runs_code"
    assert not marker.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_in_a_bare_pickle_is_not_run(refusal, tmp_path, protocol):
    marker = tmp_path / "ran"
    data = pickle.dumps({"a": Marker(marker)}, protocol=protocol)
    assert refusal(data) in {"file_foreign", "file_runs_code"}
    assert not marker.exists()


@pytest.mark.parametrize("make", [saved, legacy], ids=["zip", "legacy"])
def test_a_whole_network_is_refused_with_its_class(tmp_path, make):
    path = tmp_path / "whole.pth"
    path.write_bytes(make(Network()))
    with pytest.raises(FileError) as caught:
        read_file(path)
    assert caught.value.key == "file_runs_code"
    assert "Network" in str(caught.value)


@pytest.mark.parametrize("make", [saved, legacy], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    ("content", "found"), [([1, 2], "list"), (torch.ones(2), "Tensor"), ("text", "str")]
)
def test_what_is_no_mapping_is_named(tmp_path, make, content, found):
    path = tmp_path / "odd.pth"
    path.write_bytes(make(content))
    with pytest.raises(FileError) as caught:
        read_file(path)
    assert caught.value.key == "file_not_weights"
    assert found in str(caught.value)


def test_an_archive_that_unpacks_to_more_than_it_is_is_not_unpacked(refusal):
    members = {"a/data.pkl": b"\x80\x02}.", "a/data/0": b"\0" * 1_000_000}
    assert refusal(zipped(members, zipfile.ZIP_DEFLATED)) == "file_damaged"


@pytest.mark.parametrize("kind", FORMATS)
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


@pytest.mark.parametrize("data", [b"", b"text", FORMATS["zip"], FORMATS["safetensors"][:40]])
def test_metadata_of_what_is_no_safetensors_is_refused(tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(FileError):
        read_metadata(path)


def test_metadata_of_what_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(FileError):
            read_metadata(path)
