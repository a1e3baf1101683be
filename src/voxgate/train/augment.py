"""Make clean crops sound like ordinary recordings: noise, rooms, microphones, telephones, codecs.

Works on a whole batch (batch, samples) of float32 at 16 kHz. Everything linear (room, microphone,
band) is one product in the frequency domain. All chance comes from the generator that is given.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
import soundfile
import soxr
from numpy.typing import NDArray

from voxgate.audio import SAMPLE_RATE, Waveform, load
from voxgate.errors import TrainingError
from voxgate.train.opus import opus

Floats = NDArray[np.floating[Any]]

_TELEPHONE_HZ = 8_000


@dataclass(frozen=True)
class AugmentConfig:
    """How likely each change is, and how strong."""

    share: float = 1.0  # of the rows that are changed at all; the others stay as recorded
    noise: float = 0.5
    noise_snr_db: tuple[float, float] = (0.0, 20.0)
    babble: float = 0.1  # of those with noise: other speakers of the batch, 3 to 6 at once
    babble_snr_db: tuple[float, float] = (8.0, 20.0)
    room: float = 0.4
    measured_room: float = 0.3  # of those with a room: a measured response, not a made one
    reverberation_s: tuple[float, float] = (0.08, 0.7)  # RT60 of a made room
    direct_db: tuple[float, float] = (0.0, 15.0)  # direct sound over reverberation
    microphone: float = 0.5
    microphone_db: float = 8.0  # its response at octave points is within this of flat
    telephone: float = 0.08  # 300-3400 Hz, 8 kHz, µ-law
    low_pass: float = 0.08
    low_pass_hz: tuple[float, float] = (3000.0, 7000.0)
    mp3: float = 0.03
    clip: float = 0.05
    clip_share: tuple[float, float] = (0.001, 0.05)  # of the samples
    opus: float = 0.0
    opus_kbps: tuple[float, float] = (6.0, 24.0)  # as messengers and calls use it
    masks: float = 0.0  # of the rows: SpecAugment, on features (see `spec_augment`)
    masked_bands: float = 0.15  # the most that one mask hides
    masked_frames: float = 0.15


class Augmenter:
    """Applies an AugmentConfig, with noises and rooms from a folder (`noise/` and `rir/` in it)."""

    def __init__(self, folder: Path, config: AugmentConfig) -> None:
        self.config = config
        self.noises = [load(path) for path in _files(folder / "noise")]
        self.rooms = [_from_first_peak(load(path)) for path in _files(folder / "rir")]

    def __call__(self, clean: Waveform, rng: np.random.Generator) -> Waveform:
        """A changed copy of `clean`, (batch, samples)."""
        batch = _loudness_1(clean)
        if self.config.share == 1:  # nothing is drawn: runs before `share` was there stay
            return self._change(batch, rng)
        rows = np.flatnonzero(rng.random(len(batch)) < self.config.share)
        if len(rows):
            batch[rows] = self._change(batch[rows], rng)
        return batch

    def _change(self, batch: Waveform, rng: np.random.Generator) -> Waveform:
        batch = self._filter(batch, rng)
        batch = self._add_noise(batch, rng)
        for row in range(len(batch)):
            batch[row] = self._through_a_codec(batch[row], rng)
        return _loudness_1(batch)

    def _filter(self, batch: Waveform, rng: np.random.Generator) -> Waveform:
        """Room, microphone and band, as one frequency response a row."""
        c, samples = self.config, batch.shape[1]
        tail = round(max(c.reverberation_s) * SAMPLE_RATE)
        size = scipy.fft.next_fast_len(samples + tail, real=True)
        hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
        spectrum = scipy.fft.rfft(batch, size)
        for row in range(len(batch)):
            if rng.random() < c.room:
                spectrum[row] *= scipy.fft.rfft(self._room(rng)[:tail], size)
            if rng.random() < c.microphone:
                spectrum[row] *= _response(hz, c.microphone_db, rng)
            if rng.random() < c.low_pass:
                spectrum[row] *= _pass(hz, 0, rng.uniform(*c.low_pass_hz))
        filtered: Waveform = scipy.fft.irfft(spectrum, size)[:, :samples]
        return _loudness_1(filtered)

    def _room(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """An impulse response that begins with the direct sound."""
        c = self.config
        if rng.random() < c.measured_room:
            return self.rooms[rng.integers(len(self.rooms))]
        seconds = rng.uniform(*c.reverberation_s)
        time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        tail = rng.normal(size=len(time)) * 10 ** (-3 * time / seconds)
        tail *= 10 ** (-rng.uniform(*c.direct_db) / 20) / np.sqrt((tail**2).sum())
        tail[0] += 1
        return tail.astype(np.float32)

    def _add_noise(self, batch: Waveform, rng: np.random.Generator) -> Waveform:
        c = self.config
        noisy: Waveform = batch.copy()
        for row in np.flatnonzero(rng.random(len(batch)) < c.noise):
            if rng.random() < c.babble and len(batch) > 1:
                others = rng.choice(np.delete(np.arange(len(batch)), row), rng.integers(3, 7))
                noise, range_db = batch[others].sum(axis=0), c.babble_snr_db
            else:
                noise, range_db = self._noise(batch.shape[1], rng), c.noise_snr_db
            noise = noise / max(float(np.sqrt((noise**2).mean())), 1e-6)
            noisy[row] += noise * np.float32(10 ** (-rng.uniform(*range_db) / 20))
        return noisy

    def _noise(self, samples: int, rng: np.random.Generator) -> Waveform:
        source = self.noises[rng.integers(len(self.noises))]
        first = int(rng.integers(max(1, len(source) - samples)))
        return np.resize(source[first : first + samples], samples)

    def _through_a_codec(self, row: Waveform, rng: np.random.Generator) -> Waveform:
        c = self.config
        if rng.random() < c.clip:
            ceiling = np.quantile(np.abs(row), 1 - rng.uniform(*c.clip_share))
            row = row.clip(-ceiling, ceiling)
        if rng.random() < c.telephone:
            row = _telephone(row)
        if rng.random() < c.mp3:
            row = _mp3(row, rng)
        if c.opus and rng.random() < c.opus:  # without it nothing is drawn: runs before it stay
            row = opus(row, rng.uniform(*c.opus_kbps))
        return row


def _files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.glob("*") if path.is_file())
    if not files:
        raise TrainingError(f"{folder} holds no recording; augmentation needs some.")
    return files


def _loudness_1(batch: Waveform) -> Waveform:
    """Each row at an RMS of 1."""
    rms = np.sqrt((batch**2).mean(axis=1, keepdims=True)).clip(min=1e-5)
    loud: Waveform = (batch / rms).astype(np.float32)
    return loud


def _from_first_peak(response: Waveform) -> Waveform:
    peak = int(np.abs(response).argmax())
    begun: Waveform = response[peak:] / np.abs(response[peak])
    return begun


def _response(hz: Floats, within_db: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth gain curve through random values at octave points, 62 Hz to 8 kHz."""
    octaves = np.log2(hz.clip(min=62.5) / 62.5)
    gain_db = np.interp(octaves, np.arange(8), rng.uniform(-within_db, within_db, 8))
    gain: NDArray[np.float32] = (10 ** (gain_db / 20)).astype(np.float32)
    return gain


