"""Small U-Nets as people write them for themselves: other names, orders and parts each.

They are written apart from the package, so that a test which compares both can fail.
"""

import torch
from torch import nn
from torch.nn import functional
from torchvision.transforms.functional import center_crop

POOL = nn.MaxPool2d(2)


def double(into, out, *, bias=True, norm=nn.BatchNorm2d, act=nn.ReLU, kernel=3, drop=0.0, count=2):
    """A Sequential of convolutions, each with its norm and activation."""
    layers = []
    for _ in range(count):
        layers.append(nn.Conv2d(into, out, kernel, padding=kernel // 2, bias=bias))
        if norm:
            layers.append(norm(out))
        layers.append(act())
        if drop:
            layers.append(nn.Dropout2d(drop))
        into = out
    return nn.Sequential(*layers)


class DoubleConvAttributes(nn.Module):
    """conv1, bn1, conv2, bn2 in this order or with the norms behind both convolutions."""

    def __init__(self, into, out, *, norms_last=False):
        super().__init__()
        self.conv1 = nn.Conv2d(into, out, 3, padding=1)
        if norms_last:
            self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(out)
        if not norms_last:
            self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(out)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)))


class EncoderDecoderNumbered(nn.Module):
    """enc1 .. dec1, transposed, bottleneck in between; the decoder joins up first."""

    def __init__(self, block=double, width=4, into=3, classes=1):
        super().__init__()
        w = [width, 2 * width, 4 * width, 8 * width]
        self.enc1 = block(into, w[0])
        self.enc2 = block(w[0], w[1])
        self.enc3 = block(w[1], w[2])
        self.bottleneck = block(w[2], w[3])
        self.up3 = nn.ConvTranspose2d(w[3], w[2], 2, 2)
        self.dec3 = block(2 * w[2], w[2])
        self.up2 = nn.ConvTranspose2d(w[2], w[1], 2, 2)
        self.dec2 = block(2 * w[1], w[1])
        self.up1 = nn.ConvTranspose2d(w[1], w[0], 2, 2)
        self.dec1 = block(2 * w[0], w[0])
        self.final = nn.Conv2d(w[0], classes, 1)

    def forward(self, x):
        a = self.enc1(x)
        b = self.enc2(POOL(a))
        c = self.enc3(POOL(b))
        x = self.bottleneck(POOL(c))
        x = self.dec3(torch.cat([self.up3(x), c], 1))
        x = self.dec2(torch.cat([self.up2(x), b], 1))
        x = self.dec1(torch.cat([self.up1(x), a], 1))
        return self.final(x)


class ModuleLists(nn.Module):
    """The decoder is registered before the encoder; ups alternate with blocks; skip first."""

    def __init__(self, widths=(4, 8, 16, 32, 64)):
        super().__init__()
        self.ups = nn.ModuleList()
        self.downs = nn.ModuleList()
        into = 3
        for width in widths[:-1]:
            self.downs.append(double(into, width, bias=False))
            into = width
        for width in reversed(widths[:-1]):
            self.ups.append(nn.ConvTranspose2d(2 * width, width, 2, 2))
            self.ups.append(double(2 * width, width, bias=False))
        self.bottleneck = double(widths[-2], widths[-1], bias=False)
        self.final_conv = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x):
        skips = []
        for down in self.downs:
            skips.append(down(x))
            x = POOL(skips[-1])
        x = self.bottleneck(x)
        for up, conv in zip(self.ups[::2], self.ups[1::2], strict=True):
            x = conv(torch.cat((skips.pop(), up(x)), 1))
        return self.final_conv(x)


class FlatNumbered(nn.Module):
    """conv1_1, conv1_2, ... all on the network itself, no norm, bilinear, the up map first."""

    def __init__(self):
        super().__init__()
        plan = [(3, 4), (4, 8), (8, 16), (16 + 8, 8), (8 + 4, 4)]
        for number, (into, out) in enumerate(plan, start=1):
            setattr(self, f"conv{number}_1", nn.Conv2d(into, out, 3, padding=1))
            setattr(self, f"conv{number}_2", nn.Conv2d(out, out, 3, padding=1))
        self.conv6 = nn.Conv2d(4, 2, 1)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)

    def block(self, number, x):
        x = functional.relu(getattr(self, f"conv{number}_1")(x))
        return functional.relu(getattr(self, f"conv{number}_2")(x))

    def forward(self, x):
        a = self.block(1, x)
        b = self.block(2, POOL(a))
        x = self.block(3, POOL(b))
        x = self.block(4, torch.cat([self.up(x), b], 1))
        return self.conv6(self.block(5, torch.cat([self.up(x), a], 1)))


