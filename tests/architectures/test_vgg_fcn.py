"""FCNs on torchvision's VGG-16 compute what tutorials' code does, and run where that raises."""

import pytest
import torch
from code_bases import picture, randomised
from torch import nn
from torch.nn import functional

from segdemo.architectures.parts.data_sets import IMAGENET, VOC_CLASSES
from segdemo.architectures.parts.vgg import vgg16
from segdemo.checkpoints import detect
from segdemo.checkpoints.recognise import resolve_spec
from segdemo.errors import UnknownNetworkError
from tests.table import every

POOLS = {16: 3, 23: 4}  # places in the Sequential of the pools that are scored
LAYERS = (1, 1, "M", 2, 2, "M", 4, 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M")


class TutorialVGGFCN(nn.Module):
    """VGGFCN32, 16 or 8, narrow; ``pads`` is whether it mends odd sizes, which VGGFCN16 does not.

    The fully connected layers of VGG are stored beside the convolutions made from them.
    """

    def __init__(self, stride, *, channels=3, classes=2, width=2, pads=True):
        super().__init__()
        self.stride, self.pads = stride, pads
        features, into = [], channels
        for layer in LAYERS:
            if layer == "M":
                features.append(nn.MaxPool2d(2, stride=2))
            else:
                features += [nn.Conv2d(into, layer * width, 3, padding=1), nn.ReLU()]
                into = layer * width
        dense = [nn.Linear(into * 49, 6), nn.ReLU(), nn.Dropout()]
        dense += [nn.Linear(6, 5), nn.ReLU(), nn.Dropout(), nn.Linear(5, 1000)]
        self.vgg16 = nn.Module()
        self.vgg16.features = nn.Sequential(*features)
        self.vgg16.classifier = nn.Sequential(*dense)
        convolutions = [nn.Conv2d(into, 6, 7, padding=3), nn.ReLU(), nn.Dropout()]
        convolutions += [nn.Conv2d(6, 5, 1), nn.ReLU(), nn.Dropout(), nn.Conv2d(5, classes, 1)]
        self.classifier = nn.Sequential(*convolutions)
        if stride < 32:
            self.upscale5 = nn.ConvTranspose2d(classes, classes, 2, stride=2)
            self.score4 = nn.Conv2d(width * 8, classes, 1)
        if stride < 16:
            self.upscale4 = nn.ConvTranspose2d(classes, classes, 2, stride=2)
            self.score3 = nn.Conv2d(width * 4, classes, 1)

    def forward(self, x):
        pooled, y = {}, x
        for place, layer in enumerate(self.vgg16.features):
            y = layer(y)
            pooled[POOLS.get(place)] = y
        y = self.classifier(y)
        if self.stride < 32:
            y = self.joined(self.upscale5(y), self.score4(pooled[4]))
        if self.stride < 16:
            y = self.joined(self.upscale4(y), self.score3(pooled[3]))
        return functional.interpolate(y, x.shape[2:], mode="bilinear", align_corners=True)

    def joined(self, y, scored):
        if self.pads:
            framed = torch.zeros_like(scored)
            framed[:, :, : y.shape[2], : y.shape[3]] = y
            y = framed
        return y + scored


def assert_computes_the_same(theirs, x):
    detection = detect(theirs.state_dict())
    with torch.no_grad():
        expected, got = theirs(x), detection.build()(x)
    assert expected.std() > 1e-3 or min(x.shape[2:]) == 32, "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    return detection


@every("size", [(32, 32), (64, 96), (97, 131), (80, 112), (63, 40)])
@every("stride", [32, 16, 8])
def test_every_stride_computes_the_same(stride, size):
    theirs = randomised(TutorialVGGFCN(stride))
    detection = assert_computes_the_same(theirs, picture(height=size[0], width=size[1]))
    assert detection.id == f"vggfcn{stride}"
    assert detection.alternatives == ()


def test_16s_runs_on_sizes_where_its_code_base_raises():
    theirs, x = randomised(TutorialVGGFCN(16, pads=False)), picture(height=80, width=112)
    with pytest.raises(RuntimeError):
        theirs(x)
    logits = detect(theirs.state_dict()).build()(x)
    assert logits.shape == (1, 2, 80, 112)
    assert logits.isfinite().all()


@every("channels", [1, 4])
@every("classes", [1, 21])
def test_channels_classes_and_widths_are_read_from_the_shapes(channels, classes):
    theirs = randomised(TutorialVGGFCN(8, channels=channels, classes=classes, width=3))
    x = picture(channels, height=64, width=64)
    config = assert_computes_the_same(theirs, x).config
    assert (config.in_channels, config.classes) == (channels, classes)
    assert (config.widths, config.hidden, config.stride) == (vgg16(3), (6, 5), 8)


@every("stride", [32, 16, 8])
def test_the_unused_classifier_may_be_there_or_not(stride):
    complete = TutorialVGGFCN(stride).state_dict()
    unused = [key for key in complete if key.startswith("vgg16.classifier.")]
    used = {key: tensor for key, tensor in complete.items() if key not in unused}
    assert len(unused) == 6
    for state_dict in (complete, used, {**used, unused[0]: complete[unused[0]]}):
        detection = detect(state_dict)
        assert detection.id == f"vggfcn{stride}"
        assert len(detection.tensors) == len(used)


def test_the_unused_classifier_alone_is_no_network():
    complete = TutorialVGGFCN(8).state_dict()
    unused = {key: tensor for key, tensor in complete.items() if "vgg16.classifier" in key}
    with pytest.raises(UnknownNetworkError):
        detect(unused)


def test_weights_shared_with_the_unused_classifier_stay_shared():
    theirs = TutorialVGGFCN(32)
    shared = theirs.vgg16.classifier[0].weight.detach()
    theirs.classifier[0].weight = nn.Parameter(shared.view(6, -1, 7, 7))
    built = detect(theirs.state_dict()).build()
    assert built.vgg.fc6.weight.data_ptr() == shared.data_ptr()


def test_the_recipe_is_that_of_imagenet_and_voc():
    spec = resolve_spec(detect(TutorialVGGFCN(8, classes=21).state_dict()), {})
    assert spec.preprocessing.mean == tuple(IMAGENET["mean"])
    assert spec.preprocessing.std == tuple(IMAGENET["std"])
    assert spec.postprocessing.classes == VOC_CLASSES


def test_it_is_not_taken_for_another_fcn_under_our_names():
    for stride in (32, 16, 8):
        ours = detect(TutorialVGGFCN(stride).state_dict()).build().state_dict()
        assert detect(ours).id == "vgg_fcn"
        assert detect(ours).alternatives == ()