def _pass(hz: Floats, low_hz: float, high_hz: float) -> NDArray[np.float32]:
    """1 between the two, falling 60 dB an octave outside."""
    above = np.log2((hz / high_hz).clip(min=1))
    below = np.log2((low_hz / hz.clip(min=1)).clip(min=1))
    gain: NDArray[np.float32] = (10 ** (-60 * (above + below) / 20)).astype(np.float32)
    return gain


def _telephone(row: Waveform) -> Waveform:
    """300 to 3400 Hz in 8-bit µ-law (ITU-T G.711's curve, µ = 255), at 8 kHz."""
    at_half = soxr.resample(row, SAMPLE_RATE, _TELEPHONE_HZ)
    hz = np.fft.rfftfreq(len(at_half), 1 / _TELEPHONE_HZ)
    band = scipy.fft.irfft(scipy.fft.rfft(at_half) * _pass(hz, 300, 3400), len(at_half))
    level = max(float(np.abs(band).max()), 1e-6)
    squeezed = np.sign(band) * np.log1p(255 * np.abs(band) / level) / np.log(256)
    stepped = np.rint(squeezed * 127) / 127
    spread = np.sign(stepped) * (256 ** np.abs(stepped) - 1) / 255
    heard = soxr.resample(spread * level, _TELEPHONE_HZ, SAMPLE_RATE)
    whole: Waveform = np.resize(heard, len(row)).astype(np.float32)
    return whole


def _mp3(row: Waveform, rng: np.random.Generator) -> Waveform:
    level = max(float(np.abs(row).max()), 1e-6)
    buffer = io.BytesIO()
    soundfile.write(
        buffer, row / level, SAMPLE_RATE, format="MP3", compression_level=rng.uniform(0.5, 0.95)
    )
    buffer.seek(0)
    decoded, _ = soundfile.read(buffer, dtype="float32")
    heard: Waveform = np.resize(decoded, len(row)) * np.float32(level)
    return heard
