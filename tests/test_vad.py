import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgate.errors import UsageError
from voxgate.vad import (
    FRAME_S,
    FRAME_SAMPLES,
    Segment,
    Segmenter,
    SpeechDetector,
    VadOptions,
    segments,
)

PLAIN = VadOptions(  # two frames of speech, two of silence, no padding
    threshold=0.5,
    release=0.3,
    min_speech_s=2 * FRAME_S,
    min_silence_s=2 * FRAME_S,
    padding_s=0,
)
PROBABILITY = {".": 0.1, "-": 0.4, "#": 0.9}  # silence, between release and threshold, speech


def frames(drawing: str) -> list[float]:
    return [PROBABILITY[sign] for sign in drawing.replace(" ", "")]


def found(drawing: str, options: VadOptions = PLAIN) -> list[tuple[int, int]]:
    """Segments as first frame and the one after the last."""
    cut = segments(frames(drawing), options)
    return [(round(s.start_s / FRAME_S), round(s.end_s / FRAME_S)) for s in cut]


class TestSegments:
    @pytest.mark.parametrize(
        ("drawing", "expected"),
        [
            ("", []),
            ("..........", []),
            ("...####...", [(3, 7)]),
            ("####", [(0, 4)]),
            ("...####", [(3, 7)]),
            ("####...", [(0, 4)]),
        ],
    )
    def test_speech_becomes_a_segment(self, drawing, expected):
        assert found(drawing) == expected

    def test_a_segment_begins_at_the_threshold_and_goes_on_above_the_release(self):
        assert found("--##--##--..") == [(2, 10)]
        assert found("----------") == []

    def test_a_pause_shorter_than_min_silence_stays_in(self):
        assert found("###.###") == [(0, 7)]
        assert found("###..###") == [(0, 3), (5, 8)]

    def test_pauses_are_not_added_up(self):
        assert found("##.##.##.##") == [(0, 11)]

    def test_speech_shorter_than_min_speech_is_dropped(self):
        assert found("..#....##..") == [(7, 9)]

    def test_a_short_pause_counts_as_speech_for_the_shortest_segment(self):
        assert found("..#.#..") == [(2, 5)]

    def test_segments_are_padded_within_the_recording(self):
        options = VadOptions(min_silence_s=10 * FRAME_S, padding_s=2 * FRAME_S)
        assert found(".....####..........", options) == [(3, 11)]
        assert found(".####.", options) == [(0, 6)]

    def test_the_last_frame_may_be_cut_off(self):
        assert segments(frames("..##"), PLAIN, duration_s=0.1) == [Segment(2 * FRAME_S, 0.1)]
        assert segments(frames(".."), PLAIN, duration_s=0.05) == []

    def test_a_long_segment_is_cut_at_the_likeliest_pause_of_its_second_half(self):
        options = VadOptions(threshold=0.5, release=0.1, padding_s=0, max_segment_s=40 * FRAME_S)
        long = [0.9] * 60
        long[5], long[30] = 0.2, 0.4
        cut = segments(long, options)
        assert [round(s.end_s / FRAME_S) for s in cut] == [30, 60]
        assert cut[1].start_s == cut[0].end_s

    def test_the_rest_of_a_cut_segment_is_kept_however_short(self):
        options = VadOptions(padding_s=0, min_speech_s=5 * FRAME_S, max_segment_s=40 * FRAME_S)
        long = [0.9] * 40
        long[39] = 0.5
        assert [round(s.end_s / FRAME_S) for s in segments(long, options)] == [39, 40]

    def test_a_cut_within_a_pause_does_not_make_segments_overlap(self):
        pause = [0.2] * 5 + [0.1]  # cut at its last frame, and one frame short of an end
        cut = segments([0.9] * 25 + pause + [0.2] + [0.9] * 5, VadOptions(max_segment_s=1.2))
        assert [round(s.start_s / FRAME_S) for s in cut] == [0, 30]
        assert cut[0].end_s == cut[1].start_s

    def test_a_segment_has_a_duration(self):
        assert Segment(1.0, 2.5).duration_s == 1.5

    @pytest.mark.parametrize(
        "wrong",
        [
            {"threshold": 1.5},
            {"release": 0.0},
            {"threshold": 0.2, "release": 0.3},
            {"min_speech_s": -0.1},
            {"padding_s": -0.1},
            {"padding_s": 0.2, "min_silence_s": 0.3},
            {"max_segment_s": 1.0},
        ],
    )
    def test_options_that_make_no_sense_are_refused(self, wrong):
        with pytest.raises(UsageError, match=r"must be"):
            VadOptions(**wrong)


