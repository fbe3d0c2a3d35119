"""The engine: the same function as the network, whatever the network and whoever reads what."""

import weakref

import pytest
import torch
from code_bases import picture, randomised, vector
from torch import nn
from torch.backends import cudnn
from torch.nn import functional
from vectors import rule

from segdemo.architectures.fcn import FCN, FCNConfig
from segdemo.architectures.isnet import ISNet, ISNetConfig
from segdemo.architectures.parts.vgg import VGGConfig, vgg16
from segdemo.architectures.resnet_unet import ResNetUNet, ResNetUNetConfig
from segdemo.architectures.smp_unet import SmpUNet, SmpUNetConfig
from segdemo.architectures.tf_fcn import SameFCN
from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.architectures.vgg_fcn import VGGFCN
from segdemo.checkpoints import detect
from segdemo.engine import convolution as convolution_module
from segdemo.engine import cuda_graphs
from segdemo.engine import engine as engine_module
from segdemo.engine import tracing as recording_module
from segdemo.engine.engine import Engine, reads_channels_last
from segdemo.engine.winograd import convolve
from tests.table import every

NARROW = {"in_channels": 3, "classes": 2, "widths": vgg16(2), "hidden": (8, 8), "skips": 2}
# Those of the fixtures that are not made anew below, as their code bases publish them.
PUBLISHED = (
    "unet_tiny8",
    "unet_unpadded",
    "unet_zoo32",
    "tv_deeplabv3_mobilenet_v3_large",
    "tv_lraspp_mobilenet_v3_large",
    "tv_fcn_resnet50",
    "u2net_lite",
)
NETWORKS = {
    "unet": lambda: UNet(UNetConfig.standard(width=4)),
    "unet_with_biases": lambda: UNet(UNetConfig.standard(width=4, bias=True)),
    "unet_bilinear": lambda: UNet(UNetConfig.standard(width=4, up="bilinear")),
    "u2net": lambda: U2Net(U2NetConfig.lite(classes=3)),
    "isnet": lambda: ISNet(ISNetConfig(in_channels=3, stages=U2NetConfig.lite(in_channels=64))),
    "fcn": lambda: FCN(FCNConfig(**NARROW)),
    "tf_fcn": lambda: SameFCN(VGGConfig(**NARROW)),
    "vgg_fcn": lambda: VGGFCN(VGGConfig(**NARROW)),
    "resnet_unet": lambda: ResNetUNet(ResNetUNetConfig.standard(width=8)),
    "smp_unet": lambda: SmpUNet(SmpUNetConfig.standard(width=8)),
    "resnet_unet_bottleneck": lambda: ResNetUNet(
        ResNetUNetConfig.standard(width=8, bottleneck=True, blocks=(1, 1, 1, 1))
    ),
}


class Wired(nn.Module):
    """A convolution and a norm, put together by ``wiring``."""

    def __init__(self, wiring, convolution=None):
        super().__init__()
        self.conv = convolution or nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.wiring = wiring

    def forward(self, x):
        return self.wiring(self, x)


def relu(x, inplace=False):
    return functional.relu(x, inplace=inplace)


def before_and_after(net, x):
    y = net.norm(net.conv(x))
    before = y + 1
    return before + relu(y, inplace=True)


