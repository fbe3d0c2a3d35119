"""What a picture costs beside the network: the way tutorials go, and ours."""

import io
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch.nn import functional
from torchvision.transforms.v2.functional import normalize, to_image

from benchmarks.pictures import photo
from segdemo.architectures.base import SizeRequirements
from segdemo.devices import keep_freed_memory
from segdemo.pictures import decode
from segdemo.processing import prepare, quantise, resize_map
from segdemo.segmenter import load
from segdemo.spec import Preprocessing
from segdemo.ui.map_files import cache_map, cache_picture, viewer_size

ROUNDS = 7
SIDE = 320
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SPEC = Preprocessing(resize="stretch", side=SIDE, divisor=255.0, mean=_MEAN, std=_STD)
_CHECKPOINT = Path(__file__).parent.parent / "weights" / "vessels_unet.safetensors"
_NOISE = 3.0  # standard deviation in levels of 255, as a camera has it


@dataclass(frozen=True, kw_only=True)
class Request:
    """Time of the processor for one JPEG of ``size`` (width, height) and one network."""

    size: tuple[int, int]
    usual_ms: float
    ours_ms: float

    @property
    def less(self) -> float:
        """How many times less ours takes."""
        return self.usual_ms / self.ours_ms


def measure(size: tuple[int, int]) -> Request:
    """Both ways in turn on one core, in another order each round, medians."""
    keep_freed_memory()
    torch.set_num_threads(1)
    content = _camera_jpeg(size)
    probabilities = _map(content)
    times: dict[Callable[[], object], list[float]] = {
        lambda: _usual(content, probabilities): [],
        lambda: _ours(content, probabilities): [],
    }
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(patch.dict("os.environ", GRADIO_TEMP_DIR=folder))
        for way in times:
            way()
        for _ in range(ROUNDS):
            for way in random.sample(list(times), len(times)):
                start = time.process_time()
                way()
                times[way].append(time.process_time() - start)
    usual, ours = (statistics.median(taken) * 1000 for taken in times.values())
    return Request(size=size, usual_ms=usual, ours_ms=ours)


def _camera_jpeg(size: tuple[int, int]) -> bytes:
    clean = np.asarray(photo(size), dtype=np.float32)
    noise = np.random.default_rng(0).normal(0, _NOISE, clean.shape)
    buffer = io.BytesIO()
    noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, format="JPEG", quality=92)
    return buffer.getvalue()


def _map(content: bytes) -> torch.Tensor:
    """(SIDE, SIDE): what a trained network says of the picture; its time is not counted."""
    picture = decode(content, max_megapixels=40)
    said = load(_CHECKPOINT, device="cpu").predict(picture).foreground
    return torch.from_numpy(resize_map(said, (SIDE, SIDE)))


def _usual(content: bytes, probabilities: torch.Tensor) -> bytes:
    """Pillow, ToTensor, a map at full size, an overlay in numpy, PNG."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    small = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    normalize(to_image(small).float() / 255, list(_MEAN), list(_STD))
    full = functional.interpolate(
        probabilities[None, None], size=picture.size[::-1], mode="bilinear", align_corners=False
    )
    mask = (full[0, 0].numpy() > 0.5).astype(np.uint8)
    tint = np.array([255, 0, 0])
    base = np.asarray(picture)
    overlay = np.where(mask[..., None] == 1, base * 0.5 + tint * 0.5, base).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(overlay).save(buffer, format="PNG")
    return buffer.getvalue()


def _ours(content: bytes, probabilities: torch.Tensor) -> None:
    """As the page does it, from the file to what the browser fetches."""
    picture = decode(content, max_megapixels=40)
    cache_picture(picture)
    needs = SizeRequirements(multiple_of=32)
    prepare(picture, _SPEC, in_channels=3, requirements=needs, max_side=2048)
    shown = resize_map(probabilities.numpy(), viewer_size(picture.size))
    cache_map(quantise(shown))
