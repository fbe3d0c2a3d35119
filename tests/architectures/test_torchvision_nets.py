"""torchvision's networks, as published and as people change them, give the logits of `out`."""

import pytest
import torch
from code_bases import picture, randomised
from torch import nn
from torchvision.models import segmentation
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead

from segdemo.architectures.parts.data_sets import VOC_CLASSES
from segdemo.checkpoints import detect
from segdemo.checkpoints.recognise import resolve_spec
from segdemo.errors import UnknownNetworkError
from tests.table import every

NAMES = {
    "fcn_resnet50": ("fcn", "resnet50"),
    "fcn_resnet101": ("fcn", "resnet101"),
    "deeplabv3_resnet50": ("deeplabv3", "resnet50"),
    "deeplabv3_resnet101": ("deeplabv3", "resnet101"),
    "deeplabv3_mobilenet_v3_large": ("deeplabv3", "mobilenet_v3_large"),
    "lraspp_mobilenet_v3_large": ("lraspp", "mobilenet_v3_large"),
}
WITH_AUXILIARY = sorted(NAMES.keys() - {"lraspp_mobilenet_v3_large"})


def build(name, classes=21, auxiliary=False):
    options = {"aux_loss": auxiliary} if name in WITH_AUXILIARY else {}
    make = getattr(segmentation, name)
    return make(weights=None, weights_backbone=None, num_classes=classes, **options)


def without_weights(name, *args, **options):
    with torch.device("meta"):
        return build(name, *args, **options)


def assert_computes_the_same(theirs, x):
    detection = detect(theirs.state_dict())
    with torch.no_grad():
        expected, got = theirs(x)["out"], detection.build()(x)
    assert expected.std() > 1e-3, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    return detection


@every("name", NAMES)
@every("classes", [1, 5, 21])
def test_each_is_told_from_the_others(name, classes):
    detection = detect(without_weights(name, classes).state_dict())
    config = detection.config
    assert (config.head, config.backbone) == NAMES[name]
    assert (config.in_channels, config.classes) == (3, classes)
    assert config.auxiliary_classes is None
    assert detection.origin == "torchvision"
    assert detection.alternatives == ()


@every("name", WITH_AUXILIARY)
def test_the_auxiliary_head_is_kept_but_not_run(name):
    theirs = without_weights(name, 2, auxiliary=True)
    detection = detect(theirs.state_dict())
    assert detection.config.auxiliary_classes == 2
    network = detection.build()
    assert network.state_dict().keys() == theirs.state_dict().keys()
    network.aux_classifier = None
    assert network(torch.empty(1, 3, 33, 47, device="meta")).shape == (1, 2, 33, 47)


def test_a_new_head_beside_the_old_auxiliary_one_is_what_fine_tuning_leaves():
    deeplab = without_weights("deeplabv3_resnet50", 21, auxiliary=True)
    fcn = without_weights("fcn_resnet50", 21, auxiliary=True)
    with torch.device("meta"):
        deeplab.classifier = DeepLabHead(2048, 4)
        fcn.classifier = FCNHead(2048, 4)
    for theirs in (deeplab, fcn):
        config = detect(theirs.state_dict()).config
        assert (config.classes, config.auxiliary_classes) == (4, 21)


@every("size", [(33, 47), (64, 1)])
def test_logits_have_the_size_of_the_picture(size):
    theirs = randomised(build("lraspp_mobilenet_v3_large", 3))
    assert_computes_the_same(theirs, picture(height=size[0], width=size[1]))


@every("channels", [1, 4])
def test_a_backbone_for_other_pictures_computes_the_same(channels):
    theirs = build("lraspp_mobilenet_v3_large", 2)
    theirs.backbone["0"][0] = nn.Conv2d(channels, 16, 3, 2, 1, bias=False)
    detection = assert_computes_the_same(randomised(theirs), picture(channels))
    assert detection.config.in_channels == channels


@every("name", WITH_AUXILIARY[:4])
def test_a_resnet_for_other_pictures_is_read_too(name):
    theirs = without_weights(name)
    if "resnet" in name:
        theirs.backbone["conv1"] = nn.Conv2d(1, 64, 7, 2, 3, bias=False, device="meta")
        detection = detect(theirs.state_dict())
        assert detection.config.in_channels == 1
        assert detection.build()(torch.empty(1, 1, 40, 50, device="meta")).shape[2:] == (40, 50)


def test_a_resnet_of_another_depth_is_refused():
    state_dict = without_weights("fcn_resnet101").state_dict()
    shallower = {key: value for key, value in state_dict.items() if "layer3.22" not in key}
    with pytest.raises(UnknownNetworkError):
        detect(shallower)


@every("name", NAMES)
def test_pictures_and_classes_are_those_of_the_published_weights(name):
    published = segmentation.__dict__[weights_name(name)].DEFAULT
    spec = resolve_spec(detect(without_weights(name).state_dict()), {})
    transforms = published.transforms()
    assert spec.preprocessing.resize == "shortest"
    assert [spec.preprocessing.side] == transforms.resize_size
    assert spec.preprocessing.mean == tuple(transforms.mean)
    assert spec.preprocessing.std == tuple(transforms.std)
    assert spec.postprocessing.activation == "softmax"
    assert spec.postprocessing.classes == VOC_CLASSES
    assert list(VOC_CLASSES)[1:] == published.meta["categories"][1:]


def weights_name(name):
    matching = [
        entry
        for entry in dir(segmentation)
        if entry.lower() == f"{name}_weights".lower() and entry.endswith("_Weights")
    ]
    return matching[0]


def test_a_network_of_other_classes_has_no_names_for_them():
    spec = resolve_spec(detect(without_weights("fcn_resnet50", 20).state_dict()), {})
    assert spec.postprocessing.classes == ()


def test_names_in_the_file_go_before_those_of_the_published_weights():
    words = {"postprocessing": {"classes": [str(n) for n in range(21)]}}
    spec = resolve_spec(detect(without_weights("fcn_resnet50").state_dict()), words)
    assert spec.postprocessing.classes[:2] == ("0", "1")
