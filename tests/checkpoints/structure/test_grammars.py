"""UNet++, SegNet and U-Nets on a ResNet open under any names; their readings name what is open."""

import pytest
import torch
from code_bases import header, picture, randomised, vector
from respelt import numbered, respelt
from small_encoder_unets import (
    SmallBubbliiiing,
    SmallNestedUNet,
    SmallSegNet,
    resnet,
)
from small_unets import put
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, Bottleneck

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError


class TransposedResNetUNet(nn.Module):
    """A stranger's: 2x2 transposed convolutions, then two convolutions with norms."""

    def __init__(self, *, width=4, block=BasicBlock, skip_first=False, up_normed=False, full=True):
        super().__init__()
        self.backbone, self.skip_first, self.full = resnet(width, 3, block=block), skip_first, full
        widths = [width, *(width * 2**n * block.expansion for n in range(4))]
        self.ups, self.blocks, into = nn.ModuleList(), nn.ModuleList(), widths[-1]
        for skip in [*widths[-2::-1], *([0] if full else [])]:
            out = skip or 6
            up = nn.Sequential(nn.ConvTranspose2d(into, out, 2, 2))
            if up_normed:
                up.extend([nn.BatchNorm2d(out), nn.ReLU()])
            self.ups.append(up)
            layers = []
            for taken in (out + skip, out):
                layers += [nn.Conv2d(taken, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
            self.blocks.append(nn.Sequential(*layers))
            into = out
        self.classify = nn.Conv2d(into, 2, 1)

    def forward(self, x):
        net = self.backbone
        skips = [torch.relu(net.bn1(net.conv1(x)))]
        x = functional.max_pool2d(skips[0], 3, 2, 1)
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            skips.append(x)
        skips.pop()
        for up, block in zip(self.ups, self.blocks, strict=True):
            x = up(x)
            if skips:
                skip = skips.pop()
                x = torch.cat([skip, x] if self.skip_first else [x, skip], 1)
            x = block(x)
        x = self.classify(x)
        return x if self.full else functional.interpolate(x, scale_factor=2, mode="bilinear")


class ResizedResNetUNet(nn.Module):
    """Another's: pixels repeated, and a convolution with a norm after each join."""

    def __init__(self, *, width=4):
        super().__init__()
        self.backbone = resnet(width, 1)
        widths, into = [width, *(width * 2**n for n in range(4))], 8 * width
        for n, skip in enumerate([*widths[-2::-1], 0]):
            out = skip or 3
            put(self, f"fuse{n}.conv", nn.Conv2d(into + skip, out, 3, padding=1, bias=False))
            put(self, f"fuse{n}.norm", nn.BatchNorm2d(out))
            into = out
        self.classify = nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, x):
        net = self.backbone
        skips = [torch.relu(net.bn1(net.conv1(x)))]
        x = functional.max_pool2d(skips[0], 3, 2, 1)
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            skips.append(x)
        skips.pop()
        for n in range(5):
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = torch.cat([x, skips.pop()], 1) if skips else x
            fuse = getattr(self, f"fuse{n}")
            x = torch.relu(fuse.norm(fuse.conv(x)))
        return self.classify(x)


# Name -> network, what assume has to say, the side of a picture.
NETWORKS = {
    "UNet++": (SmallNestedUNet(width=3), "skip_first.bilinear_aligned", 32),
    "UNet++ deep": (SmallNestedUNet(width=2, heads=4), "skip_first.bilinear_aligned", 32),
    "UNet++ of 3 levels": (SmallNestedUNet(depth=3), "skip_first.bilinear_aligned", 32),
    "SegNet": (SmallSegNet(width=3), "unpool_stride_2", 32),
    "SegNet without stride": (SmallSegNet(width=3), "unpool_stride_2", 32),
    "SegNet, head alone": (SmallSegNet(names="yassouali"), "unpool_stride_2", 32),
    "SegNet, head normed": (SmallSegNet(names="semseg", classes=2), "unpool_stride_2", 32),
    "SegNet transposed": (SmallSegNet(names="say4n", classes=2), "unpool_stride_2", 32),
    "SegNet that keeps the size": (SmallSegNet(width=3, stride=1), "unpool_stride_1", 8),
    "ResNet transposed": (TransposedResNetUNet(), "up_first", 64),
    "ResNet bottleneck": (TransposedResNetUNet(block=Bottleneck), "up_first", 64),
    "ResNet skip first": (TransposedResNetUNet(skip_first=True), "skip_first", 64),
    "ResNet normed": (TransposedResNetUNet(up_normed=True), "up_first", 64),
    "ResNet enlarged at last": (TransposedResNetUNet(full=False), "up_first.bilinear", 64),
    "ResNet resized": (ResizedResNetUNet(), "up_first.nearest", 64),
    "ResNet of bubbliiiing": (
        SmallBubbliiiing("resnet", width=3),
        "skip_first.bilinear_aligned.pool_ceil",
        64,
    ),
}


def test_each_opens_under_any_names_and_computes_the_same():
    wrong = {}
    for name, (network, reading, side) in NETWORKS.items():
        # So narrow a network may be dead: another seed wakes it.
        for seed in range(5):
            state_dict = randomised(network, seed).state_dict()
            channels = detect(state_dict).config.in_channels
            x = picture(channels, height=side, width=2 * side)
            with torch.no_grad():
                expected = network(x)
            expected = expected[-1] if isinstance(expected, list) else expected
            if expected.std() > 1e-3:
                break
        for names in (respelt(state_dict), numbered(state_dict)):
            try:
                detection = detect(names, assume=reading)
            except UnknownNetworkError as error:
                wrong[name] = str(error)
                continue
            with torch.no_grad():
                got = detection.build()(x)
            difference = (got - expected).abs().max() / expected.abs().max()
            if not difference <= 1e-4:
                wrong[name] = f"{detection.id} differs by {difference:.2g}"
    assert wrong == {}


def test_what_no_tensor_tells_is_an_alternative():
    detection = detect(respelt(SmallNestedUNet(heads=4).state_dict()))
    readings = {detection.id, *(other.id for other in detection.alternatives)}
    assert readings >= {
        "skip_first.bilinear_aligned",
        "up_first.nearest",
        "skip_first.bilinear_aligned.mean_of_heads",
    }
    assert detection.known["join"] == "skip_first"


def test_a_reading_that_no_grammar_has_is_refused_with_those_that_fit():
    with pytest.raises(UnknownNetworkError) as caught:
        detect(respelt(SmallSegNet().state_dict()), assume="sideways")
    assert caught.value.key == "checkpoint_assume"
    assert "unpool_stride_2" in caught.value.message()


def test_an_exported_network_is_read_as_its_metadata_assume():
    network = randomised(TransposedResNetUNet(skip_first=True))
    detection = detect(respelt(network.state_dict()), assume="skip_first")
    exported = detect(detection.build().state_dict(), assume="skip_first")
    x = picture(height=64, width=64)
    with torch.no_grad():
        torch.testing.assert_close(exported.build()(x), network(x), rtol=1e-4, atol=1e-4)


def test_the_alphabetical_order_of_a_safetensors_file_hides_no_exported_network():
    # As many classes as channels, so that the head could be the first layer.
    network = randomised(UNet(UNetConfig.standard(width=4, depth=2, classes=3)))
    exported = dict(sorted(network.state_dict().items()))
    assert {detect(exported, assume=name).id for name in ("up_first", "skip_first")} == {
        "up_first",
        "skip_first",
    }


@pytest.mark.parametrize(
    ("network", "module"),
    [
        (SmallNestedUNet(), "conv1_2."),
        (SmallNestedUNet(heads=4), "final2."),
        (SmallSegNet(), "conv42."),
        (TransposedResNetUNet(), "backbone.layer3."),
        (TransposedResNetUNet(), "blocks.2."),
    ],
)
def test_a_missing_module_is_refused(network, module):
    rest = {key: t for key, t in network.state_dict().items() if not key.startswith(module)}
    assert len(rest) < len(network.state_dict())
    with pytest.raises(UnknownNetworkError):
        detect(respelt(rest))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("bigmb_nestedunet", "nested_unet"),
        ("4uiiurz1_nestedunet_ds", "nested_unet"),
        ("unetzoo_segnet", "segnet"),
        ("bubbliiiing_unet_resnet50", "encoder_unet"),
        ("smp_unet_resnet34", "encoder_unet"),
    ],
)
def test_real_sizes_are_told_by_their_shapes(name, family):
    assert detect(respelt(header(vector(name)))).architecture.id == family
