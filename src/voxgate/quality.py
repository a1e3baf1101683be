"""Judge how fit a recording is: how much speech, how noisy, clipped, narrow and loud it is.

Numbers come from one pass over the speech and the background between it. Warnings are data: a
code for programs, and a sentence for people that ends with what to do.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform

NOISY_DB = 10.0  # a lower signal-to-noise ratio brings a warning
CLIPPED = 0.005  # a greater share of clipped samples does
TELEPHONE_HZ = (
    4_250.0  # a bandwidth up to here does: a telephone ends at 3,400, 8 kHz files at 4,000
)
QUIET_DBFS = -45.0  # a lower level does
SHORT_SPEECH_S = 2.0  # less speech does

CLIP_LEVEL = 0.98  # of full scale: where the largest value of µ-law is, too
HIGHEST_SNR_DB, LOWEST_SNR_DB = 60.0, -10.0  # beyond them the ratio means nothing
BAND_FLOOR_DB = -45.0  # below the speech: what is weaker counts as empty

_FRAME = 512  # samples: 32 ms, bins of 31.25 Hz
_BAND_BINS = 8  # 250 Hz
_HUM_BINS = 4  # below 125 Hz there is hum and rumble, which does not disturb
_SPEECH_BINS = slice(10, 109)  # 312 to 3,375 Hz, where all speech is
_MIN_BACKGROUND = 5  # frames (0.16 s), to know the noise from
_WINDOW = np.hanning(_FRAME).astype(np.float32)


@dataclass(frozen=True)
class QualityWarning:
    """One reason to trust a recording less."""

    code: str  # noisy, clipped, telephone_band, quiet or short_speech
    message: str


@dataclass(frozen=True)
class Quality:
    """What a recording is like. None where it cannot be known."""

    duration_s: float
    speech_s: float
    snr_db: float | None  # speech over background; None with under 0.16 s of background
    clipped: float  # share of the samples of the speech at full scale, in [0, 1]
    bandwidth_hz: float | None  # up to which there is speech, in steps of 250 Hz, at most 8,000
    level_dbfs: float | None  # root mean square of the speech, in dB of full scale
    warnings: tuple[QualityWarning, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return asdict(self) | {"warnings": [asdict(warning) for warning in self.warnings]}


class QualityMeter:
    """Adds up a recording piece by piece, in bounded memory.

    The signal-to-noise ratio compares the mean power of speech with that of the background
    (above 125 Hz). With noise added to real recordings at 0 to 20 dB, nine in ten estimates are
    within 1.1 dB for steady noise. For barking dogs, dishes and traffic at 10 dB they are within
    6 dB in sentences, but not in single words, where such a noise may fall on the word alone. The
    mean is used since the median, and other percentiles, miss such noises by 20 dB.

    The bandwidth tells 8 kHz recordings from sentences at 16 kHz: in the development recordings
    it misses none, and calls none of LibriSpeech narrow, and of VoxForge only the one speaker
    whose recordings are. Words without a hissing sound may look narrow (4 % of one-word ones).
    """

    def __init__(self) -> None:
        self._samples = {True: 0, False: 0}  # of speech, of background
        self._frames = {True: 0, False: 0}
        self._spectra = {True: np.zeros(_FRAME // 2 + 1), False: np.zeros(_FRAME // 2 + 1)}
        self._clipped = 0
        self._sum = 0.0
        self._sum_of_squares = 0.0

    def add(self, waveform: Waveform, *, is_speech: bool) -> None:
        """Take the next piece (samples,) of a recording, all of it speech or none."""
        self._samples[is_speech] += len(waveform)
        frames = waveform[: len(waveform) // _FRAME * _FRAME].reshape(-1, _FRAME)
        self._frames[is_speech] += len(frames)
        self._spectra[is_speech] += _power(frames)
        if is_speech:
            self._clipped += int(np.count_nonzero(np.abs(waveform) >= CLIP_LEVEL))
            self._sum += float(waveform.sum(dtype=np.float64))
            self._sum_of_squares += float(np.square(waveform, dtype=np.float64).sum())

    def quality(self) -> Quality:
        """Judge all that was added."""
        speech, background = self._samples[True], self._samples[False]
        quality = Quality(
            duration_s=(speech + background) / SAMPLE_RATE,
            speech_s=speech / SAMPLE_RATE,
            snr_db=self._snr_db(),
            clipped=self._clipped / max(speech, 1),
            bandwidth_hz=self._bandwidth_hz(),
            level_dbfs=self._level_dbfs(),
        )
        return replace(quality, warnings=tuple(_warnings(quality)))

    def _snr_db(self) -> float | None:
        if not self._frames[True] or self._frames[False] < _MIN_BACKGROUND:
            return None
        speech, noise = (
            float(self._spectra[kind][_HUM_BINS:].sum()) / self._frames[kind]
            for kind in (True, False)
        )
        if noise <= speech * 10 ** (-HIGHEST_SNR_DB / 10):
            return HIGHEST_SNR_DB
        return max(LOWEST_SNR_DB, _db((speech - noise) / noise))

    def _bandwidth_hz(self) -> float | None:
        """The upper end of the highest band of 250 Hz that is not empty."""
        spectrum = self._spectra[True]
        reference = float(spectrum[_SPEECH_BINS].mean())
        if reference <= 0:
            return None
        bands = spectrum[:-1].reshape(-1, _BAND_BINS).mean(axis=1)
        filled = np.flatnonzero(bands > reference * 10 ** (BAND_FLOOR_DB / 10))
        return (int(filled[-1]) + 1) * SAMPLE_RATE / _FRAME * _BAND_BINS

    def _level_dbfs(self) -> float | None:
        """Root mean square without the direct current that poor sound cards add."""
        samples = self._samples[True]
        if not samples:
            return None
        variance = self._sum_of_squares / samples - (self._sum / samples) ** 2
        return _db(variance) if variance > 0 else None


def _power(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum of the power spectra (257,) of frames (count, 512)."""
    amplitudes = np.abs(np.fft.rfft(frames * _WINDOW))
    total: NDArray[np.float64] = np.square(amplitudes).sum(axis=0, dtype=np.float64)
    return total


