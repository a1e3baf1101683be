"""The pitch of a voice over time, by YIN.

de Cheveigné and Kawahara (2002), "YIN, a fundamental frequency estimator for speech and music",
steps 1 to 5: the difference function, divided by its mean so far, is searched for the first
dip that is deep enough, and the dip's place is refined by a parabola.
"""

from typing import NamedTuple

import numpy as np

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.features import Floats, frames

LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0  # where voices are
HOP_S = 0.01

_HOP = round(HOP_S * SAMPLE_RATE)
_LONGEST = round(SAMPLE_RATE / LOWEST_HZ)  # lag in samples
_SHORTEST = round(SAMPLE_RATE / HIGHEST_HZ)
_WINDOW = 512  # samples compared with those a lag later: 32 ms
_FRAME = _WINDOW + _LONGEST
_FFT = 1024  # at least _FRAME, so that nothing wraps round
_VOICED = 0.15  # the dip of a periodic frame is deeper
_SILENT = 1e-6  # mean power (-60 dB of full scale): no voice below it
_BLOCK = 1000  # frames at a time: bounds the memory


class PitchTrack(NamedTuple):
    """Fundamental frequency; NaN where the sound has none."""

    times_s: Floats  # (frames,), of the middle of each frame
    hz: Floats  # (frames,)


def pitch_track(waveform: Waveform) -> PitchTrack:
    """Follow the pitch of a waveform (samples,), every HOP_S from its start to its end."""
    padded = np.pad(np.asarray(waveform, np.float32), (_FRAME // 2, _FRAME))
    count = 1 + len(waveform) // _HOP
    pieces = frames(padded, _FRAME, _HOP)[:count]
    found = [_pitch(pieces[start : start + _BLOCK]) for start in range(0, count, _BLOCK)]
    return PitchTrack(np.arange(count) * HOP_S, np.concatenate(found))


def _pitch(pieces: Floats) -> Floats:
    """Pitch (n,) of frames (n, _FRAME)."""
    normalised = _normalised_difference(pieces.astype(np.float64))
    lags = normalised[:, _SHORTEST : _LONGEST - 1]
    before, after = normalised[:, _SHORTEST - 1 : _LONGEST - 2], normalised[:, _SHORTEST + 1 :]
    dips = (lags < _VOICED) & (lags <= before) & (lags < after)
    first = dips.argmax(axis=1)
    rows = np.arange(len(pieces))
    left, here, right = before[rows, first], lags[rows, first], after[rows, first]
    bend = left - 2 * here + right
    shift = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1), 0.0)
    voiced = dips.any(axis=1) & (np.square(pieces).mean(axis=1) > _SILENT)
    return np.where(voiced, SAMPLE_RATE / (first + _SHORTEST + shift), np.nan)


def _normalised_difference(pieces: Floats) -> Floats:
    """YIN's d'(lag) of each frame, (n, _LONGEST); d'(0) is 1."""
    start = pieces[:, :_WINDOW]
    products = np.fft.irfft(
        np.fft.rfft(pieces, _FFT) * np.conj(np.fft.rfft(start, _FFT)), _FFT, axis=1
    )[:, :_LONGEST]
    energy = np.cumsum(np.pad(np.square(pieces), ((0, 0), (1, 0))), axis=1)
    later = energy[:, _WINDOW : _WINDOW + _LONGEST] - energy[:, :_LONGEST]
    difference = (later[:, :1] + later - 2 * products).clip(min=0)
    total = np.cumsum(difference[:, 1:], axis=1)
    mean = total / np.arange(1, _LONGEST)
    normalised: Floats = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] / np.maximum(mean, 1e-12)
    return normalised