class FlatE11(nn.Module):
    """e11, e12, ... d42, outconv: the flat tutorial network, transposed, up first."""

    def __init__(self, depth=3, width=4):
        super().__init__()
        self.depth = depth
        into = 3
        for level in range(1, depth + 2):
            out = width * 2 ** (level - 1)
            setattr(self, f"e{level}1", nn.Conv2d(into, out, 3, padding=1))
            setattr(self, f"e{level}2", nn.Conv2d(out, out, 3, padding=1))
            into = out
        for level in range(1, depth + 1):
            out = into // 2
            setattr(self, f"upconv{level}", nn.ConvTranspose2d(into, out, 2, 2))
            setattr(self, f"d{level}1", nn.Conv2d(into, out, 3, padding=1))
            setattr(self, f"d{level}2", nn.Conv2d(out, out, 3, padding=1))
            into = out
        self.outconv = nn.Conv2d(width, 3, 1)

    def forward(self, x):
        skips = []
        for level in range(1, self.depth + 2):
            x = functional.relu(getattr(self, f"e{level}1")(x))
            x = functional.relu(getattr(self, f"e{level}2")(x))
            skips.append(x)
            x = POOL(x)
        x = skips.pop()
        for level in range(1, self.depth + 1):
            x = torch.cat([getattr(self, f"upconv{level}")(x), skips.pop()], 1)
            x = functional.relu(getattr(self, f"d{level}1")(x))
            x = functional.relu(getattr(self, f"d{level}2")(x))
        return self.outconv(x)


class Contracting(nn.Module):
    """Sequentials that hold their transposed convolution; the norm behind the ReLU; 3x3 end."""

    def __init__(self):
        super().__init__()

        def convs(into, mid):
            return [
                nn.Conv2d(into, mid, 3, padding=1),
                nn.ReLU(),
                nn.BatchNorm2d(mid),
                nn.Conv2d(mid, mid, 3, padding=1),
                nn.ReLU(),
                nn.BatchNorm2d(mid),
            ]

        def up(into, out):
            return nn.ConvTranspose2d(into, out, 3, stride=2, padding=1, output_padding=1)

        self.conv_encode1 = nn.Sequential(*convs(3, 4))
        self.conv_encode2 = nn.Sequential(*convs(4, 8))
        self.bottleneck = nn.Sequential(*convs(8, 16), up(16, 8))
        self.conv_decode2 = nn.Sequential(*convs(16, 8), up(8, 4))
        self.final_layer = nn.Sequential(*convs(8, 4), nn.Conv2d(4, 2, 3, padding=1))

    def forward(self, x):
        a = self.conv_encode1(x)
        b = self.conv_encode2(POOL(a))
        x = self.bottleneck(POOL(b))
        x = self.conv_decode2(torch.cat((x, b), 1))
        return self.final_layer(torch.cat((x, a), 1))


class KerasLike(nn.Module):
    """Dropout in the deepest levels, upsampling and a convolution, two convolutions at the end."""

    def __init__(self):
        super().__init__()
        self.conv1 = double(1, 4, norm=None)
        self.conv2 = double(4, 8, norm=None)
        self.conv3 = double(8, 16, norm=None, drop=0.5)
        self.up4 = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, padding=1))
        self.conv4 = double(16, 8, norm=None)
        self.up5 = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(8, 4, 3, padding=1))
        self.conv5 = double(8, 4, norm=None)
        self.conv6 = nn.Conv2d(4, 2, 3, padding=1)
        self.conv7 = nn.Conv2d(2, 1, 1)

    def forward(self, x):
        a = self.conv1(x)
        b = self.conv2(POOL(a))
        x = self.conv3(POOL(b))
        x = self.conv4(torch.cat([b, functional.relu(self.up4(x))], 1))
        x = self.conv5(torch.cat([a, functional.relu(self.up5(x))], 1))
        return self.conv7(functional.relu(self.conv6(x)))


