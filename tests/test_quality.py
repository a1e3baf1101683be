import json
import re

import numpy as np
import pytest
import soxr

from voxgate.audio import load
from voxgate.quality import Quality, QualityMeter
from voxgate.speech import read_speech

RATE = 16_000


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """White noise whose root mean square is `level`."""
    values = np.random.default_rng(seed).normal(0, level, round(seconds * RATE))
    return values.astype(np.float32)


def tone(hz: float, amplitude: float, seconds: float = 3.0) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hz * times)).astype(np.float32)


def low_passed(waveform: np.ndarray, hz: float) -> np.ndarray:
    return soxr.resample(soxr.resample(waveform, RATE, 2 * hz), 2 * hz, RATE)


def measure(speech: np.ndarray, background: np.ndarray | None = None) -> Quality:
    meter = QualityMeter()
    meter.add(speech, is_speech=True)
    if background is not None:
        meter.add(background, is_speech=False)
    return meter.quality()


def codes(quality: Quality) -> list[str]:
    return [warning.code for warning in quality.warnings]


def heard(waveform: np.ndarray) -> Quality:
    reader = read_speech(waveform)
    for _ in reader:
        pass
    return reader.quality


class TestFigures:
    def test_durations_count_every_sample(self):
        quality = measure(noise(2.0), noise(0.5))
        assert (quality.duration_s, quality.speech_s) == (2.5, 2.0)

    @pytest.mark.parametrize("ratio_db", [0, 5, 10, 20, 40])
    def test_the_ratio_of_two_noises_is_found(self, ratio_db):
        background = 0.01
        speech = background * np.sqrt(1 + 10 ** (ratio_db / 10))  # the noise goes on in it
        quality = measure(noise(5, speech), noise(5, background, seed=1))
        assert quality.snr_db == pytest.approx(ratio_db, abs=0.5)

    def test_the_ratio_is_unknown_without_background(self):
        assert measure(noise(2.0)).snr_db is None
        assert measure(noise(2.0), noise(0.15)).snr_db is None
        assert measure(noise(2.0), noise(0.17)).snr_db is not None

    def test_the_ratio_ends_at_60_and_minus_10_db(self):
        assert measure(noise(2.0), np.zeros(RATE, np.float32)).snr_db == 60
        assert measure(noise(2.0, 0.01), noise(2.0, 0.1)).snr_db == -10

    def test_mains_hum_is_not_noise(self):
        speech = noise(3.0)
        assert measure(speech, tone(50, 0.2)).snr_db > 25
        assert measure(speech, tone(300, 0.2)).snr_db < 0

    def test_the_share_of_clipped_samples_counts_both_ends(self):
        speech = np.tile(np.float32([0.1, -0.1]), 500)
        speech[:10], speech[10:15] = 1.0, -1.0
        assert measure(speech).clipped == 0.015
        assert measure(0.97 * speech).clipped == 0

    def test_clipping_in_the_background_does_no_harm(self):
        assert measure(noise(1.0), np.ones(RATE, np.float32)).clipped == 0

    @pytest.mark.parametrize(("hz", "least", "most"), [(4000, 3750, 4250), (6000, 5750, 6250)])
    def test_the_bandwidth_is_where_the_sound_ends(self, hz, least, most):
        assert least <= measure(low_passed(noise(3.0), hz)).bandwidth_hz <= most

    def test_a_full_band_ends_at_half_the_sample_rate(self):
        assert measure(noise(3.0)).bandwidth_hz == 8000

    def test_the_level_of_a_sine_is_3_db_below_its_peak(self):
        assert measure(tone(1000, 0.1)).level_dbfs == pytest.approx(-23.01, abs=0.01)

    def test_direct_current_is_no_level(self):
        assert measure(tone(1000, 0.1) + np.float32(0.5)).level_dbfs == pytest.approx(-23, abs=0.1)

    def test_without_speech_little_is_known(self):
        quality = QualityMeter()
        quality.add(noise(1.0), is_speech=False)
        assert quality.quality() == Quality(
            duration_s=1.0,
            speech_s=0.0,
            snr_db=None,
            clipped=0.0,
            bandwidth_hz=None,
            level_dbfs=None,
            warnings=quality.quality().warnings,
        )
        assert codes(quality.quality()) == ["short_speech"]

    def test_pieces_add_up_to_the_whole(self):
        whole, meter = noise(3.0), QualityMeter()
        for piece in np.split(whole, [512, 5120, 10_240]):
            meter.add(piece, is_speech=True)
        found, expected = meter.quality(), measure(whole)
        assert found.snr_db is None
        assert (found.speech_s, found.bandwidth_hz) == (expected.speech_s, expected.bandwidth_hz)
        assert found.level_dbfs == pytest.approx(expected.level_dbfs)


