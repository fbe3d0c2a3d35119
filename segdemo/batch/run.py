"""Pictures one after another through several networks; of each, only what is small stays."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from segdemo.batch.members import Pair
from segdemo.batch.tables import Tables, measure
from segdemo.errors import PictureError, SegdemoError
from segdemo.images.decode import decode
from segdemo.images.masks import TruthMask, decode_truth
from segdemo.inference.pool import Predictor
from segdemo.inference.prediction import Prediction
from segdemo.inference.processing import quantise
from segdemo.metrics.curves import Map
from segdemo.spec import NO_OVERRIDES, Overrides

THUMBNAIL_SIDE = 192  # pixels
MAX_KEPT_BYTES = 3_000_000_000
"""Of the maps of one run on disk, from which its masks are made."""

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A checkpoint on this disk and how it is read."""

    title: str
    path: Path
    overrides: Overrides = NO_OVERRIDES


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What came of one picture."""

    number: int
    """Its place among those of the run."""
    pair: Pair
    size: Size = (0, 0)
    """Width and height."""
    failure: SegdemoError | None = None
    """Why there is nothing else."""
    failures: dict[int, SegdemoError] = field(default_factory=dict)
    """Networks that could not take it, by number."""
    truth_failure: SegdemoError | None = None
    """Why its mask does not count."""
    tables: Tables | None = None
    """None when every network failed."""
    thumbnail: Image.Image | None = None
    small: dict[int, Map] = field(default_factory=dict)
    """Of each network the map, thinned to the thumbnail's size."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """Networks and the pictures that they are given."""

    predictor: Predictor
    networks: tuple[Network, ...]
    pairs: tuple[Pair, ...]
    folder: Path
    """Where the maps are kept, at their pictures' own sizes."""
    measured_size: Callable[[Size], Size]
    """The size of the maps that are counted, as the viewer's."""
    known: Callable[[Exception], SegdemoError]
    """What to tell of an error, a mistake of ours included."""
    max_bytes: int
    max_megapixels: float

    def outcomes(self) -> Iterator[Outcome]:
        """One after another, in order; a bad picture never sinks the rest.

        While networks have one picture the next is read, and no more are in memory. Raises
        PictureError once MAX_KEPT_BYTES are kept.
        """
        kept = 0
        with ThreadPoolExecutor(1) as reader:
            coming = [reader.submit(self._read, pair) for pair in self.pairs[:1]]
            for number, pair in enumerate(self.pairs):
                if kept > MAX_KEPT_BYTES:
                    raise PictureError("batch_full", count=number)
                for after in self.pairs[number + 1 : number + 2]:
                    coming.append(reader.submit(self._read, after))
                outcome = self._examine(number, pair, coming.pop(0))
                paths = [self.map_path(number, network) for network in outcome.small]
                kept += sum(path.stat().st_size for path in paths)
                yield outcome

    def map_path(self, number: int, network: int) -> Path:
        """The grey PNG of q that a network gave of a picture, of the picture's own size."""
        return self.folder / f"{number}-{network}.png"

    def _read(self, pair: Pair) -> Image.Image:
        content = pair.picture.read(self.max_bytes)
        return decode(content, max_megapixels=self.max_megapixels)

    def _examine(self, number: int, pair: Pair, read: Future[Image.Image]) -> Outcome:
        try:
            picture = read.result()
        except Exception as error:
            return Outcome(number=number, pair=pair, failure=self.known(error))
        size = self.measured_size(picture.size)
        thumbnail = picture.copy()
        thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        mask, truth_failure = self._truth(pair, picture.size, size)
        maps, truths, failures = {}, {}, {}
        for place, network in enumerate(self.networks):
            try:
                prediction = self.predictor.predict(network.path, picture, network.overrides)
                maps[place] = self._kept(number, place, prediction, size)
            except Exception as error:
                failures[place] = self.known(error)
                continue
            if mask is not None:
                truths[place] = mask.foreground(prediction.background)
        return Outcome(
            number=number,
            pair=pair,
            size=picture.size,
            failures=failures,
            truth_failure=truth_failure,
            tables=measure(maps, truths) if maps else None,
            thumbnail=thumbnail,
            small={place: _thinned(q, thumbnail.size) for place, q in maps.items()},
        )

    def _truth(
        self, pair: Pair, own: Size, size: Size
    ) -> tuple[TruthMask | None, SegdemoError | None]:
        if pair.mask is None:
            return None, None
        try:
            content = pair.mask.read(self.max_bytes)
            mask = decode_truth(content, max_megapixels=self.max_megapixels)
            return mask.fitted(own).at(size), None
        except Exception as error:
            return None, self.known(error)

    def _kept(self, number: int, place: int, prediction: Prediction, size: Size) -> Map:
        """The map that is counted; that of the picture's own size goes to disk."""
        whole = quantise(prediction.foreground_at(prediction.picture_size))
        Image.fromarray(whole).save(self.map_path(number, place), compress_level=1)
        if size == prediction.picture_size:
            return whole
        return quantise(prediction.foreground_at(size))


def _thinned(q: Map, size: Size) -> Map:
    """Each value shown is one that the network gave."""
    return np.asarray(Image.fromarray(q).resize(size, Image.Resampling.NEAREST))
