"""Every architecture and every test vector: recognised once, or refused, and computing the same."""

import random
from functools import cache

import pytest
import torch
from code_bases import VECTORS, header, numbers, vector
from small_configs import CONFIGS
from torch import nn
from vectors import rule

from segdemo.architectures import ARCHITECTURES
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

# Fixture -> the spelling that claims it, and those that tensors cannot tell from it.
CLAIMED = {
    "milesial_unet": ("unet_milesial",),
    "milesial_bias_unet_bilinear": ("unet_milesial_bias",),
    "unet_classic": ("unet_classic",),
    "unet_unpadded": ("unet_milesial_bias", "unet_unpadded"),
    "labml_unet": ("unet_labml",),
    "unet_lab": ("unet_lab",),
    "unet_zoo32": ("unet_zoo32",),
    "unet_tiny8": ("unet_tiny8",),
    "resnet34_unet": ("resnet34_unet",),
    "smp_unet_resnet34": ("segmentation_models_unet",),
    "smp_unet_tu_resnet18": ("segmentation_models_unet_timm",),
    "u2net_full": ("u2net_wz",),
    "u2net_lite": ("u2net_wz",),
    "xuebinqin_u2net": ("u2net_xuebinqin",),
    "xuebinqin_u2netp": ("u2net_xuebinqin",),
    "wkentaro_fcn32s": ("fcn32s",),
    "wkentaro_fcn16s": ("fcn16s",),
    "wkentaro_fcn8s": ("fcn8s", "fcn8s_at_once"),
    "wkentaro_fcn8satonce": ("fcn8s", "fcn8s_at_once"),
    "caffe_fcn8s": ("fcn8s", "fcn8s_at_once"),
    "tf_fcn8vgg": ("tf_fcn8vgg",),
    "vggfcn32": ("vggfcn32",),
    "vggfcn16": ("vggfcn16",),
    "vggfcn8": ("vggfcn8",),
    "vainf_deeplabv3plus_resnet50": ("deeplabv3plus_vainf", "deeplabv3plus_vainf_os16"),
    "vainf_deeplabv3plus_mobilenet": ("deeplabv3plus_vainf", "deeplabv3plus_vainf_os16"),
    "jfzhang95_deeplab_mobilenet": ("deeplab_jfzhang95", "deeplab_jfzhang95_os8"),
    "bubbliiiing_deeplabv3plus_mobilenet": ("deeplab_bubbliiiing", "deeplab_bubbliiiing_os8"),
    "bubbliiiing_pspnet_mobilenet": ("pspnet_bubbliiiing", "pspnet_bubbliiiing_os8"),
    "bubbliiiing_pspnet_resnet50": ("pspnet_bubbliiiing", "pspnet_bubbliiiing_os8"),
    "coincheung_bisenetv1": ("bisenet_coincheung",),
    "coincheung_bisenetv2": ("bisenetv2_coincheung",),
    "zllrunning_bisenet": ("bisenet_zllrunning",),
    "zhkkke_modnet": ("modnet_zhkkke",),
    "xuebinqin_basnet": ("basnet_xuebinqin", "basnet_xuebinqin_shared_norm"),
    "tv_fcn_resnet50": ("torchvision_fcn_resnet",),
    "tv_fcn_resnet101": ("torchvision_fcn_resnet",),
    "tv_deeplabv3_resnet50": ("torchvision_deeplabv3_resnet",),
    "tv_deeplabv3_resnet101": ("torchvision_deeplabv3_resnet",),
    "tv_deeplabv3_mobilenet_v3_large": ("torchvision_deeplabv3_mobilenet",),
    "tv_lraspp_mobilenet_v3_large": ("torchvision_lraspp_mobilenet",),
    "4uiiurz1_nestedunet": ("nested_unet_4uiiurz1",),
    "4uiiurz1_nestedunet_ds": ("nested_unet_4uiiurz1",),
    "bigmb_nestedunet": ("nested_unet_4uiiurz1",),
    "unetzoo_nestedunet": ("nested_unet_zoo",),
    "unetzoo_nestedunet_ds": ("nested_unet_zoo",),
    "unetzoo_segnet": ("segnet_zoo", "segnet_onera"),
    "unetzoo_mychannelunet": ("unetzoo_mychannelunet",),
    "unetzoo_fcn32s": ("unetzoo_fcn32s",),
    "unetzoo_fcn8s": (
        "unetzoo_fcn8s",
        "pochih_fcn8s",
        "pochih_fcn16s",
        "pochih_fcn32s",
        "pochih_fcns",
    ),
    "ternaus_unet11": ("ternausnet_unet11",),
    "ternaus_unet16": ("ternausnet_unet16",),
    "bubbliiiing_unet_vgg": ("bubbliiiing_unet_vgg", "bubbliiiing_unet_vgg_linear"),
    "bubbliiiing_unet_resnet50": ("bubbliiiing_unet_resnet",),
    "4uiiurz1_unet": ("unet_4uiiurz1",),
    "jaxony_unet": ("unet_jaxony",),
    "nikhil_build_unet": ("unet_nikhil",),
    "usuyama_unet": ("unet_usuyama",),
    "jvanvugt_unet": ("unet_jvanvugt", "unet_jvanvugt_average"),
    "jvanvugt_unet_default": ("unet_jvanvugt_plain", "unet_jvanvugt_plain_average"),
    "bigmb_u_net": ("unet_bigmb",),
    "bigmb_attu_net": ("unet_bigmb",),
    "bigmb_r2u_net": ("unet_bigmb_recurrent",),
    "bigmb_r2attu_net": ("unet_bigmb_recurrent",),
    "leejunhyun_u_net": ("unet_leejunhyun",),
    "leejunhyun_attu_net": ("unet_leejunhyun",),
    "leejunhyun_r2u_net": ("unet_leejunhyun",),
    "leejunhyun_r2attu_net": ("unet_leejunhyun",),
    "unetzoo_attu_net": ("unet_leejunhyun",),
    "unetzoo_r2u_net": ("unet_leejunhyun",),
}
# Where tensors cannot tell, the reading that the fixture means.
MEANT = {"unet_unpadded": "unet_unpadded", "wkentaro_fcn8satonce": "fcn8s_at_once"}
# No fixture: their code is not among those from which the vectors were made (see their tests).
WITHOUT_FIXTURE = {"birefnet", "dlinknet", "espnet", "isnet", "wnet"}
# Odd features at stride 16 raise an error in its code; here they are padded as in VGGFCN-8.
TAKES_MORE = {"vggfcn16"}
FIXTURES = sorted(path.stem for path in VECTORS.glob("*.json"))


