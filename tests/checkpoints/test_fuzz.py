"""Whatever bytes a file has: it is read or refused, and takes no memory that it does not have.

FUZZ_EXAMPLES says how many files each test makes up; with --hypothesis-seed they are others.
"""

import io
import json
import os
import pickle
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load, save

from segdemo.checkpoints import detect, read_file, safetensors_files, storages, torch_files
from segdemo.checkpoints.peek import peek
from segdemo.checkpoints.unwrap import unwrap
from segdemo.errors import CheckpointError, FileError

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
bounded = settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4).half()}
STEADY_BYTES = 2_000_000  # what reading takes whatever the file is, such as the text of an error


def written(**options):
    stream = io.BytesIO()
    torch.save({"state_dict": TENSORS, "epoch": 3, "mask_values": [0, 255]}, stream, **options)
    return stream.getvalue()


SEEDS = {
    "safetensors": save(TENSORS, {"segdemo": "{}"}),
    "zip": written(),
    "legacy": written(_use_new_zipfile_serialization=False),
    "protocol 4": written(pickle_protocol=4),
    "bare": pickle.dumps({"a": [1, {2}, 3.0]}, 4),
}


@pytest.fixture(scope="module", autouse=True)
def reserved():
    """How many bytes tensors were made of since the list was cleared."""
    sizes = []
    original = torch.empty

    class Counting:
        """torch, with an ``empty`` that keeps account before it reserves anything."""

        def __getattr__(self, name):
            return getattr(torch, name)

        @staticmethod
        def empty(*arguments, **options):
            size = original(*arguments, **{**options, "device": "meta"}).nbytes
            sizes.append(size)
            assert sum(sizes) < 100_000_000
            return original(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for module in (safetensors_files, torch_files, storages):
            patch.setattr(module, "torch", Counting())
        yield sizes


def read(data, reserved):
    """The content, or None if the file is refused; within the memory that the file has."""
    content, said, peaks = None, "", []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pth"
        path.write_bytes(data)
        for _ in range(2):  # what Python does once, and other threads, are not the file's
            reserved.clear()
            tracemalloc.start()
            try:
                content = read_file(path).content
            except FileError as error:
                said = str(error)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert sum(reserved) <= len(data)
    assert min(peaks) <= 2 * len(data) + STEADY_BYTES
    assert_peeks_alike(data, content, said)
    if content is not None:
        # Nothing is larger than what was read, so that a copy of it is not either.
        for tensor in unwrap(content).tensors.values():
            assert tensor.nbytes <= len(data)
            assert torch.isfinite(tensor.double().abs().sum()) in (True, False)
        try:
            detect(content)
        except CheckpointError as error:
            said = str(error)
    assert len(said) < 500
    return content


def assert_peeks_alike(data, content, said):
    """Peeking gives the same, unless the numbers are wrong, which it does not look at."""
    peeked, refusal = None, ""
    try:
        peeked = peek(io.BytesIO(data), name="a.pth", size=len(data)).content
    except FileError as error:
        refusal = str(error)
    if peeked is None or content is None:
        assert refusal == said or said == str(FileError("file_damaged", name="a.pth"))
        return
    expected, found = unwrap(content).tensors, unwrap(peeked).tensors
    assert {k: (t.shape, t.stride(), t.dtype) for k, t in found.items()} == {
        k: (t.shape, t.stride(), t.dtype) for k, t in expected.items()
    }
    assert all(tensor.is_meta or not tensor.numel() for tensor in found.values())


places = st.integers(0, 5000)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("set"), places, st.integers(0, 255)),
        st.tuples(st.just("cut"), places, st.integers(1, 40)),
        st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=12)),
        st.tuples(st.just("repeat"), places, st.integers(1, 60)),
        st.tuples(st.just("end"), places, st.none()),
    ),
    min_size=1,
    max_size=6,
)


def changed(data, edits):
    for kind, place, value in edits:
        place %= len(data) + 1
        if kind == "set":
            data = data[:place] + bytes([value]) + data[place + 1 :]
        elif kind == "cut":
            data = data[:place] + data[place + value :]
        elif kind == "insert":
            data = data[:place] + value + data[place:]
        elif kind == "repeat":
            data = data[:place] + data[place : place + value] * 3 + data[place + value :]
        else:
            data = data[:place]
    return data


@bounded
@given(seed=st.sampled_from(sorted(SEEDS)), edits=changes)
@example(seed="legacy", edits=[("end", 700, None)])
def test_a_changed_file_is_read_or_refused(reserved, seed, edits):
    read(changed(SEEDS[seed], edits), reserved)


@bounded
@given(seed=st.sampled_from(["zip", "protocol 4"]), edits=changes)
@example(seed="zip", edits=[("insert", 157, b"\\")])
def test_a_changed_pickle_in_a_sound_archive_is_read_or_refused(reserved, seed, edits):
    original = zipfile.ZipFile(io.BytesIO(SEEDS[seed]))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in original.namelist():
            data = original.read(name)
            archive.writestr(name, changed(data, edits) if name.endswith("data.pkl") else data)
    read(stream.getvalue(), reserved)


