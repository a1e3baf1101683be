import re
import sys
import types
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from voices import speak

from voxgate import microphone
from voxgate.errors import MicrophoneError, MissingExtraError, OutputError, UsageError
from voxgate.microphone import SENTENCES, Monitor, open_microphone, read_sentences, record

BLOCK = 1600


def blocks_of(*waveforms: np.ndarray) -> list[np.ndarray]:
    """What a microphone would give: blocks of a tenth of a second."""
    joined = np.concatenate(waveforms)
    return [joined[start : start + BLOCK] for start in range(0, len(joined), BLOCK)]


def room(seconds: float) -> np.ndarray:
    """A quiet room."""
    noise = np.random.default_rng(0).normal(0, 1e-3, round(seconds * 16_000))
    return noise.astype(np.float32)


def test_it_stops_when_there_is_enough_speech(tmp_path):
    turns = [part for take in range(6) for part in (room(1), speak(1, 2, take))]
    steps = list(record(blocks_of(*turns), tmp_path / "ada.wav", wanted_s=4))
    assert steps[-1].enough
    assert not steps[-2].enough
    assert steps[-1].speech_s == pytest.approx(4, abs=0.1)
    assert 5 < steps[-1].duration_s < 14


@pytest.mark.parametrize(("name", "kind"), [("ada.wav", "WAV"), ("ada.flac", "FLAC")])
def test_the_file_holds_what_was_heard_as_16_khz_mono(tmp_path, name, kind):
    heard = blocks_of(room(0.5), speak(1, 5))
    steps = list(record(heard, tmp_path / name, wanted_s=1))
    samples, rate = soundfile.read(tmp_path / name, dtype="float32")
    info = soundfile.info(tmp_path / name)
    assert (rate, info.channels, info.format, info.subtype) == (16_000, 1, kind, "PCM_16")
    assert len(samples) == BLOCK * len(steps)
    assert samples == pytest.approx(np.concatenate(heard)[: len(samples)], abs=1 / 32_000)
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_monitor_tells_the_same_without_a_file(tmp_path):
    heard = blocks_of(room(0.5), speak(1, 3))
    monitor = Monitor(wanted_s=20)
    assert [monitor.hear(block) for block in heard] == list(record(heard, tmp_path / "a.wav"))


def test_silence_does_not_count_and_the_longest_time_ends_it(tmp_path):
    steps = list(record(blocks_of(room(20)), tmp_path / "a.wav", wanted_s=2, longest_s=4))
    assert steps[-1].duration_s == pytest.approx(4)
    assert steps[-1].speech_s == 0
    assert not steps[-1].enough
    assert (tmp_path / "a.wav").exists()


def test_leaving_earlier_leaves_no_file(tmp_path):
    steps = record(blocks_of(speak(1, 5)), tmp_path / "a.wav")
    next(steps)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav.part"]
    steps.close()
    assert list(tmp_path.iterdir()) == []