def _db(ratio: float) -> float:
    return 10 * math.log10(ratio) if ratio > 0 else -math.inf


def _warnings(quality: Quality) -> Iterator[QualityWarning]:
    if quality.speech_s < SHORT_SPEECH_S:
        yield QualityWarning(
            "short_speech",
            f"There is only {quality.speech_s:.1f} s of speech; with {SHORT_SPEECH_S:g} s or more "
            "the answer is far more certain. Record a longer sentence.",
        )
    if quality.snr_db is not None and quality.snr_db < NOISY_DB:
        yield QualityWarning(
            "noisy",
            f"The speech is {quality.snr_db:.0f} dB above the background noise; at least "
            f"{NOISY_DB:g} dB is wanted. Record closer to the microphone or in a quieter place.",
        )
    if quality.clipped > CLIPPED:
        yield QualityWarning(
            "clipped",
            f"{quality.clipped:.1%} of the speech is clipped; at most {CLIPPED:.1%} does no harm. "
            "Turn the recording level down, or keep further from the microphone.",
        )
    if quality.bandwidth_hz is not None and quality.bandwidth_hz <= TELEPHONE_HZ:
        yield QualityWarning(
            "telephone_band",
            f"There is no sound above {quality.bandwidth_hz:,.0f} Hz, as on a telephone line. "
            "Record at 16,000 Hz or more, or enrol from the same kind of line.",
        )
    if quality.level_dbfs is not None and quality.level_dbfs < QUIET_DBFS:
        yield QualityWarning(
            "quiet",
            f"The speech is very quiet ({quality.level_dbfs:.0f} dB of full scale; "
            f"{QUIET_DBFS:g} or more is wanted). Speak closer to the microphone, or turn it up.",
        )
