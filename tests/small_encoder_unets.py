"""Small UNet++, SegNets and U-Nets on encoders, as other code bases spell and compute them.

They are written apart from the package, so that a test which compares both can fail.
"""

import torch
from small_unets import put
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers


def convolution(into, out, kernel=3):
    return nn.Conv2d(into, out, kernel, padding=kernel // 2)


def doubled(x, *, aligned):
    """Twice as many rows and columns, bilinearly."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=aligned)


class SmallNestedUNet(nn.Module):
    """UNet++ in the names of "4uiiurz1" or "zoo"; it returns the logits of all heads."""

    def __init__(self, *, names="4uiiurz1", channels=3, classes=1, width=2, heads=1, depth=4):
        super().__init__()
        self.depth, self.count = depth, heads
        self.members = {
            "4uiiurz1": ("conv1", "bn1", "conv2", "bn2"),
            "zoo": ("conv.0", "conv.1", "conv.3", "conv.4"),
        }[names]
        widths = [width * 2**n for n in range(depth + 1)]
        for column in range(depth + 1):
            for row in range(depth + 1 - column):
                into = column * widths[row] + widths[min(row + 1, depth)]
                if column == 0:
                    into = widths[row - 1] if row else channels
                self.block(f"conv{row}_{column}", into, widths[row])
        for n in range(heads):
            head = "final" if heads == 1 else f"final{n + 1}"
            put(self, head, nn.Conv2d(width, classes, 1))

    def block(self, path, into, out):
        conv1, norm1, conv2, norm2 = self.members
        put(self, f"{path}.{conv1}", convolution(into, out))
        put(self, f"{path}.{norm1}", nn.BatchNorm2d(out))
        put(self, f"{path}.{conv2}", convolution(out, out))
        put(self, f"{path}.{norm2}", nn.BatchNorm2d(out))

    def run(self, path, x):
        conv1, norm1, conv2, norm2 = (self.get_submodule(f"{path}.{m}") for m in self.members)
        return torch.relu(norm2(conv2(torch.relu(norm1(conv1(x))))))

    def forward(self, x):
        nodes = {}
        for row in range(self.depth + 1):
            nodes[row, 0] = x = self.run(f"conv{row}_0", x)
            x = functional.max_pool2d(x, 2)
        for column in range(1, self.depth + 1):
            for row in range(self.depth + 1 - column):
                before = [nodes[row, other] for other in range(column)]
                below = doubled(nodes[row + 1, column - 1], aligned=True)
                nodes[row, column] = self.run(f"conv{row}_{column}", torch.cat([*before, below], 1))
        if self.count == 1:
            return [self.final(nodes[0, self.depth])]
        first = self.depth + 1 - self.count
        return [getattr(self, f"final{n + 1}")(nodes[0, n + first]) for n in range(self.count)]


SEGNET_NAMES = {
    "onera": ("conv{0}{1}", "bn{0}{1}", "conv{0}{1}d", "bn{0}{1}d", 1),
    "vinceecws": ("ConvEn{0}{1}", "BNEn{0}{1}", "ConvDe{0}{1}", "BNDe{0}{1}", 1),
    "semseg": ("down{0}.conv{1}.cbr_unit.0", "down{0}.conv{1}.cbr_unit.1", "", "", 1),
    "yassouali": ("", "", "", "", 0),
    "say4n": (
        "encoder_conv_{0}{1}.0",
        "encoder_conv_{0}{1}.1",
        "decoder_convtr_{0}{1}.0",
        "decoder_convtr_{0}{1}.1",
        0,
    ),
}


class SmallSegNet(nn.Module):
    """SegNet on VGG-16 in the names of a code base; it returns logits."""

    DEPTHS = (2, 2, 3, 3, 3)

    def __init__(self, *, names="onera", channels=3, classes=1, width=2, stride=2):
        super().__init__()
        self.stride, self.names = stride, names
        widths = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        self.down, self.up, into = [], [], channels
        for n, (depth, out) in enumerate(zip(self.DEPTHS, widths, strict=True)):
            self.down.append([])
            for k in range(depth):
                conv, norm = self.down_names(n, k)
                unit = (
                    put(self, conv, convolution(into, out)),
                    put(self, norm, nn.BatchNorm2d(out)),
                )
                self.down[-1].append(unit)
                into = out
        for n in range(4, -1, -1):
            outs = [widths[n]] * (self.DEPTHS[n] - 1) + [widths[n - 1] if n else classes]
            if names == "yassouali" and n == 0:
                outs = [width, width, classes]
            self.up.append([])
            for place, out in enumerate(outs):
                conv, norm = self.up_names(n, place, len(outs))
                last = n == 0 and place == len(outs) - 1
                kind = nn.ConvTranspose2d if names == "say4n" else nn.Conv2d
                unit = [put(self, conv, kind(into, out, 3, padding=1))]
                if not last or names == "semseg":
                    unit.append(put(self, norm, nn.BatchNorm2d(out)))
                elif names == "vinceecws":
                    put(self, norm, nn.BatchNorm2d(out))
                self.up[-1].append(unit)
                into = out

    def down_names(self, n, k):
        if self.names == "yassouali":
            return f"stage{n + 1}_encoder.{3 * k}", f"stage{n + 1}_encoder.{3 * k + 1}"
        conv, norm, _, _, first = SEGNET_NAMES[self.names]
        return conv.format(n + first, k + first), norm.format(n + first, k + first)

    def up_names(self, n, place, length):
        if self.names == "yassouali":
            return f"stage{5 - n}_decoder.{3 * place}", f"stage{5 - n}_decoder.{3 * place + 1}"
        if self.names == "semseg":
            unit = f"up{n + 1}.conv{place + 1}.cbr_unit"
            return f"{unit}.0", f"{unit}.1"
        _, _, conv, norm, first = SEGNET_NAMES[self.names]
        k = length - 1 - place + first
        return conv.format(n + first, k), norm.format(n + first, k)

    def forward(self, x):
        pooled = []
        for block in self.down:
            for conv, norm in block:
                x = torch.relu(norm(conv(x)))
            shape = x.shape
            x, places = functional.max_pool2d(x, 2, self.stride, return_indices=True)
            pooled.append((places, shape))
        for block in self.up:
            places, shape = pooled.pop()
            x = functional.max_unpool2d(
                x, places, [2, 2], [self.stride, self.stride], output_size=shape
            )
            for conv, *norm in block:
                x = conv(x)
                if norm:
                    x = torch.relu(norm[0](x))
        return x


def vgg(layers, width, channels):
    """torchvision's features of a VGG with ``width`` channels at first."""
    cfg = {
        11: [1, "M", 2, "M", 4, 4, "M", 8, 8, "M", 8, 8, "M"],
        16: [1, 1, "M", 2, 2, "M", 4, 4, 4, "M", 8, 8, 8, "M", 8, 8, 8, "M"],
    }[layers]
    features = make_layers([n if n == "M" else n * width for n in cfg])
    features[0] = convolution(channels, width)
    return features


def vgg_blocks(features):
    """The convolutions before each pooling."""
    blocks = [[]]
    for layer in features:
        if isinstance(layer, nn.Conv2d):
            blocks[-1].append(layer)
        elif isinstance(layer, nn.MaxPool2d):
            blocks.append([])
    return blocks[:-1]


def resnet(width, channels, *, block=BasicBlock, depths=(1, 2, 1, 1)):
    """torchvision's ResNet with ``width`` channels at first; its classifier is kept."""
    network = ResNet(block, list(depths), num_classes=5)
    network.conv1 = nn.Conv2d(channels, width, 7, 2, 3, bias=False)
    network.bn1, network.inplanes = nn.BatchNorm2d(width), width
    for n, depth in enumerate(depths):
        stage = network._make_layer(block, width * 2**n, depth, stride=2 if n else 1)
        setattr(network, f"layer{n + 1}", stage)
    network.fc = nn.Linear(width * 8 * block.expansion, 5)
    return network


class SmallTernausNet(nn.Module):
    """UNet11, UNet16 or AlbuNet; it returns logits."""

    def __init__(
        self,
        layers,
        *,
        transposed=False,
        sequential=True,
        channels=3,
        classes=1,
        width=2,
        filters=1,
    ):
        super().__init__()
        self.transposed, self.layers = transposed, layers
        kernel = 4 if sequential else 3
        if layers == 34:
            self.encoder = resnet(width, channels)
            stem = nn.Sequential(
                self.encoder.conv1, self.encoder.bn1, nn.ReLU(), nn.MaxPool2d(2, 2)
            )
            stages = [getattr(self.encoder, f"layer{n}") for n in range(1, 5)]
            self.blocks = [stem, *stages]
            skips, outs = [0, 0, width, 2 * width, 4 * width, 8 * width], [8, 8, 8, 2, 2, 1]
        else:
            self.encoder = vgg(layers, width, channels)
            self.blocks = []
            for block in vgg_blocks(self.encoder):
                steps = nn.Sequential()
                for layer in block:
                    steps.append(layer)
                    steps.append(nn.ReLU())
                self.blocks.append(steps)
            skips = [width, 2 * width, 4 * width, 8 * width, 8 * width]
            outs = [8, 8, 4, 2, 1] if layers == 11 else [8, 8, 8, 2, 1]
        for n, block in enumerate(self.blocks):
            if sequential:
                self.add_module(f"conv{n + 1}", block)
            else:
                first, last = block[0], block[-2]
                name = f"conv{n + 1}s" if first is not last else f"conv{n + 1}"
                self.add_module(name, first)
                self.add_module(f"conv{n + 1}", last)
        self.skips = skips
        into = 8 * width
        for n, out in enumerate(outs):
            middle, end = 3 * out * filters, out * filters
            path = "center.block" if n == 0 else f"dec{6 - n}.block"
            if transposed:
                put(self, f"{path}.0.conv", convolution(into, middle))
                up = nn.ConvTranspose2d(middle, end, kernel, 2, 1, output_padding=kernel % 2)
                put(self, f"{path}.1", up)
            else:
                put(self, f"{path}.1.conv", convolution(into, middle))
                put(self, f"{path}.2.conv", convolution(middle, end))
            into = end + skips[-1 - n]
        self.last = f"dec{6 - len(outs)}"
        put(self, f"{self.last}.conv", convolution(into, filters))
        self.final = nn.Conv2d(filters, classes, 1)

    def run(self, path, x):
        block = self.get_submodule(path)
        if self.transposed:
            x = torch.relu(block.get_submodule("0.conv")(x))
            return torch.relu(block.get_submodule("1")(x))
        x = torch.relu(block.get_submodule("1.conv")(doubled(x, aligned=False)))
        return torch.relu(block.get_submodule("2.conv")(x))

    def forward(self, x):
        features = []
        for n, block in enumerate(self.blocks):
            pools = n and self.layers != 34
            x = block(functional.max_pool2d(x, 2) if pools else x)
            features.append(x)
        x = functional.max_pool2d(x, 2)
        for n in range(len(self.skips)):
            x = self.run("center.block" if n == 0 else f"dec{6 - n}.block", x)
            if self.skips[-1 - n]:
                x = torch.cat([x, features.pop()], 1)
        return self.final(torch.relu(self.get_submodule(f"{self.last}.conv")(x)))


class SmallBubbliiiing(nn.Module):
    """bubbliiiing's U-Net on "vgg" or "resnet"; it returns logits."""

    def __init__(self, kind, *, channels=3, classes=2, width=2, relu=True, block=Bottleneck):
        super().__init__()
        self.kind, self.relu = kind, relu
        if kind == "vgg":
            self.vgg = VGG(vgg(16, width, channels), num_classes=3, init_weights=False)
            del self.vgg.classifier
            widths = [width, 2 * width, 4 * width, 8 * width, 8 * width]
        else:
            self.resnet = resnet(width, channels, block=block)
            self.resnet.maxpool = nn.MaxPool2d(3, 2, 0, ceil_mode=True)
            del self.resnet.fc
            widths = [width, *(width * 2**n * block.expansion for n in range(4))]
        below = widths[-1]
        for n in range(4, 0, -1):
            out = width * 2 ** (n - 1)
            put(self, f"up_concat{n}.conv1", convolution(widths[n - 1] + below, out))
            put(self, f"up_concat{n}.conv2", convolution(out, out))
            below = out
        if kind == "resnet":
            put(self, "up_conv.1", convolution(width, width))
            put(self, "up_conv.3", convolution(width, width))
        self.final = nn.Conv2d(width, classes, 1)

    def features(self, x):
        found = []
        if self.kind == "vgg":
            for n, block in enumerate(vgg_blocks(self.vgg.features)):
                x = functional.max_pool2d(x, 2) if n else x
                for layer in block:
                    x = torch.relu(layer(x))
                found.append(x)
            return found
        found.append(torch.relu(self.resnet.bn1(self.resnet.conv1(x))))
        x = self.resnet.maxpool(found[0])
        for n in range(1, 5):
            x = getattr(self.resnet, f"layer{n}")(x)
            found.append(x)
        return found

    def forward(self, x):
        *skips, x = self.features(x)
        for n in range(4, 0, -1):
            block = getattr(self, f"up_concat{n}")
            x = torch.cat([skips.pop(), doubled(x, aligned=True)], 1)
            for layer in (block.conv1, block.conv2):
                x = torch.relu(layer(x)) if self.relu else layer(x)
        if self.kind == "resnet":
            x = doubled(x, aligned=True)
            for layer in self.up_conv.children():
                x = torch.relu(layer(x))
        return self.final(x)


class SmallUsuyamaResNet(nn.Module):
    """usuyama's U-Net on a ResNet, whose layers it keeps three times; it returns logits."""

    def __init__(self, *, channels=3, classes=1, width=2):
        super().__init__()
        self.base_model = resnet(width, channels)
        self.base_layers = nn.ModuleList(self.base_model.children())
        layers = self.base_layers
        self.layer0, self.layer1 = nn.Sequential(*layers[:3]), nn.Sequential(*layers[3:5])
        self.layer2, self.layer3, self.layer4 = layers[5:8]
        widths = [width, width, 2 * width, 4 * width, 8 * width]

        def unit(into, out, kernel=3):
            return nn.Sequential(convolution(into, out, kernel), nn.ReLU())

        for n, out in enumerate(widths):
            self.add_module(f"layer{n}_1x1", unit(out, out, 1))
        self.conv_up3 = unit(widths[3] + widths[4], 7)
        self.conv_up2 = unit(widths[2] + 7, 6)
        self.conv_up1 = unit(widths[1] + 6, 5)
        self.conv_up0 = unit(widths[0] + 5, 4)
        self.conv_original_size0, self.conv_original_size1 = unit(channels, 3), unit(3, 3)
        self.conv_original_size2 = unit(3 + 4, 4)
        self.conv_last = nn.Conv2d(4, classes, 1)

    def forward(self, x):
        original = self.conv_original_size1(self.conv_original_size0(x))
        features = []
        for n in range(5):
            x = getattr(self, f"layer{n}")(x)
            features.append(x)
        x = self.layer4_1x1(features[4])
        for n in range(3, -1, -1):
            skip = getattr(self, f"layer{n}_1x1")(features[n])
            x = getattr(self, f"conv_up{n}")(torch.cat([doubled(x, aligned=True), skip], 1))
        x = torch.cat([doubled(x, aligned=True), original], 1)
        return self.conv_last(self.conv_original_size2(x))


class SmallLearnedFCN(nn.Module):
    """pochih's FCN with ``skips`` sums, behind the norm or before it; it returns logits."""

    def __init__(self, *, channels=3, classes=1, width=2, skips=2, norm_first=False, short=False):
        super().__init__()
        self.skips, self.norm_first, self.short = skips, norm_first, short
        self.pretrained_net = nn.Module()
        self.pretrained_net.features = vgg(16, width, channels)
        widths = [8 * width, 8 * width, 4 * width, 2 * width, width, 5]
        for n in range(1, 6):
            up = nn.ConvTranspose2d(widths[n - 1], widths[n], 3, 2, 1, output_padding=1)
            put(self, f"deconv{n}", up)
            put(self, f"bn{n}", nn.BatchNorm2d(widths[n]))
        self.classifier = nn.Conv2d(widths[4] if short else widths[5], classes, 1)
        # Begins before the last pooling: a step more has come to the width of the deepest.
        if short:
            self.deconv1 = nn.ConvTranspose2d(8 * width, widths[1], 3, 2, 1, output_padding=1)
            steps = [8 * width, 4 * width, 2 * width, width]
            for n, (into, out) in enumerate(zip([8 * width, *steps], steps, strict=False), 1):
                put(self, f"deconv{n}", nn.ConvTranspose2d(into, out, 3, 2, 1, output_padding=1))
                put(self, f"bn{n}", nn.BatchNorm2d(out))

    def forward(self, x):
        pooled = []
        for block in vgg_blocks(self.pretrained_net.features):
            for layer in block:
                x = torch.relu(layer(x))
            x = functional.max_pool2d(x, 2)
            pooled.append(x)
        levels = 4 if self.short else 5
        pooled = pooled[:levels]
        x = pooled.pop()
        for n in range(1, levels + 1):
            x = torch.relu(getattr(self, f"deconv{n}")(x))
            skip = pooled.pop() if n <= self.skips else 0
            norm = getattr(self, f"bn{n}")
            x = norm(x) + skip if self.norm_first else norm(x + skip)
        return self.classifier(x)


class SmallAttentionUpsampleUNet(nn.Module):
    """UNET-ZOO's myChannelUnet; it returns logits."""

    def __init__(self, *, channels=3, classes=1, width=2):
        super().__init__()
        self.widths = widths = [width * 2**n for n in range(5)]
        for n, (into, out) in enumerate(zip([channels, *widths], widths, strict=False), 1):
            self.block(f"conv{n}", into, out)
        for n in range(4):
            into, out = widths[4 - n], widths[3 - n]
            put(self, f"up{n + 6}", nn.ConvTranspose2d(into, out, 2, 2))
            self.block(f"conv{n + 6}", 3 * out, out)
            gate = f"gau_{n + 1}"
            put(self, f"{gate}.conv3x3", nn.Conv2d(out, out, 3, padding=1, bias=False))
            put(self, f"{gate}.conv1x1", nn.Conv2d(into, out, 1, bias=False))
            put(self, f"{gate}.conv_upsample", nn.ConvTranspose2d(into, out, 4, 2, 1, bias=False))
            for norm in ("bn_low", "bn_high", "bn_upsample"):
                put(self, f"{gate}.{norm}", nn.BatchNorm2d(out))
        self.conv10 = nn.Conv2d(width, classes, 1)

    def block(self, path, into, out):
        for place, width in ((0, into), (3, out)):
            put(self, f"{path}.conv.{place}", convolution(width, out))
            put(self, f"{path}.conv.{place + 1}", nn.BatchNorm2d(out))

    def run(self, path, x):
        layers = list(getattr(self, path).conv.children())
        x = torch.relu(layers[1](layers[0](x)))
        return torch.relu(layers[3](layers[2](x)))

    def forward(self, x):
        skips = []
        for n in range(1, 6):
            x = self.run(f"conv{n}", functional.max_pool2d(x, 2) if n > 1 else x)
            skips.append(x)
        attended = skips.pop()
        for n in range(4):
            skip, gate = skips.pop(), getattr(self, f"gau_{n + 1}")
            weights = torch.relu(gate.conv1x1(functional.adaptive_avg_pool2d(attended, 1)))
            fine = gate.bn_low(gate.conv3x3(skip)) * weights
            attended = torch.relu(gate.bn_upsample(gate.conv_upsample(attended)) + fine)
            x = torch.cat([skip, getattr(self, f"up{n + 6}")(x), attended], 1)
            x = self.run(f"conv{n + 6}", x)
        return self.conv10(x)