def test_the_meter_shows_level_and_clipping_of_each_block(tmp_path):
    square = np.tile(np.float32([0.5, -0.5]), BLOCK // 2)
    heard = [square, 2 * square, 0 * square]
    steps = list(record(heard, tmp_path / "a.wav"))
    assert [step.level_dbfs for step in steps] == pytest.approx([-6.02, 0, -80], abs=0.01)
    assert [step.clipped for step in steps] == [False, True, False]


def test_the_next_sentence_comes_after_reading_one_and_a_pause(tmp_path):
    sentences = ["One two three four five.", "Six seven eight nine ten."]  # 1.5 s each
    heard = blocks_of(room(1), speak(1, 2), room(1.5), speak(1, 2, take=1), room(1.5))
    steps = list(record(heard, tmp_path / "a.wav", sentences=sentences))
    shown = [(step.sentence, step.duration_s) for step in steps]
    changes = [now for before, now in pairwise(shown) if before[0] != now[0]]
    assert [sentence for sentence, _ in changes] == [sentences[1], sentences[0]]
    assert changes[0][1] == pytest.approx(1 + 2 + 0.7, abs=0.4)


def test_a_pause_in_the_middle_of_a_sentence_keeps_it(tmp_path):
    sentences = ["A sentence of quite a few words that takes a good while to read.", "Next."]
    heard = blocks_of(speak(1, 1), room(2))
    assert {s.sentence for s in record(heard, tmp_path / "a.wav", sentences=sentences)} == {
        sentences[0]
    }


@pytest.mark.parametrize("name", ["ada.mp3", "ada"])
def test_another_format_is_refused_before_recording(tmp_path, name):
    with pytest.raises(UsageError, match=r"\.flac or \.wav"):
        next(record(blocks_of(room(1)), tmp_path / name))


@pytest.mark.parametrize("wrong", [{"wanted_s": 0}, {"wanted_s": 30, "longest_s": 20}])
def test_durations_that_make_no_sense_are_refused(tmp_path, wrong):
    with pytest.raises(UsageError, match="Cannot wait for"):
        next(record(blocks_of(room(1)), tmp_path / "a.wav", **wrong))


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        next(record(blocks_of(room(1)), tmp_path / "nowhere" / "a.wav"))


def test_the_sentences_are_many_different_and_short_enough_for_a_breath():
    assert len(set(SENTENCES)) == len(SENTENCES) >= 20
    assert all(6 <= len(sentence.split()) <= 15 for sentence in SENTENCES)
    letters = set("".join(SENTENCES).lower())
    assert set("abcdefghijklmnopqrstuvwxyz") <= letters


def test_sentences_come_from_a_file_one_a_line(tmp_path):
    (tmp_path / "s.txt").write_text("\ufeffEins.\n\n  Zwei. \n", "utf-8")
    assert read_sentences(tmp_path / "s.txt") == ["Eins.", "Zwei."]


@pytest.mark.parametrize(
    ("content", "message"), [(b"\n \n", "holds no sentence"), (b"\xff\xfe\xff", "not UTF-8")]
)
def test_a_file_without_sentences_is_refused(tmp_path, content, message):
    (tmp_path / "s.txt").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_sentences(tmp_path / "s.txt")


def test_a_missing_file_of_sentences_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_sentences(tmp_path / "none.txt")


class FakeSoundDevice(types.ModuleType):
    """As much of sounddevice as is used: a device that plays `heard` at `rate`."""

    class PortAudioError(Exception):
        pass

    def __init__(self, heard: np.ndarray, rate: int = 16_000) -> None:
        super().__init__("sounddevice")
        self.heard, self.rate = heard, rate
        self.opened: dict = {}
        self.closed = False

    def query_devices(self, device, kind):
        if device == "none such":
            raise ValueError("No input device matching 'none such'")
        if self.rate == 0:
            raise self.PortAudioError("Error querying device -1")
        return {"default_samplerate": float(self.rate)}

    def InputStream(self, **settings):  # noqa: N802 - its name there
        fake, self.opened = self, settings

        class Stream:
            def start(self):
                size = settings["blocksize"]
                for start in range(0, len(fake.heard), size):
                    settings["callback"](fake.heard[start : start + size, None], size, None, None)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                fake.closed = True

        return Stream()


def use(monkeypatch, module) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", module)


def test_the_microphone_gives_what_the_device_hears(monkeypatch):
    fake = FakeSoundDevice(room(0.3))
    use(monkeypatch, fake)
    with open_microphone() as blocks:
        heard = np.concatenate([next(blocks) for _ in range(3)])
    assert heard == pytest.approx(fake.heard)
    assert fake.opened["device"] is None
    assert fake.closed


def test_a_device_of_another_rate_is_resampled_to_16_khz(monkeypatch):
    times = np.arange(48_000) / 48_000
    fake = FakeSoundDevice(np.sin(2 * np.pi * 440 * times).astype(np.float32), rate=48_000)
    use(monkeypatch, fake)
    with open_microphone("2") as blocks:
        heard = np.concatenate([next(blocks) for _ in range(10)])
    assert fake.opened["device"] == 2
    assert len(heard) == pytest.approx(16_000, abs=800)  # the resampler holds some back
    middle = heard[2000:10_000]
    expected = np.sin(2 * np.pi * 440 * np.arange(2000, 10_000) / 16_000)
    assert middle == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("device", "rate"), [(None, 0), ("none such", 16_000)])
def test_no_device_is_one_sentence(monkeypatch, device, rate):
    use(monkeypatch, FakeSoundDevice(room(0.1), rate))
    message = r"^No microphone.* can be used .*--device\.$"
    with pytest.raises(MicrophoneError, match=message) as caught, open_microphone(device):
        pass
    assert (device is None) == ("none such" not in str(caught.value))


def test_a_device_that_falls_silent_for_good_is_an_error(monkeypatch):
    monkeypatch.setattr(microphone, "_PATIENCE_S", 0.01)
    use(monkeypatch, FakeSoundDevice(room(0.1)))
    with open_microphone() as blocks, pytest.raises(MicrophoneError, match="given no sound"):
        list(blocks)


def test_without_sounddevice_the_extra_is_named(monkeypatch):
    use(monkeypatch, None)
    with pytest.raises(MissingExtraError, match=r"voxgate\[mic\]"), open_microphone():
        pass


def test_without_portaudio_the_package_to_install_is_named(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    message = re.escape("apt install libportaudio2")
    with pytest.raises(MicrophoneError, match=message), open_microphone():
        pass