class AsTheirs(nn.Module):
    """Our network with what the fixture's code base has inside beside it.

    That is an activation, or turning RGB from 0 to 255 into what our recipe asks for.
    """

    def __init__(self, detection, fixture):
        super().__init__()
        self.network, self.output_kind = detection.build(), fixture["output_kind"]
        self.recipe = detection.recipe["preprocessing"] if "tf_" in fixture["name"] else None

    def forward(self, x):
        if self.recipe:
            assert (self.recipe["channels"], self.recipe["divisor"]) == ("bgr", 1)
            x = x.flip(1) - torch.tensor(self.recipe["mean"])[:, None, None]
        logits = self.network(x)
        return logits.sigmoid() if self.output_kind == "probabilities" else logits


def samples(name, *, biases=True):
    """Some of the fixture's keys that its network uses, from the first to the last.

    Without ``biases`` those before a norm, which it does not need, are left out.
    """
    state_dict, mapping = header(vector(name)), recognised(name).mapping
    folded = () if biases or not mapping.folds_bias else (".conv.bias",)
    names = mapping.rename(state_dict)
    used = [key for key, ours in names.items() if not ours.endswith(tuple(folded))]
    return used[:: len(used) // 7]


# Tensors that the code base stores and never uses.
UNUSED = "vgg16.classifier."
# Fixtures that share most of their weights, which take up to a gigabyte and seconds to make.
KIN = [
    [name for name in CLAIMED if name.startswith(("wkentaro_", "caffe_"))],
    [name for name in CLAIMED if name.startswith("vggfcn")],
    [name for name in CLAIMED if name.startswith("tv_")],
]
ALONE = [[name] for name in CLAIMED if not any(name in names for names in KIN)]

for_every_fixture = every("name", sorted(CLAIMED))


@cache
def recognised(name):
    """What the fixture's keys and shapes are read as. All tests share it: only once a network."""
    return detect(header(vector(name)))


@cache
def meant(name):
    """The same, read as the fixture means it."""
    return detect(header(vector(name)), assume=MEANT[name]) if name in MEANT else recognised(name)


@cache
def built(name):
    """The network of the fixture, without numbers."""
    return meant(name).build()


def test_every_fixture_is_claimed():
    assert CLAIMED.keys() == set(FIXTURES)


def test_every_spelling_has_a_name_of_its_own():
    ids = [mapping.id for entry in ARCHITECTURES for mapping in entry.mappings]
    assert len(set(ids)) == len(ids)
    assert len({entry.id for entry in ARCHITECTURES}) == len(ARCHITECTURES)


def test_every_architecture_has_a_fixture():
    families = {recognised(name).architecture.id for name in CLAIMED}
    assert families == {entry.id for entry in ARCHITECTURES} - WITHOUT_FIXTURE


@for_every_fixture
def test_a_fixture_is_claimed_once_but_for_its_twins(name):
    detection = recognised(name)
    readings = (detection.id, *(other.id for other in detection.alternatives))
    # Where an extra is installed its library offers networks that have the same tensors.
    ours = tuple(one for one in readings if not one.startswith("smp."))
    assert ours == CLAIMED[name]


@pytest.mark.slow
@pytest.mark.parametrize("names", KIN + ALONE, ids=lambda names: names[0])
def test_a_fixture_computes_what_its_code_base_does(names):
    known, wrong = {}, []
    for name in names:
        fixture = vector(name)
        detection = detect(numbers(fixture, known, UNUSED), assume=MEANT.get(name))
        wrong += rule.check(fixture, AsTheirs(detection, fixture), load_weights=False)
    assert wrong == []


@for_every_fixture
def test_a_fixture_takes_and_refuses_the_sizes_of_its_code_base(name):
    fixture, network = vector(name), built(name)
    for case in fixture["shape_only"]:
        pictures = torch.empty(case["input"], device="meta")
        if "error" in case and name in TAKES_MORE and min(case["input"][2:]) >= 32:
            assert network(pictures).shape[2:] == pictures.shape[2:]
        elif "error" in case:
            with pytest.raises(RuntimeError):
                network(pictures)
        else:
            assert list(network(pictures).shape) == case["output"]


@for_every_fixture
def test_the_smallest_picture_runs_and_a_smaller_one_does_not(name):
    detection = meant(name)
    requirements = detection.architecture.requirements(detection.config)
    network, side = built(name), requirements.minimum
    lost, channels = 2 * requirements.border, detection.config.in_channels
    smallest = torch.empty(1, channels, side, side, device="meta")
    assert network(smallest).shape[2:] == (side - lost,) * 2
    if side > 1:
        with pytest.raises(RuntimeError):
            network(torch.empty(1, channels, side - 1, side + 60, device="meta"))


@for_every_fixture
def test_recognition_needs_no_weights(name):
    assert meant(name).parameters > 0
    assert all(parameter.is_meta for parameter in built(name).parameters())


@for_every_fixture
def test_the_order_of_keys_does_not_matter(name):
    entries = list(header(vector(name)).items())
    random.Random(0).shuffle(entries)
    shuffled, straight = detect(dict(entries)), recognised(name)
    assert (shuffled.id, shuffled.config) == (straight.id, straight.config)


@for_every_fixture
def test_one_tensor_more_is_refused(name):
    surplus = {**header(vector(name)), "extra.weight": torch.empty(1, device="meta")}
    with pytest.raises(UnknownNetworkError):
        detect(surplus)


@for_every_fixture
def test_one_tensor_less_is_refused(name):
    complete = header(vector(name))
    for key in samples(name, biases=False):
        if not key.endswith("num_batches_tracked"):
            with pytest.raises(UnknownNetworkError):
                detect({other: tensor for other, tensor in complete.items() if other != key})


@for_every_fixture
def test_one_tensor_of_another_shape_is_refused(name):
    complete = header(vector(name))
    for key in samples(name):
        wrong = torch.empty(*complete[key].shape, 2, device="meta")
        with pytest.raises(UnknownNetworkError):
            detect({**complete, key: wrong})


@for_every_fixture
def test_our_own_names_are_recognised_too(name):
    theirs = recognised(name)
    exported = theirs.build().state_dict()
    # Where their networks are built by their own code, our names are theirs.
    expected = "torchvision" if theirs.origin == "torchvision" else "segdemo"
    assert detect(exported).origin == expected
    # What no tensor tells has to be said of an exported file as well.
    assumed = theirs.id if theirs.known else None
    assert detect(exported, assume=assumed).config == theirs.config


@for_every_fixture
def test_a_configuration_is_told_in_a_few_words(name):
    detection = recognised(name)
    assert 1 <= len(detection.architecture.describe(detection.config).split()) <= 8


@every("classes", [1, 5])
@every("architecture", ARCHITECTURES, ids=lambda architecture: architecture.id)
def test_every_family_is_built_with_other_classes(architecture, classes):
    config = architecture.with_classes(CONFIGS[architecture.id], classes)
    assert config.classes == classes
    side = max(64, architecture.requirements(config).minimum)
    with torch.device("meta"):
        network = architecture.build(config).eval()
        outputs = architecture.forward_deep(network, torch.empty(1, 3, side, side))
    assert [tuple(output.shape) for output in outputs] == [(1, classes, side, side)] * len(outputs)
