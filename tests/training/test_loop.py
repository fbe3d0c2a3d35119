"""The loop: schedule, average, several processes, and runs that are taken up again."""

import os
import subprocess
import sys
from pathlib import Path  # noqa: F401 - the script below

import pytest
import torch

from segdemo.architectures import ARCHITECTURES
from segdemo.architectures.fcn import FCNConfig
from segdemo.architectures.isnet import ISNetConfig
from segdemo.architectures.parts.vgg import VGGConfig, vgg16
from segdemo.architectures.u2net import StageConfig, U2NetConfig
from segdemo.architectures.unet import UNetConfig
from segdemo.checkpoints.export import halved
from segdemo.training.loop import Saved, fit, planned_steps
from segdemo.training.plan import Plan, rate
from segdemo.training.ranks import Ranks, started
from segdemo.training.start import fresh
from tests.table import every

CPU = torch.device("cpu")
BY_ID = {architecture.id: architecture for architecture in ARCHITECTURES}
TINY = UNetConfig.standard(width=2, depth=1)


def tiny(seed=0):
    return fresh(BY_ID["unet"], TINY, seed)


def batches(step, ranks):
    generator = torch.Generator().manual_seed(step)
    pictures = torch.randn(4, 3, 8, 8, generator=generator)[list(ranks.share(4))]
    return pictures, (pictures[:, 0] > 0).to(torch.uint8)


def same(first, second):
    return all(torch.equal(value, second[key]) for key, value in first.items())


def test_the_rate_climbs_falls_and_never_reaches_zero():
    plan = Plan(steps=200, learning_rate=0.5)
    rates = [rate(plan, step) for step in range(200)]
    assert max(rates) == 0.5
    top = rates.index(0.5)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_the_loss_falls():
    losses = []
    fit(
        tiny(),
        batches,
        Plan(steps=100, learning_rate=0.1),
        device=CPU,
        told=lambda step, loss: losses.append(loss),
    )
    assert losses[-1] < 0.8 * losses[0]


def test_the_average_follows_the_weights_and_their_statistics():
    network = tiny()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    outcome = fit(network, batches, Plan(steps=3, learning_rate=0.01), device=CPU)
    averaged, last = outcome.network.state_dict(), network.state_dict()
    for key in ("head.weight", "encoder.0.norm1.running_mean"):
        assert not torch.equal(averaged[key], before[key])
        assert not torch.equal(averaged[key], last[key])
    assert int(averaged["encoder.0.norm1.num_batches_tracked"]) == 3
    assert not outcome.network.training


def test_frozen_norms_keep_their_statistics_and_learn_their_weights():
    network = tiny()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fit(network, batches, Plan(steps=3, learning_rate=0.01, frozen_norms=True), device=CPU)
    after = network.state_dict()
    assert torch.equal(after["encoder.0.norm1.running_var"], before["encoder.0.norm1.running_var"])
    assert not torch.equal(after["encoder.0.norm1.weight"], before["encoder.0.norm1.weight"])


def test_a_run_is_taken_up_by_its_own_identity_alone(tmp_path):
    plan = Plan(steps=6, learning_rate=0.01)
    saved = Saved(path=tmp_path / "run", identity="a")
    fit(tiny(), batches, plan, device=CPU, saved=saved, stops=lambda step: step == 2)
    assert planned_steps(saved) == 6
    assert planned_steps(Saved(path=saved.path, identity="b")) is None
    whole = fit(tiny(), batches, plan, device=CPU).network.state_dict()
    # Other weights to begin with show that those of the file are taken.
    resumed = fit(tiny(seed=1), batches, plan, device=CPU, saved=saved)
    assert same(whole, resumed.network.state_dict())


@every("content", [b"", b"text", b"PK\x03\x04"])
def test_a_damaged_run_is_begun_anew(tmp_path, content):
    saved = Saved(path=tmp_path / "run", identity="a")
    saved.path.write_bytes(content)
    assert fit(tiny(), batches, Plan(steps=1, learning_rate=0.1), device=CPU, saved=saved).finished


