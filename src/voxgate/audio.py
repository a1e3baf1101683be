"""Turn any recording into a waveform: mono float32 at 16 kHz, nominally in [-1, 1].

Recordings are read in blocks, so that memory stays bounded whatever their length. Channels are
averaged, and the rate is converted by soxr. What cannot be scored is refused here, in one
sentence: no file, no sound, a damaged end, samples that are not finite, or digital silence.
"""

import io
import math
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from voxgate.decoders import BLOCK_S, AudioInfo, Decoder, open_decoder
from voxgate.errors import (
    AudioError,
    AudioFileNotFoundError,
    DamagedAudioError,
    UnreadableAudioError,
)

__all__ = [
    "BLOCK_S",
    "SAMPLE_RATE",
    "AudioInfo",
    "AudioStream",
    "Source",
    "Waveform",
    "load",
    "name_of",
    "open_audio",
]

SAMPLE_RATE = 16_000  # Hz, of every waveform
LOWEST_RATE, HIGHEST_RATE = 4_000, 192_000  # Hz, that a recording may have
BLOCK_SAMPLES = BLOCK_S * SAMPLE_RATE

Waveform: TypeAlias = NDArray[np.float32]  # mono, 16 kHz, shape (samples,)
Source: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO | Waveform"

_SILENCE = 1e-6  # -120 dB of full scale: below the last bit of 24, no microphone is so quiet
_LOUDEST = 16.0  # times full scale: beyond it, integers were taken for floats


def open_audio(source: Source, *, max_s: float | None = None) -> "AudioStream":
    """Open a recording, whatever it is, to be read block by block.

    Args:
        source: a path ("-" is standard input); the bytes of a whole encoded file; a binary file
            object, which is read from its start when it can seek and is left open; or a waveform:
            floats of shape (samples,), already mono at 16 kHz (int16 is scaled to [-1, 1]).
        max_s: the longest that is taken, in seconds. What its header says counts at once, what
            it turns out to be counts while it is decoded: hours are never unpacked.

    Raises:
        AudioError: longer than `max_s`, where the header tells it.
        AudioFileNotFoundError: there is no such file.
        UnreadableAudioError: a folder, no permission, empty, no sound in it, or a sample rate
            outside 4 to 192 kHz.
        DamagedAudioError: cut short, where the header tells it.
    """
    name = name_of(source)
    if isinstance(source, np.ndarray):
        return AudioStream(_ArrayDecoder(source), name, max_s=max_s)
    file, owned = _open_file(source)
    try:
        decoder = open_decoder(file, name)
    except BaseException:
        if owned:
            file.close()
        raise
    return AudioStream(decoder, name, file=file if owned else None, max_s=max_s)


def load(source: Source, *, max_s: float | None = None) -> Waveform:
    """Read a whole recording into one waveform.

    Raises:
        AudioError: longer than `max_s` seconds, or any error of `open_audio` and `AudioStream`.
    """
    with open_audio(source, max_s=max_s) as stream:
        return np.concatenate(list(stream))


def name_of(source: Source) -> str:
    """Name a recording for messages: its file name, or what else it is."""
    if isinstance(source, bytes):
        return "bytes"
    if isinstance(source, np.ndarray):
        return "waveform"
    if isinstance(source, (str, os.PathLike)):
        return "standard input" if source == "-" else Path(source).name or str(source)
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) and name else "file"


class AudioStream:
    """A recording that is being read: iterate over it once, for blocks of at most 10 s.

    Attributes:
        name: what to call the recording in messages.
        info: codec, sample rate, channels and duration, as the file states them.
    """

    def __init__(
        self,
        decoder: Decoder,
        name: str,
        *,
        file: BinaryIO | None = None,
        max_s: float | None = None,
    ) -> None:
        self.name = name
        self._max_s = math.inf if max_s is None else max_s
        self.info = decoder.info
        self._decoder = decoder
        self._file = file  # to be closed with the stream
        try:
            self._blocks = self._waveform(_check_rate(self.info.sample_rate_hz, name))
            self._check_length(self.info.duration_s or 0.0)
        except AudioError:
            self.close()
            raise

    def __iter__(self) -> Iterator[Waveform]:
        """Give the next blocks, each a waveform of 1 to 160,000 samples.

        Raises:
            DamagedAudioError: it ends too early, samples are not finite or far beyond full
                scale, or (at the end) all of it is digital silence.
            UnreadableAudioError: there are no samples (at the end).
            AudioError: it turns out longer than `max_s`.
        """
        return self._blocks

    def __enter__(self) -> "AudioStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the recording; a file object that was passed in stays open."""
        self._decoder.close()
        if self._file is not None:
            self._file.close()

    def _waveform(self, rate: int) -> Iterator[Waveform]:
        """Check and resample the decoded blocks, and cut them to at most 10 s."""
        blocks = self._checked(rate)
        for block in blocks if rate == SAMPLE_RATE else _resampled(blocks, rate):
            for start in range(0, len(block), BLOCK_SAMPLES):
                yield block[start : start + BLOCK_SAMPLES]
        self.close()

    def _checked(self, rate: int) -> Iterator[NDArray[np.float32]]:
        peak = 0.0
        samples = 0
        for block in self._decoder.blocks():
            block_peak = max(float(block.max(initial=0)), -float(block.min(initial=0)))
            if not block_peak <= _LOUDEST:  # NaN is not
                raise self._not_a_waveform(block, samples / rate)
            peak = max(peak, block_peak)
            samples += len(block)
            self._check_length(samples / rate)
            yield block
        if not samples:
            raise UnreadableAudioError(f"{self.name} holds no sound (0 samples). Record it again.")
        if peak <= _SILENCE:
            raise DamagedAudioError(
                f"{self.name} holds nothing but zeros ({samples / rate:.1f} s of digital silence). "
                "Check that the microphone was on, and record it again."
            )

    def _check_length(self, duration_s: float) -> None:
        if duration_s > self._max_s:
            raise AudioError(
                f"{self.name} is longer than {self._max_s:g} s, the most that is taken here. "
                "Give a shorter recording."
            )

    def _not_a_waveform(
        self, block: NDArray[np.float32], block_start_s: float
    ) -> DamagedAudioError:
        bad = ~np.isfinite(block)
        at_s = block_start_s + float(np.argmax(bad)) / self.info.sample_rate_hz
        if bad.any():
            return DamagedAudioError(
                f"{self.name} holds samples that are not finite numbers (NaN or infinity, the "
                f"first at {at_s:.2f} s). Export it again from its source."
            )
        return DamagedAudioError(
            f"{self.name} holds samples of up to {np.abs(block).max():,.0f}, where full scale is "
            "1. Divide integer samples by their full scale (32,768 for 16 bits) first."
        )