PROBABILITIES = st.lists(
    st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 0.3, 1.0])), max_size=150
)
STRETCHES = st.lists(  # runs, as speech has them
    st.tuples(st.sampled_from([0.02, 0.3, 0.95]), st.integers(1, 60)), max_size=12
).map(lambda runs: [value for value, length in runs for _ in range(length)])
OPTIONS = st.sampled_from(
    [
        VadOptions(),
        VadOptions(max_segment_s=1.2),
        VadOptions(padding_s=0, max_segment_s=1.0, min_silence_s=0, min_speech_s=0),
        VadOptions(threshold=0.3, release=0.3, min_silence_s=1, padding_s=0.5, max_segment_s=2.0),
    ]
)
MUST_HOLD = settings(max_examples=150, deadline=None)


class TestSegmentsAlways:
    @MUST_HOLD
    @given(PROBABILITIES | STRETCHES, OPTIONS)
    def test_they_are_in_order_within_the_recording_and_do_not_overlap(
        self, probabilities, options
    ):
        last_end_s = 0.0
        for segment in segments(probabilities, options):
            assert last_end_s <= segment.start_s < segment.end_s
            last_end_s = segment.end_s
        assert last_end_s <= len(probabilities) * FRAME_S

    @MUST_HOLD
    @given(PROBABILITIES | STRETCHES, OPTIONS)
    def test_they_are_as_long_and_as_far_apart_as_asked_for(self, probabilities, options):
        last_end_s = -1.0
        for segment in segments(probabilities, options):
            assert segment.duration_s <= options.max_segment_s + 1e-9
            if segment.start_s > last_end_s:  # not the rest of one that was cut for its length
                assert segment.duration_s >= options.min_speech_s
            if 0 <= last_end_s < segment.start_s:
                pause_s = segment.start_s - last_end_s
                assert pause_s >= options.min_silence_s - 2 * options.padding_s - 1e-9
            last_end_s = segment.end_s

    @MUST_HOLD
    @given(STRETCHES, OPTIONS)
    def test_no_clear_speech_is_lost(self, probabilities, options):
        inside = np.zeros(len(probabilities), bool)
        for segment in segments(probabilities, options):
            first, last = round(segment.start_s / FRAME_S), round(segment.end_s / FRAME_S)
            inside[first:last] = True
        run = 0
        for index, probability in enumerate(probabilities):
            run = run + 1 if probability >= options.threshold else 0
            if run and run * FRAME_S >= options.min_speech_s:
                assert inside[index]

    @MUST_HOLD
    @given(PROBABILITIES | STRETCHES, OPTIONS, st.randoms(use_true_random=False))
    def test_bit_by_bit_they_are_the_same(self, probabilities, options, random):
        segmenter, cut, start = Segmenter(options), [], 0
        decided_s = 0.0
        while start < len(probabilities):
            end = start + random.randint(1, 40)
            finished = segmenter.push(probabilities[start:end])
            assert all(segment.start_s >= decided_s for segment in finished)
            assert segmenter.undecided_from_s >= decided_s
            decided_s = segmenter.undecided_from_s
            cut, start = cut + finished, end
        last = segmenter.finish()
        assert all(segment.start_s >= decided_s for segment in last)
        assert cut + last == segments(probabilities, options)


SILERO = [  # every third probability of `ada`, from the published model, a frame a call
    0.04567,
    0.01251,
    0.00694,
    0.00495,
    0.15643,
    0.93946,
    0.98353,
    0.99895,
    0.99981,
    0.99987,
    0.99969,
    0.99929,
    0.98054,
    0.97915,
    0.98757,
    0.90522,
    0.99983,
    0.99989,
    0.99819,
    0.99989,
    0.99982,
    0.99977,
    0.99935,
    0.99955,
    0.99964,
    0.98085,
    0.06066,
    0.99955,
    0.99301,
    0.99973,
    0.99797,
    0.99994,
    0.99993,
    0.99989,
    0.99922,
    0.99996,
    0.99987,
    0.99979,
    0.99699,
    0.99819,
    0.99915,
    0.99971,
    0.99977,
    0.62862,
    0.94457,
    0.99555,
    0.99962,
    0.99980,
    0.99946,
    0.99807,
    0.97236,
    0.92937,
    0.02275,
    0.01170,
    0.01043,
    0.01316,
    0.01206,
    0.01255,
    0.00634,
]


