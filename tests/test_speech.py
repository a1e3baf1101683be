import tracemalloc

import numpy as np
import pytest
from encoding import LongWav, tones

from voxgate import speech
from voxgate.audio import SAMPLE_RATE, load, open_audio
from voxgate.errors import DamagedAudioError
from voxgate.speech import SpeechReader, read_speech
from voxgate.vad import FRAME_SAMPLES, SpeechDetector, VadOptions, segments


class LoudIsSpeech:
    """Stands in for the speech detector: quick, and plain to foresee."""

    def __init__(self):
        self.resets = []
        self._rest = np.empty(0, np.float32)

    def reset(self, *, lead_in_s=0.0):
        self.resets.append(lead_in_s)

    def probabilities(self, waveform):
        joined = np.concatenate([self._rest, waveform])
        whole = len(joined) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = joined[whole:]
        return np.abs(joined[:whole].reshape(-1, FRAME_SAMPLES)).max(axis=1) > 0.1

    def flush(self):
        return self.probabilities(np.zeros(-len(self._rest) % FRAME_SAMPLES, np.float32))


@pytest.fixture
def loud_is_speech(monkeypatch):
    made = []
    monkeypatch.setattr(speech, "SpeechDetector", lambda: made.append(LoudIsSpeech()) or made[-1])
    return made


def silence(seconds: float) -> np.ndarray:
    """Not digital silence, which is refused."""
    return np.full(round(seconds * SAMPLE_RATE), 1e-4, np.float32)


def loud(seconds: float) -> np.ndarray:
    return np.tile(np.float32([0.5, -0.5]), round(seconds * SAMPLE_RATE / 2))


class FakeStream:
    """A recording whose blocks are what a test wants them to be."""

    name, info = "fake", None

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        return iter(self.blocks)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        pass


class TestPieces:
    def test_they_are_the_segments_cut_out_of_the_recording(self, ada):
        reader = read_speech(ada)
        pieces = list(reader)
        assert len(pieces) == len(reader.segments) > 0
        for piece, (start_s, end_s) in zip(pieces, reader.segments, strict=True):
            start, end = round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE)
            assert np.array_equal(piece, ada[start:end])

    def test_they_add_up_to_the_seconds_of_speech(self, voice):
        reader = read_speech(voice("grace", 3))
        speech_s = sum(map(len, reader)) / SAMPLE_RATE
        assert reader.quality.speech_s == speech_s
        assert sum(s.duration_s for s in reader.segments) == pytest.approx(speech_s, abs=1e-3)
        assert 4 < speech_s < reader.quality.duration_s == pytest.approx(5.28, abs=0.01)

    def test_they_are_the_same_as_those_of_the_recording_taken_at_once(self, voice):
        names = ("ada", "alan", "edsger", "grace")
        long = np.concatenate([load(voice(name, number)) for name in names for number in (1, 2)])
        reader = read_speech(long)  # 46 s: five blocks
        sum(map(len, reader))
        detector = SpeechDetector()
        probabilities = np.concatenate([detector.probabilities(long), detector.flush()])
        expected = segments(probabilities, duration_s=len(long) / SAMPLE_RATE)
        assert reader.segments == tuple(expected)
        assert len(expected) >= 8

    def test_long_speech_comes_in_pieces_that_miss_nothing(self, loud_is_speech):
        recording = np.concatenate([silence(1), loud(30), silence(1)])
        reader = read_speech(recording, options=VadOptions(max_segment_s=7))
        pieces = list(reader)
        assert max(map(len, pieces)) <= 7 * SAMPLE_RATE
        first, last = reader.segments[0].start_s, reader.segments[-1].end_s
        expected = recording[round(first * SAMPLE_RATE) : round(last * SAMPLE_RATE)]
        assert np.array_equal(np.concatenate(pieces), expected)
        assert last - first == pytest.approx(30.2, abs=0.1)

    def test_speech_up_to_the_very_end_is_kept(self, loud_is_speech):
        recording = np.concatenate([silence(1), loud(1.015)])
        (piece,) = read_speech(recording)
        assert np.array_equal(piece[-16_000:], recording[-16_000:])

    def test_the_last_frame_counts_though_it_is_not_whole(self, loud_is_speech):
        frame = FRAME_SAMPLES / SAMPLE_RATE
        recording = np.concatenate([silence(30 * frame), loud(2.6 * frame)])  # of three needed
        assert len(list(read_speech(recording))) == 1

    @pytest.mark.parametrize("length", [1, 100, 511, 5_000])
    def test_the_blocks_of_the_recording_do_not_matter(self, length, loud_is_speech):
        recording = np.concatenate([silence(0.5), loud(1), silence(1), loud(0.5), silence(0.3)])
        blocks = [recording[i : i + length] for i in range(0, len(recording), length)]
        blocks = blocks if length > 1 else [*blocks[:3], recording[3:]]
        cut, whole = SpeechReader(FakeStream(blocks)), SpeechReader(FakeStream([recording]))
        assert [p.tolist() for p in cut] == [p.tolist() for p in whole]
        assert cut.segments == whole.segments
        assert len(cut.segments) == 2
        assert [detector.resets for detector in loud_is_speech] == [[], []]

    def test_there_are_none_where_nobody_speaks(self):
        hiss = np.random.default_rng(0).normal(0, 0.01, 48_000).astype(np.float32)
        reader = read_speech(hiss)
        assert list(reader) == []
        assert (reader.segments, reader.quality.speech_s) == ((), 0.0)
        assert reader.quality.duration_s == 3.0

    def test_every_sample_is_speech_or_background_once(self, loud_is_speech):
        recording = np.concatenate([loud(1), silence(12), loud(9), silence(5), loud(2)])
        reader = read_speech(recording)
        assert sum(map(len, reader)) == round(reader.quality.speech_s * SAMPLE_RATE)
        assert reader.quality.duration_s * SAMPLE_RATE == len(recording)


