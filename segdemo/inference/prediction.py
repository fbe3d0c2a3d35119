"""The prediction for one image: class probabilities and the masks that follow from them."""

import math
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.inputs import ImageLike, as_image
from segdemo.images.notices import Notice
from segdemo.inference.maps import LEVELS, Labels, level_of, resize_map, winners
from segdemo.settings import Precision

_LEAST_OVERLAP = 0.0005  # a share that would be shown as 0.0 % is not worth a sentence


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """What a network says of an image."""

    probabilities: npt.NDArray[np.float32]
    """(C, H, W) in [0, 1] at the scale that the network saw."""
    picture_size: tuple[int, int]
    """Width and height of the image."""
    milliseconds: float
    """From image to probabilities, without waiting for the device to be free."""
    device: str
    precision: Precision = "fp32"
    reduced: bool = False
    """Whether the image was made smaller than the spec wanted, to stay within memory."""
    parts: int = 1
    """In how many overlapping parts it was computed, to stay within memory; the map is the same."""
    background: int = 0
    """The class that is no foreground, where there are several."""
    threshold: float = 0.5
    """Where the checkpoint's own mask is cut."""
    class_names: tuple[str, ...] = ()
    """The name of each class; empty when they are not known."""
    bands: tuple[int, ...] = ()
    """Of the image's file, counted from 1, that the network was given; empty for colours."""
    overlapping: bool = False
    """Whether classes do not exclude each other: the first is what none of them claims."""

    @property
    def foreground(self) -> npt.NDArray[np.float32]:
        """(H, W): the one class, the other of two, or whatever is not background of several."""
        count = len(self.probabilities)
        foreground: npt.NDArray[np.float32] = (
            1 - self.probabilities[self.background]
            if count > 2
            else self.probabilities[count - 1 - self.background]
        )
        return foreground

    @property
    def device_and_precision(self) -> str:
        """For people: "CPU · fp32"."""
        return f"{self.device} · {self.precision}"

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was done to stay within memory, for people."""
        notices = []
        if self.reduced:
            notices.append(Notice(key="note_reduced", facts={"side": max(self.network_size)}))
        if len(self.bands) > 1:
            said = ", ".join(map(str, self.bands))
            notices.append(Notice(key="note_bands", facts={"bands": said}))
        if self.parts > 1:
            notices.append(Notice(key="note_parts", facts={"count": self.parts}))
        shared = self.overlap
        if shared > _LEAST_OVERLAP:
            notices.append(Notice(key="note_overlap", facts={"share": f"{shared:.1%}"}))
        return tuple(notices)

    @property
    def overlap(self) -> float:
        """The share of the map that several classes claim at the checkpoint's own threshold."""
        if not self.overlapping:
            return 0.0
        cut = np.float32(level_of(self.threshold) / LEVELS)
        return float(((self.probabilities[1:] >= cut).sum(axis=0) > 1).mean())

    @property
    def network_size(self) -> tuple[int, int]:
        """Width and height that the network saw, without padding."""
        height, width = self.probabilities.shape[1:]
        return width, height

    def without_maps(self) -> "Prediction":
        """The same with maps of NaN that take no memory, for what else it tells."""
        height, width = self.probabilities.shape[1:]
        thin = np.broadcast_to(np.float32(np.nan), (len(self.probabilities), height, width))
        return replace(self, probabilities=thin)

    def foreground_at(self, size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """The foreground probability at ``size`` (width, height), bilinear: (height, width)."""
        return resize_map(self.foreground, size)

    def classes_at(self, size: tuple[int, int]) -> Iterator[npt.NDArray[np.float32]]:
        """The probability of each class in order, as ``foreground_at``; one in memory at a time."""
        return (resize_map(probabilities, size) for probabilities in self.probabilities)

    def labels_at(self, size: tuple[int, int]) -> Labels:
        """(height, width): the most probable class of each pixel at ``size``; see ``winners``."""
        return winners(self.classes_at(size), len(self.probabilities))

    def mask(self, threshold: float | None = None) -> npt.NDArray[np.bool_]:
        """(H, W) at the image's own size: whether the foreground reaches ``threshold``.

        The checkpoint's own by default. It is rounded to k/256, as in files, on the page and for
        programs: see ``level_of``. Raises PredictionError for what is not between 0 and 1.
        """
        cut = level_of(self.threshold if threshold is None else threshold) / LEVELS
        mask: npt.NDArray[np.bool_] = self.foreground_at(self.picture_size) >= np.float32(cut)
        return mask

    @property
    def labels(self) -> Labels:
        """(H, W): the class of each pixel at the image's own size; of up to two, the mask's 0 or 1.

        See ``labels_at`` and ``mask``.
        """
        if len(self.probabilities) > 2:
            return self.labels_at(self.picture_size)
        return self.mask().view(np.uint8)

    def overlay(self, picture: ImageLike, threshold: float | None = None) -> Image.Image:
        """The image that was predicted, tinted: each of several classes in its colour.

        Raises PictureError for an image of another size, and what ``mask`` raises.
        """
        drawn: Image.Image = self._drawing(picture, threshold).draw("overlay")
        return drawn

    def save(
        self,
        folder: str | os.PathLike[str],
        picture: ImageLike,
        *,
        name: str | None = None,
        kinds: Collection[str] = (),
        threshold: float | None = None,
    ) -> dict[str, Path]:
        """Writes what ``segdemo predict`` writes of the image that was predicted: kind -> file.

        ``kinds`` are of mask, probability, overlay, cutout and labels; all that are usual by
        default. The files are called after ``name``, by default after the picture's path. Raises
        PictureError, ExportError, and what ``mask`` raises.
        """
        stem = Path(picture).stem if isinstance(picture, (str, os.PathLike)) else "picture"
        written: dict[str, Path] = self._drawing(picture, threshold).write(
            Path(folder), name or stem, kinds
        )
        return written

    def _drawing(self, picture: ImageLike, threshold: float | None) -> Any:
        """What draws and writes stands above, and whoever only predicts never loads it."""
        files = import_module("segdemo.outputs.files")
        image = as_image(picture, max_megapixels=math.inf)
        if image.size != self.picture_size:
            given, wanted = (" × ".join(map(str, size)) for size in (image.size, self.picture_size))
            raise PictureError("picture_other_size", size=given, wanted=wanted)
        return files.drawing_of(self, image, threshold)