# Whatever else reads what lies between a convolution, its norm and its ReLU has to see it.
WIRINGS = {
    "norm": lambda net, x: net.norm(net.conv(x)),
    "norm and relu": lambda net, x: relu(net.norm(net.conv(x))),
    "relu alone": lambda net, x: relu(net.conv(x), inplace=True),
    "torch.relu": lambda net, x: torch.relu(net.norm(net.conv(x))),
    "convolution read twice": lambda net, x: (y := net.conv(x)) + net.norm(y),
    "norm read twice": lambda net, x: (y := net.norm(net.conv(x))) + relu(y),
    "read before the relu in place": before_and_after,
    "read after the relu in place": lambda net, x: relu(y := net.norm(net.conv(x)), True) + y,
    "convolution returned": lambda net, x: (y := net.conv(x), net.norm(y))[0],
    "norm returned": lambda net, x: (y := net.norm(net.conv(x)), relu(y))[0],
    "norm returned after a relu in place": lambda net, x: (
        y := net.norm(net.conv(x)),
        relu(y, inplace=True),
    )[0],
    "norm of a view": lambda net, x: (y := net.conv(x)) * 2 + net.norm(y[:, :, 1:-1, 1:-1]).mean(),
    "called twice": lambda net, x: relu(net.norm(net.conv(x))) - net.norm(net.conv(x.flip(3))),
    "norm of something else": lambda net, x: net.norm(torch.cat((x, x), 1)) + net.conv(x),
    "changed in place between": lambda net, x: net.norm(net.conv(x).mul_(2)),
    "written into": lambda net, x: written_into(relu(net.norm(net.conv(x)))),
    "joined": lambda net, x: relu(net.norm(net.conv(torch.cat((x[:, :1], x[:, 1:] + 1), 1)))),
    "joined with itself": lambda net, x: net.conv(torch.cat((y := x[:, :1] * 2, y, y), dim=1)),
    "joined and read twice": lambda net, x: (
        net.conv(y := torch.cat((x[:, :2], x[:, 2:]), 1)) + y.mean()
    ),
    "joined along the rows": lambda net, x: net.conv(torch.cat([x[:, :, :8], x], dim=2)),
    "joined in another word": lambda net, x: net.conv(torch.cat((x[:, :2], x[:, 2:]), axis=1)),
    "joined and changed": lambda net, x: net.conv(torch.cat((x[:, :2], x[:, 2:]), 1).mul_(2)),
    "joined of one picture": lambda net, x: net.conv(torch.cat((x[0], x[0, :, 1:]), 1))[None],
    "a constant of its own": lambda net, x: net.norm(net.conv(x)) * net.norm.weight.sum(),
}


def written_into(y):
    y[:, 0] = 1
    return y


CONVOLUTIONS = {
    "without bias": lambda: nn.Conv2d(3, 6, 3, bias=False),
    "strided and dilated": lambda: nn.Conv2d(3, 6, 3, stride=2, padding=2, dilation=2),
    "in groups": lambda: nn.Conv2d(3, 6, 3, groups=3),
    "same": lambda: nn.Conv2d(3, 6, 3, padding="same"),
    "reflecting": lambda: nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect"),
    "transposed": lambda: nn.ConvTranspose2d(3, 6, 2, stride=2),
    "transposed without bias": lambda: nn.ConvTranspose2d(3, 6, 4, 2, padding=1, bias=False),
    "transposed in groups": lambda: nn.ConvTranspose2d(3, 6, 3, 2, 1, output_padding=1, groups=3),
}


def assert_the_same(network, *pictures, engine=None, tolerance=1e-5):
    """To ``tolerance`` of the largest logit; logits of that size differ by as much."""
    engine = engine or Engine()
    for x in pictures:
        with torch.inference_mode():
            expected, found = network(x), engine.run(network, x)
        assert found.shape == expected.shape
        assert found.dtype == torch.float32
        assert (found - expected).abs().max() <= tolerance * expected.abs().max().clamp(min=1)


def functions(engine):
    """The names of the functions in the last program."""
    program = next(reversed(engine._sizes.values())).program
    return [getattr(call.function, "__name__", "fused") for call in program._recording.calls]


@every("name", NETWORKS)
def test_every_architecture_computes_the_same_at_any_size(name):
    network = randomised(NETWORKS[name]())
    assert_the_same(network, picture(height=64, width=96), picture(height=96, width=128, seed=2))


@every("name", ["unet", "unet_bilinear", "u2net", "isnet", "vgg_fcn", "tf_fcn"])
def test_odd_sizes_and_several_pictures_are_the_same_too(name):
    several = torch.cat([picture(height=45, width=51, seed=seed) for seed in (1, 2)])
    assert_the_same(randomised(NETWORKS[name]()), picture(height=45, width=51), several)


