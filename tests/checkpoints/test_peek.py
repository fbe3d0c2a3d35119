"""Peeking: what reading finds, from the few bytes that describe the tensors."""

import io
import json
import os
import pickle
import random
import zipfile

import pytest
import torch
from checkpoint_files import write_checkpoint
from code_bases import SMALL_DECODER, SMALL_ENCODER, DeepU2Net, TutorialUNet, header, vector
from safetensors.torch import save
from small_unets import SpelledUNet, TutorialResNetUNet, brain, labml, tiny8, zoo32
from torch import nn

from segdemo.checkpoints import detect, read_file
from segdemo.checkpoints.peek import peek
from segdemo.errors import FileError
from tests.table import every

TENSORS = {"a.weight": torch.arange(600.0).reshape(20, 30), "a.bias": torch.ones(3).half()}
NETWORKS = {
    "unet": lambda: TutorialUNet(),
    "unet bilinear": lambda: TutorialUNet(up="bilinear", era="classic", depth=2),
    "u2net": lambda: DeepU2Net(SMALL_ENCODER, SMALL_DECODER),
    "u2net wz": lambda: DeepU2Net(SMALL_ENCODER, SMALL_DECODER, names="wz", bias=False),
    "labml": lambda: SpelledUNet(labml(3)),
    "zoo32": lambda: SpelledUNet(zoo32(2)),
    "tiny8": lambda: SpelledUNet(tiny8(2)),
    "brain": lambda: SpelledUNet(brain(4)),
    "resnet": lambda: TutorialResNetUNet(),
}


def zipped(content, **options):
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def legacy(content, **options):
    return zipped(content, _use_new_zipfile_serialization=False, **options)


def members_of(data):
    archive = zipfile.ZipFile(io.BytesIO(data))
    return {name: archive.read(name) for name in archive.namelist()}


