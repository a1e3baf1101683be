"""The process that decodes the Opus packets of one stream.

Each stream has one of its own, as a decoder remembers what came before. They are forked from a
process that has imported this module and nothing else of weight, so that one more costs little
time and memory. Bytes go in and bytes come out: nothing that it sends is unpickled.
"""

import contextlib
import signal
from multiprocessing.connection import Connection

import av

from voxgate.server.bounds import bound

RATE_HZ = 48_000
MEMORY_MB = 512  # of address space, most of which is never touched
SOUND, REFUSED = b"\0", b"\1"  # how an answer begins; sound goes on with mono float32 at RATE_HZ


def work(end: Connection) -> None:
    """Packets in, sound out, until the service lets go of the other end."""
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, signal.SIG_IGN)  # it goes when its stream goes
    bound(MEMORY_MB)
    decoder = av.CodecContext.create("opus", "r")
    decoder.thread_count = 1
    mixer = av.AudioResampler("flt", "mono", RATE_HZ)
    with contextlib.suppress(EOFError, OSError):
        while True:
            end.send_bytes(_answer(decoder, mixer, end.recv_bytes()))


def _answer(decoder: "av.AudioCodecContext", mixer: "av.AudioResampler", packet: bytes) -> bytes:
    if not packet:  # to the decoder it would be the end
        return REFUSED
    try:
        decoded = decoder.decode(av.Packet(packet))
        parts = [part for frame in decoded for part in mixer.resample(frame)]
    except (av.FFmpegError, ValueError, MemoryError):
        return REFUSED
    return SOUND + b"".join(bytes(part.planes[0])[: 4 * part.samples] for part in parts)
