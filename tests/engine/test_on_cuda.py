"""On a CUDA device, where there is one: the same answers as on the CPU, by graphs and together."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from checkpoint_files import write_checkpoint
from PIL import Image

from segdemo.engine.engine import Engine
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from tests.engine.test_engine import NETWORKS
from tests.table import every

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@every("name", sorted(NETWORKS))
def test_a_network_answers_as_on_the_cpu_before_and_after_it_is_a_graph(name):
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    pictures = torch.rand(3, 1, 3, 96, 128)
    with torch.inference_mode():
        expected = [network(picture) for picture in pictures]
        network.to("cuda")
        engine = Engine()
        for _ in range(2):
            for picture, answer in zip(pictures, expected, strict=True):
                found = engine.run(network, picture.to("cuda")).cpu()
                assert torch.allclose(found, answer, rtol=1e-3, atol=1e-4)
    assert engine.byte_size > 0, "no graph was kept"


@every("precision", ["fp32", "bf16", "fp16"])
def test_many_visitors_get_the_answers_of_whoever_is_alone(tmp_path, precision):
    path = write_checkpoint(tmp_path / "net.safetensors")
    random = np.random.default_rng(0)
    pictures = [
        Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for _ in range(24)
    ]
    exact = Pool(Settings(device="cpu"))
    shared = Pool(Settings(device="cuda", precision=precision))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda picture: shared.predict(path, picture), pictures))
    for picture, prediction in zip(pictures, found, strict=True):
        difference = prediction.probabilities - exact.predict(path, picture).probabilities
        assert np.abs(difference).max() < (1e-4 if precision == "fp32" else 0.05)


def test_a_network_that_was_changed_is_not_run_as_it_was(tmp_path):
    network = NETWORKS["unet"]().eval().to("cuda")
    picture = torch.rand(1, 3, 64, 64, device="cuda")
    engine = Engine()
    with torch.inference_mode():
        for _ in range(3):
            before = engine.run(network, picture)
        for parameter in network.parameters():
            parameter.mul_(0.5)
        after = engine.run(network, picture)
        assert not torch.equal(before, after)
        assert torch.allclose(after, network(picture), rtol=1e-3, atol=1e-4)
