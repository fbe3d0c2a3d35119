"""Small U-Nets of two collections, as they spell and compute them.

They are written apart from the package, so that a test which compares both can fail.
"""

import torch
from small_unets import put
from torch import nn
from torch.nn import functional


class SmallCollectedUNet(nn.Module):
    """LeeJunHyun's (R2)(Att)U_Net, or bigmb's by the name of its head; it returns logits."""

    def __init__(
        self, *, head="Conv_1x1", channels=3, classes=1, width=4, depth=4, recurrent, attention
    ):
        super().__init__()
        self.head, self.depth = head, depth
        self.recurrent, self.attention = recurrent, attention
        self.plain, self.blocks = (("RRCNN", "Up_RRCNN") if recurrent else ("Conv", "Up_conv")), {}
        widths = [width * 2**n for n in range(depth + 1)]
        for n, out in enumerate(widths, 1):
            self.block(f"{self.plain[0]}{n}", widths[n - 2] if n > 1 else channels, out)
        for n in range(depth + 1, 1, -1):
            into, out = widths[n - 1], widths[n - 2]
            put(self, f"Up{n}.up.1", nn.Conv2d(into, out, 3, padding=1))
            put(self, f"Up{n}.up.2", nn.BatchNorm2d(out))
            if attention:
                half = out // 2
                for part, (a, b) in {
                    "W_g": (out, half),
                    "W_x": (out, half),
                    "psi": (half, 1),
                }.items():
                    put(self, f"Att{n}.{part}.0", nn.Conv2d(a, b, 1))
                    put(self, f"Att{n}.{part}.1", nn.BatchNorm2d(b))
            self.block(f"{self.plain[1]}{n}", 2 * out, out)
        put(self, head, nn.Conv2d(width, classes, 1))

    def block(self, path, into, out):
        if self.recurrent:
            put(self, f"{path}.{self.head}", nn.Conv2d(into, out, 1))
            for k in range(2):
                put(self, f"{path}.RCNN.{k}.conv.0", nn.Conv2d(out, out, 3, padding=1))
                put(self, f"{path}.RCNN.{k}.conv.1", nn.BatchNorm2d(out))
            return
        for place, width in ((0, into), (3, out)):
            put(self, f"{path}.conv.{place}", nn.Conv2d(width, out, 3, padding=1))
            put(self, f"{path}.conv.{place + 1}", nn.BatchNorm2d(out))

    def layer(self, path, x):
        """What a convolution and the norm behind it make of x."""
        for module in self.get_submodule(path).children():
            x = module(x)
        return x

    def run(self, path, x):
        block = self.get_submodule(path)
        if not self.recurrent:
            conv1, norm1, conv2, norm2 = block.conv.children()
            return torch.relu(norm2(conv2(torch.relu(norm1(conv1(x))))))
        x = given = getattr(block, self.head)(x)
        for k in range(2):
            fed, name = x, f"{path}.RCNN.{k}.conv"
            x = torch.relu(self.layer(name, fed))
            if self.head == "Conv":
                # bigmb: once, and fed with what came out alone.
                x = torch.relu(self.layer(name, x + x))
            else:
                for _ in range(2):
                    x = torch.relu(self.layer(name, fed + x))
        return given + x

    def forward(self, x):
        skips = []
        for n in range(1, self.depth + 2):
            x = self.run(f"{self.plain[0]}{n}", functional.max_pool2d(x, 2) if n > 1 else x)
            skips.append(x)
        skips.pop()
        for n in range(self.depth + 1, 1, -1):
            skip = skips.pop()
            x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
            x = torch.relu(self.layer(f"Up{n}.up", x))
            if self.attention:
                both = self.layer(f"Att{n}.W_g", x) + self.layer(f"Att{n}.W_x", skip)
                skip = skip * torch.sigmoid(self.layer(f"Att{n}.psi", torch.relu(both)))
            x = self.run(f"{self.plain[1]}{n}", torch.cat([skip, x], 1))
        return self.get_submodule(self.head)(x)


class SmallJvanvugt(nn.Module):
    """jvanvugt's U-Net with padding; it returns logits."""

    def __init__(
        self, *, normed=True, resized=False, average=False, channels=3, classes=2, width=4, depth=3
    ):
        super().__init__()
        self.average, self.depth, self.resized = average, depth, resized
        widths = [width * 2**n for n in range(depth)]

        def block(into, out):
            layers = []
            for width in (into, out):
                layers += [nn.Conv2d(width, out, 3, padding=1), nn.ReLU()]
                layers += [nn.BatchNorm2d(out)] if normed else []
            return nn.Sequential(*layers)

        for n, out in enumerate(widths):
            put(self, f"down_path.{n}.block", block(widths[n - 1] if n else channels, out))
        for n in range(depth - 1):
            into, out = widths[-1 - n], widths[-2 - n]
            up = nn.Conv2d(into, out, 1) if resized else nn.ConvTranspose2d(into, out, 2, 2)
            put(self, f"up_path.{n}.up.1" if resized else f"up_path.{n}.up", up)
            put(self, f"up_path.{n}.conv_block.block", block(into, out))
        self.last = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        pool, skips = functional.avg_pool2d if self.average else functional.max_pool2d, []
        for n in range(self.depth):
            x = self.get_submodule(f"down_path.{n}.block")(pool(x, 2) if n else x)
            skips.append(x)
        skips.pop()
        for n in range(self.depth - 1):
            if self.resized:
                x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
                x = self.get_submodule(f"up_path.{n}.up.1")(x)
            else:
                x = self.get_submodule(f"up_path.{n}.up")(x)
            x = torch.cat([x, skips.pop()], 1)
            x = self.get_submodule(f"up_path.{n}.conv_block.block")(x)
        return self.last(x)
