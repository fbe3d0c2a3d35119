"""Numbers of more than 8 bits to the greys that are shown, through a window of percentiles."""

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

_PERCENTILES = (0.5, 99.5)
_SAMPLES = 1_000_000
_BLOCK_ROWS = 256
_NO_CONTRAST = 128
"""A constant image is shown in this grey."""

# What programs write where nothing was measured, when the file does not say so.
_SENTINELS = (-9999.0, -99999.0, -999.0, -32768.0, -32767.0, 9999.0, 32767.0, 65535.0, 99999.0)
_HUGE = 1e18
"""No measurement is: 1e20 and the largest float stand for its absence."""
_GAP = 3
"""So many times the range of all others lies between them and a sentinel."""
_SENTINEL_SHARE = 1e-3


def to_8_bits(
    values: Values,
    *,
    nodata: float | None = None,
    inverted: bool = False,
    window: tuple[float, float] | None = None,
) -> Bytes:
    """(H, W) or (H, W, bands) in 0..255; all bands through one window, so that colours stay.

    By default the window lies between the 0.5th and the 99.5th percentile. NaN and ``nodata``
    are outside of it and black; infinite numbers are black and white.
    """
    if values.dtype == np.bool_:
        shown = values.astype(np.uint8) * np.uint8(255)
        return 255 - shown if inverted else shown
    if np.iscomplexobj(values):
        values = np.abs(values)
    # What is not declared may be a peak: it stays out of the window and is clipped to its end.
    missing = nodata if nodata is not None else _sentinel(values)
    low, high = window or _window(values, missing)
    shown = np.full(values.shape, _NO_CONTRAST, dtype=np.uint8)
    if high > low:
        # By blocks of rows: the whole image as floats would be the largest thing in memory.
        for start in range(0, len(values), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            numbers = values[block].astype(np.float64)
            scaled = (numbers - low) / (high - low)
            if inverted:
                scaled = 1 - scaled
            scaled = np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0)
            shown[block] = np.rint(np.clip(scaled, 0.0, 1.0) * 255)
            if nodata is not None:
                shown[block][_is(values[block], nodata)] = 0
    return shown


def _is(values: Values, number: float) -> npt.NDArray[np.bool_]:
    """Where ``values`` are ``number``, as far as their type can hold it."""
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.asarray(values == values.dtype.type(number))
    return np.asarray(values == number)


def _sample(values: Values) -> Values:
    stride = max(1, values.size // _SAMPLES)
    sample = values.ravel()[::stride]
    return sample[np.isfinite(sample)] if sample.dtype.kind == "f" else sample


def _window(values: Values, missing: float | None) -> tuple[float, float]:
    """The lowest and the highest number to show; equal when there is no contrast."""
    sample = _sample(values)
    if missing is not None:
        sample = sample[~_is(sample, missing)]
    if not sample.size:
        return 0.0, 0.0
    low, high = np.percentile(sample.astype(np.float64), _PERCENTILES)
    if not high > low:
        # A few bright spots on an even ground: the window has to hold them too.
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
        if missing is not None:
            finite = finite[~_is(finite, missing)]
        low, high = (finite.min(), finite.max()) if finite.size else (0, 0)
    return float(low), float(high)


def _sentinel(values: Values) -> float | None:
    """An extreme number that can only stand for "no measurement"; None where there is none."""
    sample = _sample(values)
    if not sample.size:
        return None
    for extreme in (float(sample.min()), float(sample.max())):
        if extreme not in _SENTINELS and abs(extreme) < _HUGE:
            continue
        others = sample[~_is(sample, extreme)].astype(np.float64)
        often = sample.size - others.size >= max(2, _SENTINEL_SHARE * sample.size)
        if not others.size or not often:
            continue
        low, high = float(others.min()), float(others.max())
        if min(abs(low - extreme), abs(high - extreme)) > _GAP * (high - low):
            return extreme
    return None
