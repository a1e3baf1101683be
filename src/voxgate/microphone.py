"""Recording from a microphone, until there is enough speech.

A microphone, here, is anything that gives blocks of samples: a context manager that yields an
iterator of waveforms (samples,), 16 kHz mono. `open_microphone` is the real one, over
sounddevice (the extra "mic"); a test hands in a list.
"""

import math
import queue
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxgate.atomic import complete_or_absent
from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import MicrophoneError, OutputError, UsageError
from voxgate.extras import need
from voxgate.vad import FRAME_S, Probabilities, SpeechDetector, VadOptions

BLOCK_S = 0.1  # how often the level meter moves
FORMATS = {".flac": "FLAC", ".wav": "WAV"}  # suffix -> soundfile's name; both 16 bit
CLIPPED = 0.99  # of full scale
SILENCE_DBFS = -80.0  # what the meter shows at least

_WORD_S = 0.3  # reading aloud: 200 words a minute
_READ_ENOUGH = 0.6  # of the time that a sentence should take
_PAUSE_S = 0.7  # silence after a sentence: the next one, please
_PATIENCE_S = 10.0  # a device that gives nothing for so long is broken

# Between them, all consonants and vowels of English, in many neighbourhoods; short enough to
# say in one breath.
SENTENCES = (
    "The early train to Oxford leaves at five, whatever the weather does.",
    "My neighbour grows huge yellow pears behind the old garage.",
    "Would you choose a quiet beach, or a noisy city full of music?",
    "She carefully measured thirty grams of sugar and a pinch of ginger.",
    "Few birds sing when a thick fog covers the northern harbour.",
    "Joyful children pushed a wooden cart up the hill, then raced back down.",
    "I usually read for an hour before I go to sleep.",
    "Our television broke, so we watched the clouds change shape instead.",
    "Both brothers caught a cold after swimming in the lake at dawn.",
    "Please bring a warm jacket, a good map, and enough water for the day.",
    "The judge put her pencil down and waited for a clear answer.",
    "Fresh bread, strong coffee, and orange juice are on the kitchen table.",
    "Zebras and giraffes share that dry field near the river.",
    "It was a pleasure to hear how the village youth choir has improved.",
    "Nothing was stolen, although the window had been open all weekend.",
    "Could you show me the shortest route from the station to the zoo?",
    "A huge owl flew over the roof while the moon was still low.",
    "They argued about which road was safer, and took neither.",
    "Every Thursday my aunt polishes the brass bell by the door.",
    "Take the second turn on the left, just beyond the church tower.",
)


@dataclass(frozen=True)
class Progress:
    """Where a recording stands, at each block."""

    duration_s: float
    speech_s: float
    wanted_s: float  # of speech
    level_dbfs: float  # of this block
    clipped: bool  # in this block
    sentence: str  # to read now

    @property
    def enough(self) -> bool:
        """Whether there is as much speech as wanted."""
        return self.speech_s >= self.wanted_s


def record(
    blocks: Iterable[Waveform],
    path: Path,
    *,
    wanted_s: float = 20.0,
    longest_s: float = 180.0,
    sentences: Sequence[str] = SENTENCES,
) -> Iterator[Progress]:
    """Write what the microphone hears to `path`, telling the progress block by block.

    It ends when there is enough speech, or at `longest_s`. The file appears when it is
    complete; leaving the loop earlier leaves no file.

    Raises:
        UsageError: the suffix is none of FORMATS, or a number makes no sense.
        OutputError: the file cannot be written.
    """
    if not 0 < wanted_s <= longest_s:
        raise UsageError(
            f"Cannot wait for {wanted_s:g} s of speech in at most {longest_s:g} s of recording."
        )
    monitor = Monitor(wanted_s=wanted_s, sentences=sentences)
    with _sound_file(path) as file:
        for block in blocks:
            file.write(block)
            progress = monitor.hear(block)
            yield progress
            if progress.enough or progress.duration_s >= longest_s:
                break


class Monitor:
    """Listens to a recording as it is made: how much speech so far, and what to read next.

    Raises:
        UsageError: there is no sentence to read.
    """

    def __init__(self, *, wanted_s: float = 20.0, sentences: Sequence[str] = SENTENCES) -> None:
        self._wanted_s = wanted_s
        self._duration_s = 0.0
        self._detector = SpeechDetector()
        self._prompter = _Prompter(sentences)

    def hear(self, block: Waveform) -> Progress:
        """Take the next block (samples,) and tell where the recording stands."""
        self._duration_s += len(block) / SAMPLE_RATE
        self._prompter.hear(self._detector.probabilities(block))
        return Progress(
            duration_s=self._duration_s,
            speech_s=self._prompter.speech_s,
            wanted_s=self._wanted_s,
            level_dbfs=_level_dbfs(block),
            clipped=bool(np.abs(block).max(initial=0) >= CLIPPED),
            sentence=self._prompter.sentence,
        )