@every("name", PUBLISHED)
def test_published_networks_compute_the_same_without_a_norm_left(name):
    fixture = vector(name)
    assume = name if name == "unet_unpadded" else None
    detection = detect(rule.state_dict_for(fixture), assume=assume)
    side, engine = max(64, detection.architecture.requirements(detection.config).minimum), Engine()
    pictures = picture(detection.config.in_channels, side, side)
    assert_the_same(detection.build(), pictures, engine=engine)
    assert "batch_norm" not in functions(engine)


@every("name", NETWORKS)
def test_no_norm_is_left_and_every_relu_that_follows_a_convolution_is_part_of_it(name):
    engine = Engine()
    engine.run(randomised(NETWORKS[name]()), picture(height=64, width=64))
    left = functions(engine)
    assert "batch_norm" not in left
    assert "fused" in left
    # That of a residual block follows a sum.
    assert ("relu" in left) == name.startswith(("resnet", "smp"))


@every("wiring", WIRINGS)
@every("kernels", [True, False])
def test_what_is_read_elsewhere_is_still_there(wiring, kernels, monkeypatch):
    monkeypatch.setattr(convolution_module, "_has_kernels", lambda dtype: kernels)
    assert_the_same(randomised(Wired(WIRINGS[wiring])), picture(height=20, width=24) - 0.5)


@every("wiring", ["norm", "norm and relu", "relu alone"])
@every("convolution", CONVOLUTIONS)
@every("kernels", [True, False])
def test_every_kind_of_convolution_computes_the_same(wiring, convolution, kernels, monkeypatch):
    monkeypatch.setattr(convolution_module, "_has_kernels", lambda dtype: kernels)
    network = randomised(Wired(WIRINGS[wiring], CONVOLUTIONS[convolution]()))
    assert_the_same(network, picture(height=20, width=24) - 0.5)


@every("seed", range(20))
def test_norms_of_any_strength_compute_the_same(seed):
    network = randomised(Wired(WIRINGS["norm and relu"]), seed)
    generator = torch.Generator().manual_seed(seed)
    network.norm.running_var.copy_(10 ** (8 * torch.rand(6, generator=generator) - 4))
    network.norm.running_mean.copy_(10 * torch.randn(6, generator=generator))
    network.norm.eps = 10.0 ** -(seed % 7)
    assert_the_same(network, picture(seed=seed))


def test_norms_without_parameters_or_without_statistics_compute_the_same():
    network = Wired(WIRINGS["norm and relu"])
    network.norm = nn.BatchNorm2d(6, affine=False)
    network.norm.running_mean += 0.2
    assert_the_same(network.eval(), picture())
    network.norm = nn.BatchNorm2d(6, track_running_stats=False)
    assert_the_same(network.eval(), picture())


def test_the_network_stays_as_it_was():
    network = randomised(NETWORKS["unet"]())
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    Engine().run(network, picture())
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_a_network_that_changed_is_noticed():
    engine, network = Engine(), randomised(NETWORKS["unet"]())
    engine.run(network, picture())
    with torch.inference_mode():
        network.encoder[0].norm1.running_mean.add_(3)
    assert_the_same(network, picture(), engine=engine)
    network.load_state_dict(randomised(NETWORKS["unet"](), seed=5).state_dict())
    assert_the_same(network, picture(), engine=engine)
    network.head = randomised(nn.Conv2d(4, 1, 1), seed=6)
    assert_the_same(network, picture(), engine=engine)
    assert_the_same(randomised(NETWORKS["unet"](), seed=7), picture(), engine=engine)


@pytest.fixture
def by_graphs(monkeypatch):
    """The CPU in the place of a CUDA device; what becomes a graph is noted."""
    made = []

    class Graph:
        def __init__(self, forward, pictures):
            made.append(tuple(pictures.shape))
            self.forward = forward

        def __call__(self, pictures):
            return self.forward(pictures)

    monkeypatch.setattr(engine_module, "_BY_PROGRAM", ())
    monkeypatch.setattr(engine_module, "_BY_GRAPHS", ("cpu",))
    monkeypatch.setattr(cuda_graphs, "Graph", Graph)
    return made


