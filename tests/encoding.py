"""Encode waveforms at test time, into every format that Voxgate promises to read."""

import io
import os
import struct
from pathlib import Path

import av
import numpy as np
import soundfile as sf

SOUNDFILE = {  # name -> extension, container, coding
    "wav 8 bit": ("wav", "WAV", "PCM_U8"),
    "wav 16 bit": ("wav", "WAV", "PCM_16"),
    "wav 24 bit": ("wav", "WAV", "PCM_24"),
    "wav 32 bit": ("wav", "WAV", "PCM_32"),
    "wav float": ("wav", "WAV", "FLOAT"),
    "wav double": ("wav", "WAV", "DOUBLE"),
    "wav mu-law": ("wav", "WAV", "ULAW"),
    "wav a-law": ("wav", "WAV", "ALAW"),
    "aiff": ("aiff", "AIFF", "PCM_16"),
    "flac": ("flac", "FLAC", "PCM_16"),
    "ogg vorbis": ("ogg", "OGG", "VORBIS"),
    "ogg opus": ("opus", "OGG", "OPUS"),
}
PYAV = {  # name -> extension, container, codec of the sound, rate it needs, codec of the video
    "mp3": ("mp3", "mp3", "libmp3lame", None, None),
    "m4a": ("m4a", "ipod", "aac", None, None),
    "aac": ("aac", "adts", "aac", None, None),
    "webm": ("webm", "webm", "libopus", 48_000, None),
    "mp4 video": ("mp4", "mp4", "aac", None, "mpeg4"),
    "mkv 8 bit": ("mkv", "matroska", "pcm_u8", None, None),
    "mkv 16 bit": ("mkv", "matroska", "pcm_s16le", None, None),
}
FORMATS = (*SOUNDFILE, *PYAV)


def tones(rate: int, seconds: float = 1.0) -> np.ndarray:
    """A sound that any rate from 4 kHz can carry: 440 and 1,000 Hz, shape (samples,)."""
    times = np.arange(round(rate * seconds)) / rate
    return np.float32(0.3 * np.sin(2 * np.pi * 440 * times) + 0.2 * np.sin(2000 * np.pi * times))


def encode(waveform: np.ndarray, format: str, path: Path, *, rate: int = 16_000) -> Path:
    """Write a waveform, shape (samples,) or (samples, channels), as one of FORMATS.

    The name of the file is `path` with the format's extension.
    """
    sound = np.asarray(waveform, np.float32)
    sound = sound[:, None] if sound.ndim == 1 else sound
    if format in SOUNDFILE:
        extension, container, coding = SOUNDFILE[format]
        path = path.with_suffix(f".{extension}")
        with sf.SoundFile(path, "w", rate, sound.shape[1], coding, format=container) as file:
            for start in range(0, len(sound), rate):  # whole, libsndfile's Vorbis overflows
                file.write(sound[start : start + rate])
        return path
    path = path.with_suffix(f".{PYAV[format][0]}")
    path.write_bytes(_with_pyav(sound, format, rate))
    return path


class LongWav(io.RawIOBase):
    """Hours of sound without the bytes: a WAV file whose one second is repeated."""

    def __init__(self, second: np.ndarray, hours: float) -> None:
        content = np.int16(second * 32_767).tobytes()
        self.period = len(content)
        self.seconds = memoryview(content * 20)  # more than is ever read at once
        header = io.BytesIO()
        sf.write(header, np.zeros(1, np.int16), len(second), format="WAV", subtype="PCM_16")
        size = round(hours * 3600) * self.period
        fields = header.getvalue()
        self.header = fields[:4] + struct.pack("<I", size + 36) + fields[8:40]
        self.header += struct.pack("<I", size)
        self.size = len(self.header) + size
        self.position = 0

    def seekable(self):
        return True

    def tell(self):
        return self.position

    def seek(self, offset, whence=os.SEEK_SET):
        self.position = offset + {0: 0, 1: self.position, 2: self.size}[whence]
        return self.position

    def readable(self):
        return True

    def readinto(self, buffer):
        start = self.position - len(self.header)
        source = self.header[start:] if start < 0 else self.seconds[start % self.period :]
        count = min(len(buffer), len(source), self.size - self.position)
        buffer[:count] = source[:count]
        self.position += count
        return count


def silent_video() -> bytes:
    """An MP4 file with pictures and no sound track."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        _add_video(container, "mpeg4")
    return buffer.getvalue()


def _with_pyav(sound: np.ndarray, format: str, rate: int) -> bytes:
    _, container, codec, codec_rate, video = PYAV[format]
    codec_rate = codec_rate or rate
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        layout = {1: "mono", 2: "stereo", 6: "5.1"}[sound.shape[1]]
        track = output.add_stream(codec, rate=codec_rate, layout=layout)
        if video:
            _add_video(output, video)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(sound.T), format="fltp", layout=layout
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            track.codec_context.format, layout, codec_rate, track.codec_context.frame_size or 1024
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(track.encode(piece))
    return buffer.getvalue()


def _add_video(container: av.container.OutputContainer, codec: str) -> None:
    track = container.add_stream(codec, rate=10, width=64, height=48, pix_fmt="yuv420p")
    black = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
    for piece in [*[black] * 5, None]:
        container.mux(track.encode(piece))
