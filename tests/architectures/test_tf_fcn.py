"""FCN8VGG computes what TensorFlow's SAME means, from the picture that its code base takes."""

import numpy as np
import pytest
import torch
from code_bases import randomised
from PIL import Image
from torch import nn
from torch.nn import functional

from segdemo.architectures import SizeRequirements
from segdemo.architectures.parts.vgg import vgg16
from segdemo.checkpoints import detect
from segdemo.checkpoints.recognise import resolve_spec
from segdemo.errors import UnknownNetworkError
from segdemo.inference.processing import prepare
from tests.table import every

DEPTHS = (2, 2, 3, 3, 3)


def frame(size, kernel, stride):
    """Rows or columns before and after that SAME adds to ``size`` of them."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def same(x, kernel, stride, value=0.0):
    rows, columns = (frame(size, kernel, stride) for size in x.shape[2:])
    return functional.pad(x, (*columns, *rows), value=value)


def same_transposed(y, weight, stride, size):
    """By definition the gradient of a SAME convolution of a picture of ``size``."""
    picture = torch.zeros(y.shape[0], weight.shape[1], *size, requires_grad=True)
    made = functional.conv2d(same(picture, weight.shape[2], stride), weight, stride=stride)
    return torch.autograd.grad(made, picture, y)[0]


class FCN8VGG(nn.Module):
    """FCN-8s, narrow, under the names of TensorFlow's: RGB from 0 to 255 in, logits out."""

    def __init__(self, *, channels=3, classes=2, width=2, dilated=False):
        super().__init__()
        into = channels
        for n, depth in enumerate(DEPTHS, 1):
            out = width * min(2 ** (n - 1), 8)
            for k in range(1, depth + 1):
                self.add_module(f"conv{n}_{k}", nn.Conv2d(into, out, 3))
                into = out
        self.fc6 = nn.Conv2d(into, 6, 7)
        self.fc7 = nn.Conv2d(6, 5, 1)
        if dilated:
            return
        self.score_fr = nn.Conv2d(5, classes, 1)
        self.score_pool4 = nn.Conv2d(width * 8, classes, 1)
        self.score_pool3 = nn.Conv2d(width * 4, classes, 1)
        self.upscore2 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
        self.upscore4 = nn.ConvTranspose2d(classes, classes, 4, 2, bias=False)
        self.upscore32 = nn.ConvTranspose2d(classes, classes, 16, 8, bias=False)

    def forward(self, rgb):
        pooled, y = {}, rgb.flip(1) - torch.tensor([103.939, 116.779, 123.68])[:, None, None]
        for n, depth in enumerate(DEPTHS, 1):
            for k in range(1, depth + 1):
                y = torch.relu(self.get_submodule(f"conv{n}_{k}")(same(y, 3, 1)))
            y = functional.max_pool2d(same(y, 2, 2, value=-torch.inf), 2, stride=2)
            pooled[n] = y
        y = self.score_fr(torch.relu(self.fc7(torch.relu(self.fc6(same(y, 7, 1))))))
        with torch.enable_grad():
            y = same_transposed(y, self.upscore2.weight, 2, pooled[4].shape[2:])
            y = y + self.score_pool4(pooled[4])
            y = same_transposed(y, self.upscore4.weight, 2, pooled[3].shape[2:])
            y = y + self.score_pool3(pooled[3])
            return same_transposed(y, self.upscore32.weight, 8, rgb.shape[2:]).detach()


def photo(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@every("size", [(1, 1), (32, 64), (33, 47), (97, 61), (70, 31)])
def test_a_picture_gets_the_same_logits_at_any_size(size):
    theirs, pixels = randomised(FCN8VGG()), photo(*size)
    detection = detect(theirs.state_dict())
    prepared = prepare(
        Image.fromarray(pixels),
        resolve_spec(detection, {}).preprocessing,
        in_channels=3,
        requirements=SizeRequirements(),
        max_side=1024,
    )
    expected = theirs(torch.from_numpy(pixels).permute(2, 0, 1)[None].float())
    got = detection.build()(prepared.tensor)
    assert detection.id == "tf_fcn8vgg"
    assert expected.std() > 1e-2 or size == (1, 1), "a constant map proves nothing"
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-3)


def test_channels_classes_and_widths_are_read_from_the_shapes():
    detection = detect(FCN8VGG(channels=1, classes=20, width=3).state_dict())
    config = detection.config
    assert (config.in_channels, config.classes, config.stride) == (1, 20, 8)
    assert (config.widths, config.hidden) == (vgg16(3), (6, 5))
    assert detection.alternatives == ()


def test_its_dilated_features_have_no_scores_and_are_refused():
    with pytest.raises(UnknownNetworkError):
        detect(FCN8VGG(dilated=True).state_dict())


def test_it_is_not_taken_for_the_network_of_caffe_under_our_names():
    ours = detect(FCN8VGG().state_dict()).build().state_dict()
    assert detect(ours).id == "tf_fcn"
    assert detect(ours).alternatives == ()
