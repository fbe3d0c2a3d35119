"""MODNet as ZHKKKe's code saves it: with its encoder twice, or once."""

import pytest
import torch
from code_bases import header, picture, predicted, vector
from vectors import rule

from segdemo.architectures.real_time.modnet import HalfNorm
from segdemo.checkpoints import detect
from segdemo.errors import UnknownNetworkError
from tests.table import every

NAME = "zhkkke_modnet"


@pytest.fixture(scope="module")
def complete():
    return rule.state_dict_for(vector(NAME))


def test_half_of_the_channels_are_normalised_by_the_batch_and_half_by_the_picture():
    norm = HalfNorm(5).eval()
    norm.batch.running_mean.fill_(0.25)
    norm.batch.running_var.fill_(4.0)
    x = picture(5)
    first, second = norm(x)[:, :2], norm(x)[:, 2:]
    torch.testing.assert_close(first, (x[:, :2] - 0.25) / 2, rtol=1e-4, atol=1e-4)
    assert second.mean(dim=(2, 3)).abs().max() < 1e-5
    torch.testing.assert_close(
        second.var(dim=(2, 3), correction=0), torch.ones(1, 3), rtol=1e-3, atol=0
    )


def test_the_encoder_may_be_written_once(complete):
    second = "lr_branch.backbone."
    once = {
        key.removeprefix("lr_branch.") if key.startswith(second) else key: tensor
        for key, tensor in complete.items()
        if not key.startswith("backbone.")
    }
    assert len(complete) - len(once) == 312
    detection = detect(once)
    assert (detection.id, detection.alternatives) == ("modnet_zhkkke_once", ())
    x = picture(height=64, width=96)
    torch.testing.assert_close(detection.build()(x), detect(complete).build()(x))


def test_what_training_alone_uses_may_be_there_or_not(complete):
    for path in ("lr_branch.conv_lr.", "hr_branch.conv_hr."):
        fewer = {key: tensor for key, tensor in complete.items() if not key.startswith(path)}
        assert len(fewer) < len(complete)
        assert detect(fewer).config == detect(complete).config


def test_a_branch_less_is_refused(complete):
    for path in (
        "f_branch.",
        "hr_branch.conv_hr2x.3.",
        "lr_branch.se_block.",
    ):
        with pytest.raises(UnknownNetworkError):
            detect({key: t for key, t in complete.items() if not key.startswith(path)})


def test_the_width_is_read_from_the_shapes(complete):
    config = detect(complete).config
    assert (config.width, config.low, config.squeezed) == (32, (96, 32), 320)
    assert config.backbone.last == 1280
    assert len(config.backbone.blocks) == 17


@every("size", [(1, 1), (61, 33)])
def test_every_picture_gets_a_matte_of_its_own_size(complete, size):
    assert predicted(detect(complete), size).probabilities.shape == (1, *size[::-1])


def test_pictures_are_prepared_as_the_demo_does():
    recipe = detect(header(vector(NAME))).recipe
    expected = {"resize": "shortest", "side": 512, "mean": [0.5], "std": [0.5]}
    assert recipe["preprocessing"] == expected
    assert recipe["postprocessing"] == {"activation": "sigmoid"}
