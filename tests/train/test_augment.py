"""What each change does to a sound is measured, one change at a time."""

from dataclasses import fields, replace

import numpy as np
import pytest
import scipy.signal
import soundfile as sf
from voices import speak

from voxgate.errors import TrainingError
from voxgate.train.augment import AugmentConfig, Augmenter

RATE = 16_000
SHARES = (
    "noise", "babble", "room", "measured_room", "microphone", "telephone", "low_pass", "mp3",
    "clip", "opus", "masks",
)  # fmt: skip
NEXT = 0.19787116972573637  # from seed 5, after four voices and the defaults, before Opus was there
NOTHING = replace(AugmentConfig(), **dict.fromkeys(SHARES, 0.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A noise of 20 s, white; a room that answers after 10 ms with one echo, 30 ms later."""
    base = tmp_path_factory.mktemp("noise")
    room = np.zeros(4800)
    room[160], room[640] = 0.8, 0.4
    noise = np.random.default_rng(0).normal(size=20 * RATE)
    for name, sound in {"noise": 0.2 * noise.clip(-4, 4), "rir": room}.items():
        (base / name).mkdir()
        sf.write(base / name / "made.wav", sound, RATE, subtype="FLOAT")
    return base


@pytest.fixture(scope="module")
def voices():
    """Four voices of 2 s at an RMS of 1, (4, 32000)."""
    spoken = np.stack([speak(voice, 2.0) for voice in range(4)])
    return (spoken / np.sqrt((spoken**2).mean(axis=1, keepdims=True))).astype(np.float32)


@pytest.fixture(scope="module")
def hiss():
    """White noise, to see a filter in: (4, 32000)."""
    return np.random.default_rng(1).normal(size=(4, 32_000)).astype(np.float32)


@pytest.fixture
def changed(folder, voices):
    """What becomes of the voices, or of another sound, with these settings alone."""

    def change(sound: np.ndarray = voices, seed: int = 0, **settings) -> np.ndarray:
        augment = Augmenter(folder, replace(NOTHING, **settings))
        return augment(sound, np.random.default_rng(seed))

    return change


def snr_db(clean: np.ndarray, heard: np.ndarray) -> float:
    """Of `heard`, `clean` at whatever level being the signal."""
    signal = clean * (clean @ heard) / (clean @ clean)
    return 10 * np.log10((signal**2).sum() / ((heard - signal) ** 2).sum())


def band_db(before: np.ndarray, after: np.ndarray, low_hz: float, high_hz: float) -> float:
    """How much louder a band became, against the band from 500 to 2500 Hz."""
    hz = np.fft.rfftfreq(before.shape[-1], 1 / RATE)

    def energy(sound, low, high):
        return (np.abs(np.fft.rfft(sound)) ** 2)[..., (hz >= low) & (hz < high)].sum()

    gains = [
        energy(after, *band) / energy(before, *band) for band in [(low_hz, high_hz), (500, 2500)]
    ]
    return 10 * np.log10(gains[0] / gains[1])


def delay_ms(before: np.ndarray, after: np.ndarray) -> float:
    lag = scipy.signal.correlate(after, before).argmax() - (len(before) - 1)
    return 1000 * lag / RATE


def test_every_share_is_named_here():
    """So that a new change cannot be forgotten in the tests."""
    shares = {f.name for f in fields(AugmentConfig) if f.type in (float, "float")}
    assert shares - set(SHARES) == {
        "share",  # of the rows
        "microphone_db",
        "masked_bands",
        "masked_frames",
    }


def test_with_every_share_0_the_voices_stay_as_they_are(changed, voices):
    assert np.allclose(changed(), voices, atol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_only_a_share_of_the_rows_is_changed(changed, hiss, share):
    many = np.repeat(hiss[:, :800], 100, axis=0)
    many /= np.sqrt((many**2).mean(axis=1, keepdims=True))
    heard = changed(many, share=share, clip=1.0, clip_share=(0.05, 0.05))
    alike = np.isclose(heard, many, atol=1e-5).all(axis=1)
    assert 1 - alike.mean() == pytest.approx(share, abs=0.06)


def test_noise_has_the_snr_that_is_asked_for(changed, voices):
    for wanted in (0.0, 10.0, 20.0):
        heard = changed(noise=1.0, noise_snr_db=(wanted, wanted))
        found = [snr_db(a, b) for a, b in zip(voices, heard, strict=True)]
        assert found == pytest.approx([wanted] * 4, abs=0.3)


def test_babble_is_made_of_the_other_voices(changed, voices):
    heard = changed(noise=1.0, babble=1.0, babble_snr_db=(3.0, 3.0))
    for row in range(4):
        fitted, *_ = np.linalg.lstsq(voices.T, heard[row], rcond=None)
        rest = heard[row] - fitted @ voices
        assert (rest**2).mean() < 1e-6
        assert (fitted**2).argmax() == row


def test_a_measured_room_echoes_as_it_did_and_the_direct_sound_is_not_delayed(changed, voices):
    heard = changed(room=1.0, measured_room=1.0)
    for before, after in zip(voices, heard, strict=True):
        echo = before.copy()
        echo[480:] += 0.5 * before[:-480]
        assert snr_db(echo, after) > 40
        assert delay_ms(before, after) == 0


def test_a_made_room_dies_away_by_60_db_in_its_time(folder):
    config = replace(NOTHING, room=1.0, reverberation_s=(0.4, 0.4), direct_db=(0.0, 0.0))
    click = np.zeros((1, RATE), np.float32)
    click[0, 0] = 1
    heard = Augmenter(folder, config)(click, np.random.default_rng(0))[0]
    early, late = (heard[int(t * RATE) : int((t + 0.05) * RATE)] for t in (0.05, 0.25))
    fallen_db = 10 * np.log10((early**2).sum() / (late**2).sum())
    assert fallen_db == pytest.approx(60 * 0.2 / 0.4, abs=2)


def test_a_low_pass_takes_what_is_above(changed, hiss):
    heard = changed(hiss, low_pass=1.0, low_pass_hz=(3000.0, 3000.0))
    assert band_db(hiss, heard, 6000, 8000) < -50
    assert abs(band_db(hiss, heard, 100, 500)) < 0.1


def test_a_microphone_stays_within_what_it_may_colour(changed, hiss):
    heard = changed(hiss, microphone=1.0, microphone_db=6.0)
    gains = [band_db(hiss[r], heard[r], f, 1.5 * f) for r in range(4) for f in (125, 3000, 5000)]
    assert 2 < max(np.abs(gains)) <= 12


def test_a_telephone_has_its_band_and_the_noise_of_8_bits(changed, voices, hiss):
    narrow = changed(hiss, telephone=1.0)
    assert band_db(hiss, narrow, 20, 150) < -25
    assert band_db(hiss, narrow, 5000, 8000) < -25
    heard = changed(telephone=1.0)
    hz = np.fft.rfftfreq(32_000, 1 / RATE)
    inside = [
        np.fft.irfft(np.fft.rfft(x) * ((hz > 300) & (hz < 3400)), 32_000) for x in (voices, heard)
    ]
    power = np.abs(np.fft.rfft(heard * np.hanning(32_000))) ** 2
    assert (power @ (hz > 4200) < 1e-6 * power.sum(axis=1)).all()  # it is noise of 8 kHz
    ratios = [snr_db(a, b) for a, b in zip(*inside, strict=True)]
    assert all(25 < ratio < 45 for ratio in ratios)  # 8-bit mu-law gives about 38 dB


@pytest.mark.parametrize(
    ("settings", "least_db"),
    [
        ({"mp3": 1.0}, 5),
        ({"opus": 1.0, "opus_kbps": (24.0, 24.0)}, 0),
        ({"opus": 1.0, "opus_kbps": (6.0, 6.0)}, -3),
    ],
    ids=["mp3", "opus at 24 kbit/s", "opus at 6 kbit/s"],
)
def test_a_codec_loses_something_but_moves_nothing(changed, voices, settings, least_db):
    heard = changed(**settings)
    assert heard.shape == voices.shape
    for before, after in zip(voices, heard, strict=True):
        assert least_db < snr_db(before, after) < 40
        assert abs(delay_ms(before, after)) < 20


def test_opus_keeps_less_of_a_voice_the_fewer_bits_it_has(changed, voices):
    by_rate = [
        np.mean([snr_db(a, b) for a, b in zip(voices, heard, strict=True)])
        for heard in (changed(opus=1.0, opus_kbps=(rate, rate)) for rate in (8.0, 16.0, 32.0))
    ]
    assert by_rate == sorted(by_rate)
    assert by_rate[2] - by_rate[0] > 3


def test_clipping_flattens_the_share_of_samples_that_is_asked_for(changed):
    heard = changed(clip=1.0, clip_share=(0.02, 0.02))
    top = np.abs(heard).max(axis=1, keepdims=True)
    assert (np.abs(heard) > 0.999 * top).mean(axis=1) == pytest.approx([0.02] * 4, abs=0.002)


def test_the_same_generator_gives_the_same_and_another_one_not(changed):
    everything = dict.fromkeys(SHARES, 0.5)
    once = changed(seed=1, **everything)
    assert np.array_equal(changed(seed=1, **everything), once)
    assert not np.array_equal(changed(seed=2, **everything), once)


def test_opus_and_masks_draw_nothing_unless_they_are_asked_for(folder, voices):
    """Recipes from before they were there give what they gave."""
    rng = np.random.default_rng(5)
    Augmenter(folder, replace(AugmentConfig(), opus_kbps=(1.0, 2.0)))(voices, rng)
    assert rng.random() == pytest.approx(NEXT, abs=1e-12)


def test_a_folder_without_noise_is_said(tmp_path):
    with pytest.raises(TrainingError, match=r"noise holds no recording"):
        Augmenter(tmp_path, AugmentConfig())