class TestWarnings:
    @pytest.mark.parametrize(
        ("code", "speech", "background", "remedy"),
        [
            ("short_speech", noise(1.9), noise(1, 0.001), r"only 1\.9 s.*2 s or more.*longer"),
            ("noisy", noise(3), noise(1, 0.05), r"5 dB above.*at least 10 dB.*quieter place"),
            ("clipped", noise(3, 0.5).clip(-1, 1), noise(1, 0.001), r"% of the.*level down"),
            (
                "telephone_band",
                low_passed(noise(3), 4000),
                noise(1, 0.001),
                r"no sound above [34],\d{3} Hz.*16,000 Hz",
            ),
            ("quiet", noise(3, 0.005), noise(1, 0.0001), r"-46 dB.*-45 or more.*closer"),
        ],
    )
    def test_each_says_what_was_found_and_what_to_do(self, code, speech, background, remedy):
        quality = measure(speech, background)
        assert codes(quality) == [code]
        (warning,) = quality.warnings
        assert re.search(remedy, warning.message)

    def test_a_good_recording_brings_none(self):
        assert codes(measure(noise(2.0), noise(1, 0.02))) == []

    def test_a_low_pass_as_of_mp3_is_no_telephone(self):
        assert codes(measure(low_passed(noise(3), 5000), noise(1, 0.001))) == []

    def test_all_is_ready_for_json(self):
        quality = measure(noise(1.0), noise(1, 0.001))
        there_and_back = json.loads(json.dumps(quality.to_dict()))
        assert there_and_back["speech_s"] == 1.0
        assert there_and_back["warnings"][0]["code"] == "short_speech"
        assert "1.0 s of speech" in there_and_back["warnings"][0]["message"]


class TestSyntheticVoices:
    @pytest.mark.parametrize("ratio_db", [5, 10, 20])
    def test_steady_noise_is_measured_within_2_db(self, ratio_db, ada):
        speech = np.concatenate(list(read_speech(ada)))
        level = speech.std() * 10 ** (-ratio_db / 20)
        noisy = ada + noise(len(ada) / RATE, level)[: len(ada)]
        assert heard(noisy).snr_db == pytest.approx(ratio_db, abs=2)

    def test_a_clean_voice_brings_no_warning(self, voice):
        for speaker in ("ada", "alan", "edsger", "grace"):
            assert codes(heard(load(voice(speaker, 2)))) == []

    def test_a_voice_over_the_telephone_is_told(self, ada):
        assert codes(heard(low_passed(ada, 4000))) == ["telephone_band"]


class TestRealRecordings:
    def test_recordings_at_8_khz_are_telephone_band(self, real_recordings):
        found = [heard(load(path)) for path in real_recordings("fsdd", 40)]
        narrow = ["telephone_band" in codes(quality) for quality in found if quality.speech_s]
        assert np.mean(narrow) == 1

    @pytest.mark.parametrize(("dataset", "most"), [("librispeech", 0.0), ("voxforge", 0.1)])
    def test_recordings_at_16_khz_are_not(self, dataset, most, real_recordings):
        found = [heard(load(path)) for path in real_recordings(dataset, 20)]
        assert np.mean(["telephone_band" in codes(quality) for quality in found]) <= most

    @pytest.mark.parametrize("ratio_db", [0, 10, 20])
    def test_added_noise_is_measured_within_2_db(self, ratio_db, real_recordings):
        errors = []
        for path in real_recordings("librispeech", 10):
            clean = load(path)
            level = np.concatenate(list(read_speech(clean))).std() * 10 ** (-ratio_db / 20)
            found = heard(clean + noise(len(clean) / RATE, level)[: len(clean)]).snr_db
            errors += [] if found is None else [abs(found - ratio_db)]
        assert len(errors) >= 5
        assert np.quantile(errors, 0.9) < 2
