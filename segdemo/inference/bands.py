"""Which numbers of an image's file a network gets: colours of 8 bits, or bands as they are."""

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

from segdemo.errors import PredictionError
from segdemo.images.measured import Given, MeasuredImage, Values
from segdemo.images.window import to_8_bits
from segdemo.spec import Preprocessing, Resample

Numbers = npt.NDArray[np.float32]

_GREY = (0.299, 0.587, 0.114)
"""What red, green and blue give to a grey (ITU-R BT.601, as Pillow)."""
_WHITE = 255


def bands_for(
    given: Given, preprocessing: Preprocessing, in_channels: int
) -> tuple[int, ...] | None:
    """The bands, counted from 1, that the channels of a network get.

    None where it is given the RGB image as it is shown. Raises PredictionError where the image
    has not the bands that the network wants.
    """
    measured = isinstance(given, MeasuredImage)
    count = given.bands.shape[2] if isinstance(given, MeasuredImage) else 3
    plane = given.plane if isinstance(given, MeasuredImage) else 0
    chosen = preprocessing.bands
    if chosen:
        if len(chosen) != in_channels or max(chosen) > count:
            said = ", ".join(map(str, chosen))
            raise PredictionError("prediction_bands", bands=said, channels=in_channels, count=count)
        return chosen
    if in_channels in (1, 3) and not (measured and _as_they_are(preprocessing)):
        return None
    if in_channels in (1, 3) and (count == 1 or plane):
        return (plane or 1,) * in_channels
    if in_channels == 1 and count >= 3:
        return (1, 2, 3)  # of which the grey is made
    if not measured or count < in_channels:
        raise PredictionError("prediction_channels", channels=in_channels, count=count)
    return tuple(range(1, in_channels + 1))


def numbers_of(
    measured: MeasuredImage, preprocessing: Preprocessing, bands: tuple[int, ...]
) -> Numbers:
    """(H, W, channels): of these bands, in the range that the divisor is for.

    In the spec's window they are 0 to 255; else they are the file's own where they are
    standardised or divided by more than 255, and as they are shown where not. What was not
    measured is the lowest of its band.
    """
    values = measured.bands[..., [band - 1 for band in bands]]
    if preprocessing.window:
        low, high = preprocessing.window
        share = (_filled(values, measured.nodata) - low) / (high - low)
        numbers = np.clip(share, 0, 1) * np.float32(_WHITE)
        windowed: Numbers = numbers.astype(np.float32)
        return windowed
    if not _as_they_are(preprocessing):
        if values.dtype == np.uint8:
            return _filled(values, measured.nodata)
        return to_8_bits(values, nodata=measured.nodata, inverted=measured.inverted).astype(
            np.float32
        )
    return _filled(values, measured.nodata)


def _as_they_are(preprocessing: Preprocessing) -> bool:
    """Whether numbers beyond 8 bits are meant."""
    divisor = preprocessing.divisor
    large = divisor != "maximum" and float(divisor) > _WHITE
    return large or preprocessing.standardise != "none" or bool(preprocessing.window)


def _filled(values: Values, nodata: float | None) -> Numbers:
    numbers = values.astype(np.float32)
    missing = ~np.isfinite(numbers)
    if nodata is not None:
        missing |= numbers == np.float32(nodata)
    if missing.any():
        for band in range(numbers.shape[2]):
            void, own = missing[..., band], numbers[..., band]
            own[void] = own[~void].min() if not void.all() else 0
    return numbers


def resized_numbers(numbers: Numbers, size: tuple[int, int], resample: Resample) -> Numbers:
    """(H, W, channels) at ``size`` (width, height), antialiased as ``processing.resized``."""
    if numbers.shape[1::-1] == size:
        return numbers
    if resample in ("bilinear", "bicubic"):
        given = torch.from_numpy(numbers).permute(2, 0, 1)[None]
        found = functional.interpolate(
            given, size=size[::-1], mode=resample, align_corners=False, antialias=True
        )
        return np.ascontiguousarray(found[0].permute(1, 2, 0).numpy())
    kind = Image.Resampling.NEAREST if resample == "nearest" else Image.Resampling.LANCZOS
    bands = (Image.fromarray(numbers[..., band]) for band in range(numbers.shape[2]))
    return np.stack([np.asarray(band.resize(size, kind)) for band in bands], axis=-1)


def normalised_numbers(
    numbers: Numbers, preprocessing: Preprocessing, *, in_channels: int
) -> Numbers:
    """(channels, H, W): in the network's order of colours, divided and centred."""
    channels = np.ascontiguousarray(numbers.transpose(2, 0, 1))
    if len(channels) == 3 and preprocessing.channels == "bgr":
        channels = channels[::-1]
    if len(channels) == 3 and (in_channels == 1 or preprocessing.channels == "grey"):
        grey = np.tensordot(np.array(_GREY, np.float32), channels, 1)
        channels = np.broadcast_to(grey, (in_channels, *grey.shape))
    divisor = preprocessing.divisor
    divided = channels / np.float32(channels.max() or 1 if divisor == "maximum" else divisor)
    if preprocessing.standardise == "none":
        mean = per_channel(preprocessing.mean, in_channels)[..., None]
        std = per_channel(preprocessing.std, in_channels)[..., None]
    else:
        axes = (1, 2) if preprocessing.standardise == "channel" else (0, 1, 2)
        mean = divided.mean(axis=axes, keepdims=True, dtype=np.float64)
        std = divided.std(axis=axes, keepdims=True, dtype=np.float64)
        std = np.where(std > 0, std, 1.0)
    normalised: Numbers = ((divided - mean) / std).astype(np.float32)
    return normalised


def per_channel(values: tuple[float, ...], channels: int) -> Numbers:
    """(channels, 1), or (1, 1) where one number is for all: a spec's mean or deviation."""
    if len(values) not in (1, channels):
        # Three values for a grey network: the grey image is centred by their average.
        values = (sum(values) / len(values),)
    return np.asarray(values, dtype=np.float32)[:, None]
