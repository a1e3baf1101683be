import numpy as np
import pytest
from voices import speak

from voxgate import plots
from voxgate.errors import AudioFileNotFoundError, MissingExtraError, OutputError, UsageError
from voxgate.features import FLOOR_DB
from voxgate.plots import KINDS, Spectrogram, draw, save, spectrogram
from voxgate.quality import Quality
from voxgate.vad import Segment


def tone(frequency_hz: float, seconds: float = 2.0) -> np.ndarray:
    times = np.arange(round(seconds * 16_000)) / 16_000
    return np.sin(2 * np.pi * frequency_hz * times).astype(np.float32)


def picture_of(kind: str = "mel", duration_s: float = 3.0, name: str = "ada.wav") -> Spectrogram:
    rows = {"mel": 128, "stft": 513, "mfcc": 19}[kind]
    return Spectrogram(
        name=name,
        kind=kind,
        levels=np.linspace(-90, -10, rows * 30).reshape(rows, 30),
        column_s=duration_s / 29,
        segments=(Segment(0.5, 1.0), Segment(2.0, 2.5)),
        quality=Quality(duration_s, 1.0, 25.4, 0.0, 8000.0, -20.0),
    )


@pytest.mark.parametrize(("kind", "rows"), [("mel", 128), ("stft", 513), ("mfcc", 19)])
def test_every_kind_has_its_rows_and_a_column_every_five_milliseconds(kind, rows):
    picture = spectrogram(tone(440), kind)
    assert picture.levels.shape == (rows, 401)
    assert picture.column_s == pytest.approx(0.005)
    assert picture.duration_s == pytest.approx(2.0)


def test_a_full_scale_tone_is_at_its_frequency_and_at_zero_db():
    levels = spectrogram(tone(1000), "stft").levels[:, 50:-50]
    assert (levels.argmax(axis=0) == 64).all()  # 1000 Hz in bins of 15.625 Hz
    assert levels.max(axis=0) == pytest.approx(0, abs=0.01)


def test_a_tone_is_in_the_mel_band_whose_tick_says_so():
    positions, labels = plots._row_ticks("mel")
    at = positions[labels.index("2,000")]
    assert spectrogram(tone(2000), "mel").levels[:, 200].argmax() == pytest.approx(at, abs=1)


def test_speech_is_found_where_it_is():
    quiet = np.random.default_rng(0).normal(0, 1e-3, 32_000).astype(np.float32)
    picture = spectrogram(np.concatenate([quiet, speak(1, 3.0), quiet]))
    assert picture.segments[0].start_s == pytest.approx(2.0, abs=0.3)
    assert picture.segments[-1].end_s == pytest.approx(5.0, abs=0.3)
    assert picture.quality.speech_s == pytest.approx(3.0, abs=0.5)


def test_a_long_recording_is_averaged_to_a_picture_of_bounded_width(monkeypatch):
    monkeypatch.setattr(plots, "MOST_COLUMNS", 50)
    loud_then_soft = np.concatenate([tone(1000), 0.1 * tone(1000)])
    picture = spectrogram(loud_then_soft, "stft")
    columns = picture.levels.shape[1]
    assert columns < 100
    assert columns * picture.column_s == pytest.approx(4.0, abs=2 * picture.column_s)
    level = picture.levels[64]  # 1000 Hz
    assert level[5 : columns // 2 - 5] == pytest.approx(0, abs=0.01)
    assert level[columns // 2 + 5 : -5] == pytest.approx(-20, abs=0.01)


def test_an_averaged_column_is_the_mean_power_of_its_frames(monkeypatch):
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    whole = 10 ** (spectrogram(noise, "stft").levels / 10)
    monkeypatch.setattr(plots, "MOST_COLUMNS", 20)
    picture = spectrogram(noise, "stft")
    factor = round(picture.column_s / 0.005)
    assert factor == 8
    expected = whole[:, : 25 * factor].reshape(513, 25, factor).mean(axis=2)
    assert 10 ** (picture.levels[:, :25] / 10) == pytest.approx(expected, rel=1e-3)


def test_an_unknown_kind_lists_the_known():
    with pytest.raises(UsageError, match="mel, stft, mfcc"):
        spectrogram(tone(440), "wavelet")


def test_a_missing_file_is_an_audio_error(tmp_path):
    with pytest.raises(AudioFileNotFoundError):
        spectrogram(tmp_path / "none.wav")


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_written_whole_as_png(tmp_path, kind):
    path = tmp_path / "out.png"
    save(picture_of(kind), path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert list(tmp_path.iterdir()) == [path]


def test_axes_say_seconds_hertz_and_decibels_and_the_title_the_facts():
    figure = draw(picture_of("mel"))
    levels, speech, bar = figure.axes
    assert levels.get_xlabel() == "time (s)"
    assert levels.get_ylabel() == "frequency (Hz)"
    assert levels.get_xlim() == (0, 3.0)
    assert bar.get_ylabel() == "dB re full scale"
    assert [text.get_text() for text in figure.texts] == [
        "ada.wav",
        "mel spectrogram  ·  3.0 s long, 1.0 s of it speech  ·  SNR 25 dB",
    ]
    bars = speech.collections[0].get_paths()
    assert [tuple(bar.get_extents().intervalx) for bar in bars] == [(0.5, 1.0), (2.0, 2.5)]


def test_each_column_is_drawn_round_its_time():
    left, right, *_ = draw(picture_of("mel", 2.9)).axes[0].images[0].get_extent()
    assert left == pytest.approx(-0.0025)  # the first frame, of 5 ms, is centred on 0
    assert right == pytest.approx(30 * 0.1, abs=0.005)  # 30 columns, 0.1 s apart


def test_cepstral_coefficients_have_no_hertz():
    levels, _, bar = draw(picture_of("mfcc")).axes
    assert levels.get_ylabel() == "coefficient"
    assert levels.get_yticklabels()[0].get_text() == "1"
    assert bar.get_ylabel() == "dB"


@pytest.mark.parametrize(
    ("duration_s", "label", "second", "length"),
    [
        (400.0, "time (min:s)", "1:00", "6:40 long, 1.0 s of it speech"),
        (7200.0, "time (h:min:s)", "0:10:00", "2:00:00 long, 1.0 s of it speech"),
    ],
)
def test_a_long_recording_is_timed_as_on_a_clock(duration_s, label, second, length):
    figure = draw(picture_of("mel", duration_s))
    levels = figure.axes[0]
    assert levels.get_xlabel() == label
    assert levels.get_xticklabels()[1].get_text() == second
    assert length in figure.texts[1].get_text()


@pytest.mark.parametrize("name", ["$x$_$.wav", "مرحبا 你好.wav", "x" * 300])
def test_any_file_name_can_be_a_title(tmp_path, name):
    save(picture_of(name=name), tmp_path / "out.png")


def test_digital_silence_within_a_recording_has_a_floor():
    levels = spectrogram(np.concatenate([tone(440), np.zeros(32_000, np.float32)])).levels
    assert levels.min() == pytest.approx(FLOOR_DB)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        save(picture_of(), tmp_path / "nowhere" / "out.png")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"voxgate\[plot\]"):
        draw(picture_of())