def test_where_kernels_wait_for_each_other_a_size_that_comes_again_becomes_a_graph(by_graphs):
    network = randomised(NETWORKS["unet"]())
    engine = Engine()
    with torch.inference_mode():
        for side in (32, 48, 32, 32):
            pictures = torch.rand(1, 3, side, side)
            assert torch.equal(engine.run(network, pictures), network(pictures))
    assert by_graphs == [(1, 3, 32, 32)]
    assert engine.byte_size == engine.memory(network, pictures) > 0


def test_a_network_that_was_changed_becomes_a_graph_anew(by_graphs):
    network = randomised(NETWORKS["unet"]())
    engine, pictures = Engine(), torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        for _ in range(2):
            for _ in range(3):
                assert torch.equal(engine.run(network, pictures), network(pictures))
            next(network.parameters()).mul_(2)
    assert len(by_graphs) == 2


def test_what_depends_on_numbers_is_never_a_graph(by_graphs):
    network = Wired(lambda net, x: net.conv(x) if x.sum() > 0 else net.norm(net.conv(x))).eval()
    with torch.inference_mode():
        for _ in range(3):
            Engine().run(network, torch.rand(1, 3, 8, 8))
    assert by_graphs == []


@every(
    ("device", "dtype", "last"),
    [
        ("cpu", torch.float32, True),
        ("cpu", torch.bfloat16, True),
        ("cuda", torch.float32, False),
        ("cuda", torch.float16, True),
        ("mps", torch.float16, False),
    ],
)
def test_channels_lie_last_where_that_is_the_fastest(device, dtype, last):
    assert reads_channels_last(torch.device(device), dtype) is last


def test_32_bits_are_computed_with_all_of_them_and_the_processs_choice_stays(monkeypatch):
    seen = []
    network = Wired(lambda net, x: seen.append(cudnn.allow_tf32) or net.conv(x)).eval()
    network.register_forward_hook(lambda *_: None)
    for choice in (True, False):
        monkeypatch.setattr(cudnn, "allow_tf32", choice)
        Engine().run(network, torch.rand(1, 3, 8, 8))
        assert cudnn.allow_tf32 is choice
    assert seen == [False, False]


def test_hooks_see_the_network_run():
    seen, network = [], randomised(NETWORKS["unet"]())
    handle = network.head.register_forward_hook(lambda module, x, y: seen.append(y))
    answer = Engine().run(network, picture())
    assert len(seen) == 1
    assert torch.equal(seen[0], answer)
    handle.remove()


def test_a_network_that_trains_runs_as_it_is():
    network, engine = NETWORKS["unet"]().train(), Engine()
    engine.run(network, picture(height=64, width=64))
    assert network.encoder[0].norm1.num_batches_tracked == 1


@every(
    "wiring",
    [
        lambda net, x: net.conv(x) if x.mean() > 0 else net.norm(net.conv(x)),
        lambda net, x: net.norm(net.conv(x)) + float(x.max()),
        lambda net, x: net.norm(net.conv(x)) + torch.ones(6, 1, 1, device=x.device),
        lambda net, x: net.norm(net.conv(x)) + net.loose,
    ],
    ids=["decides by numbers", "takes a number out", "asks for the device", "a loose tensor"],
)
def test_what_cannot_be_recorded_runs_as_it_is(wiring):
    network = randomised(Wired(wiring))
    network.loose = torch.full((6, 1, 1), 0.5)
    assert_the_same(network, picture(), picture(seed=3) - 1)


def test_weights_elsewhere_than_on_the_cpu_are_not_copied():
    network = randomised(NETWORKS["unet"]()).to("meta")
    engine = Engine(torch.bfloat16)
    assert engine.memory(network, picture().to("meta")) > 0
    assert engine.byte_size == 0


