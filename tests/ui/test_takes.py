"""Recordings that are being made: how much speech so far, and nothing for ever."""

import base64

import numpy as np
import pytest
from voices import speak

from voxgate.ui.takes import LONGEST_S, MOST_TAKES, Takes


def message(waveform: np.ndarray, take: str = "a", rate: int = 16_000, **changes) -> dict:
    pcm = np.int16(waveform * 32_767).astype("<i2").tobytes()
    facts = {"take": take, "rate": rate, "wanted_s": 5, "pcm": base64.b64encode(pcm).decode()}
    return {**facts, **changes}


def test_speech_is_counted_while_it_comes():
    takes = Takes()
    told = [takes.hear(message(speak(1, 1.0, n))) for n in range(4)]
    amounts = [one["speech_s"] for one in told]
    assert amounts == sorted(amounts)
    assert amounts[-1] > 2
    assert told[-1]["share"] == pytest.approx(amounts[-1] / 5)
    assert told[0]["sentence"]


def test_silence_is_no_speech():
    assert Takes().hear(message(np.zeros(16_000)))["speech_s"] == 0


def test_what_was_heard_is_there_at_16_khz_whatever_the_rate():
    takes = Takes()
    wave = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000) / 2
    for _ in range(3):
        takes.hear(message(wave, rate=48_000))
    heard = takes.waveform("a")
    assert len(heard) == pytest.approx(48_000, abs=2_000)
    peak = np.abs(np.fft.rfft(heard[8_000:24_000])).argmax()
    assert peak == pytest.approx(440, abs=1)


def test_takes_are_kept_apart_and_an_unknown_one_is_none():
    takes = Takes()
    takes.hear(message(np.zeros(1600), "a"))
    takes.hear(message(np.zeros(3200), "b"))
    assert len(takes.waveform("a")) < len(takes.waveform("b"))
    assert takes.waveform("c") is None


def test_a_take_that_is_over_is_forgotten():
    takes = Takes()
    takes.hear(message(np.zeros(1600), "a"))
    takes.hear(message(np.zeros(1600), "b"))
    assert takes.hear({"take": "a", "over": True}) == {}
    assert takes.waveform("a") is None
    assert takes.waveform("b") is not None
    assert takes.hear({"take": "a", "over": True}) == {}


def test_the_oldest_take_is_forgotten():
    takes = Takes()
    for number in range(MOST_TAKES + 1):
        takes.hear(message(np.zeros(16), str(number)))
    assert takes.waveform("0") is None
    assert takes.waveform("1") is not None


def test_a_recording_does_not_grow_for_ever():
    takes = Takes()
    minute = np.zeros(40 * 16_000)
    told = [takes.hear(message(minute)) for _ in range(int(LONGEST_S // 40) + 2)]
    assert told[-1] == {"stop": True}
    assert len(takes.waveform("a")) <= (LONGEST_S + 40) * 16_000


@pytest.mark.parametrize(
    "changes",
    [
        {"pcm": "not base64!"}, {"pcm": "AAA"}, {"pcm": 7}, {"rate": 1}, {"rate": "x"},
        {"rate": 10**9}, {"wanted_s": None}, {"pcm": "A" * 8_000_000}, {"pcm": "AAAAAA=="[:4]},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_in_a_sentence(changes):
    told = Takes().hear(message(np.zeros(160), **changes))
    assert told["error"].startswith("The sound was not understood: ")
    assert told["error"].endswith(".")
    assert Takes().hear({})["error"]
