"""What is known of published checkpoints: that it is whole, and that files are known by content."""

import hashlib
import re

import pytest
import torch
from code_bases import randomised
from torchvision.models import get_model_weights

from segdemo.architectures import ARCHITECTURES
from segdemo.architectures.isnet import ISNet, ISNetConfig
from segdemo.architectures.torchvision_nets import TorchvisionConfig, TorchvisionNet
from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import detect
from segdemo.checkpoints import published as module
from segdemo.checkpoints.published import (
    Place,
    Published,
    known_by_digest,
    known_by_place,
    known_by_size,
    known_file,
    published,
)
from segdemo.checkpoints.recognise import resolve_spec
from segdemo.hub.about import allows_commerce
from segdemo.spec import SegmentationSpec
from tests.table import every

each = pytest.mark.parametrize("one", published(), ids=lambda one: one.id)
of_torchvision = pytest.mark.parametrize(
    "one", [one for one in published() if one.source == "torchvision"], ids=lambda one: one.id
)

HEADS = ("lraspp", "deeplabv3", "fcn")


def network(one):
    """The network as its authors built it, without weights, under our names."""
    classes = len(one.classes)
    with torch.device("meta"):
        if one.architecture == "u2net":
            size = U2NetConfig.lite if "small" in one.id else U2NetConfig.full
            return U2Net(size(classes=classes))
        if one.architecture == "isnet":
            return ISNet(ISNetConfig.full(classes=classes))
        if one.architecture == "unet":
            return UNet(UNetConfig.standard(width=32, classes=classes))
        head, _, backbone = one.repo_id.partition("_")
        return TorchvisionNet(
            TorchvisionConfig(
                head=head,
                backbone=backbone,
                in_channels=3,
                classes=classes,
                auxiliary_classes=None if head == "lraspp" else classes,
            )
        )


def test_no_two_are_told_apart_by_nothing():
    for name in ("id", "title"):
        values = [getattr(one, name) for one in published()]
        assert len(set(values)) == len(values)
    sums = [one.sha256 for one in published() if one.sha256]
    assert len(set(sums)) == len(sums)
    places = [place for one in published() for place in one.places]
    assert len(set(places)) == len(places)


@each
def test_every_fact_has_its_form(one):
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]+", one.id)
    assert one.title.isprintable()
    assert one.task
    assert one.architecture in {architecture.id for architecture in ARCHITECTURES}
    assert re.fullmatch(r"([0-9a-f]{64})?", one.sha256) or one.source == "torchvision"
    assert one.revision is None or re.fullmatch(r"[0-9a-f]{40}", one.revision)
    assert one.bytes > 1_000_000
    assert one.rounding < one.bytes / 50
    assert bool(one.evidence) == (len(one.sha256) == 64)
    assert all(page.startswith("https://") for page in one.evidence)
    assert one.commercial == (allows_commerce(one.licence) if one.licence else None)
    for place in one.places:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", place.repo_id)
        assert not place.filename.startswith("/")


@each
def test_the_size_is_that_of_the_network(one):
    tensors = network(one).state_dict().values()
    weights = sum(tensor.nbytes for tensor in tensors)
    # A bias before each norm, which ours lacks, and the names take a little more.
    assert weights * 0.99 < one.bytes + one.rounding
    assert one.bytes - one.rounding < weights * 1.02 + 600_000


@each
def test_the_words_make_a_spec_that_fits_the_network(one):
    detection = detect(network(one).state_dict())
    assert detection.architecture.id == one.architecture
    spec = resolve_spec(detection, one.words)
    assert len(spec.postprocessing.classes) == detection.config.classes
    expected = "sigmoid" if detection.config.classes == 1 else "softmax"
    assert spec.postprocessing.activation == expected


@each
def test_the_words_agree_with_the_recipe_of_the_code_base(one):
    recipes = [
        mapping.recipe
        for architecture in ARCHITECTURES
        for mapping in architecture.mappings
        if architecture.id == one.architecture
        and mapping.id in ("u2net_xuebinqin", "isnet_dis", "unet_brain", "torchvision_fcn_resnet")
    ]
    ours = SegmentationSpec.resolve([("", one.words)]).preprocessing
    theirs = SegmentationSpec.resolve([("", recipes[0])]).preprocessing
    # The clothes were trained at another size and range, in the same code.
    assert (ours == theirs) == (one.task != "clothes")


@of_torchvision
def test_torchvision_names_the_same_file_size_and_classes(one):
    weights = get_model_weights(one.repo_id).DEFAULT
    assert weights.url.rpartition("/")[2] == one.filename
    assert one.filename.endswith(f"-{one.sha256}.pth")
    assert abs(weights.meta["_file_size"] * 2**20 - one.bytes) <= one.rounding
    assert ["background", *weights.meta["categories"][1:]] == list(one.classes)
    transforms = weights.transforms()
    assert one.words["preprocessing"]["side"] == transforms.resize_size[0]
    assert one.words["preprocessing"]["mean"] == list(transforms.mean)
    assert one.words["preprocessing"]["std"] == list(transforms.std)


def test_all_of_torchvisions_segmentation_is_there():
    names = {one.repo_id for one in published() if one.source == "torchvision"}
    assert len(names) == 6


def test_a_checkpoint_is_known_by_its_content():
    salient = known_by_digest("10025a17f49cd3208afc342b589890e402ee63123d6f2d289a4a0903695cce58")
    assert (salient.id, salient.licence) == ("u2net-salient", "apache-2.0")
    # A file that is called u2net.pth and is none.
    other = known_by_digest("9e1aafea58f0b55d0c35077e0ceade6ba1ba2bce372fd4f8f77215391f3fac13")
    assert other.architecture == "isnet"


