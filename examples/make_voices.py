"""Make the synthetic voices of this folder: no person ever said any of this.

Four invented speakers read three sentences each, spoken by the speech synthesiser espeak-ng.
Each gets a voice variant, a pitch, a speed and a length of vocal tract of its own, so that they
sound clearly different, and a little background noise, since no real recording is free of it.

Needs espeak-ng (Debian and Ubuntu: apt-get install espeak-ng; macOS: brew install espeak-ng):

    python examples/make_voices.py              # writes examples/voices/<speaker>-<1..3>.flac
"""

import argparse
import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
LEAD_S = 0.4  # background noise alone, before and after the sentence
SPEECH_RMS = 0.06  # about -24 dB of full scale, as a phone records
SNR_DB = 30.0  # speech over background noise


@dataclass(frozen=True)
class Speaker:
    """An invented speaker: settings of espeak-ng, and what it is made to say."""

    name: str
    voice: str  # espeak-ng's language and variant
    pitch: int  # espeak-ng's scale, 0 to 99
    words_per_minute: int
    tract: float  # above 1: a shorter vocal tract, so higher formants (and pitch)
    sentences: tuple[str, str, str]


SPEAKERS = (
    Speaker(
        "ada",
        "en-us+linda",
        pitch=62,
        words_per_minute=165,
        tract=1.08,
        sentences=(
            "The engine weaves patterns of numbers, just as the loom weaves flowers and leaves.",
            "On Thursday morning the harbour was quiet, and nobody had seen the little boat leave.",
            "Please bring six yellow apples, two loaves of bread, and a jar of thick honey.",
        ),
    ),
    Speaker(
        "alan",
        "en-gb-x-rp+m5",
        pitch=30,
        words_per_minute=155,
        tract=0.97,
        sentences=(
            "We can only see a short distance ahead, but there is plenty there to be done.",
            "The birch canoe slid on the smooth planks while the children watched from the shore.",
            "After the rain had stopped, the whole garden smelled of mint and of wet earth.",
        ),
    ),
    Speaker(
        "edsger",
        "en-us+klatt2",
        pitch=25,
        words_per_minute=180,
        tract=0.86,
        sentences=(
            "Simplicity is a great virtue, but it takes hard work to reach it, and to teach it.",
            "The train for the northern villages leaves from platform nine at ten past eight.",
            "Four hours of steady work faced us, so we made a pot of coffee and sat down to it.",
        ),
    ),
    Speaker(
        "grace",
        "en-us+klatt5",
        pitch=80,
        words_per_minute=145,
        tract=1.16,
        sentences=(
            "A ship in port is safe, but that is not what ships are built for, my dear.",
            "Rice is often served in round bowls, and the soup comes in a deep blue dish.",
            "He carried the old clock up the stairs, and it never rang the hour again.",
        ),
    ),
)


def synthesise(speaker: Speaker, sentence: str) -> NDArray[np.float64]:
    """Have espeak-ng say `sentence`. Returns a waveform at 16 kHz, shape (samples,)."""
    command = ["espeak-ng", "--stdout", "-v", speaker.voice]
    command += ["-p", str(speaker.pitch), "-s", str(speaker.words_per_minute), sentence]
    wav = bytearray(subprocess.run(command, check=True, capture_output=True).stdout)
    spoken, rate = sf.read(io.BytesIO(wav))
    return soxr.resample(spoken, rate * speaker.tract, SAMPLE_RATE)


def record(speech: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Put the speech into a room: level, lead-in and seeded noise that falls off like 1/f."""
    lead = np.zeros(round(LEAD_S * SAMPLE_RATE))
    speech = speech * SPEECH_RMS / np.sqrt(np.mean(speech**2))
    clean = np.concatenate([lead, speech, lead])
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=len(clean)))
    hz = np.fft.rfftfreq(len(clean), 1 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(hz, 50)), len(clean))
    noise *= SPEECH_RMS * 10 ** (-SNR_DB / 20) / np.sqrt(np.mean(noise**2))
    return clean + noise


def make(folder: Path) -> list[Path]:
    """Write every recording into `folder` as 16-bit FLAC and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, speaker in enumerate(SPEAKERS):
        for number, sentence in enumerate(speaker.sentences, start=1):
            path = folder / f"{speaker.name}-{number}.flac"
            recording = record(synthesise(speaker, sentence), seed=10 * index + number)
            sf.write(path, recording, SAMPLE_RATE, subtype="PCM_16")
            paths.append(path)
    return paths


def main() -> None:
    """Make the recordings and say what was made."""
    parser = argparse.ArgumentParser(description="Make the synthetic example voices.")
    here = Path(__file__).resolve().parent
    parser.add_argument("--folder", type=Path, default=here / "voices", help="where to write")
    folder = parser.parse_args().folder
    if shutil.which("espeak-ng") is None:
        parser.error("espeak-ng is not installed; try: apt-get install espeak-ng")
    for path in make(folder):
        print(f"{path}  {sf.info(path).duration:.1f} s  {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
