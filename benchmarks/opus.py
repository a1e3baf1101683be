"""What it costs to decode the Opus packets of a stream in a process of its own.

python benchmarks/opus.py
"""

import time
from contextlib import closing
from statistics import median

import av
import numpy as np
import psutil
import soundfile
import soxr
from limits import Figure, conclude
from service_sides import VOICES

from voxgate.server.frames import OpusFrames

RATE_HZ = 48_000
ROUNDS = 15
LIMIT_MS = 20.0  # more, for a second of the stream


def main() -> None:
    """Decode the same stream in turns, and print the difference."""
    packets = encoded()
    seconds = len(packets) / 50
    starting, bare, more, memory = [], [], [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with closing(OpusFrames()) as frames:
            frames.waveform(packets[0])
            starting.append(1e3 * (time.perf_counter() - started))
            here = 1e3 * timed(in_this_process(), packets) / seconds
            there = 1e3 * timed(frames.waveform, packets) / seconds
            memory.append(psutil.Process(frames._process.pid).memory_full_info().uss / 1e6)
        bare.append(here)
        more.append(there - here)
    conclude(
        [
            Figure("a second of a stream in packets of 20 ms, decoded here", median(bare), "ms"),
            Figure("by a process of its own: longer by", median(more), "ms", limit=LIMIT_MS),
            Figure("until the process has decoded its first packet", median(starting), "ms"),
            Figure("memory of such a process that it shares with nobody", median(memory), "MB"),
        ]
    )


def encoded() -> list[bytes]:
    """A synthetic voice as packets of 20 ms."""
    sound, rate_hz = soundfile.read(VOICES / "ada-1.flac", dtype="float32")
    sound = soxr.resample(np.tile(sound, 4), rate_hz, RATE_HZ).astype(np.float32)
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "flt"
    packets = []
    for start in range(0, len(sound) - 959, 960):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + 960], "flt", "mono")
        frame.sample_rate, frame.pts = RATE_HZ, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def in_this_process():
    """What decodes a packet without another process."""
    decoder, mixer = av.CodecContext.create("opus", "r"), av.AudioResampler("flt", "mono", RATE_HZ)
    resampler = soxr.ResampleStream(RATE_HZ, 16_000, 1, dtype="float32")

    def waveform(packet):
        decoded = [part for frame in decoder.decode(av.Packet(packet))
                   for part in mixer.resample(frame)]  # fmt: skip
        samples = [part.to_ndarray().reshape(-1) for part in decoded]
        return resampler.resample_chunk(np.concatenate([np.empty(0, np.float32), *samples]))

    return waveform


def timed(decode, packets):
    """Seconds that the packets take."""
    started = time.perf_counter()
    for packet in packets:
        decode(packet)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