class TestSpeechDetector:
    def test_its_probabilities_are_those_of_the_published_model(self, ada):
        detector = SpeechDetector()
        found = np.concatenate([detector.probabilities(ada), detector.flush()])
        assert np.allclose(found[::3], SILERO, rtol=0, atol=1e-4)

    def test_frame_by_frame_they_are_the_same(self, ada):
        expected, detector = SpeechDetector().probabilities(ada), SpeechDetector()
        frames = np.split(ada[: len(expected) * FRAME_SAMPLES], len(expected))
        found = np.concatenate([detector.probabilities(frame) for frame in frames])
        assert np.allclose(found, expected, rtol=0, atol=1e-6)  # sums may be rounded otherwise

    def test_memory_does_not_grow_with_the_recording(self, ada, monkeypatch):
        detector, given = SpeechDetector(), []
        run = detector._session.run

        def watched(names, inputs):
            given.append(len(inputs["windows"]))
            return run(names, inputs)

        monkeypatch.setattr(detector, "_session", SimpleNamespace(run=watched))
        detector.probabilities(np.tile(ada, 5))
        assert max(given) == 64
        assert len(detector._held) < 64 + FRAME_SAMPLES
        assert detector._held.base is None  # it keeps no recording alive

    def test_it_tells_speech_from_noise(self, ada):
        detector = SpeechDetector()
        speech = detector.probabilities(ada)
        assert speech.dtype == np.float32
        assert np.median(speech) > 0.9
        detector.reset()
        noise = np.random.default_rng(0).normal(0, 0.01, 48_000).astype(np.float32)
        assert detector.probabilities(noise).max() < 0.25

    def test_blocks_of_any_length_give_the_same_as_the_whole(self, ada):
        whole, pieces = SpeechDetector(), SpeechDetector()
        expected = np.concatenate([whole.probabilities(ada), whole.flush()])
        cuts = np.cumsum([1, 511, 512, 513, 5, 3000, 0, 20_000])
        found = [pieces.probabilities(block) for block in np.split(ada, cuts)]
        found = np.concatenate([*found, pieces.flush()])
        assert np.allclose(found, expected, rtol=0, atol=1e-6)  # sums may be rounded otherwise

    @pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (512, 1), (513, 2)])
    def test_there_is_a_probability_for_every_frame_begun(self, samples, frames):
        detector = SpeechDetector()
        zeros = np.zeros(samples, np.float32)
        assert len(detector.probabilities(zeros)) + len(detector.flush()) == frames
        assert len(detector.flush()) == 0

    def test_a_detector_that_is_reset_or_made_anew_remembers_nothing(self, ada):
        first = SpeechDetector()
        expected = first.probabilities(ada)
        first.reset()
        assert np.array_equal(first.probabilities(ada), expected)
        assert np.array_equal(SpeechDetector().probabilities(ada), expected)

    def test_detectors_at_the_same_time_do_not_disturb_each_other(self, ada):
        expected = SpeechDetector().probabilities(ada)
        one, other = SpeechDetector(), SpeechDetector()
        found = []
        for block in np.split(ada, 3):
            found.append(one.probabilities(block))
            other.probabilities(block[::-1])
        assert np.allclose(np.concatenate(found), expected, rtol=0, atol=1e-6)

    def test_threads_have_a_detector_each_and_share_the_model(self, ada):
        expected = SpeechDetector().probabilities(ada)

        def judge(_):
            detector = SpeechDetector()
            return np.concatenate(
                [detector.probabilities(block) for block in np.array_split(ada, 4)]
            )

        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(judge, range(8)))
        assert all(np.allclose(each, expected, rtol=0, atol=1e-6) for each in found)

    def test_a_lead_in_wakes_the_model_and_leaves_no_frames(self, ada):
        word = ada[9_000:16_000]  # begins in the middle of the speech
        plain, led = SpeechDetector(), SpeechDetector()
        led.reset(lead_in_s=0.25)
        without, with_lead_in = plain.probabilities(word), led.probabilities(word)
        assert len(with_lead_in) == len(without)
        assert with_lead_in.mean() > without.mean()

    def test_waveforms_that_may_not_be_written_to_are_judged_and_kept(self, ada):
        ada.flags.writeable = False
        before = ada.copy()
        assert SpeechDetector().probabilities(ada[::1]).max() > 0.9
        assert np.array_equal(ada, before)

    def test_segments_are_ready_for_json(self):
        assert json.loads(json.dumps(segments(frames("..####..."), PLAIN))) == [[0.064, 0.192]]
