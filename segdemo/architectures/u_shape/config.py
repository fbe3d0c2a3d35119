"""The parameters of the U-shaped family: what tensors tell, and what they leave open."""

from dataclasses import dataclass
from typing import Literal

Join = Literal["skip_first", "up_first", "sum", "none"]
Interpolation = Literal["nearest", "bilinear", "bilinear_aligned"]
Norm = Literal["batch", "group", "instance"]


@dataclass(frozen=True, kw_only=True)
class ConvConfig:
    """A convolution that keeps the size, with what follows it."""

    out: int
    kernel: int = 3
    bias: bool = True
    norm: bool = True
    slopes: int = 0
    """Of a PReLU behind it: one for all channels or one each; 0 without a PReLU."""


@dataclass(frozen=True, kw_only=True)
class BlockConfig:
    """The convolutions of one level."""

    convs: tuple[ConvConfig, ...]
    shortcut: ConvConfig | None = None
    """Leads around the block and is added to what it gives."""
    project: ConvConfig | None = None
    """Goes before the block, whose convolutions are repeated; what it gives is added."""
    down: ConvConfig | None = None
    """With stride 2 before the block, in place of the pooling."""

    @property
    def out(self) -> int:
        """Channels that it gives."""
        return self.convs[-1].out


@dataclass(frozen=True, kw_only=True)
class UpConfig:
    """How a level of the expanding path doubles the size."""

    kind: Literal["transposed", "resize", "resize_conv", "shuffle"]
    """Shuffle: four channels become a square of four pixels (Shi et al. 2016, arXiv:1609.05158)."""
    conv: ConvConfig | None = None
    """The transposed convolution, the one behind the interpolation or before the shuffle."""


@dataclass(frozen=True, kw_only=True)
class GateConfig:
    """An additive attention gate (Oktay et al. 2018, arXiv:1804.03999) on the skip."""

    up: ConvConfig
    """1x1 on the upsampled map."""
    skip: ConvConfig
    """1x1 on the skip."""
    psi: ConvConfig
    """1x1 on their rectified sum; a sigmoid follows."""


@dataclass(frozen=True, kw_only=True)
class LevelConfig:
    """One level of the expanding path."""

    up: UpConfig
    block: BlockConfig
    skip: bool = True
    """Whether the encoder's map of this size is joined."""
    gate: GateConfig | None = None


@dataclass(frozen=True, kw_only=True)
class UShapeConfig:
    """A U-shaped network; levels count from the image down, and on the way up from the deepest."""

    in_channels: int
    encoder: tuple[BlockConfig, ...]
    """The bottleneck is the last."""
    decoder: tuple[LevelConfig, ...]
    head: ConvConfig
    norm: Norm = "batch"
    groups: int = 0
    """Of a group norm; 0 for the other kinds."""
    order: Literal["norm_first", "act_first"] = "norm_first"
    """Whether the norm stands before the activation or behind it."""
    activation: str = "relu"
    """A key of ACTIVATIONS; where a PReLU has tensors, it is used instead."""
    activated: Literal["each", "last", "inner"] = "each"
    """Behind which convolutions of a block an activation stands; inner: all but the last."""
    up_activated: bool | None = None
    """Whether an activation follows the way up; None: where a norm does."""
    add: Literal["inside", "outside"] = "inside"
    """Whether shortcuts are added before the block's last activation or behind it."""
    identity: bool = False
    """Whether what a block's first convolution gives is added to what its others make of it."""
    enlarged: Literal["before_join", "after_join"] = "before_join"
    """Whether interpolation doubles the size of what is joined, or of what was joined."""
    repeats: int | Literal["doubled"] = 2
    """How often a recurrent convolution is fed the sum of its input and its own output; doubled:
    once, and twice its own output instead."""
    interpolation: Interpolation = "bilinear_aligned"
    join: Join = "up_first"
    down_activation: str = "usual"
    """What follows convolutions with stride 2 that stand between the levels: "same" as the others,
    "none", a key of ACTIVATIONS; usual: "same" where they have a norm, else "none"."""
    down: Literal["max", "average", "strided"] = "max"
    """Strided: the first convolution of each level has stride 2, and nothing pools."""
    padding: Literal["zeros", "none", "none_stretched"] = "zeros"
    """None: each 3x3 convolution loses a pixel on each side; stretched: the logits are brought
    back to the size of the image by repeating them."""
    fit: Literal["pad", "crop", "exact"] = "pad"
    """What happens where pooling lost an odd row or column: zeros stand in around the upsampled
    map, the skip is cropped about its centre, or sizes have to be multiples."""

    @property
    def classes(self) -> int:
        """Channels of the logits."""
        return self.head.out

    @property
    def rarities(self) -> int:
        """In how many ways it differs from most networks with the same tensors."""
        ups = [level.up.conv for level in self.decoder if level.up.conv is not None]
        activated = any(conv.norm for conv in ups)
        rare = (
            self.activation != "relu",
            self.activated != "each",
            self.down != "max",
            self._is_down_rare,
            self.identity,
            self.enlarged != "before_join",
            self.up_activated not in (None, activated) and bool(ups),
        )
        return sum(rare)

    @property
    def _is_down_rare(self) -> bool:
        downs = [block.down for block in self.encoder if block.down is not None]
        usual = follows_down("usual", downs[0]) if downs else "usual"
        return self.down_activation not in ("usual", usual)

    @property
    def is_padded(self) -> bool:
        """Whether convolutions keep the size."""
        return self.padding == "zeros"


def follows_down(said: str, down: ConvConfig) -> str:
    """What follows a convolution with stride 2: ``down_activation``, "usual" being decided."""
    if said != "usual":
        return said
    return "same" if down.norm else "none"
