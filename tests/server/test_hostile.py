"""Recordings that somebody made to do harm: refused early, while memory stays flat."""

import io
import struct
from contextlib import suppress
from functools import cache

import httpx
import numpy as np
import psutil
import pytest
import soundfile
from voices import speak

from voxgate.errors import AudioError, DamagedAudioError, UnreadableAudioError
from voxgate.server.ears import Ears

LONGEST_S = 20.0
FLAT_MB = 60  # for one block of 10 s at the highest rate, and its copies
PROBLEM = "application/problem+json"
HOUR = 3_600 * 16_000  # samples


def written(waveform, **form):
    file = io.BytesIO()
    soundfile.write(file, waveform, 16_000, **form)
    return file.getvalue()


VOICE = written(speak(1, 2.0), format="WAV")


@pytest.fixture(scope="module")
def ears(tiny_pack):
    ears = Ears(tiny_pack, workers=1, waiting=4, longest_s=LONGEST_S)
    ears.embed(VOICE)
    yield ears
    ears.close()


def worker():
    (found,) = psutil.Process().children()[-1:]
    return found


def peak_mb(process):
    """The most memory that it has ever had."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:  # noqa: PTH123
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def flac_bomb(*, states):
    """An hour of zeros, of which the header says that it is as many samples as told."""
    bomb = bytearray(written(np.zeros(HOUR, np.int16), format="FLAC"))
    assert len(bomb) < 1_000_000
    (fields,) = struct.unpack(">Q", bomb[18:26])  # rate, channels, bits; the last 36 bits: samples
    bomb[18:26] = struct.pack(">Q", fields >> 36 << 36 | states)
    return bytes(bomb)


@cache
def opus_bomb():
    """Five minutes of silence in a few bytes a second."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 8_000, 1, "OPUS", format="OGG") as sound:
        for _ in range(300):
            sound.write(np.zeros(8_000, np.float32))
    assert len(file.getvalue()) < 100_000
    return file.getvalue()


def wav_of(samples, states):
    """A WAV file whose header states so many bytes of samples."""
    head = written(np.zeros(0, np.int16), format="WAV", subtype="PCM_16")[:40]
    return head + struct.pack("<I", states) + samples


HOSTILE = {
    "a WAV header that promises 2 GB": lambda: wav_of(bytes(1_000), 2_000_000_000),
    "hours of zeros in a WAV file of unknown length": lambda: wav_of(bytes(24_000_000), 0xFFFFFFFF),
    "zeros": lambda: bytes(24_000_000),
    "an hour in a small FLAC file": lambda: flac_bomb(states=HOUR),
    "an hour in a FLAC file that says nothing of its length": lambda: flac_bomb(states=0),
    "an hour in a FLAC file that says it is a second": lambda: flac_bomb(states=16_000),
    "an Opus bomb": opus_bomb,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_refused_with_memory_flat_and_the_worker_alive(ears, kind):
    hostile = HOSTILE[kind]()
    before, process = peak_mb(worker()), worker()
    with pytest.raises(AudioError) as error:
        ears.embed(hostile)
    assert "broke the decoder" not in str(error.value)
    assert worker() == process
    assert peak_mb(process) - before < FLAT_MB + 2 * len(hostile) / 1e6
    assert ears.embed(VOICE).speech_s > 1


def test_what_is_beyond_the_longest_is_said_so(ears):
    with pytest.raises(AudioError, match="longer than 20 s"):
        ears.embed(opus_bomb())
    with pytest.raises(DamagedAudioError, match="its header promises"):
        ears.embed(wav_of(bytes(1_000), 2_000_000_000))


def test_a_recording_that_does_not_fit_into_a_workers_memory_costs_only_itself(tiny_pack):
    ears = Ears(tiny_pack, workers=1, waiting=4, memory_mb=1_500)
    try:
        ears.embed(VOICE)
        with pytest.raises(UnreadableAudioError, match="broke the decoder"):
            ears.embed(bytes(1_400_000_000))
        assert ears.embed(VOICE).speech_s > 1
    finally:
        ears.close()


@pytest.mark.parametrize("stated", [True, False], ids=["stated", "in chunks of no stated end"])
def test_a_gigabyte_of_zeros_is_refused_before_it_is_received(service, stated):
    sent = []

    def zeros():
        for _ in range(1_000):
            sent.append(1_000_000)
            yield bytes(1_000_000)

    before = peak_mb(psutil.Process())  # the service is in this process
    with service.client() as client:
        headers = {"Content-Length": "1000000000"} if stated else {}
        with suppress(httpx.WriteError, httpx.ReadError):  # cut off while it sent
            answer = client.post("/v1/identify", content=zeros(), headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
        assert sum(sent) < 100_000_000
        assert peak_mb(psutil.Process()) - before < 100
        answer = client.post("/v1/identify", content=VOICE)
        assert (answer.status_code, answer.json()["outcome"]) == (200, "reject")
