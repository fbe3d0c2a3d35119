"""Networks whose answer is smaller than the image: the mask lies where it belongs."""

import numpy as np
import torch
from code_bases import randomised
from odd_strangers import Shrinking
from PIL import Image

from segdemo.inference.segmenter import load


def test_an_answer_without_a_border_lies_on_its_pixels(tmp_path):
    torch.manual_seed(0)
    network = randomised(Shrinking()).eval()
    path = tmp_path / "shrinking.pth"
    torch.save(network.state_dict(), path)
    segmenter = load(
        path,
        device="cpu",
        assume="skip_first.unpadded_smaller",
        overrides={"preprocessing": {"resize": "none"}},
    )
    pixels = np.random.default_rng(0).integers(0, 256, (93, 121, 3), dtype=np.uint8)
    given = np.pad(pixels, ((20, 23), (20, 23), (0, 0)), mode="reflect")
    images = torch.from_numpy(given / np.float32(255)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        answer = network(images).softmax(dim=1)
    assert answer.shape[2:] == (96, 124)  # 20 pixels less on each side
    found = segmenter.predict(Image.fromarray(pixels)).probabilities
    np.testing.assert_allclose(found, answer[0, :, :93, :121].numpy(), atol=1e-6)