class TestReader:
    def test_it_tells_the_name_and_what_the_file_is(self, voice):
        reader = read_speech(voice("alan", 2))
        assert reader.name == "alan-2.flac"
        assert (reader.info.codec, reader.info.sample_rate_hz) == ("flac", 16_000)
        reader.close()

    def test_what_it_found_is_known_only_at_the_end(self, ada):
        reader = read_speech(ada)
        next(iter(reader))
        for what in ("segments", "quality"):
            with pytest.raises(RuntimeError, match="not read to its end"):
                getattr(reader, what)

    def test_digital_silence_is_refused(self):
        with pytest.raises(DamagedAudioError, match="nothing but zeros"):
            list(read_speech(np.zeros(16_000, np.float32)))

    @pytest.mark.parametrize(("seconds", "lead_ins"), [(0.4, [0.25]), (0.74, [0.25]), (0.76, [])])
    def test_only_a_trimmed_recording_gets_a_lead_in(self, seconds, lead_ins, loud_is_speech):
        sum(map(len, read_speech(loud(seconds))))
        assert loud_is_speech[0].resets == lead_ins

    def test_a_short_last_block_gets_no_lead_in(self, loud_is_speech):
        sum(map(len, read_speech(loud(10.3))))
        assert loud_is_speech[0].resets == []

    def test_a_word_that_begins_with_its_recording_is_heard(self, ada):
        word = ada[9_000:16_000]
        assert sum(map(len, read_speech(word))) >= 0.25 * SAMPLE_RATE


class TestLongRecordings:
    @pytest.mark.parametrize("speaks", [True, False])
    def test_a_long_one_is_read_in_bounded_memory(self, speaks, loud_is_speech):
        second = tones(SAMPLE_RATE) if speaks else 0.01 * tones(SAMPLE_RATE)
        tracemalloc.start()
        try:
            reader = read_speech(LongWav(second, hours=0.25))
            samples = sum(map(len, reader))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert samples == (900 * SAMPLE_RATE if speaks else 0)
        assert reader.quality.duration_s == 900
        assert peak < 16 * 2**20  # bytes; the whole would be 57 million


class TestRealRecordings:
    @pytest.mark.parametrize(
        ("dataset", "least"),
        [("speechcommands", 0.95), ("fsdd", 0.9), ("arabiccommands", 0.98), ("commonvoice", 0.98)],
    )
    def test_a_quarter_second_of_speech_is_found_even_in_single_words(
        self, dataset, least, real_recordings
    ):
        found = [sum(map(len, read_speech(path))) for path in real_recordings(dataset, 40)]
        assert np.mean(np.array(found) >= 0.25 * SAMPLE_RATE) >= least

    def test_the_pieces_of_a_file_are_those_of_its_waveform(self, real_recordings):
        (path,) = real_recordings("voxforge", 1)
        with open_audio(path) as stream:
            whole = np.concatenate(list(stream))
        from_file, from_waveform = list(read_speech(path)), list(read_speech(whole))
        assert [p.tolist() for p in from_file] == [p.tolist() for p in from_waveform]
