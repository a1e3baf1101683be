"""Frames of a stream turned into sound, and what one that breaks the decoder costs."""

import os
import resource
import signal
import subprocess
import sys
from contextlib import closing

import av
import numpy as np
import psutil
import pytest
import soxr
from opus_packets import opus_packets

from voxgate.errors import AudioError, UnreadableAudioError, UsageError
from voxgate.server import frames as module
from voxgate.server.frames import OpusFrames, PcmFrames, frames_of

PACKETS = opus_packets(6, 2.0)


@pytest.fixture
def frames():
    with closing(OpusFrames()) as opened:
        yield opened


def process(frames):
    """The process that decodes its packets."""
    return psutil.Process(frames._process.pid)


def test_pcm_is_brought_to_16_khz():
    sound = (10_000 * np.sin(np.arange(48_000) / 20)).astype("<i2")
    reader = PcmFrames(48_000)
    heard = np.concatenate([reader.waveform(part.tobytes()) for part in np.split(sound, 10)])
    np.testing.assert_allclose(heard[500:15_000], sound[1500:45_000:3] / 32_768, atol=1e-3)


def test_half_a_sample_and_a_rate_that_cannot_be_are_told():
    with pytest.raises(UnreadableAudioError, match="3 bytes, half a sample too many"):
        PcmFrames(8_000).waveform(b"abc")
    with pytest.raises(UsageError, match="A rate of 7999 Hz"):
        frames_of("opus", 7_999)


def test_opus_sounds_exactly_as_its_decoder_has_it(frames):
    decoder, mixer = av.CodecContext.create("opus", "r"), av.AudioResampler("flt", "mono", 48_000)
    resampler = soxr.ResampleStream(48_000, 16_000, 1, dtype="float32")
    for packet in PACKETS:
        parts = [part.to_ndarray()[0] for frame in decoder.decode(av.Packet(packet))
                 for part in mixer.resample(frame)]  # fmt: skip
        expected = resampler.resample_chunk(np.concatenate([np.empty(0, np.float32), *parts]))
        np.testing.assert_array_equal(frames.waveform(packet), expected)


def test_what_is_no_packet_is_told(frames):
    for wrong in (b"\xff\xff\xff\xff", b""):
        with pytest.raises(UnreadableAudioError, match="A frame is no Opus packet"):
            frames.waveform(wrong)


def test_a_packet_that_kills_the_decoder_costs_its_own_stream_only(frames):
    with closing(OpusFrames()) as other:
        os.kill(process(frames).pid, signal.SIGSEGV)
        for _ in range(2):
            with pytest.raises(UnreadableAudioError, match="it broke the decoder"):
                frames.waveform(PACKETS[0])
        assert len(np.concatenate([other.waveform(packet) for packet in PACKETS])) > 30_000


def test_a_packet_that_takes_too_long_is_given_up(frames, monkeypatch):
    monkeypatch.setattr(module, "TIME_LIMIT_S", 0.05)
    process(frames).suspend()
    with pytest.raises(AudioError, match=r"longer than 0\.05 s"):
        frames.waveform(PACKETS[0])


def test_the_decoder_has_bounds_and_ends_with_its_stream():
    with closing(OpusFrames()) as frames:
        frames.waveform(PACKETS[0])
        decoder = process(frames)
        assert decoder.rlimit(resource.RLIMIT_AS) == (512 * 2**20, 512 * 2**20)
        assert decoder.rlimit(resource.RLIMIT_CORE) == (0, 0)
        decoder.suspend()  # it would not notice by itself
    psutil.wait_procs([decoder], 10)
    assert not decoder.is_running()
    frames.close()


def test_a_decoder_ends_when_its_stream_is_forgotten():
    frames = OpusFrames()
    decoder = process(frames)
    del frames
    psutil.wait_procs([decoder], 10)
    assert not decoder.is_running()


def test_python_ends_while_a_stream_is_open():
    script = """if __name__ == "__main__":
        from voxgate.server.frames import OpusFrames
        frames = OpusFrames()
        print(len(frames.waveform(bytes([0xF8, 0xFF, 0xFE]))))"""
    done = subprocess.run([sys.executable, "-c", script], timeout=30, check=True)
    assert done.returncode == 0


def test_damaged_packets_are_refused_or_heard_and_memory_stays_flat(frames):
    chance = np.random.default_rng(0)
    frames.waveform(PACKETS[0])
    decoder, sizes = process(frames), []
    for _ in range(2):
        for packet in PACKETS * 5:
            damaged = np.frombuffer(packet, np.uint8).copy()
            places = chance.integers(len(damaged), size=3)
            damaged[places] = chance.integers(256, size=3)
            try:
                heard = frames.waveform(damaged[: chance.integers(1, 2 * len(damaged))].tobytes())
            except UnreadableAudioError as error:
                assert "broke" not in str(error)
            else:
                assert len(heard) <= 0.2 * 16_000
        sizes.append(decoder.memory_info().rss)
    assert sizes[1] - sizes[0] < 2e6
