"""Synthetic voices: speech-like enough for the speech detector, each with its own character.

A voice is a number. Harmonics of a gliding pitch pass through moving formants and through
a fixed tone colour; pitch, tract length and colour belong to the voice, the syllables and
melody to the `take`. Nobody's voice was used.
"""

import numpy as np

RATE = 16_000
_FRAME = 160  # samples between the points at which the sound's parameters are set
_VOWELS_HZ = np.array(
    [[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [530, 1840, 2480], [570, 840, 2410]]
)


def speak(voice: int, seconds: float, take: int = 0) -> np.ndarray:
    """A waveform (samples,), float32 at 16 kHz, all of it speech-like."""
    own, said = np.random.default_rng([voice, 7]), np.random.default_rng([voice, take, 11])
    pitch_hz, tract, tilt = own.uniform(85, 240), own.uniform(0.85, 1.2), own.uniform(0.7, 1.3)
    colour_db = own.normal(0, 9, size=20)  # at 20 points from 0 to 8 kHz
    samples = round(seconds * RATE)
    frames = samples // _FRAME + 2
    syllables = max(1, round(seconds * 4.5)) + 1
    at = np.linspace(0, frames, syllables)
    formants = _VOWELS_HZ[said.integers(len(_VOWELS_HZ), size=syllables)] / tract
    tracks = np.stack([np.interp(range(frames), at, track) for track in formants.T])
    pitch = np.interp(range(frames), at, pitch_hz * said.uniform(0.9, 1.15, size=syllables))
    loud = np.interp(range(frames), at, said.uniform(0.5, 1, size=syllables))
    loud = loud * (0.6 + 0.4 * np.cos(2 * np.pi * np.arange(frames) * syllables / frames))

    times = np.arange(samples) / _FRAME
    phase = 2 * np.pi * np.cumsum(np.interp(times, range(frames), pitch)) / RATE
    wave = np.zeros(samples)
    for harmonic in range(1, int(7000 / pitch.max())):
        hz = harmonic * pitch
        gain = sum(1 / (1 + ((hz - track) / (60 + 0.06 * track)) ** 2) for track in tracks)
        gain = gain * 10 ** (np.interp(hz, np.linspace(0, 8000, 20), colour_db) / 20)
        wave += np.interp(times, range(frames), gain * loud / harmonic**tilt) * np.sin(
            harmonic * phase
        )
    wave += said.normal(0, 0.003, samples)
    return np.asarray(0.3 * wave / np.abs(wave).max(), np.float32)
