"""Recordings heard by worker processes, and what one that breaks them costs."""

import io
import math
import multiprocessing
import os
import signal
import threading
import time
from contextlib import ExitStack

import numpy as np
import psutil
import pytest
import soundfile
from voices import speak

from voxgate.embed import Embedder
from voxgate.errors import (
    AudioError,
    OverloadedError,
    TooLittleSpeechError,
    UnreadableAudioError,
)
from voxgate.server import ears as module
from voxgate.server.ears import Ears


def wav(waveform):
    file = io.BytesIO()
    soundfile.write(file, waveform, 16_000, format="WAV")
    return file.getvalue()


VOICE = wav(speak(1, 2.0))


@pytest.fixture(scope="module")
def ears(tiny_pack):
    ears = Ears(tiny_pack, workers=1, waiting=0)
    yield ears
    ears.close()


def heard_again(ears):
    """Whether a recording can be heard, once a lost worker is replaced."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return ears.embed(VOICE).speech_s > 1
        except OverloadedError:
            time.sleep(0.05)
    return False


def test_they_hear_what_an_embedder_hears(ears, tiny_pack):
    here, there = Embedder(tiny_pack).embed(VOICE), ears.embed(VOICE)
    np.testing.assert_array_equal(here.vector, there.vector)
    assert (here.speech_s, here.segments, here.pack) == (there.speech_s, there.segments, there.pack)


def test_they_let_the_service_have_a_core_first(ears):
    priorities = [os.getpriority(os.PRIO_PROCESS, w._process.pid) for w in ears._alive]
    assert min(priorities) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)


def test_a_worker_that_answers_nonsense_is_lost_and_not_believed():
    ours, theirs = multiprocessing.Pipe()
    theirs.send(("a pickle", "is not opened"))
    worker = object.__new__(module._Worker)
    worker._end, worker.lost = ours, ""
    with pytest.raises(UnreadableAudioError):
        worker.embed(VOICE, time_limit_s=5)
    assert worker.lost == "crash"


def test_errors_come_back_as_they_are(ears):
    with pytest.raises(UnreadableAudioError):
        ears.embed(b"no sound")
    with pytest.raises(TooLittleSpeechError) as error:
        ears.embed(wav(np.full(16_000, 0.001, np.float32)))
    assert error.value.needed_s == 0.5


def test_a_recording_that_kills_its_worker_costs_only_itself(ears):
    (worker,) = psutil.Process().children()[-1:]
    started = threading.Event()

    def kill():
        started.wait()
        os.kill(worker.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    worker.suspend()  # it gets the recording, but not to the end of it
    threading.Timer(0.2, started.set).start()
    with pytest.raises(UnreadableAudioError, match="broke the decoder"):
        ears.embed(VOICE)
    killer.join()
    assert heard_again(ears)


def test_a_worker_that_died_while_it_had_nothing_to_do_costs_no_request(ears):
    (worker,) = psutil.Process().children()[-1:]
    worker.kill()
    psutil.wait_procs([worker], 10)
    assert ears.embed(VOICE).speech_s > 1


def test_one_that_takes_too_long_is_given_up_and_its_worker_replaced(ears):
    (worker,) = psutil.Process().children()[-1:]
    worker.suspend()
    ears._time_limit_s = 0.2
    with pytest.raises(AudioError, match=r"took longer than 0\.2 s"):
        ears.embed(VOICE)
    ears._time_limit_s = 30.0
    assert heard_again(ears)
    assert not psutil.pid_exists(worker.pid)


def test_who_comes_when_all_places_are_taken_is_told_to_come_back(ears):
    (worker,) = psutil.Process().children()[-1:]
    worker.suspend()
    first = threading.Thread(target=ears.embed, args=(VOICE,))
    first.start()
    while ears._inside == 0:
        time.sleep(0.001)
    with pytest.raises(OverloadedError, match="1 recordings"):
        ears.embed(VOICE)
    worker.resume()
    first.join()
    assert ears.embed(VOICE).speech_s > 1


def test_a_queue_that_stands_is_cut_to_one_place_a_worker(ears, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(ears, "_waiting", 3)
    monkeypatch.setattr(ears, "_refused_at", -math.inf)
    with ExitStack() as inside:
        for _ in range(2):  # one is heard, one waits
            inside.enter_context(ears._inside_the_bounds())
        now[0] += 0.9
        inside.enter_context(ears._inside_the_bounds())  # a burst
        now[0] += 0.2
        with pytest.raises(OverloadedError):
            inside.enter_context(ears._inside_the_bounds())
    now[0] += 1.1  # it has run empty, and nobody was refused for a second
    for _ in range(4):
        inside.enter_context(ears._inside_the_bounds())
    with pytest.raises(OverloadedError):
        inside.enter_context(ears._inside_the_bounds())
    inside.close()


def test_a_queue_that_was_full_is_cut_until_nobody_was_refused_for_a_second(ears, monkeypatch):
    now = [2000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(ears, "_waiting", 3)
    monkeypatch.setattr(ears, "_refused_at", -math.inf)

    def let_in() -> int:
        with ExitStack() as inside:
            for count in range(9):
                try:
                    inside.enter_context(ears._inside_the_bounds())
                except OverloadedError:
                    return count
        raise AssertionError("nobody was refused")

    now[0] += 5
    found = [let_in()]  # a burst: one heard, three wait
    for passed_s in (0.1, 0.9, 0.9, 1.1):  # since somebody was refused
        now[0] += passed_s
        found.append(let_in())
    assert found == [4, 2, 2, 2, 4]