number = st.integers(0, 255).map(lambda n: bytes([n]))
word = st.sampled_from(["a", "storage", "0", "cpu", "state_dict", "é" * 9]).map(str.encode)
operations = st.one_of(
    st.sampled_from([bytes([code]) for code in b"(.0123NQRabdeloqstu]})\x81\x85\x86\x87\x88\x89"]),
    st.sampled_from([b"\x8f", b"\x90", b"\x91", b"\x92", b"\x93", b"\x94", b"Vx\n", b"I7\n"]),
    number.map(lambda n: b"K" + n),
    number.map(lambda n: b"q" + n),
    number.map(lambda n: b"h" + n),
    st.integers(0, 2**32 - 1).map(lambda n: b"r" + n.to_bytes(4, "little")),
    st.integers(-(2**31), 2**31 - 1).map(lambda n: b"J" + n.to_bytes(4, "little", signed=True)),
    st.integers(0, 2**64 - 1).map(lambda n: b"\x8e" + n.to_bytes(8, "little") + b"abc"),
    st.integers(0, 2**64 - 1).map(lambda n: b"\x96" + n.to_bytes(8, "little") + b"abc"),
    st.integers(0, 2**64 - 1).map(lambda n: b"\x95" + n.to_bytes(8, "little")),
    word.map(lambda said: b"X" + len(said).to_bytes(4, "little") + said),
    st.sampled_from(
        [
            b"ctorch._utils\n_rebuild_tensor_v2\n",
            b"ctorch._utils\n_rebuild_tensor_v3\n",
            b"ctorch._utils\n_rebuild_parameter\n",
            b"ctorch._tensor\n_rebuild_from_type_v2\n",
            b"ctorch\nFloatStorage\n",
            b"ctorch\nSize\n",
            b"ccollections\nOrderedDict\n",
            b"cargparse\nNamespace\n",
            b"ccopy_reg\n_reconstructor\n",
            b"cos\nsystem\n",
            # A tensor as torch.save writes it, and as it does not.
            b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
            b"X\x01\0\0\x000X\x03\0\0\0cpuK\x04tQK\0(K\x04t(K\x01t\x89}tR",
            b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nLongStorage\n"
            b"X\x01\0\0\x000X\x03\0\0\0cpuK\x01tQK\xff(K\x04K\0K\x09t(J\xff\xff\xff\x7fK\0K\0t\x89}tR",
        ]
    ),
)


@bounded
@given(
    operations=st.lists(operations, max_size=60),
    legacy=st.booleans(),
    data=st.binary(max_size=40),
)
@example(
    operations=[b"}", b"("] + [b")"] + [b"2", b"\x86"] * 60 + [b"K\x01", b"u"],
    legacy=False,
    data=b"",
)
@example(operations=[b"r\xff\xff\xff\xff"], legacy=True, data=b"")
def test_any_pickle_is_read_or_refused(reserved, operations, legacy, data):
    content = b"\x80\x02" + b"".join(operations) + b"."
    if legacy:
        head = SEEDS["legacy"].index(b"state_dict")
        start = SEEDS["legacy"].rindex(b"\x80\x02", 0, head)
        read(SEEDS["legacy"][:start] + content + data, reserved)
        return
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a/data.pkl", content)
        archive.writestr("a/data/0", data)
    read(stream.getvalue(), reserved)


sizes = st.one_of(st.integers(0, 12), st.sampled_from([-1, 2**31, 2**63, 2**64, True, 1.0, None]))
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "U8", "BF16", "F4", 3]),
        "shape": st.lists(sizes, max_size=4),
        "data_offsets": st.lists(sizes, min_size=2, max_size=2),
    }
)
documents = st.one_of(
    st.dictionaries(st.sampled_from(["a", "b", "__metadata__"]), st.one_of(entries, st.none())),
    st.recursive(st.one_of(st.none(), st.integers(), st.text(max_size=5)), st.lists, max_leaves=9),
)


@bounded
@given(document=documents, data=st.binary(max_size=60), blanks=st.integers(0, 9))
def test_a_header_is_refused_at_least_where_the_library_refuses_it(
    reserved, document, data, blanks
):
    header = json.dumps(document).encode() + b" " * blanks
    whole = len(header).to_bytes(8, "little") + header + data
    found = read(whole, reserved)
    if found is None:
        return
    try:
        expected = load(whole)
    except SafetensorError:
        pytest.fail(f"The library refuses {whole!r}")
    assert found.keys() == expected.keys()
    assert all(
        torch.equal(found[k].view(torch.uint8), expected[k].view(torch.uint8)) for k in found
    )


leaves = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=4),
    st.sampled_from([torch.ones(2), torch.ones(0), torch.tensor(1)]),
)
names = st.one_of(
    st.sampled_from(
        ["state_dict", "model", "ema", "module.a", "module.b", "mask_values", "loss.a"]
    ),
    st.text(alphabet="a.", max_size=6),
    st.integers(0, 2),
)
contents = st.recursive(
    leaves,
    lambda inner: st.one_of(st.dictionaries(names, inner, max_size=5), st.lists(inner, max_size=3)),
    max_leaves=20,
)


@bounded
@given(content=st.dictionaries(names, contents, max_size=6))
def test_any_content_is_unwrapped_to_named_tensors(content):
    found = unwrap(content)
    for name, tensor in found.tensors.items():
        assert isinstance(name, str)
        assert isinstance(tensor, torch.Tensor)
    assert all(isinstance(value, str) for value in found.class_values)