class Wide(nn.Module):
    """What is multiplied by Winograd's way: alone, joined, and without a norm."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 128, 3, padding=1)
        self.norm = nn.BatchNorm2d(128)
        self.alone = nn.Conv2d(128, 128, 3, padding=1, bias=False)
        self.joined = nn.Conv2d(256, 130, 3, padding=1)

    def forward(self, x):
        x = functional.relu(self.first(x))
        y = functional.relu(self.norm(self.alone(x)))
        return functional.relu(self.joined(torch.cat((x, y), 1)))


def test_wide_convolutions_are_computed_by_winograd_and_are_the_same(monkeypatch):
    asked = []

    def watched(pairs, *arguments, **named):
        asked.append(len(pairs))
        return convolve(pairs, *arguments, **named)

    monkeypatch.setattr(convolution_module, "convolve", watched)
    network = randomised(Wide())
    assert_the_same(network, picture(height=32, width=40), picture(height=27, width=33, seed=2))
    wanted = [1, 2] if torch.backends.mkl.is_available() else []
    assert asked == 2 * wanted
    assert_the_same(network, picture(height=20, width=20))  # too small to be worth it
    assert asked == 2 * wanted


@every("bias", [True, False])
@every("padding", [0, 1, 3])
def test_a_single_wide_map_is_the_same(bias, padding):
    layer = nn.Conv2d(70, 1, 3, padding=padding, bias=bias)
    network = randomised(nn.Sequential(layer))
    pictures = torch.rand(2, 70, 13, 21, generator=torch.Generator().manual_seed(0)) - 0.5
    assert_the_same(network, pictures)


def test_sizes_share_their_weights_and_few_are_kept():
    engine, network = Engine(), randomised(NETWORKS["unet"]())
    engine.run(network, picture())
    once = engine.byte_size
    folded = sum(m.weight.nbytes for m in network.modules() if isinstance(m, nn.Conv2d))
    assert once >= 0.9 * folded
    for side in range(17, 60):
        engine.run(network, picture(height=side, width=side))
    assert engine.byte_size == once
    assert len(engine._sizes) == 16


def test_weights_without_a_norm_are_not_copied():
    engine = Engine()
    engine.run(randomised(NETWORKS["vgg_fcn"]()), picture())
    assert engine.byte_size == 0


def test_bfloat16_is_close_and_its_answer_float32():
    network = randomised(NETWORKS["unet"]())
    assert_the_same(network, picture(), engine=Engine(torch.bfloat16), tolerance=0.05)
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}


def test_what_cannot_be_recorded_computes_in_bfloat16_too():
    class Undecided(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = NETWORKS["unet"]()

        def forward(self, x):
            seen.append(self.inner(x).dtype)
            return self.inner(x if x.mean() < 9 else -x)

    seen, network = [], Undecided()
    randomised(network)
    assert_the_same(network, picture(), engine=Engine(torch.bfloat16), tolerance=0.05)
    assert torch.bfloat16 in seen


@every("kernels", [True, False])
@every("name", ["unet", "unet_with_biases", "u2net", "resnet_unet", "smp_unet"])
def test_what_a_decoder_joins_is_never_copied_together(name, kernels, monkeypatch):
    monkeypatch.setattr(convolution_module, "_has_kernels", lambda dtype: kernels)
    engine = Engine()
    assert_the_same(randomised(NETWORKS[name]()), picture(), engine=engine)
    # U²-Net joins six one-channel maps besides.
    assert functions(engine).count("cat") == (name == "u2net")


def test_memory_is_free_as_soon_as_nothing_reads_it(monkeypatch):
    given, most = [], 0
    original = convolution_module.Convolution.__call__

    def noted(self, *inputs):
        nonlocal most
        given.append(weakref.ref(inputs[0]))
        most = max(most, sum(reference() is not None for reference in given))
        return original(self, *inputs)

    monkeypatch.setattr(convolution_module.Convolution, "__call__", noted)
    Engine().run(randomised(NETWORKS["unet"]()), picture())
    assert len(given) == 23
    assert most <= 2


@every(("limit", "times"), [(9, 0), (8, 1), (4, 3)])
def test_what_small_layers_leave_is_given_back_once_layers_are_large(limit, times, monkeypatch):
    given_back = []
    monkeypatch.setattr(recording_module, "FROM_SYSTEM", limit * 4 * 32 * 32)
    monkeypatch.setattr(recording_module, "give_back_freed_memory", lambda: given_back.append(1))
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 8, 1), nn.Conv2d(8, 4, 1))
    Engine().run(network.eval(), torch.rand(1, 3, 32, 32))
    assert len(given_back) == times