def archived(members, compression=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def wrapped(network):
    return {"model": network.state_dict(), "epoch": 3, "mask_values": [0, 255]}


WRITERS = {
    "zip": lambda network: zipped(network.state_dict()),
    "zip, wrapped": lambda network: zipped(wrapped(network)),
    "legacy": lambda network: legacy(network.state_dict()),
    "legacy, wrapped": lambda network: legacy(wrapped(network)),
    "protocol 4": lambda network: zipped(wrapped(network), pickle_protocol=4),
    "safetensors": lambda network: save(network.state_dict(), {"segdemo": '{"title": "test"}'}),
    "whole": zipped,
    "whole, legacy": legacy,
}


class Noted(io.BytesIO):
    """A file that knows how much of it was read."""

    def __init__(self, data):
        super().__init__(data)
        self.taken = 0

    def read(self, size=-1):
        data = super().read(size)
        self.taken += len(data)
        return data


def described(content):
    """Everything but the numbers, in the order in which it stands."""
    if isinstance(content, torch.Tensor):
        return tuple(content.shape), content.stride(), content.dtype
    if isinstance(content, dict):
        return [(str(key), described(value)) for key, value in content.items()]
    return str(content) if isinstance(content, str | int | float | list | tuple) else type(content)


def answer(look):
    """What there is, or the key of the refusal and its facts."""
    try:
        found = look()
    except FileError as error:
        return error.key, error.facts
    return described(found.content), dict(found.metadata)


def both(tmp_path, data):
    """The answers of peeking and of reading."""
    path = tmp_path / "network.pth"
    path.write_bytes(data)
    return (
        answer(lambda: peek(io.BytesIO(data), name=path.name, size=len(data))),
        answer(lambda: read_file(path)),
    )


def is_meta(content):
    if isinstance(content, dict):
        return all(map(is_meta, content.values()))
    return not isinstance(content, torch.Tensor) or content.is_meta


@every("writer", WRITERS)
@every("network", NETWORKS)
def test_peeking_finds_what_reading_finds(tmp_path, network, writer):
    peeked, found = both(tmp_path, WRITERS[writer](NETWORKS[network]()))
    assert peeked == found
    assert peeked[0] == "file_whole_object" if "whole" in writer else len(peeked[0]) > 1


@every("words", [None, {"title": "Nuclei"}])
def test_the_words_of_a_safetensors_file_are_found(tmp_path, words):
    data = write_checkpoint(tmp_path / "a.safetensors", words=words).read_bytes()
    peeked, found = both(tmp_path, data)
    assert peeked == found
    assert peeked[1].get("segdemo") == (json.dumps(words) if words else None)


@every("write", [zipped, legacy, save])
def test_no_tensor_has_memory(write):
    data = write(TENSORS)
    found = peek(io.BytesIO(data), name="a.pth", size=len(data)).content
    assert is_meta(found)
    assert {key: tensor.dtype for key, tensor in found.items()} == {
        key: tensor.dtype for key, tensor in TENSORS.items()
    }


@every("write", [zipped, legacy, save])
def test_only_what_describes_the_tensors_is_read(write):
    data = write({str(n): torch.ones(1000, 1000) for n in range(3)})
    file = Noted(data)
    assert len(peek(file, name="a.pth", size=len(data)).content) == 3
    assert file.taken <= 70_000 < len(data) / 100


@every("write", [zipped, legacy, save])
def test_views_that_share_a_storage_keep_their_shapes(tmp_path, write):
    base = torch.arange(24.0)
    views = {"view": base[3:15].reshape(3, 4).t(), "shared": base[20:], "scalar": torch.tensor(7)}
    if write is save:
        views = {key: tensor.clone().contiguous() for key, tensor in views.items()}
    peeked, found = both(tmp_path, write(views))
    assert peeked == found


@every("write", [zipped, legacy, save])
def test_a_file_cut_anywhere_is_refused_as_when_it_is_read(tmp_path, write):
    data = write(TENSORS)
    for length in (0, 1, 7, 8, 9, 40, *range(100, len(data), 97), len(data) - 8, len(data) - 1):
        peeked, found = both(tmp_path, data[:length])
        assert peeked == found, length
        assert peeked[0] in ("file_damaged", "file_empty", "file_foreign", "file_pickle"), length


class Running:
    def __reduce__(self):
        return os.system, ("false",)


class Network(nn.Module):
    """Saved as a whole."""


def torchscript():
    return archived({"net/data.pkl": b"\x80\x02}.", "net/constants.pkl": b"", "net/code/a": b""})


def claiming():
    return {"net": {"w": torch.ones(4).as_strided((200_000, 200_000), (0, 0))}}


def headed(document, data=b"", length=None):
    text = json.dumps(document).encode()
    return (length or len(text)).to_bytes(8, "little") + text + data


def big_endian(data):
    members = members_of(data)
    return archived({name: b"big" if "byteorder" in name else d for name, d in members.items()})


def without_a_storage(data):
    members = members_of(data)
    return archived({name: d for name, d in members.items() if not name.endswith("data/1")})


REFUSED = {
    "nothing": (b"", "file_empty"),
    "page": (b"<!DOCTYPE html><html><body>404</body></html>", "file_web_page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "file_pointer"),
    "keras": (b"\x89HDF\r\n\x1a\n" + bytes(90), "file_keras"),
    "keras zip": (archived({"config.json": b"{}", "model.weights.h5": b""}), "file_keras"),
    "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\xd4\x01", "file_onnx"),
    "gguf": (b"GGUF\x03\0\0\0" + bytes(60), "file_gguf"),
    "tensorflow": (b"\x0a\x1a\x0a\x05input\x12\x0bPlaceholder" + bytes(40), "file_foreign"),
    "torchscript": (torchscript(), "file_torchscript"),
    "picture": (b"\x89PNG\r\n\x1a\n", "file_picture"),
    "archive": (archived({"network.pth": b"a"}), "file_archive"),
    "compressed": (
        archived({"a/data.pkl": b"\x80\x02}.", "a/data/0": bytes(10**6)}, zipfile.ZIP_DEFLATED),
        "file_compressed",
    ),
    "pickle": (pickle.dumps({"a": [1, 2]}, 4), "file_pickle"),
    "pickle of tensors": (pickle.dumps({"a": torch.ones(2)}, 5), "file_pickle"),
    "whole": (zipped(Network()), "file_whole_object"),
    "whole, legacy": (legacy({"model": Network()}), "file_whole_object"),
    "code": (zipped({"a": Running()}), "file_runs_code"),
    "code, legacy": (legacy({"a": Running()}), "file_runs_code"),
    "list": (zipped([1, 2]), "file_not_weights"),
    "claims": (zipped(claiming()), "file_claims"),
    "claims, legacy": (legacy(claiming()), "file_claims"),
    "big endian": (big_endian(zipped(TENSORS)), "file_foreign"),
    "a storage missing": (without_a_storage(zipped(TENSORS)), "file_damaged"),
    "header": (headed({"a": 3}), "file_header"),
    "header of 4 EB": (headed({"a": 3}, length=2**62), "file_header"),
    "header beyond the end": (headed({"a": 3}, length=1000), "file_damaged"),
    "header of blanks": (headed({"a": " " * 2_000_000}), "file_too_many"),
    "many": (zipped({str(n): TENSORS["a.bias"].view(3) for n in range(10_001)}), "file_too_many"),
}


@every("case", REFUSED)
def test_what_reading_refuses_is_refused_by_the_same_sentence(tmp_path, case):
    data, key = REFUSED[case]
    peeked, found = both(tmp_path, data)
    assert peeked == found
    assert peeked[0] == key


@every("write", [zipped, legacy, save])
def test_wrong_bytes_in_the_description_lead_both_to_the_same_answer(tmp_path, write):
    data, dice = write(TENSORS), random.Random(1)
    starts = [data.find(what) for what in (b"PK\x01\x02", b"a.weight", b"FloatStorage")]
    keys = set()
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            place = dice.choice([start for start in starts if start > 0]) + dice.randrange(-20, 60)
            changed[place % len(data)] = dice.randrange(256)
        peeked, found = both(tmp_path, bytes(changed))
        assert peeked == found or found[0] == "file_damaged"
        keys.add(peeked[0] if isinstance(peeked[0], str) else "read")
    assert len(keys) > 2


def test_a_size_that_the_file_does_not_have_is_no_way_around_the_checks():
    data = save(TENSORS)
    for size in (len(data) - 1, len(data) + 1, 10**12):
        with pytest.raises(FileError):
            peek(io.BytesIO(data), name="a.safetensors", size=size)


def test_a_name_from_outside_is_shown_on_one_short_line():
    with pytest.raises(FileError) as caught:
        peek(io.BytesIO(b"?"), name="<b>\n" + "x" * 900, size=1)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


class Failing(io.BytesIO):
    def read(self, size=-1):
        raise OSError("the disk is gone")


def test_a_file_that_cannot_be_read_is_named():
    with pytest.raises(FileError) as caught:
        peek(Failing(), name="a.pth", size=10)
    assert caught.value.key == "file_unreadable"


@every(
    "fixture",
    ["xuebinqin_u2net", "xuebinqin_u2netp", "milesial_unet", "tv_lraspp_mobilenet_v3_large"],
)
def test_published_networks_are_recognised_from_their_description(fixture):
    described_by = header(vector(fixture))
    # One storage for all: what describes the tensors is as long as in the published file.
    length = max(tensor.numel() for tensor in described_by.values())
    numbers = {dtype: torch.zeros(length, dtype=dtype) for dtype in (torch.float32, torch.int64)}
    tensors = {
        key: numbers[tensor.dtype][: tensor.numel()].view(tensor.shape)
        for key, tensor in described_by.items()
    }
    data = zipped(tensors)
    detection = detect(peek(io.BytesIO(data), name="a.pth", size=len(data)).content)
    assert detection.architecture.id == detect(described_by).architecture.id


def test_a_checkpoint_read_in_blocks_of_any_size_is_the_same():
    data = legacy(wrapped(NETWORKS["unet"]()))
    expected = answer(lambda: peek(io.BytesIO(data), name="a.pth", size=len(data)))
    for block in (7, 512, 100_000):
        raw = io.BufferedReader(io.BytesIO(data), buffer_size=block)
        assert answer(lambda file=raw: peek(file, name="a.pth", size=len(data))) == expected
