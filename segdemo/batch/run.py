"""Runs several networks on many images, one after another, and keeps small results of each."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from segdemo.batch.members import Pair
from segdemo.batch.tables import Tables, measure
from segdemo.errors import PictureError, SegdemoError
from segdemo.images.decode import Decoded, decode_plane
from segdemo.images.masks import DataSetReading, Notice, TruthMask, read_data_set
from segdemo.inference.maps import quantise
from segdemo.inference.prediction import Prediction
from segdemo.inference.predictor import Predictor
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
    """What came of one image."""

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
    truth_notices: tuple[Notice, ...] = ()
    """What was decided about its mask; what holds for all masks stands with the first."""
    tables: Tables | None = None
    """None when every network failed."""
    thumbnail: Image.Image | None = None
    small: dict[int, Map] = field(default_factory=dict)
    """Of each network the map, thinned to the thumbnail's size."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """Networks and the images that they are given."""

    predictor: Predictor
    networks: tuple[Network, ...]
    pairs: tuple[Pair, ...]
    folder: Path
    """Where the maps are kept, at their images' own sizes."""
    measured_size: Callable[[Size], Size]
    """The size of the maps that are counted, as the viewer's."""
    known: Callable[[Exception], SegdemoError]
    """What to tell of an error, a mistake of ours included."""
    max_bytes: int
    max_megapixels: float
    truth_reading: str | None = None
    """How all masks are read; by default as what they most probably mean, taken together."""

    def outcomes(self) -> Iterator[Outcome]:
        """One after another, in order; a bad image never sinks the rest.

        While networks have one image the next is read, and no more are in memory. Raises
        PictureError once MAX_KEPT_BYTES are kept.
        """
        kept = 0
        told: set[str] = set()
        data_set = self._data_set()
        with ThreadPoolExecutor(1) as reader:
            coming = [reader.submit(self._read, pair) for pair in self.pairs[:1]]
            for number, pair in enumerate(self.pairs):
                if kept > MAX_KEPT_BYTES:
                    raise PictureError("batch_full", count=number)
                for after in self.pairs[number + 1 : number + 2]:
                    coming.append(reader.submit(self._read, after))
                outcome = self._examine(number, pair, coming.pop(0), data_set)
                news = tuple(one for one in outcome.truth_notices if one.key not in told)
                if news and isinstance(data_set, DataSetReading):
                    told.update(one.key for one in data_set.reading.notices)
                outcome = replace(outcome, truth_notices=news)
                paths = [self.map_path(number, network) for network in outcome.small]
                kept += sum(path.stat().st_size for path in paths)
                yield outcome

    def map_path(self, number: int, network: int) -> Path:
        """The grey PNG of q that a network gave of an image, of the image's own size."""
        return self.folder / f"{number}-{network}.png"

    def _data_set(self) -> DataSetReading | SegdemoError | None:
        """How all masks are read, or why none can be; None where there is no mask."""
        masks = [pair.mask for pair in self.pairs if pair.mask is not None]
        names = [pair.picture.name for pair in self.pairs if pair.mask is not None]
        if not masks:
            return None
        try:
            return read_data_set(
                (partial(mask.read, self.max_bytes) for mask in masks),
                max_megapixels=self.max_megapixels,
                reading=self.truth_reading,
                names=names,
            )
        except Exception as error:
            return self._failure(error)

    def _failure(self, error: Exception) -> SegdemoError:
        # A run keeps its failures for as long as it lives; images in them would stay as well.
        return self.known(error).as_value()

    def _read(self, pair: Pair) -> Decoded:
        content = pair.picture.read(self.max_bytes)
        return decode_plane(content, max_megapixels=self.max_megapixels)

    def _examine(
        self,
        number: int,
        pair: Pair,
        read: Future[Decoded],
        data_set: DataSetReading | SegdemoError | None,
    ) -> Outcome:
        try:
            decoded = read.result()
        except Exception as error:
            return Outcome(number=number, pair=pair, failure=self._failure(error))
        picture = decoded.image
        size = self.measured_size(picture.size)
        thumbnail = picture.copy()
        thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        mask, truth_failure = self._truth(pair, decoded, size, data_set)
        maps, truths, failures = {}, {}, {}
        for place, network in enumerate(self.networks):
            try:
                prediction = self.predictor.predict(network.path, decoded.given, network.overrides)
                maps[place] = self._kept(number, place, prediction, size)
            except Exception as error:
                failures[place] = self._failure(error)
                continue
            if mask is not None:
                truths[place] = mask.foreground(prediction.background)
        return Outcome(
            number=number,
            pair=pair,
            size=picture.size,
            failures=failures,
            truth_failure=truth_failure,
            truth_notices=mask.notices if mask else (),
            tables=measure(maps, truths) if maps else None,
            thumbnail=thumbnail,
            small={place: _thinned(q, thumbnail.size) for place, q in maps.items()},
        )

    def _truth(
        self,
        pair: Pair,
        decoded: Decoded,
        size: Size,
        data_set: DataSetReading | SegdemoError | None,
    ) -> tuple[TruthMask | None, SegdemoError | None]:
        if pair.mask is None or data_set is None:
            return None, None
        try:
            content = pair.mask.read(self.max_bytes)
            if isinstance(data_set, SegdemoError):
                raise data_set
            beside = decoded.beside(pair.picture.name)
            mask = data_set.read(content, max_megapixels=self.max_megapixels, beside=beside)
            return mask.fitted(decoded.image.size, decoded.orientation).at(size), None
        except Exception as error:
            return None, self._failure(error)

    def _kept(self, number: int, place: int, prediction: Prediction, size: Size) -> Map:
        """The map that is counted; that of the image's own size goes to disk."""
        whole = quantise(prediction.foreground_at(prediction.picture_size))
        Image.fromarray(whole).save(self.map_path(number, place), compress_level=1)
        if size == prediction.picture_size:
            return whole
        return quantise(prediction.foreground_at(size))


def _thinned(q: Map, size: Size) -> Map:
    """Each value shown is one that the network gave."""
    return np.asarray(Image.fromarray(q).resize(size, Image.Resampling.NEAREST))
