"""Loads, augments, crops and batches training images and masks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from segdemo.architectures import SizeRequirements
from segdemo.errors import PictureError, TrainingError
from segdemo.images.decode import Decoded, decode_plane
from segdemo.images.masks import VOID, TruthMask
from segdemo.inference.processing import network_size, prepare
from segdemo.spec import Preprocessing
from segdemo.training.labelling import Labelling
from segdemo.training.pairs import Pair
from segdemo.training.ranks import Ranks

_MEMORY_BYTES = 1 << 30
"""Of images that are kept; the others are read again whenever they are needed."""
_CROP = 256
"""Pixels; enough to see something in, and little enough for a batch to fit into memory."""
_BATCH = 4
_TRIES = 3
"""So often a crop is drawn anew when it shows nothing but ground."""

# A photograph has an up: mirrored and tilted it is as likely, upside down it is not.
_VARY = v2.Compose(
    [
        v2.RandomHorizontalFlip(),
        v2.RandomAffine(
            degrees=15,
            scale=(0.8, 1.25),
            interpolation=v2.InterpolationMode.BILINEAR,
            fill={tv_tensors.Image: 0, tv_tensors.Mask: VOID},
        ),
        v2.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25, hue=0.03),
    ]
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """An image in the network's size, and what each of its pixels is."""

    picture: Image.Image
    labels: npt.NDArray[np.uint8]
    """(H, W), VOID where nothing is said."""


@dataclass(frozen=True, kw_only=True)
class InputRules:
    """What a network asks of its images."""

    preprocessing: Preprocessing
    requirements: SizeRequirements
    in_channels: int
    max_side: int
    """Above which no image is given to it, in pixels."""
    max_megapixels: float

    def tensor(self, picture: Image.Image) -> Tensor:
        """(C, H, W), padded, of an image that has the network's size already."""
        as_it_is = replace(self.preprocessing, resize="none")
        prepared = prepare(
            picture,
            as_it_is,
            in_channels=self.in_channels,
            requirements=self.requirements,
            max_side=max(picture.size),
        )
        return prepared.tensor[0]

    @property
    def multiple(self) -> int:
        """Sides of crops that need no padding are multiples of it."""
        return math.lcm(self.preprocessing.multiple_of, self.requirements.multiple_of, 32)


class Samples:
    """Pairs read from disk, in memory as far as there is room."""

    def __init__(self, pairs: Sequence[Pair], labelling: Labelling, rules: InputRules) -> None:
        self.pairs, self.labelling, self.rules = pairs, labelling, rules
        self._kept: dict[int, Sample] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """The pair of this number. Raises TrainingError when it cannot be read or does not fit."""
        if index in self._kept:
            return self._kept[index]
        sample = self._read(self.pairs[index])
        size = 4 * sample.labels.size
        if self._bytes + size <= _MEMORY_BYTES:
            self._kept[index] = sample
            self._bytes += size
        return sample

    def _read(self, pair: Pair) -> Sample:
        rules = self.rules
        try:
            decoded = decode_plane(pair.picture, max_megapixels=rules.max_megapixels)
        except PictureError as error:
            raise TrainingError("finetune_picture", name=pair.name, reason=str(error)) from error
        picture = decoded.image
        mask = self.labelling.mask(pair.mask, decoded.beside(pair.picture.name))
        if mask.size == picture.size[::-1]:
            # Perhaps drawn on the stored pixels of a photo that EXIF turns.
            mask = _turned_like(mask, decoded, pair)
        if mask.size != picture.size:
            raise TrainingError(
                "finetune_sizes",
                name=pair.name,
                picture=f"{picture.width} × {picture.height}",
                mask=f"{mask.size[0]} × {mask.size[1]}",
            )
        size, _ = network_size(picture.size, rules.preprocessing, rules.max_side)
        labels = Image.fromarray(self.labelling.labels(mask))
        return Sample(
            picture=picture.resize(size, Image.Resampling.BILINEAR),
            labels=np.asarray(labels.resize(size, Image.Resampling.NEAREST)),
        )


def _turned_like(mask: TruthMask, decoded: Decoded, pair: Pair) -> TruthMask:
    try:
        return mask.fitted(decoded.image.size, decoded.orientation)
    except PictureError as error:
        raise TrainingError("finetune_mask", name=pair.name, reason=str(error)) from error


class BatchSampler:
    """Picks, varies and crops the images of a step, by the number of the step alone."""

    def __init__(self, samples: Samples, chosen: Sequence[int], seed: int) -> None:
        """``chosen`` are the numbers of the samples to train on."""
        self._samples, self._chosen, self._seed = samples, chosen, seed
        multiple = samples.rules.multiple
        longest = max(max(samples[index].picture.size) for index in chosen)
        limit = _CROP
        if samples.rules.preprocessing.resize in ("stretch", "longest"):
            # Such a network judges a thing by the whole image.
            limit = max(_CROP, min(2 * _CROP, samples.rules.preprocessing.side))
        needed = max(samples.rules.requirements.minimum, min(limit, longest))
        self.side = math.ceil(needed / multiple) * multiple

    def __call__(self, step: int, ranks: Ranks) -> tuple[Tensor, Tensor]:
        """Network inputs (n, C, H, W), float32, and labels (n, side, side), uint8."""
        rows = [self._varied(self._index(step * _BATCH + row)) for row in ranks.share(_BATCH)]
        return torch.stack([shown for shown, _ in rows]), torch.stack([seen for _, seen in rows])

    def _index(self, place: int) -> int:
        """Every image once in an epoch."""
        epoch, within = divmod(place, len(self._chosen))
        order = np.random.default_rng([self._seed, 4, epoch]).permutation(len(self._chosen))
        return self._chosen[int(order[within])]

    def _varied(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self._samples[index]
        pixels = torch.from_numpy(np.asarray(sample.picture).transpose(2, 0, 1).copy())
        labels = torch.from_numpy(sample.labels.copy())
        shown, seen = _VARY(tv_tensors.Image(pixels), tv_tensors.Mask(labels))
        crop = v2.RandomCrop(
            self.side, pad_if_needed=True, fill={tv_tensors.Image: 0, tv_tensors.Mask: VOID}
        )
        for _ in range(_TRIES):
            part, truth = crop(shown, seen)
            if bool(((truth != 0) & (truth != VOID)).any()):
                break
        picture = Image.fromarray(part.permute(1, 2, 0).contiguous().numpy())
        return self._samples.rules.tensor(picture), truth.as_subclass(Tensor)