class ConvBlocks(nn.Module):
    """A class for one convolution with norm; levels are Sequentials of two or three of them."""

    class ConvBNReLU(nn.Module):
        """Convolution, norm, ReLU."""

        def __init__(self, into, out, kernel=3):
            super().__init__()
            self.conv = nn.Conv2d(into, out, kernel, padding=kernel // 2, bias=False)
            self.bn = nn.BatchNorm2d(out)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            return self.relu(self.bn(self.conv(x)))

    def __init__(self, count=2, kernel=3, classes=1, depth=3):
        super().__init__()

        def level(into, out):
            units = [self.ConvBNReLU(into, out, kernel)]
            units += [self.ConvBNReLU(out, out, kernel) for _ in range(count - 1)]
            return nn.Sequential(*units)

        w = [4 * 2**n for n in range(depth + 1)]
        self.encoder_blocks = nn.ModuleList(map(level, [3, *w[:-1]], w))
        self.upsamplers = nn.ModuleList(
            nn.ConvTranspose2d(i, o, 2, 2) for i, o in zip(w[:0:-1], w[-2::-1], strict=True)
        )
        self.decoder_blocks = nn.ModuleList(level(2 * o, o) for o in w[-2::-1])
        self.segmentation_head = nn.Sequential(nn.Conv2d(w[0], classes, 1))

    def forward(self, x):
        skips = []
        for place, block in enumerate(self.encoder_blocks):
            x = block(POOL(x) if place else x)
            skips.append(x)
        x = skips.pop()
        for up, block in zip(self.upsamplers, self.decoder_blocks, strict=True):
            x = block(torch.cat([up(x), skips.pop()], 1))
        return self.segmentation_head(x)


class Milesialish(nn.Module):
    """inc, down1.., up1.., outc with bilinear upsampling and other widths; the skip first."""

    class Up(nn.Module):
        """Upsamples, joins, convolves."""

        def __init__(self, into, out):
            super().__init__()
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = double(into, out)

        def forward(self, x, skip):
            return self.conv(torch.cat([skip, self.up(x)], 1))

    def __init__(self):
        super().__init__()
        self.inc = double(3, 6)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), double(6, 12))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), double(12, 24))
        self.down3 = nn.Sequential(nn.MaxPool2d(2), double(24, 24))
        self.up1 = self.Up(48, 12)
        self.up2 = self.Up(24, 6)
        self.up3 = self.Up(12, 6)
        self.outc = nn.Conv2d(6, 1, 1)

    def forward(self, x):
        a = self.inc(x)
        b = self.down1(a)
        c = self.down2(b)
        x = self.up1(self.down3(c), c)
        return self.outc(self.up3(self.up2(x, b), a))