def test_a_deep_network_without_norms_begins_with_a_signal():
    torch.manual_seed(0)
    config = VGGConfig(in_channels=3, classes=4, widths=vgg16(4), hidden=(8, 8), skips=2)
    pictures = torch.randn(2, 3, 64, 64)
    ours, pytorchs = fresh(BY_ID["vgg_fcn"], config, 0), BY_ID["vgg_fcn"].build(config)
    with torch.no_grad():
        deep, as_usual = (network.eval().vgg(pictures)[1] for network in (ours, pytorchs))
    assert 0.1 < float(deep.std()) < 10
    assert float(as_usual.std()) < 0.1 * float(deep.std())


def test_scores_are_enlarged_channel_by_channel_at_first():
    config = FCNConfig(in_channels=3, classes=4, widths=vgg16(2), hidden=(8, 8), skips=1)
    up = fresh(BY_ID["fcn"], config, 0).ups[-1]
    scores = torch.zeros(1, 4, 6, 6)
    scores[:, 2] = 1
    with torch.no_grad():
        enlarged = up(scores)
    assert enlarged[0, [0, 1, 3]].abs().max() == 0
    middle = enlarged[0, 2, 40:60, 40:60]
    torch.testing.assert_close(middle, torch.ones_like(middle))


def test_the_same_seed_gives_the_same_network():
    assert same(tiny(3).state_dict(), tiny(3).state_dict())
    assert not same(tiny(3).state_dict(), tiny(4).state_dict())


def test_a_weight_that_is_too_large_for_halves_is_named():
    with pytest.raises(ValueError, match="a does not fit"):
        halved({"a": torch.tensor([70_000.0])})
    with pytest.raises(ValueError, match="a does not fit"):
        halved({"a": torch.tensor([float("nan")])})


def test_without_torchrun_a_process_is_alone():
    with started(CPU, {}) as (ranks, device):
        assert (ranks, device) == (Ranks(), CPU)
        assert ranks.leads
        assert ranks.agree(True)


_TOGETHER = """
import sys, torch
sys.path[:0] = [{root!r}, {here!r}]
import test_loop as t
torch.set_num_threads(1)
with t.started(t.CPU) as (ranks, device):
    assert ranks.world == 2
    saved = t.Saved(path=t.Path({out!r}), identity="a")
    plan = t.Plan(steps=4, learning_rate=0.01, frozen_norms=True)
    t.fit(t.tiny(1), t.batches, plan, device=device, ranks=ranks, saved=saved)
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_alone(root, tmp_path):
    # With frozen norms, whose statistics each process would see for its own share alone.
    script, out = tmp_path / "together.py", tmp_path / "run"
    here = str(root / "tests" / "training")
    script.write_text(_TOGETHER.format(root=str(root), here=here, out=str(out)))
    answer = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
         "--standalone", str(script)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    together = torch.load(out, weights_only=True)
    plan = Plan(steps=4, learning_rate=0.01, frozen_norms=True)
    alone = fit(tiny(1), batches, plan, device=CPU).network.state_dict()
    for key, value in alone.items():
        if value.is_floating_point():
            torch.testing.assert_close(
                together["average"][f"module.{key}"], value, atol=2e-4, rtol=1e-3
            )


def test_every_side_output_of_a_family_that_has_some_is_trained():
    first, deep, up = (
        StageConfig(height=4, into=into, mid=2, out=2, dilated=False) for into in (3, 2, 4)
    )
    stages = U2NetConfig(encoder=(first, deep), decoder=(up,), classes=1)
    untrained = []
    for name, config in {
        "u2net": stages,
        "isnet": ISNetConfig(in_channels=3, stages=stages),
    }.items():
        architecture = BY_ID[name]
        network = fresh(architecture, config, 0)
        before = [side.weight.detach().clone() for side in network.side]
        fit(
            network,
            batches,
            Plan(steps=1, learning_rate=0.1),
            device=CPU,
            forward_deep=architecture.forward_deep,
        )
        untrained += [
            (name, number)
            for number, (side, weight) in enumerate(zip(network.side, before, strict=True))
            if torch.equal(side.weight, weight)
        ]
    assert not untrained