def test_torchvisions_are_known_by_the_digits_that_torchvision_gives():
    assert known_by_digest("1167a1af" + "0" * 56).repo_id == "fcn_resnet50"


@every("digest", ["", "0" * 64, "1025a17f" * 8])
def test_another_content_is_not_known(digest):
    assert known_by_digest(digest) is None


@every("size", [176_290_937, 4_683_258, 176_500_000, 141_567_197 + 525])
def test_a_size_that_may_be_known_is_worth_hashing(size):
    assert known_by_size(size)


@every("size", [176_290_936, 4_683_259, 176_499_999, 124_000_000, 31_100_000, 0])
def test_another_size_is_not(size):
    assert not known_by_size(size)


def test_where_no_content_is_known_the_place_has_to_do():
    place = Place(repo_id="tryonlabs/u2net-cloth-segmentation", filename="u2net_cloth_segm.pth")
    assert known_by_place(place).id == "u2net-clothes"
    portrait = "U-2-Net/saved_models/u2net_human_seg/u2net_human_seg.pth"
    space = Place(repo_id="hylee/u2net_portrait", filename=portrait, repo_type="space")
    assert known_by_place(space).id == "u2net-person"
    assert known_by_place(Place(repo_id="hylee/u2net_portrait", filename=portrait)) is None


def test_a_place_does_not_speak_for_content_that_is_known():
    for repo_id, filename in (
        ("Carve/u2net-universal", "full_weights.pth"),
        ("netradrishti/u2net-saliency", "models/u2net.pth"),
    ):
        assert known_by_place(Place(repo_id=repo_id, filename=filename)) is None


COMMIT = "0123456789abcdef" * 2 + "01234567"


@every(
    ("path", "expected"),
    [
        (
            f"/x/hub/models--owner--name/snapshots/{COMMIT}/a/b.pth",
            Place(repo_id="owner/name", filename="a/b.pth"),
        ),
        (
            f"models--gpt2--u-net/snapshots/{COMMIT}/m.bin",
            Place(repo_id="gpt2/u-net", filename="m.bin"),
        ),
        (
            f"/x/spaces--owner--name/snapshots/{COMMIT}/m.pt",
            Place(repo_id="owner/name", filename="m.pt", repo_type="space"),
        ),
        (f"/x/datasets--owner--name/snapshots/{COMMIT}/m.pt", None),
        (f"/x/models--owner--name/snapshots/{COMMIT}", None),
        ("/x/models--owner--name/snapshots/main/m.pt", None),
        (f"/x/models--owner--name/blobs/{COMMIT}/m.pt", None),
        ("/x/m.pt", None),
        ("m.pt", None),
    ],
)
def test_a_file_in_the_hubs_cache_tells_its_place(tmp_path, path, expected):
    found = Place.in_cache(type(tmp_path)(path))
    assert found == (expected and (expected, COMMIT))


@pytest.fixture
def known(monkeypatch):
    """Makes files known to us for one test."""

    def make(*entries):
        monkeypatch.setattr(module, "published", lambda: entries)

    yield make
    module._known_file.cache_clear()


def entry(**facts):
    base = {"id": "a", "title": "A", "task": "t", "architecture": "unet", "repo_id": "o/n"}
    return Published(**{**base, "filename": "a.pth", "bytes": 4, "words": {}, **facts})


def test_a_file_is_known_by_its_content_whatever_it_is_called(tmp_path, known):
    path = tmp_path / "other.name"
    path.write_bytes(b"data")
    one = entry(sha256=hashlib.sha256(b"data").hexdigest())
    known(one)
    assert known_file(path) is one
    path.write_bytes(b"dato")
    assert known_file(path) is None


def test_a_size_that_was_rounded_will_do(tmp_path, known):
    path = tmp_path / "a"
    path.write_bytes(b"data" * 10)
    one = entry(sha256=hashlib.sha256(b"data" * 10).hexdigest(), bytes=42, rounding=2)
    known(one)
    assert known_file(path) is one


def test_a_file_of_another_size_is_not_read(tmp_path, known, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"longer than known")
    known(entry(sha256="0" * 64))

    def read(path):
        raise AssertionError(path)

    monkeypatch.setattr(module, "sha256_of", read)
    assert known_file(path) is None


def test_a_file_is_read_once(tmp_path, known, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"data")
    known(entry(sha256=hashlib.sha256(b"data").hexdigest()))
    reads = []
    honest = module.sha256_of
    monkeypatch.setattr(module, "sha256_of", lambda path: reads.append(path) or honest(path))
    assert known_file(path) is known_file(path)
    assert len(reads) == 1


def test_a_cached_file_of_unknown_content_is_known_by_its_place(tmp_path, known):
    one = entry(bytes=1000)
    known(one)
    path = tmp_path / "models--o--n" / "snapshots" / COMMIT / "a.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"data")
    assert known_file(path) is one
    assert known_file(path.rename(path.with_name("b.pth"))) is None


def test_a_file_that_is_gone_is_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError, match="absent"):
        known_file(tmp_path / "absent")


def test_randomised_networks_are_not_known(tmp_path):
    path = tmp_path / "a.pth"
    torch.save(randomised(UNet(UNetConfig.standard(width=4, depth=1))).state_dict(), path)
    assert known_file(path) is None