class UpWithNorm(EncoderDecoderNumbered):
    """Transposed convolutions of kernel 4 with norm and ReLU, a head of 3x3."""

    def __init__(self):
        super().__init__()
        for name, into in (("up3", 32), ("up2", 16), ("up1", 8)):
            layers = [nn.ConvTranspose2d(into, into // 2, 4, 2, 1, bias=False)]
            layers += [nn.BatchNorm2d(into // 2), nn.ReLU()]
            setattr(self, name, nn.Sequential(*layers))
        self.final = nn.Conv2d(4, 1, 3, padding=1)


class Residual(nn.Module):
    """Residual blocks with a 1x1 shortcut with norm, added before the last ReLU."""

    class Block(nn.Module):
        """Two convolutions and a shortcut."""

        def __init__(self, into, out):
            super().__init__()
            self.conv1 = nn.Conv2d(into, out, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(out)
            self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(out)
            self.shortcut = nn.Sequential(nn.Conv2d(into, out, 1, bias=False), nn.BatchNorm2d(out))

        def forward(self, x):
            y = functional.relu(self.bn1(self.conv1(x)))
            return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    def __new__(cls):
        return EncoderDecoderNumbered(block=cls.Block)


class ResidualOutside(nn.Module):
    """The shortcut is a bare 1x1, added behind the last ReLU."""

    class Block(nn.Module):
        """Two convolutions and a shortcut."""

        def __init__(self, into, out):
            super().__init__()
            self.identity = nn.Conv2d(into, out, 1)
            self.body = double(into, out)

        def forward(self, x):
            return self.body(x) + self.identity(x)

    def __new__(cls):
        return EncoderDecoderNumbered(block=cls.Block)


class AttentionTransposed(nn.Module):
    """Attention gates on transposed convolutions; gates are registered first, the skip first."""

    class Gate(nn.Module):
        """An additive gate, its convolutions without norms."""

        def __init__(self, up, skip, inner):
            super().__init__()
            self.theta_x = nn.Conv2d(skip, inner, 1)
            self.phi_g = nn.Conv2d(up, inner, 1)
            self.psi = nn.Conv2d(inner, 1, 1)

        def forward(self, up, skip):
            both = functional.relu(self.theta_x(skip) + self.phi_g(up))
            return skip * torch.sigmoid(self.psi(both))

    def __init__(self):
        super().__init__()
        self.att2 = self.Gate(8, 8, 4)
        self.att1 = self.Gate(4, 4, 2)
        self.down1, self.down2, self.mid = double(3, 4), double(4, 8), double(8, 16)
        self.up2, self.up1 = nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(8, 4, 2, 2)
        self.dec2, self.dec1 = double(16, 8), double(8, 4)
        self.out = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(POOL(a))
        x = self.up2(self.mid(POOL(b)))
        x = self.dec2(torch.cat([self.att2(x, b), x], 1))
        x = self.up1(x)
        return self.out(self.dec1(torch.cat([self.att1(x, a), x], 1)))


class NormsApart(EncoderDecoderNumbered):
    """A norm that forward never uses."""

    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(16)


class StridedDown(nn.Module):
    """Convolutions with stride in place of pooling, LeakyReLU."""

    def __init__(self):
        super().__init__()

        def block(into, out):
            return double(into, out, act=nn.LeakyReLU)

        self.block1, self.down1 = block(1, 4), nn.Conv2d(4, 4, 2, 2)
        self.block2, self.down2 = block(4, 8), nn.Conv2d(8, 8, 2, 2)
        self.block3 = block(8, 16)
        self.up2, self.up1 = nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(8, 4, 2, 2)
        self.block4, self.block5 = block(16, 8), block(8, 4)
        self.out = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        a = self.block1(x)
        b = self.block2(self.down1(a))
        x = self.block3(self.down2(b))
        x = self.block4(torch.cat([self.up2(x), b], 1))
        return self.out(self.block5(torch.cat([self.up1(x), a], 1)))


class Summed(EncoderDecoderNumbered):
    """Skips are added."""

    def __init__(self):
        super().__init__()
        self.dec3, self.dec2, self.dec1 = double(16, 16), double(8, 8), double(4, 4)

    def forward(self, x):
        a = self.enc1(x)
        b = self.enc2(POOL(a))
        c = self.enc3(POOL(b))
        x = self.bottleneck(POOL(c))
        x = self.dec3(self.up3(x) + c)
        x = self.dec2(self.up2(x) + b)
        return self.final(self.dec1(self.up1(x) + a))


class OneSequential(nn.Module):
    """The pools stand in one Sequential with all convolutions of the contracting path."""

    def __init__(self):
        super().__init__()
        layers, into = [], 3
        for out in (4, 8, 16):
            for first in (into, out):
                layers += [nn.Conv2d(first, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            into = out
        self.features = nn.Sequential(*layers[:-1])
        self.up_a, self.up_b = nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(8, 4, 2, 2)
        self.merge_a, self.merge_b = double(16, 8), double(8, 4)
        self.classifier = nn.Conv2d(4, 5, 1)

    def forward(self, x):
        skips = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                skips.append(x)
            x = layer(x)
        x = self.merge_a(torch.cat([self.up_a(x), skips.pop()], 1))
        return self.classifier(self.merge_b(torch.cat([self.up_b(x), skips.pop()], 1)))


class UpConvInModule(nn.Module):
    """Nearest upsampling, 1x1 convolution, join and convolutions in one module each."""

    class Up(nn.Module):
        """One level up."""

        def __init__(self, into, skip, out):
            super().__init__()
            self.reduce = nn.Conv2d(into, skip, 1)
            self.block = double(2 * skip, out)

        def forward(self, x, skip):
            x = self.reduce(functional.interpolate(x, scale_factor=2))
            return self.block(torch.cat([skip, x], 1))

    def __init__(self):
        super().__init__()
        self.stem = double(3, 4)
        self.encoder = nn.ModuleList([double(4, 8), double(8, 16)])
        self.decoder = nn.ModuleList([self.Up(16, 8, 8), self.Up(8, 4, 4)])
        self.head = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        a = self.stem(x)
        b = self.encoder[0](POOL(a))
        x = self.decoder[0](self.encoder[1](POOL(b)), b)
        return self.head(self.decoder[1](x, a))


class Recurrent(nn.Module):
    """R2U-Net with its projection registered last in each block."""

    class Block(nn.Module):
        """A projection, then two recurrent convolutions."""

        def __init__(self, into, out, steps=2):
            super().__init__()
            self.steps = steps
            self.rec = nn.ModuleList(double(out, out, count=1) for _ in range(2))
            self.proj = nn.Conv2d(into, out, 1)

        def forward(self, x):
            x = self.proj(x)
            y = x
            for conv in self.rec:
                fed, y = y, conv(y)
                for _ in range(self.steps):
                    y = conv(fed + y)
            return x + y

    def __new__(cls):
        return EncoderDecoderNumbered(block=cls.Block)


class GatedWithChannels(nn.Module):
    """Bilinear upsampling, gates with a weight for each channel of the skip; the up map first."""

    class Gate(nn.Module):
        """An additive gate on convolutions with norms, its last one without."""

        def __init__(self, up, skip):
            super().__init__()
            self.Wg = nn.Sequential(nn.Conv2d(up, skip, 1), nn.BatchNorm2d(skip))
            self.Ws = nn.Sequential(nn.Conv2d(skip, skip, 1), nn.BatchNorm2d(skip))
            self.output = nn.Sequential(nn.Conv2d(skip, skip, 1), nn.Sigmoid())

        def forward(self, up, skip):
            return self.output(functional.relu(self.Wg(up) + self.Ws(skip))) * skip

    class Decoder(nn.Module):
        """One level up."""

        def __init__(self, gate, into, skip):
            super().__init__()
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.ag = gate(into, skip)
            self.c1 = double(into + skip, skip)

        def forward(self, x, skip):
            x = self.up(x)
            return self.c1(torch.cat([x, self.ag(x, skip)], 1))

    def __init__(self):
        super().__init__()
        self.e1, self.e2, self.b1 = double(3, 4), double(4, 8), double(8, 16)
        self.d1, self.d2 = self.Decoder(self.Gate, 16, 8), self.Decoder(self.Gate, 8, 4)
        self.output = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(POOL(a))
        return self.output(self.d2(self.d1(self.b1(POOL(b)), b), a))


class Unpadded(nn.Module):
    """No padding; skips are cropped, and the logits stretched to the size of the image."""

    class Block(nn.Module):
        """Two convolutions without padding."""

        def __init__(self, into, out):
            super().__init__()
            self.conv1, self.relu = nn.Conv2d(into, out, 3), nn.ReLU()
            self.conv2 = nn.Conv2d(out, out, 3)

        def forward(self, x):
            return functional.relu(self.conv2(self.relu(self.conv1(x))))

    def __init__(self, widths=(4, 8, 16)):
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.encoder.encBlocks = nn.ModuleList(map(self.Block, (3, *widths), widths))
        self.decoder.upconvs = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, 2) for i, o in pairs)
        self.decoder.dec_blocks = nn.ModuleList(self.Block(i, o) for i, o in pairs)
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, image):
        x, skips = image, []
        for block in self.encoder.encBlocks:
            skips.append(block(x))
            x = POOL(skips[-1])
        x = skips.pop()
        for up, block in zip(self.decoder.upconvs, self.decoder.dec_blocks, strict=True):
            x = up(x)
            x = block(torch.cat([x, center_crop(skips.pop(), x.shape[2:])], 1))
        return functional.interpolate(self.head(x), image.shape[2:])


class Uneven(nn.Module):
    """One convolution, then two, then three a level; one on the way up; the widths are odd."""

    def __init__(self):
        super().__init__()
        self.stage1 = double(3, 5, count=1)
        self.stage2 = double(5, 10, count=2)
        self.stage3 = double(10, 20, count=3)
        self.middle = double(20, 30, count=1)
        self.unpool3, self.merge3 = nn.ConvTranspose2d(30, 18, 2, 2), double(38, 20, count=1)
        self.unpool2, self.merge2 = nn.ConvTranspose2d(20, 9, 2, 2), double(19, 10, count=1)
        self.unpool1, self.merge1 = nn.ConvTranspose2d(10, 5, 2, 2), double(10, 5, count=1)
        self.predict = nn.Conv2d(5, 4, 1, bias=False)

    def forward(self, x):
        a = self.stage1(x)
        b = self.stage2(POOL(a))
        c = self.stage3(POOL(b))
        x = self.middle(POOL(c))
        x = self.merge3(torch.cat([self.unpool3(x), c], 1))
        x = self.merge2(torch.cat([self.unpool2(x), b], 1))
        return self.predict(self.merge1(torch.cat([self.unpool1(x), a], 1)))


class OneNormForTwo(nn.Module):
    """The norm stands behind the second convolution alone."""

    class Block(nn.Module):
        """Two convolutions and a norm."""

        def __init__(self, into, out):
            super().__init__()
            self.conv1 = nn.Conv2d(into, out, 3, padding=1)
            self.conv2 = nn.Conv2d(out, out, 3, padding=1)
            self.bn = nn.BatchNorm2d(out)

        def forward(self, x):
            x = functional.relu(self.conv1(x))
            return functional.relu(self.bn(self.conv2(x)))

    def __new__(cls):
        return EncoderDecoderNumbered(block=cls.Block)


def instance(into, out):
    """Instance norms without parameters, convolutions without bias."""
    return double(into, out, bias=False, norm=nn.InstanceNorm2d)


def grouped(into, out):
    """Group norms of two groups."""
    return double(into, out, norm=lambda width: nn.GroupNorm(2, width))


def prelu(into, out):
    """A PReLU behind each norm."""
    return double(into, out, act=nn.PReLU)


STRANGERS = {
    "numbered": (EncoderDecoderNumbered, "up_first"),
    "numbered, grey, five classes": (lambda: EncoderDecoderNumbered(into=1, classes=5), "up_first"),
    "norms last": (
        lambda: EncoderDecoderNumbered(lambda i, o: DoubleConvAttributes(i, o, norms_last=True)),
        "up_first",
    ),
    "attributes": (lambda: EncoderDecoderNumbered(DoubleConvAttributes), "up_first"),
    "decoder registered first": (ModuleLists, "skip_first"),
    "flat, bilinear": (FlatNumbered, "up_first.bilinear_aligned"),
    "flat, transposed": (FlatE11, "up_first"),
    "contracting and expansive": (Contracting, "up_first.act_first"),
    "in the way of Keras": (KerasLike, "skip_first.nearest.up_act"),
    "a module a convolution": (ConvBlocks, "up_first"),
    "three convolutions": (lambda: ConvBlocks(count=3), "up_first"),
    "one convolution": (lambda: ConvBlocks(count=1), "up_first"),
    "kernel 5": (lambda: ConvBlocks(kernel=5, classes=4), "up_first"),
    "six levels": (lambda: ConvBlocks(depth=6), "up_first"),
    "like milesial's": (Milesialish, "skip_first.bilinear_aligned"),
    "kernel 4 and norm on the way up": (UpWithNorm, "up_first"),
    "residual": (Residual, "up_first"),
    "residual outside": (ResidualOutside, "up_first.add_outside"),
    "attention": (AttentionTransposed, "skip_first"),
    "a norm without use": (NormsApart, "up_first.unused_bn"),
    "strides": (StridedDown, "up_first.leaky"),
    "summed": (Summed, "sum"),
    "one Sequential": (OneSequential, "up_first"),
    "narrowed by 1x1": (UpConvInModule, "skip_first.nearest"),
    "recurrent": (Recurrent, "up_first"),
    "instance norms": (lambda: EncoderDecoderNumbered(instance), "up_first.instance_norm"),
    "group norms": (lambda: EncoderDecoderNumbered(grouped), "up_first.groups_2"),
    "gates with channels": (GatedWithChannels, "up_first.bilinear_aligned"),
    "unpadded": (Unpadded, "up_first.unpadded"),
    "uneven levels": (Uneven, "up_first"),
    "one norm for two": (OneNormForTwo, "up_first"),
    "PReLU": (lambda: EncoderDecoderNumbered(prelu), "up_first"),
    "ELU": (
        lambda: EncoderDecoderNumbered(lambda i, o: double(i, o, act=nn.ELU)),
        "up_first.elu",
    ),
}
"""Name -> how to build it, and the reading that computes the same."""