class _Prompter:
    """Counts speech, and turns to the next sentence when the speaker has read one and pauses.

    The count is careful: the frames that are surely speech, without the pauses between words.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        if not sentences:
            raise UsageError("There is no sentence to read.")
        self.speech_s = 0.0
        self._sentences = sentences
        self._index = 0
        self._read_s = 0.0  # speech since this sentence was shown
        self._silence_s = 0.0  # since the last speech

    @property
    def sentence(self) -> str:
        return self._sentences[self._index % len(self._sentences)]

    def hear(self, probabilities: Probabilities) -> None:
        """Take the speech probability of each new frame (frames,) into account."""
        for spoken in probabilities >= VadOptions.threshold:
            if spoken:
                self.speech_s += FRAME_S
                self._read_s += FRAME_S
                self._silence_s = 0.0
            else:
                self._silence_s += FRAME_S
            should_take_s = _WORD_S * len(self.sentence.split())
            if self._silence_s >= _PAUSE_S and self._read_s >= _READ_ENOUGH * should_take_s:
                self._index += 1
                self._read_s = 0.0


@contextmanager
def open_microphone(device: str | None = None) -> Iterator[Iterator[Waveform]]:
    """Listen to the default microphone, or to the one of that number or part of a name.

    Raises:
        MissingExtraError: sounddevice is not installed.
        MicrophoneError: there is no microphone, or it cannot be used.
    """
    try:
        sounddevice = need("sounddevice", "mic")
    except OSError as error:  # sounddevice is there, PortAudio under it is not
        raise MicrophoneError(
            "The PortAudio library is missing; on Debian or Ubuntu run: "
            "sudo apt install libportaudio2"
        ) from error
    heard: queue.Queue[Waveform] = queue.Queue()

    def hear(samples: Any, *_: object) -> None:  # samples (samples, 1), float32
        heard.put(samples[:, 0].copy())

    chosen = int(device) if device and device.isdecimal() else device
    try:
        # At the device's own rate: not every system resamples by itself.
        rate = round(sounddevice.query_devices(chosen, "input")["default_samplerate"])
        stream = sounddevice.InputStream(
            samplerate=rate,
            blocksize=round(rate * BLOCK_S),
            device=chosen,
            channels=1,
            dtype="float32",
            callback=hear,
        )
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as error:  # ValueError: no such device
        raise MicrophoneError(
            f"No microphone{f' {device!r}' if device else ''} can be used ({error}); plug one "
            "in, allow access to it, or choose another with --device."
        ) from error
    with stream:
        yield _blocks(heard, rate)


def _blocks(heard: "queue.Queue[Waveform]", rate_hz: int) -> Iterator[Waveform]:
    """What is heard, at 16 kHz, for ever."""
    import soxr  # noqa: PLC0415 - only where it is used

    resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE, num_channels=1, dtype="float32")
    while True:
        try:
            yield resampler.resample_chunk(heard.get(timeout=_PATIENCE_S))
        except queue.Empty:
            raise MicrophoneError(
                f"The microphone has given no sound for {_PATIENCE_S:.0f} s; is it still there?"
            ) from None


def read_sentences(path: Path) -> list[str]:
    """Sentences from a text file, one a line; empty lines are left out.

    Raises:
        UsageError: it cannot be read as text, or holds no sentence.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path}: cannot be read for sentences: {reason}.") from error
    sentences = [line.strip() for line in lines if line.strip()]
    if not sentences:
        raise UsageError(f"{path}: holds no sentence; write one a line.")
    return sentences


@contextmanager
def _sound_file(path: Path) -> Iterator[Any]:
    """A soundfile to write to, which becomes `path` when all went well."""
    import soundfile  # noqa: PLC0415 - only where it is used

    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path}: recordings are written as {' or '.join(FORMATS)}.")
    with complete_or_absent(path) as part:
        try:
            with soundfile.SoundFile(
                part, "w", SAMPLE_RATE, 1, "PCM_16", format=FORMATS[path.suffix.lower()]
            ) as file:
                yield file
        except soundfile.LibsndfileError as error:
            raise OutputError(f"{path}: cannot be written: {error}") from error


def _level_dbfs(block: Waveform) -> float:
    """RMS level; a full-scale square wave is 0 dB."""
    power = float(np.mean(np.square(block))) if len(block) else 0.0
    return 10 * math.log10(max(power, 10 ** (SILENCE_DBFS / 10)))
