"""Packets of Opus, as a client streams them."""

import av
import numpy as np
from voices import speak

RATE_HZ = 48_000


def opus_packets(voice: int, seconds: float = 6.0, take: int = 3) -> list[bytes]:
    """A synthetic voice in packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, "mono", "flt"
    sound = np.repeat(speak(voice, seconds, take), 3).astype(np.float32)
    packets = []
    for start in range(0, len(sound) - 959, 960):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + 960], "flt", "mono")
        frame.sample_rate, frame.pts = RATE_HZ, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets
