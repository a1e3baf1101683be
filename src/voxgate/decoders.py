"""Decode sound files block by block: soundfile where it can, PyAV (FFmpeg) for the rest.

Decoders give mono blocks at the file's own sample rate: `voxgate.audio` resamples and checks
them. Both libraries are imported when they are needed; most recordings never need PyAV.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from voxgate.containers import is_mp3, missing_bytes
from voxgate.errors import DamagedAudioError, UnreadableAudioError

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream as Track

Samples = NDArray[np.float32]  # mono at the file's own rate, shape (samples,)

BLOCK_S = 10  # longest block, in seconds
_BLOCK_VALUES = 2**20  # and most values in one, channels counted: 4 MiB
_CONTAINERS = (  # what PyAV may open: no playlist, which would make it fetch other files
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,matroska,mov,mp3,mpeg,mpegts,ogg,tta,w64,"
    "wav,wv"
)
_MOST_CHANNELS = 8  # of PyAV: it reads the planes of further ones from beyond the frame
_KNOWN = "WAV, FLAC, AIFF, MP3, Ogg, M4A, MP4, WebM and the like"


@dataclass(frozen=True)
class AudioInfo:
    """What a recording was before it was decoded."""

    codec: str  # such as "pcm_16", "flac", "opus", "aac"
    sample_rate_hz: int
    channels: int
    duration_s: float | None  # as the file says; None where it does not


class Decoder(Protocol):
    """An open file that gives its sound in order, once."""

    info: AudioInfo

    def blocks(self) -> Iterator[Samples]: ...
    def close(self) -> None: ...


def open_decoder(file: BinaryIO, name: str) -> Decoder:
    """Find the decoder for an open file that can seek; `name` is for messages.

    Raises:
        UnreadableAudioError: empty, of no known format, or without sound.
        DamagedAudioError: cut short.
    """
    file.seek(0)
    head = file.read(512)
    if not head:
        raise UnreadableAudioError(f"{name} is empty (0 bytes). Record it again.")
    if missing := missing_bytes(file):
        raise DamagedAudioError(
            f"{name} is cut short: {missing:,} bytes that its header promises are missing. "
            "Copy or record it again."
        )
    if is_mp3(head):  # soundfile's decoder writes its remarks on MP3 files to stderr
        return PyavDecoder(file, name, head)
    return _open_soundfile(file, name) or PyavDecoder(file, name, head)


def _open_soundfile(file: BinaryIO, name: str) -> "SoundfileDecoder | None":
    import soundfile  # noqa: PLC0415 - only when a file is read

    file.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except (soundfile.SoundFileError, TypeError):  # TypeError: a file named .raw
        return None
    if sound.frames == 0:  # also a WAV file with length 0 in its header, for "unknown"
        sound.close()
        return None
    return SoundfileDecoder(sound, name)


class SoundfileDecoder:
    """WAV, FLAC, AIFF, Ogg Vorbis, Ogg Opus and others, through libsndfile."""

    def __init__(self, sound: Any, name: str) -> None:
        self._sound = sound
        self._name = name
        self._frames: int | None = sound.frames if sound.frames < 2**62 else None
        codec = sound.format if sound.format == "FLAC" else sound.subtype
        self.info = AudioInfo(
            codec=codec.lower(),
            sample_rate_hz=sound.samplerate,
            channels=sound.channels,
            duration_s=None if self._frames is None else self._frames / sound.samplerate,
        )

    def blocks(self) -> Iterator[Samples]:
        rate, channels = self.info.sample_rate_hz, self.info.channels
        frames = min(BLOCK_S * rate, _BLOCK_VALUES // channels)
        decoded = 0
        try:
            while len(block := self._sound.read(frames, dtype="float32", always_2d=True)):
                decoded += len(block)
                yield block[:, 0] if channels == 1 else block.mean(axis=1)
        except RuntimeError as error:  # soundfile's errors are such
            raise _broken_off(self._name) from error
        if self._frames is not None and decoded < self._frames:
            raise _broken_off(self._name)

    def close(self) -> None:
        self._sound.close()


class PyavDecoder:
    """M4A, WebM, MP3, the sound of a video: whatever FFmpeg decodes."""

    def __init__(self, file: BinaryIO, name: str, head: bytes) -> None:
        import av  # noqa: PLC0415 - slow to import, and most recordings do without

        self._name = name
        self._failure = av.FFmpegError
        self._container = _open_container(file, name, head)
        try:
            self._track = _sound_track(self._container, name)
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                raise UnreadableAudioError(f"{name} holds no sound (0 samples). Record it again.")
        except BaseException:
            self._container.close()
            raise
        self._frames = chain([first], self._frames)
        duration = self._container.duration
        self.info = AudioInfo(  # of the first frame: headers of HE-AAC state half the rate
            codec=_codec_name(self._track),
            sample_rate_hz=first.sample_rate,
            channels=len(first.layout.channels),
            duration_s=None if duration is None else duration / 1e6,
        )

    def blocks(self) -> Iterator[Samples]:
        rate = self.info.sample_rate_hz
        most = min(BLOCK_S * rate, _BLOCK_VALUES)
        held: list[Samples] = []
        count = 0
        for frame in self._frames:
            if frame.sample_rate != rate:
                raise DamagedAudioError(
                    f"{self._name} changes its sample rate from {rate} to {frame.sample_rate} Hz "
                    "on the way, which is not supported. Convert it to WAV first."
                )
            if (channels := len(frame.layout.channels)) > _MOST_CHANNELS:
                raise DamagedAudioError(
                    f"{self._name} claims to have {channels} channels; at most {_MOST_CHANNELS} "
                    "are decoded. Convert it to a mono WAV first."
                )
            if held and count + frame.samples > most:
                yield np.concatenate(held)
                held, count = [], 0
            held.append(_mono(frame))
            count += frame.samples
        if held:
            yield np.concatenate(held)

    def _decode(self) -> Iterator["av.AudioFrame"]:
        # Between the frames of an MP3 there may be tags and other junk, to be stepped over.
        skips_junk = self._container.format.name == "mp3"
        for packet in self._packets():
            try:
                frames = packet.decode()
            except self._failure as error:
                if skips_junk:
                    continue
                raise _broken_off(self._name) from error
            yield from frames

    def _packets(self) -> Iterator[Any]:
        try:
            yield from self._container.demux(self._track)
        except self._failure as error:
            raise _broken_off(self._name) from error

    def close(self) -> None:
        self._container.close()


def _open_container(file: BinaryIO, name: str, head: bytes) -> "av.container.InputContainer":
    import av  # noqa: PLC0415

    file.seek(0)
    safe = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    try:
        return av.open(file, mode="r", options=safe, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:  # ValueError: a file object that lacks methods
        what = "text" if _is_text(head) else "no sound format that is known here"
        raise UnreadableAudioError(
            f"{name} cannot be read as sound: its content is {what}. Give a recording in {_KNOWN}."
        ) from error


def _sound_track(container: "av.container.InputContainer", name: str) -> "Track":
    track = container.streams.best("audio")
    if track is None:
        raise UnreadableAudioError(f"{name} has no sound track. Give a recording with sound.")
    if track.codec_context is None:
        raise UnreadableAudioError(
            f"{name} has a sound track that cannot be decoded here. Convert it to WAV first."
        )
    return track  # type: ignore[return-value]


def _codec_name(track: "Track") -> str:
    codec = track.codec_context.codec
    return str(codec.canonical_name or codec.name)


def _mono(frame: "av.AudioFrame") -> Samples:
    """Average the channels of a decoded frame, its integers scaled to [-1, 1]."""
    values: NDArray[np.generic] = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    mono: NDArray[np.float64] = values.mean(axis=0, dtype=np.float64)
    if values.dtype == np.uint8:
        mono = mono / 128 - 1
    elif values.dtype.kind == "i":
        mono /= 2.0 ** (8 * values.dtype.itemsize - 1)
    return mono.astype(np.float32)


def _is_text(head: bytes) -> bool:
    printable = bytes(range(32, 127)) + b"\t\r\n\f"
    return not head.translate(None, printable)


def _broken_off(name: str) -> DamagedAudioError:
    return DamagedAudioError(
        f"{name} is damaged or cut short: it cannot be decoded to its end. Copy or record it again."
    )