class _ArrayDecoder:
    """A waveform that somebody else decoded."""

    def __init__(self, waveform: NDArray[np.generic]) -> None:
        problem = ""
        if waveform.ndim != 1:
            problem = f"has shape {waveform.shape}; average its channels to one dimension"
        elif waveform.dtype != np.int16 and waveform.dtype.kind != "f":
            problem = f"is of type {waveform.dtype}; convert it to float32 in [-1, 1]"
        elif not waveform.size:
            problem = "is empty; give at least some tenths of a second"
        if problem:
            raise UnreadableAudioError(f"The waveform {problem} (mono, 16 kHz).")
        self._waveform = waveform
        self.info = AudioInfo("waveform", SAMPLE_RATE, 1, len(waveform) / SAMPLE_RATE)

    def blocks(self) -> Iterator[Waveform]:
        scale = np.float32(1 / 32_768 if self._waveform.dtype == np.int16 else 1)
        for start in range(0, len(self._waveform), BLOCK_SAMPLES):
            with np.errstate(over="ignore"):  # to infinity, which is refused later on
                block = self._waveform[start : start + BLOCK_SAMPLES].astype(np.float32) * scale
            yield block

    def close(self) -> None:
        pass


def _open_file(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[BinaryIO, bool]:
    """Open a source as a binary file that can seek; say whether it is ours to close."""
    if isinstance(source, bytes):
        return io.BytesIO(source), True
    if isinstance(source, (str, os.PathLike)):
        return _standard_input() if source == "-" else _open_path(source), True
    if not hasattr(source, "read") or isinstance(source, io.TextIOBase):
        raise UnreadableAudioError(
            f"A {type(source).__name__} is not a recording. Give a path, bytes, a file opened in "
            "binary mode, or a waveform (a NumPy array)."
        )
    if hasattr(source, "seekable") and not source.seekable():
        return _spooled(source, name_of(source)), True
    return source, False


def _open_path(path: str | os.PathLike[str]) -> BinaryIO:
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    except FileNotFoundError:
        raise AudioFileNotFoundError(f"{path}: there is no such file. Check the path.") from None
    except IsADirectoryError:
        raise UnreadableAudioError(f"{path} is a folder. Give a recording in it.") from None
    except PermissionError as error:
        if Path(path).is_dir():  # as Windows puts it
            raise UnreadableAudioError(f"{path} is a folder. Give a recording in it.") from None
        raise UnreadableAudioError(
            f"{path} cannot be opened: permission denied. Ask for the right to read it."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise UnreadableAudioError(f"{path!r} cannot be opened: {error}.") from error
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    with file:  # a pipe, as the shell's <(command) makes them
        return _spooled(file, name_of(path))


def _standard_input() -> BinaryIO:
    if sys.stdin.isatty():
        raise UnreadableAudioError(
            "Standard input is a terminal, not a recording. Pipe one into it, or give a path."
        )
    return _spooled(sys.stdin.buffer, "standard input")


def _spooled(stream: BinaryIO, name: str) -> BinaryIO:
    """Copy a stream that cannot seek to a temporary file, which is gone once it is closed."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        shutil.copyfileobj(stream, spool)
        spool.flush()
    except OSError as error:
        spool.close()
        raise UnreadableAudioError(
            f"{name} cannot be copied to the temporary folder: {error}."
        ) from error
    return cast("BinaryIO", spool)


def _check_rate(rate: int, name: str) -> int:
    if LOWEST_RATE <= rate <= HIGHEST_RATE:
        return rate
    raise UnreadableAudioError(
        f"{name} has a sample rate of {rate:,} Hz; from {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz "
        "is allowed. Convert it to 16,000 Hz first."
    )


def _resampled(blocks: Iterator[NDArray[np.float32]], rate: int) -> Iterator[Waveform]:
    """Convert blocks at `rate` Hz to 16 kHz, as one continuous signal."""
    import soxr  # noqa: PLC0415 - not needed at 16 kHz

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, num_channels=1, dtype="float32")
    for block in blocks:
        if len(converted := stream.resample_chunk(block)):
            yield converted
    if len(rest := stream.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield rest
