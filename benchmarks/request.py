"""What a picture costs beside the network: the way tutorials go, the way rembg goes, and ours."""

import io
import math
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional
from torchvision.transforms.v2.functional import normalize, to_image

from benchmarks.networks import WEIGHTS
from benchmarks.pictures import camera_jpeg
from benchmarks.tables import pixels, table
from benchmarks.timing import Less, in_turn, less, threads
from segdemo.architectures.base import SizeRequirements
from segdemo.engine.heap import keep_freed_memory
from segdemo.images.decode import decode
from segdemo.inference.maps import quantise, resize_map
from segdemo.inference.processing import prepare
from segdemo.inference.segmenter import load
from segdemo.spec import Preprocessing
from segdemo.ui.viewer.map_files import cache_map, cache_picture, viewer_size

_SIZES = ((1024, 768), (4000, 3000))
_ROUNDS = 7
_SIDE = 320
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SPEC = Preprocessing(resize="stretch", side=_SIDE, divisor=255.0, mean=_MEAN, std=_STD)
_CHECKPOINT = WEIGHTS / "vessels_unet.safetensors"
_TINT = (255, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Request:
    """Time of the processor for one JPEG of ``size`` (width, height) and one network."""

    size: tuple[int, int]
    tutorials_ms: float
    rembg_ms: float
    segdemo_ms: float
    less_than_tutorials: Less
    less_than_rembg: Less
    changed: float
    """Share of the picture's pixels that are in another mask than with the tutorials."""


def measure() -> list[Request]:
    """All ways in turn on one core."""
    keep_freed_memory()
    with (
        threads(1),
        tempfile.TemporaryDirectory() as folder,
        patch.dict("os.environ", GRADIO_TEMP_DIR=folder),
    ):
        return [_request(size, Path(folder) / "photo.jpg") for size in _SIZES]


def section(rows: Sequence[Request]) -> str:
    """A Markdown table of what was measured."""
    lines = table(
        (
            *("photo", "tutorials", "rembg's way", "segdemo"),
            *("less than tutorials", "less than rembg's", "changed"),
        ),
        (
            (
                pixels(row.size),
                f"{row.tutorials_ms:.0f} ms",
                f"{row.rembg_ms:.0f} ms",
                f"{row.segdemo_ms:.0f} ms",
                str(row.less_than_tutorials),
                str(row.less_than_rembg),
                f"{row.changed:.2%}",
            )
            for row in rows
        ),
    )
    return f"""## A picture, without the network

Time of the processor on one core from a JPEG with a camera's noise to what the browser fetches,
median of {_ROUNDS} rounds with quartiles, all ways in turn; the network and its map of {_SIDE} px
are the same and do not count. The smaller photo is fetched as the file that it is, because that
holds nothing but pixels; the larger one is made anew. Tutorials take Pillow, `ToTensor` and
`Normalize`, the map at full size, an overlay in numpy, PNG. rembg resizes by Lanczos and cuts the
picture out, as PNG. Both have to do that again for each threshold or network. Changed is the share
of pixels that are on the other side of the threshold 0.5 than in the tutorials' mask.

{lines}
"""


def _request(size: tuple[int, int], source: Path) -> Request:
    content = camera_jpeg(size)
    source.write_bytes(content)
    probabilities = _map(content)
    times = in_turn(
        {
            "tutorials": lambda: _by_tutorials(content, probabilities),
            "rembg": lambda: _by_rembg(content, probabilities),
            "segdemo": lambda: _by_segdemo(source, probabilities),
        },
        _ROUNDS,
    )
    usual = _mask(probabilities, size)
    ours = resize_map(_by_segdemo(source, probabilities) / np.float32(255), size) >= 0.5
    return Request(
        size=size,
        **{f"{way}_ms": statistics.median(taken) * 1000 for way, taken in times.items()},
        less_than_tutorials=less(times["tutorials"], times["segdemo"]),
        less_than_rembg=less(times["rembg"], times["segdemo"]),
        changed=float((usual != ours).mean()),
    )


def _map(content: bytes) -> torch.Tensor:
    """(_SIDE, _SIDE): what a trained network says of the picture; its time is not counted."""
    picture = decode(content, max_megapixels=math.inf)
    said = load(_CHECKPOINT, device="cpu").predict(picture).foreground
    return torch.from_numpy(resize_map(said, (_SIDE, _SIDE)))


def _mask(probabilities: torch.Tensor, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    full = functional.interpolate(
        probabilities[None, None], size=size[::-1], mode="bilinear", align_corners=False
    )
    return (full[0, 0].numpy() > 0.5).astype(np.uint8)


def _by_tutorials(content: bytes, probabilities: torch.Tensor) -> bytes:
    """Pillow, ToTensor, a map at full size, an overlay in numpy, PNG."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    small = picture.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    normalize(to_image(small).float() / 255, list(_MEAN), list(_STD))
    mask = _mask(probabilities, picture.size)
    base = np.asarray(picture)
    tinted = base * 0.5 + np.array(_TINT) * 0.5
    return _png(Image.fromarray(np.where(mask[..., None] == 1, tinted, base).astype(np.uint8)))


def _by_rembg(content: bytes, probabilities: torch.Tensor) -> bytes:
    """Lanczos both ways, the map stretched from 0 to 255, the picture cut out, PNG."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    small = np.array(picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))
    scaled = small / max(np.max(small), 1e-6)
    ((scaled - _MEAN) / _STD).transpose((2, 0, 1))[None].astype(np.float32)
    said = probabilities.numpy()
    stretched = (said - said.min()) / (said.max() - said.min())
    grey = Image.fromarray((stretched * 255).astype(np.uint8))
    mask = grey.resize(picture.size, Image.Resampling.LANCZOS)
    nothing = Image.new("RGBA", picture.size, 0)
    return _png(Image.composite(picture.convert("RGBA"), nothing, mask))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _by_segdemo(source: Path, probabilities: torch.Tensor) -> npt.NDArray[np.uint8]:
    """As the page does it, from the file to what the browser fetches; the map that it draws."""
    picture = decode(source.read_bytes(), max_megapixels=math.inf)
    cache_picture(picture, source)
    needs = SizeRequirements(multiple_of=32)
    prepare(picture, _SPEC, in_channels=3, requirements=needs, max_side=2048)
    shown = quantise(resize_map(probabilities.numpy(), viewer_size(picture.size)))
    cache_map(shown)
    return shown
